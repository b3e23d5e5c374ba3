"""Random weights in exactly the layouts in which the paper's teachers are published.

Run by hand, it exports a teacher of full size and compares:
``python tests/distill/published.py dawn`` or ``odyssey``.
"""

import dataclasses
import json
import os
import resource
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file
from safetensors.torch import save_file
from transformers import Wav2Vec2Config
from transformers import Wav2Vec2Model
from transformers import WavLMConfig
from transformers import WavLMModel
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from audw2s.distill.students.wav2small2 import Wav2Small2
from audw2s.distill.teachers.dawn import Dawn
from audw2s.distill.teachers.odyssey import Odyssey
from audw2s.distill.teachers.whisper import SIZES
from audw2s.distill.teachers.whisper import WhisperTeacher
from audw2s.model.registry import FOLDER

LABELS = {"0": "arousal", "1": "dominance", "2": "valence"}


def sizes_of(layers, width):
    """Large models have width 1024, in heads of 64 and four times as many inside."""
    large = width == 1024
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 16 if large else 4,
        "intermediate_size": 4096 if large else 24,
        "conv_dim": [512] * 7 if large else [8] * 7,
        "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "num_conv_pos_embeddings": 128 if large else 6,
        "num_conv_pos_embedding_groups": 16 if large else 2,
    }


def write_dawn(folder, layers=2, width=16, older=True, seed=0):
    """Write audEERING's layout; return the weights as written.

    ``older``: with the names that weight norms had when it was published.
    """
    sizes = sizes_of(layers, width)
    form = {
        "conv_bias": True,
        "do_stable_layer_norm": True,
        "feat_extract_activation": "gelu",
        "feat_extract_norm": "layer",
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-05,
        "mask_time_prob": 0.05,
    }
    config = {
        **sizes,
        **form,
        "architectures": ["Wav2Vec2ForSpeechClassification"],
        "add_adapter": False,
        "final_dropout": 0.1,
        "id2label": LABELS,
        "model_type": "wav2vec2",
        "pooling_mode": "mean",
        "problem_type": "regression",
        "torch_dtype": "float32",
        "transformers_version": "4.17.0.dev0",
        "vocab_size": None,
    }
    head = {
        "classifier.dense.weight": (width, width),
        "classifier.dense.bias": (width,),
        "classifier.out_proj.weight": (3, width),
        "classifier.out_proj.bias": (3,),
    }
    with torch.device("meta"):
        encoder = Wav2Vec2Model(Wav2Vec2Config(**sizes, **form))
    return write(folder, config, "wav2vec2.", encoder, head, older, seed)


def write_odyssey(folder, layers=2, width=16, older=True, seed=0):
    """Write the Odyssey baseline's layout; return the weights as written.

    The published ``config.json`` has only the first three sizes.
    """
    sizes = sizes_of(layers, width)
    config = {
        "architectures": ["SERModel"],
        "auto_map": {"AutoConfig": "pipeline_utils.SERConfig"},
        "id2label": LABELS,
        "sampling_rate": 16000,
        "maxlen": 192000,
        "mean": -8.278621631819787e-05,
        "std": 0.08485510250851999,
        "classifier_dropout_prob": 0.5,
        "classifier_hidden_layers": 1,
        "model_type": "ser",
        "num_classes": 3,
        "ssl_type": "microsoft/wavlm-large",
        "torch_dtype": "float32",
        "transformers_version": "4.34.0.dev0",
    }
    written = ("hidden_size", "num_attention_heads", "num_hidden_layers")
    config |= {k: v for k, v in sizes.items() if width != 1024 or k in written}
    head = {
        "pool_model.sap_linear.weight": (width, width),
        "pool_model.sap_linear.bias": (width,),
        "pool_model.attention": (width, 1),
        "ser_model.fc.0.0.weight": (width, 2 * width),
        "ser_model.fc.0.0.bias": (width,),
        "ser_model.fc.0.1.weight": (width,),
        "ser_model.fc.0.1.bias": (width,),
        "ser_model.out.0.weight": (3, width),
        "ser_model.out.0.bias": (3,),
    }
    form = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
    with torch.device("meta"):
        encoder = WavLMModel(WavLMConfig(**sizes, **form))
    return write(folder, config, "ssl_model.", encoder, head, older, seed)


def write(folder, config, prefix, encoder, head, older, seed):
    shapes = {prefix + k: tuple(v.shape) for k, v in encoder.state_dict().items()}
    if older:
        norm = "parametrizations.weight.original"
        for name, short in [(f"{norm}0", "weight_g"), (f"{norm}1", "weight_v")]:
            shapes = {k.replace(name, short): v for k, v in shapes.items()}
    generator = torch.Generator().manual_seed(seed)
    weights = {k: draw(k, v, generator) for k, v in (shapes | head).items()}
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=2)
    save_file(weights, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    return weights


def draw(key, shape, generator):
    """Values that all matter: in networks at their start, many are 0, 1 or tiny."""
    value = torch.randn(shape, generator=generator)
    if key.endswith(("weight_g", "original0", "gru_rel_pos_const")):
        return 1 + 0.2 * value
    if key.endswith(".bias"):
        return 0.1 * value
    if len(shape) == 1:
        return 1 + 0.2 * value
    if "rel_attn_embed" in key:
        return value
    if key == "pool_model.attention":
        return value / shape[0] ** 0.5
    return value / (value[0].numel()) ** 0.5


def read_folder(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file)


def write_folder(folder, config=None, weights=None):
    """Replace the configuration or the weights."""
    if config is not None:
        with open(os.path.join(folder, "config.json"), "w") as file:
            json.dump(config, file)
    if weights is not None:
        save_file(weights, os.path.join(folder, "model.safetensors"))


def random_wav2small2(folder):
    torch.manual_seed(0)
    network = Wav2Small2().train()
    with torch.no_grad():
        network(torch.randn(4, 16000))
    os.makedirs(folder, exist_ok=True)
    save_file(network.state_dict(), os.path.join(folder, "model.safetensors"))


def random_whisper(folder):
    """Whisper base as published, decoder included, here a small one."""
    torch.manual_seed(0)
    encoder = WhisperEncoder(WhisperConfig(**dataclasses.asdict(SIZES["base"])))
    weights = {f"model.encoder.{k}": v for k, v in encoder.state_dict().items()}
    weights["model.decoder.embed_tokens.weight"] = torch.zeros(9, 512)
    weights["proj_out.weight"] = torch.zeros(9, 512)
    os.makedirs(folder, exist_ok=True)
    save_file(weights, os.path.join(folder, "model.safetensors"))


WRITE = {
    "whisper-base-adv": random_whisper,
    "dawn": write_dawn,
    "odyssey": write_odyssey,
    "wav2small-2.0": random_wav2small2,
}


def whisper_of(folder):
    """Put together step by step what the package does in one call."""
    weights = load_file(os.path.join(folder, "model.safetensors"))
    prefix = "model.encoder."
    encoder = WhisperEncoder(WhisperConfig(**dataclasses.asdict(SIZES["base"])))
    encoder.load_state_dict(
        {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    )
    # As its head says
    network = WhisperTeacher(encoder, (1, 2, 3, 4), speech_only=True).eval()
    head = os.path.join(FOLDER, "whisper-base-adv", "head.safetensors")
    network.adv.load_state_dict(load_file(head))
    return network


def network_of(name, folder):
    if name == "whisper-base-adv":
        return whisper_of(folder)
    if name == "wav2small-2.0":
        network = Wav2Small2().eval()
        network.load_state_dict(load_file(os.path.join(folder, "model.safetensors")))
        return network
    return {"dawn": Dawn, "odyssey": Odyssey}[name].from_folder(str(folder))


def noises(*lengths):
    rng = np.random.default_rng(0)
    return [(0.1 * rng.standard_normal(n)).astype(np.float32) for n in lengths]


def largest_difference(network, model, signals):
    """Between both outputs of a network and of its ONNX form."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    worst = 0.0
    for signal in signals:
        outputs = session.run(["hidden_states", "logits"], {"signal": signal[None]})
        with torch.inference_mode():
            expected = network(torch.from_numpy(signal[None]))
        for one, other in zip(outputs, expected, strict=True):
            assert one.shape == other.shape
            # Not max(): NaN has to be noticed
            worst = np.maximum(worst, np.abs(one - other.numpy()).max())
    return worst


def export_full_size(name):
    """Export a network of full size, save it, and compare; print what it takes."""
    from audw2s.distill.export import to_onnx
    from audw2s.model.store import save

    def report(text):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{time.time() - start:7.1f} s, peak {peak:5.2f} GiB: {text}", flush=True)

    start = time.time()
    with tempfile.TemporaryDirectory() as folder:
        if name == "dawn":
            write_dawn(folder, layers=12, width=1024)
            network = Dawn.from_folder(folder)
        else:
            write_odyssey(folder, layers=24, width=1024)
            network = Odyssey.from_folder(folder)
        count = sum(value.numel() for value in network.parameters())
        report(f"{name} written and loaded, {count:,} parameters")
        model = to_onnx(network)
        report(f"exported, {model.ByteSize() / 1e6:.1f} MB")
        for signal in noises(8001, 33333, 80001):
            worst = largest_difference(network, model, [signal])
            report(f"differs by {worst:.1e} at {len(signal)} samples")
        save(model, os.path.join(folder, "onnx"), {"name": name})
        size = os.path.getsize(os.path.join(folder, "onnx", "model.onnx"))
        report(f"saved, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    export_full_size(sys.argv[1])
