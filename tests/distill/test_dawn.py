"""Our module for audEERING's wav2vec2: what only it does, and what it refuses."""

import numpy as np
import pytest
import torch
from published import noises
from published import read_folder
from published import write_dawn
from published import write_folder

from audw2s.distill.teachers.dawn import Dawn


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("dawn"))
    write_dawn(folder)
    return Dawn.from_folder(folder)


def test_level_and_offset_change_no_value(network):
    (signal,) = noises(8001)
    signals = [signal, 3 * signal, signal + 0.1]
    with torch.inference_mode():
        logits = network(torch.from_numpy(np.stack(signals)))[1]
    torch.testing.assert_close(logits, logits[:1].expand(3, -1), atol=1e-4, rtol=0)


def test_published_weights_are_loaded_unchanged(tmp_path):
    """Also from float16, and without the one that only training needs."""
    weights = write_dawn(str(tmp_path))
    del weights["wav2vec2.masked_spec_embed"]
    write_folder(str(tmp_path), weights={k: v.half() for k, v in weights.items()})
    network = Dawn.from_folder(str(tmp_path))
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    for key, name in [
        ("classifier.out_proj.weight", "adv.weight"),
        ("wav2vec2.encoder.layers.1.attention.q_proj.bias", None),
    ]:
        name = name or key.replace("wav2vec2.", "encoder.")
        assert torch.equal(network.state_dict()[name], weights[key].half().float())


def sequence_classification(weights):
    """The head of transformers' class, which users load these weights with."""
    kept = {k: v for k, v in weights.items() if not k.startswith("classifier.")}
    return {
        **kept,
        "projector.weight": torch.zeros(256, 16),
        "projector.bias": torch.zeros(256),
        "classifier.weight": torch.zeros(3, 256),
        "classifier.bias": torch.zeros(3),
    }


def renamed(weights, old, new):
    return {new if key == old else key: value for key, value in weights.items()}


LAYER = "wav2vec2.encoder.layers.0.attention.k_proj.weight"
NORM = "wav2vec2.encoder.pos_conv_embed.conv."


@pytest.mark.parametrize(
    "change, expected",
    [
        (
            sequence_classification,
            r"4 missing \(classifier.dense.weight, classifier.dense.bias, "
            r"classifier.out_proj.weight, …\); "
            r"4 unknown \(classifier.bias, classifier.weight, projector.bias, …\)",
        ),
        (
            lambda w: {k: v for k, v in w.items() if k != LAYER},
            rf"1 missing \({LAYER}\)\.$",
        ),
        (
            lambda w: renamed(w, LAYER, f"{LAYER}_"),
            rf"1 missing \({LAYER}\); 1 unknown \({LAYER}_\)",
        ),
        (
            lambda w: {**w, "lm_head.bias": torch.zeros(3)},
            r"1 unknown \(lm_head.bias\)",
        ),
        (
            lambda w: {**w, "wav2vec2.masked_spec_embed_": torch.zeros(16)},
            r"1 unknown \(wav2vec2.masked_spec_embed_\)",
        ),
        (
            lambda w: {**w, "classifier.out_proj.weight": torch.zeros(2, 16)},
            r"1 wrong \(classifier.out_proj.weight is float32 \(2, 16\), "
            r"not float32 \(3, 16\)\)",
        ),
        (
            lambda w: {**w, "classifier.out_proj.bias": torch.zeros(3).char()},
            r"classifier.out_proj.bias is int8 \(3,\), not float32 \(3,\)",
        ),
        (
            lambda w: {k: v for k, v in w.items() if k != f"{NORM}weight_g"},
            rf"1 missing \({NORM}weight_g\)",
        ),
        (
            lambda w: {
                **w,
                f"{NORM}parametrizations.weight.original0": torch.ones(1, 1, 6),
            },
            rf"1 twice \({NORM}weight_g\)",
        ),
    ],
)
def test_keys_that_do_not_fit_are_errors(tmp_path, change, expected):
    weights = change(write_dawn(str(tmp_path)))
    write_folder(str(tmp_path), weights=weights)
    with pytest.raises(
        ValueError, match=f"doesn't hold the weights of Dawn.*{expected}"
    ):
        Dawn.from_folder(str(tmp_path))


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"feat_extract_norm": "group"}, "has feat_extract_norm 'group', not 'layer'"),
        ({"do_stable_layer_norm": False}, "has do_stable_layer_norm False, not True"),
        ({"pooling_mode": "max"}, "has pooling_mode 'max', not 'mean'"),
        (
            {"id2label": {"0": "arousal", "1": "valence", "2": "dominance"}},
            "has id2label .*'valence'.*, not .*'dominance'",
        ),
        ({"hidden_size": "16"}, "has hidden_size '16', sizes such as 1024"),
        ({"hidden_size": True}, "has hidden_size True"),
        ({"num_hidden_layers": 0}, "has num_hidden_layers 0"),
        ({"conv_dim": [8] * 6}, "has conv_dim .8, 8, 8, 8, 8, 8., sizes such as"),
        ({"conv_stride": [5, 2, 2, 2, 2, 2, 2.0]}, "has conv_stride"),
        ({"num_attention_heads": 3}, "describes no network: .*num_heads"),
        ({"num_conv_pos_embedding_groups": 3}, "describes no network: .*groups"),
        ({"num_hidden_layers": 3}, r"\d+ missing \(wav2vec2.encoder.layers.2"),
        ({"num_hidden_layers": 1}, r"\d+ unknown \(wav2vec2.encoder.layers.1"),
    ],
)
def test_configurations_that_do_not_fit_are_errors(tmp_path, changes, expected):
    write_dawn(str(tmp_path))
    write_folder(str(tmp_path), config={**read_folder(str(tmp_path)), **changes})
    with pytest.raises(ValueError, match=f"{tmp_path}.*{expected}"):
        Dawn.from_folder(str(tmp_path))


def test_a_configuration_without_all_sizes_is_an_error(tmp_path):
    write_dawn(str(tmp_path))
    config = read_folder(str(tmp_path))
    del config["conv_bias"], config["hidden_size"]
    write_folder(str(tmp_path), config=config)
    with pytest.raises(ValueError, match="config.json' has no conv_bias, hidden_size"):
        Dawn.from_folder(str(tmp_path))
