"""Both members of the paper's teacher, and their ONNX forms."""

import dataclasses
from collections.abc import Callable

import literal
import numpy as np
import pytest
import torch
from full import full
from published import largest_difference
from published import noises
from published import read_folder
from published import write_dawn
from published import write_odyssey
from torch import nn

from audw2s.distill.export import to_onnx
from audw2s.distill.teachers import dawn
from audw2s.distill.teachers import odyssey
from audw2s.distill.teachers.dawn import Dawn
from audw2s.distill.teachers.odyssey import Odyssey


@dataclasses.dataclass(frozen=True)
class Half:
    kind: type[nn.Module]
    write: Callable
    literal: Callable
    atol: float
    """Of values against those of the literal form."""
    sizes: dict
    """Of the published network."""
    parameters: int
    hidden_size: int


HALVES = {
    "dawn": Half(Dawn, write_dawn, literal.dawn, 1e-5, dawn.SIZES, 165_335_683, 1024),
    "odyssey": Half(
        Odyssey, write_odyssey, literal.odyssey, 2e-5, odyssey.SIZES, 318_606_019, 2048
    ),
}


@pytest.fixture(scope="module", params=HALVES)
def half(request) -> Half:
    return HALVES[request.param]


@pytest.fixture(scope="module")
def network(half, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("half"))
    half.write(folder)
    return half.kind.from_folder(folder)


def outputs(network, signal):
    with torch.inference_mode():
        return [values[0].numpy() for values in network(torch.from_numpy(signal[None]))]


@pytest.mark.parametrize(
    "length", [64, 333, 399, 400, 401, 719, 720, 1001, 9999, 33333]
)
def test_outputs_are_those_of_the_literal_form(tmp_path, half, length):
    weights = half.write(str(tmp_path), seed=length)
    (signal,) = noises(length)
    actual = outputs(half.kind.from_folder(str(tmp_path)), signal)
    expected = half.literal(signal, weights, num_heads=4)
    np.testing.assert_allclose(actual[0], expected[0], atol=half.atol)
    np.testing.assert_allclose(actual[1], expected[1], atol=half.atol)


def test_networks_have_their_published_width(tmp_path, half):
    weights = half.write(str(tmp_path), layers=2, width=1024)
    # The published config.json of Odyssey leaves most sizes out
    assert ("intermediate_size" in read_folder(str(tmp_path))) == (half.kind is Dawn)
    (signal,) = noises(2001)
    actual = outputs(half.kind.from_folder(str(tmp_path)), signal)
    # pytest keeps its folders, and this is large
    (tmp_path / "model.safetensors").unlink()
    expected = half.literal(signal, weights, num_heads=16)
    assert actual[0].shape == (half.hidden_size,)
    np.testing.assert_allclose(actual[0], expected[0], atol=half.atol)
    np.testing.assert_allclose(actual[1], expected[1], atol=half.atol)


def test_networks_have_their_published_size(half):
    """165M parameters, 661 MB as published, and 317M, 1.27 GB."""
    with torch.device("meta"):
        network = half.kind(half.sizes)
    assert sum(value.numel() for value in network.parameters()) == half.parameters


# That of Odyssey is also checked where it is got
@pytest.mark.parametrize(
    "half", ["dawn", pytest.param("odyssey", marks=full)], indirect=True
)
def test_networks_and_their_onnx_forms_agree_at_odd_lengths(network):
    signals = noises(64, 399, 400, 401, 1001, 16001, 33333)
    # Frames that are alike have next to no deviation
    signals += [np.zeros(8001, np.float32), np.full(8001, 0.25, np.float32)]
    model = to_onnx(network)
    assert largest_difference(network, model, signals) <= 1e-5
    # Beyond 800 frames, 16 s, all distances of Odyssey's positions are alike
    assert largest_difference(network, model, noises(270001)) <= 1e-4


def test_a_batch_gives_the_values_of_its_signals(network):
    for length in (64, 401, 8001):
        batch = torch.from_numpy(np.stack(noises(length, length, length)))
        with torch.inference_mode():
            one_pass = network(batch)
            exact = [network(signal[None]) for signal in batch]
        for actual, expected in zip(one_pass, zip(*exact, strict=True), strict=True):
            torch.testing.assert_close(actual, torch.cat(expected), atol=1e-5, rtol=0)


def test_signal_is_not_changed(network):
    signal = torch.from_numpy(noises(8001)[0][None])
    before = signal.clone()
    network(signal)
    assert torch.equal(signal, before)


def test_network_is_frozen(network):
    assert not network.training
    assert not any(value.requires_grad for value in network.parameters())
    signal = torch.from_numpy(noises(8001)[0][None])
    expected = network(signal)
    network.train()
    try:
        # No dropout and no masks, whatever state it is in
        assert torch.equal(network(signal)[1], expected[1])
    finally:
        network.eval()


def test_both_names_of_the_weight_norm_are_read(tmp_path, half, network):
    weights = half.write(str(tmp_path), older=False)
    assert not [key for key in weights if key.endswith(("weight_g", "weight_v"))]
    loaded = half.kind.from_folder(str(tmp_path)).state_dict()
    expected = network.state_dict()
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[key], expected[key]) for key in expected)


def test_missing_files_are_errors(tmp_path, half):
    with pytest.raises(FileNotFoundError, match="config.json"):
        half.kind.from_folder(str(tmp_path))
