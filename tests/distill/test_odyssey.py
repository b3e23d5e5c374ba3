"""Our module for the Odyssey baseline against a literal one, and its ONNX form."""

import literal
import numpy as np
import pytest
import torch
from published import largest_difference
from published import noises
from published import read_folder
from published import write_folder
from published import write_odyssey

from audw2s.distill.export import to_onnx
from audw2s.distill.teachers.odyssey import SIZES
from audw2s.distill.teachers.odyssey import AttentivePooling
from audw2s.distill.teachers.odyssey import Odyssey


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("odyssey"))
    write_odyssey(folder)
    return Odyssey.from_folder(folder)


@pytest.mark.parametrize("length", [64, 333, 399, 400, 401, 719, 720, 1001, 33333])
def test_outputs_are_those_of_the_literal_form(tmp_path, length):
    weights = write_odyssey(str(tmp_path), seed=length)
    (signal,) = noises(length)
    with torch.inference_mode():
        found = Odyssey.from_folder(str(tmp_path))(torch.from_numpy(signal[None]))
    expected = literal.odyssey(signal, weights, num_heads=4)
    np.testing.assert_allclose(found[0][0].numpy(), expected[0], atol=2e-5)
    np.testing.assert_allclose(found[1][0].numpy(), expected[1], atol=2e-5)


def test_full_width(tmp_path):
    """With the published config.json, which leaves most sizes out."""
    weights = write_odyssey(str(tmp_path), layers=2, width=1024)
    assert "intermediate_size" not in read_folder(str(tmp_path))
    (signal,) = noises(2001)
    with torch.inference_mode():
        found = Odyssey.from_folder(str(tmp_path))(torch.from_numpy(signal[None]))
    # pytest keeps its folders, and this is large
    (tmp_path / "model.safetensors").unlink()
    expected = literal.odyssey(signal, weights, num_heads=16)
    assert found[0].shape == (1, 2048)
    np.testing.assert_allclose(found[0][0].numpy(), expected[0], atol=2e-5)
    np.testing.assert_allclose(found[1][0].numpy(), expected[1], atol=2e-5)


def test_positions_of_long_signals(tmp_path):
    """Beyond 800 frames, 16 s, all distances are alike."""
    weights = write_odyssey(str(tmp_path), layers=1)
    network = Odyssey.from_folder(str(tmp_path))
    (signal,) = noises(300001)
    with torch.inference_mode():
        found = network(torch.from_numpy(signal[None]))[1][0].numpy()
    np.testing.assert_allclose(
        found, literal.odyssey(signal, weights, num_heads=4)[1], atol=2e-5
    )
    assert largest_difference(network, to_onnx(network), [signal]) <= 1e-4


def test_full_size():
    """317M parameters, 1.27 GB as published."""
    with torch.device("meta"):
        network = Odyssey(SIZES)
    assert sum(value.numel() for value in network.parameters()) == 318_606_019


def test_onnx_at_odd_lengths(network):
    signals = noises(64, 399, 400, 401, 1001, 16001, 33333)
    # Frames that are alike have next to no deviation
    signals += [np.zeros(8001, np.float32), np.full(8001, 0.25, np.float32)]
    assert largest_difference(network, to_onnx(network), signals) <= 1e-5


def test_batches_of_equal_lengths(network):
    for length in (64, 401, 8001):
        batch = torch.from_numpy(np.stack(noises(length, length, length)))
        with torch.inference_mode():
            together = network(batch)
            alone = [network(signal[None]) for signal in batch]
        for found, expected in zip(together, zip(*alone, strict=True), strict=True):
            torch.testing.assert_close(found, torch.cat(expected), atol=1e-5, rtol=0)


def test_signal_is_not_changed(network):
    signal = torch.from_numpy(noises(8001)[0][None])
    before = signal.clone()
    network(signal)
    assert torch.equal(signal, before)


def test_network_is_frozen(network):
    assert not network.training
    assert not any(value.requires_grad for value in network.parameters())


def test_pooling_without_attention_is_mean_and_deviation():
    hidden = torch.randn(2, 50, 7)
    found = AttentivePooling(7)(hidden)
    deviation = hidden.std(dim=1, correction=0)
    expected = torch.cat([hidden.mean(dim=1), deviation], dim=1)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_pooling_of_one_frame():
    """No deviation: the smallest that there is."""
    found = AttentivePooling(4)(torch.randn(1, 1, 4))
    torch.testing.assert_close(found[0, 4:], torch.full((4,), 1e-5).sqrt())


def test_both_names_of_weight_norms(tmp_path, network):
    write_odyssey(str(tmp_path), older=False)
    loaded = Odyssey.from_folder(str(tmp_path)).state_dict()
    expected = network.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], expected[key]) for key in expected)


def test_mean_and_std_are_read(tmp_path, network):
    write_odyssey(str(tmp_path))
    config = read_folder(str(tmp_path))
    assert (network.mean, network.std) == (config["mean"], config["std"])
    write_folder(str(tmp_path), config={**config, "mean": 0.25, "std": 2})
    other = Odyssey.from_folder(str(tmp_path))
    (signal,) = noises(5001)
    same = ((signal - network.mean) / (network.std + 1e-6)) * (2 + 1e-6) + 0.25
    with torch.inference_mode():
        expected = network(torch.from_numpy(signal[None]))[1]
        found = other(torch.from_numpy(same[None].astype(np.float32)))[1]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


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
def test_keys_that_do_not_fit(tmp_path, change, expected):
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
def test_configurations_that_do_not_fit(tmp_path, changes, expected):
    write_odyssey(str(tmp_path))
    write_folder(str(tmp_path), config={**read_folder(str(tmp_path)), **changes})
    with pytest.raises(ValueError, match=f"{tmp_path}.*{expected}"):
        Odyssey.from_folder(str(tmp_path))
