"""Wav2Small: size, compute, and independence of clips."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from audw2s.distill.students import STUDENTS
from audw2s.distill.students import load_student


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return STUDENTS["wav2small"]().eval()


def test_wav2small_has_the_published_parameters(network):
    trained = [p.numel() for p in network.parameters() if p.requires_grad]
    assert sum(p.numel() for p in network.parameters()) == 71_801
    assert sum(trained) == 67_577
    assert network.logmel.mel.numel() == 858


def test_wav2small_needs_the_published_compute(network):
    """Multiplications of convolutions and linear layers, counted while they run.

    The mel bands, a matrix product of 0.002 GMAC, are not among the published ones.
    """
    counts = []

    def count(module, inputs, output):
        taps = module.weight[0].numel()
        counts.append(taps * output.numel())

    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    network(torch.zeros(1, 80000))
    for hook in hooks:
        hook.remove()
    frames, bins, taps = 2499, 33, 64
    assert len(counts) == 11
    assert (sum(counts) + 2 * frames * bins * taps) / 1e9 == pytest.approx(
        0.389, abs=0.0005
    )


def test_wav2small_has_the_published_tokens(network):
    assert network.tokens(torch.zeros(1, 80000)).shape == (1, 1250, 169)


def test_values_of_a_token_are_ordered_by_channel_and_band(network):
    """A token holds channel after channel, each with its mel bands."""
    signal = torch.randn(2, 3000)
    with torch.inference_mode():
        tokens = network.tokens(signal)
        maps = network.body(network.logmel(network.normalise(signal)))
    for channel, band in [(0, 0), (0, 5), (3, 12), (12, 7)]:
        expected = maps[:, channel, :, band]
        assert torch.equal(tokens[:, :, 13 * channel + band], expected)


def test_clips_of_a_batch_are_independent(student):
    signals = torch.randn(3, 5000)
    with torch.inference_mode():
        one_pass = student(signals)[1]
        exact = torch.cat([student(signal[None])[1] for signal in signals])
    torch.testing.assert_close(one_pass, exact, atol=1e-4, rtol=0)


def test_level_and_offset_change_no_value(student):
    signal = torch.randn(1, 5000)
    with torch.inference_mode():
        values = student(signal)[1]
        louder = student(7 * signal + 0.5)[1]
    torch.testing.assert_close(values, louder, atol=1e-3, rtol=0)


def test_a_saved_student_is_loaded_unchanged(student, tmp_path):
    path = str(tmp_path / "student.safetensors")
    save_file(student.state_dict(), path, metadata={"student": "wav2small"})
    name, loaded = load_student(path)
    signal = torch.randn(1, 1000)
    with torch.inference_mode():
        assert torch.equal(loaded(signal)[1], student(signal)[1])
    assert name == "wav2small"


@pytest.mark.parametrize(
    "change, metadata, message",
    [
        ({}, {"student": "other"}, "known are wav2small"),
        ({}, None, "known are wav2small"),
        ({"adv.bias": None}, {"student": "wav2small"}, r"1 missing \(adv.bias\)"),
        ({"more": torch.zeros(1)}, {"student": "wav2small"}, r"1 unknown \(more\)"),
        (
            {"adv.bias": torch.zeros(4)},
            {"student": "wav2small"},
            r"1 wrong \(adv.bias is float32 \(4,\), not float32 \(3,\)\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_errors(
    student, tmp_path, change, metadata, message
):
    path = str(tmp_path / "student.safetensors")
    weights = {**student.state_dict(), **change}
    weights = {k: v for k, v in weights.items() if v is not None}
    save_file(weights, path, metadata=metadata)
    with pytest.raises(ValueError, match=message):
        load_student(path)


def test_a_file_of_something_else_is_an_error(tmp_path):
    path = tmp_path / "student.safetensors"
    with pytest.raises(FileNotFoundError, match="No trained student"):
        load_student(str(path))
    path.write_bytes(np.arange(100).tobytes())
    with pytest.raises(
        ValueError, match="student.safetensors' is no whole safetensors"
    ):
        load_student(str(path))
