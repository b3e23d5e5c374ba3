"""Small encoders of each family, as they are published, with random weights."""

import json
import os

import torch
from safetensors.torch import save_file

from audw2s.distill.exits.backbones import make_backbone
from audw2s.distill.exits.backbones import make_model

CONVOLUTIONAL = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 6,
    "num_conv_pos_embedding_groups": 2,
}

WHISPER = {
    "d_model": 16,
    "encoder_layers": 3,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "num_mel_bins": 80,
}

LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}

SETTINGS = {
    "wav2vec2": {"model_type": "wav2vec2", **CONVOLUTIONAL},
    "wav2vec2-large": {"model_type": "wav2vec2", **CONVOLUTIONAL, **LARGE},
    "wavlm": {"model_type": "wavlm", **CONVOLUTIONAL},
    "wavlm-large": {"model_type": "wavlm", **CONVOLUTIONAL, **LARGE},
    "hubert": {"model_type": "hubert", **CONVOLUTIONAL},
    "whisper": {"model_type": "whisper", **WHISPER},
}

SAMPLES = 8001


def random_model(name, **settings):
    """Weights that all matter: at their start, many are 0 or 1."""
    torch.manual_seed(0)
    model = make_model(SETTINGS[name] | settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def random_backbone(name, samples=SAMPLES):
    torch.manual_seed(0)
    return make_backbone(SETTINGS[name], samples).eval()


def write_encoder(folder, name="wav2vec2", pretraining=True, rate=16000, **settings):
    """Write an encoder in the published layout; return it.

    ``pretraining``: as wav2vec 2.0 base is, with a quantiser, what masks tokens, and
    the names that weight norms had before torch 2.1. ``settings``: of ``config.json``.
    """
    model = random_model(name, **settings)
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    if pretraining:
        norm = "conv.parametrizations.weight.original"
        for new, old in ((f"{norm}0", "conv.weight_g"), (f"{norm}1", "conv.weight_v")):
            weights = {k.replace(new, old): v for k, v in weights.items()}
        weights = {f"wav2vec2.{k}": v for k, v in weights.items()}
        weights["wav2vec2.masked_spec_embed"] = torch.zeros(16)
        weights["quantizer.codevectors"] = torch.zeros(1, 8, 4)
        weights["project_q.bias"] = torch.zeros(4)
    config = {
        **SETTINGS[name],
        **settings,
        "architectures": ["Wav2Vec2ForPreTraining"],
        "mask_time_prob": 0.05,
        "layerdrop": 0.1,
        "transformers_version": "4.7.0.dev0",
    }
    processor = {"do_normalize": True, "sampling_rate": rate, "feature_size": 1}
    os.makedirs(folder, exist_ok=True)
    contents = {"config.json": config, "preprocessor_config.json": processor}
    for file, content in contents.items():
        with open(os.path.join(folder, file), "w") as opened:
            json.dump(content, opened)
    path = os.path.join(folder, "model.safetensors")
    save_file(weights, path, {"format": "pt"})
    return model


PRETRAINING = 672_896
"""Parameters of wav2vec 2.0 base's quantiser and its projections.

Only pretraining needs them. The paper's counts are those of a network that still has
them (transformers' ``Wav2Vec2ForPreTraining``): all of them are met to the digit.
"""


def paper_count(network, depth):
    """Parameters of wav2vec 2.0 base up to an exit, counted as the paper does."""
    # Positions of masked tokens are also learnt in pretraining only
    return network.num_parameters(depth) + PRETRAINING + network.backbone.width
