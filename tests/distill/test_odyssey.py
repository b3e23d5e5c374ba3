"""Our module for the Odyssey baseline: what only it does, and what it refuses."""

import literal
import numpy as np
import pytest
import torch
from published import noises
from published import read_folder
from published import write_folder
from published import write_odyssey

from audw2s.distill.teachers.odyssey import AttentivePooling
from audw2s.distill.teachers.odyssey import Odyssey


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("odyssey"))
    write_odyssey(folder)
    return Odyssey.from_folder(folder)


def test_positions_of_long_signals_follow_the_formula(tmp_path):
    """Beyond 800 frames, 16 s, all distances are alike."""
    weights = write_odyssey(str(tmp_path), layers=1)
    network = Odyssey.from_folder(str(tmp_path))
    (signal,) = noises(270001)
    with torch.inference_mode():
        actual = network(torch.from_numpy(signal[None]))[1][0].numpy()
    np.testing.assert_allclose(
        actual, literal.odyssey(signal, weights, num_heads=4)[1], atol=2e-5
    )


def test_pooling_without_attention_is_mean_and_deviation():
    hidden = torch.randn(2, 50, 7)
    actual = AttentivePooling(7)(hidden)
    deviation = hidden.std(dim=1, correction=0)
    expected = torch.cat([hidden.mean(dim=1), deviation], dim=1)
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


def test_pooling_of_one_frame_is_finite():
    """No deviation: the smallest that there is."""
    actual = AttentivePooling(4)(torch.randn(1, 1, 4))
    torch.testing.assert_close(actual[0, 4:], torch.full((4,), 1e-5).sqrt())


def test_mean_and_std_are_read_from_the_configuration(tmp_path, network):
    write_odyssey(str(tmp_path))
    config = read_folder(str(tmp_path))
    assert (network.mean, network.std) == (config["mean"], config["std"])
    write_folder(str(tmp_path), config={**config, "mean": 0.25, "std": 2})
    other = Odyssey.from_folder(str(tmp_path))
    (signal,) = noises(5001)
    same = ((signal - network.mean) / (network.std + 1e-6)) * (2 + 1e-6) + 0.25
    with torch.inference_mode():
        expected = network(torch.from_numpy(signal[None]))[1]
        actual = other(torch.from_numpy(same[None].astype(np.float32)))[1]
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


HEAD = "ser_model.out.0.weight"


@pytest.mark.parametrize(
    "change, expected",
    [
        (
            lambda w: {k: v for k, v in w.items() if not k.startswith("pool_model.")},
            r"3 missing \(pool_model.attention, pool_model.sap_linear.weight, "
            r"pool_model.sap_linear.bias\)",
        ),
        (
            lambda w: {k.replace("out.0", "out"): v for k, v in w.items()},
            rf"missing \({HEAD}, .*2 unknown \(ser_model.out.bias",
        ),
        (
            lambda w: {**w, HEAD: torch.zeros(8, 16)},
            rf"1 wrong \({HEAD} is float32 \(8, 16\), not float32 \(3, 16\)\)",
        ),
        (
            lambda w: {**w, "ser_model.fc.1.0.bias": torch.zeros(16)},
            r"1 unknown \(ser_model.fc.1.0.bias\)",
        ),
        (
            lambda w: {k: v for k, v in w.items() if "rel_attn_embed" not in k},
            r"1 missing \(ssl_model.encoder.layers.0.attention.rel_attn_embed.weight\)",
        ),
    ],
)
def test_keys_that_do_not_fit_are_errors(tmp_path, change, expected):
    weights = change(write_odyssey(str(tmp_path)))
    write_folder(str(tmp_path), weights=weights)
    with pytest.raises(
        ValueError, match=f"doesn't hold the weights of Odyssey.*{expected}"
    ):
        Odyssey.from_folder(str(tmp_path))


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"ssl_type": "microsoft/wavlm-base"}, "has ssl_type 'microsoft/wavlm-base'"),
        (
            {"id2label": {"0": "arousal", "1": "valence", "2": "dominance"}},
            "has id2label",
        ),
        ({"std": 0}, "has mean -8.27.* and std 0"),
        ({"mean": float("nan")}, "has mean nan"),
        ({"std": "0.08"}, "std '0.08'"),
        ({"num_buckets": -320}, "has num_buckets -320"),
        (
            {"hidden_size": 32},
            r"wrong \(.*is float32 \(16, 16\), not float32 \(32, 32\)",
        ),
    ],
)
def test_configurations_that_do_not_fit_are_errors(tmp_path, changes, expected):
    write_odyssey(str(tmp_path))
    write_folder(str(tmp_path), config={**read_folder(str(tmp_path)), **changes})
    with pytest.raises(ValueError, match=f"{tmp_path}.*{expected}"):
        Odyssey.from_folder(str(tmp_path))
