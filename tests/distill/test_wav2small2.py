"""Wav2Small 2.0: its published keys, and its formula."""

import os

import numpy as np
import pytest
import torch
from fabricated import noise
from safetensors.torch import save_file

from audw2s.distill.students import load_student

SHAPES = {
    "vgg7.l1.conv.weight": (13, 1, 3, 3),
    **{f"vgg7.l{layer}.conv.weight": (13, 13, 3, 3) for layer in range(2, 8)},
    **{
        f"vgg7.l{layer}.norm.{key}": (13,)
        for layer in range(1, 8)
        for key in ("weight", "bias", "running_mean", "running_var")
    },
    **{f"vgg7.l{layer}.norm.num_batches_tracked": () for layer in range(1, 8)},
    "vgg7.lin.weight": (13, 13, 1, 1),
    "vgg7.lin.bias": (13,),
    "vgg7.sof.weight": (13, 13, 1, 1),
    "vgg7.sof.bias": (13,),
    "vgg7.spectrogram_extractor.conv_real.weight": (33, 1, 64),
    "vgg7.spectrogram_extractor.conv_imag.weight": (33, 1, 64),
    "vgg7.logmel_extractor.melW": (33, 26),
    "vgg7.logmel_extractor.amin": (1,),
    "adv.weight": (3, 338),
    "adv.bias": (3,),
}
"""The 52 keys of the published file."""


@pytest.fixture
def weights():
    """A file's content, with values of which none is what it is made with."""
    rng = np.random.default_rng(0)
    values = {key: 0.3 * rng.standard_normal(shape) for key, shape in SHAPES.items()}
    for key in values:
        if key.endswith(("running_var", "melW", "amin")):
            values[key] = np.abs(values[key]) + 0.1
    values = {k: torch.tensor(v, dtype=torch.float32) for k, v in values.items()}
    counts = [key for key in SHAPES if key.endswith("tracked")]
    return values | {key: torch.tensor(7) for key in counts}


@pytest.fixture
def path(tmp_path):
    return os.path.join(tmp_path, "student.safetensors")


def save(weights, path):
    save_file(weights, path, metadata={"student": "wav2small-2.0"})


def literal_block(x, weights, layer):
    """3×3 convolution, normalisation, ReLU of maps ``[channel, time, mel]``."""
    kernel = weights[f"vgg7.l{layer}.conv.weight"]
    _, num_frames, num_bands = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    actual = np.zeros((13, num_frames, num_bands))
    for i in range(3):
        for j in range(3):
            part = padded[:, i : i + num_frames, j : j + num_bands]
            actual += np.tensordot(kernel[:, :, i, j], part, axes=1)
    keys = ("running_mean", "running_var", "weight", "bias")
    norm = [weights[f"vgg7.l{layer}.norm.{key}"][:, None, None] for key in keys]
    actual = (actual - norm[0]) / np.sqrt(norm[1] + 1e-5) * norm[2] + norm[3]
    return np.maximum(actual, 0)


def literal_pool(x):
    """Maximum of 3×3 values around every second one."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    rows = []
    for i in range(0, x.shape[1], 2):
        windows = [padded[:, i : i + 3, j : j + 3] for j in range(0, x.shape[2], 2)]
        rows.append(np.stack([window.max(axis=(1, 2)) for window in windows], axis=1))
    return np.stack(rows, axis=1)


def literal_logmel(signal, weights):
    """Log-mel ``[1, time, mel]``, a frame at a time."""
    x = signal.astype(np.float64)
    x = (x - x.mean()) / np.sqrt(x.var() + 1e-7)
    front = "vgg7.spectrogram_extractor.conv"
    real, imag = (weights[f"{front}_{part}.weight"][:, 0] for part in ("real", "imag"))
    frames = [x[first : first + 64] for first in range(0, len(x) - 63, 32)]
    power = np.array([(real @ frame) ** 2 + (imag @ frame) ** 2 for frame in frames])
    mel = power @ weights["vgg7.logmel_extractor.melW"]
    return 10 * np.log10(np.maximum(mel, weights["vgg7.logmel_extractor.amin"]))[None]


def literal_logits(signal, weights):
    x = literal_logmel(signal, weights)
    for layer in range(1, 8):
        x = literal_block(x, weights, layer)
        if layer == 3:
            x = literal_pool(x)

    def pointwise(key):
        kernel, bias = (weights[f"vgg7.{key}.{part}"] for part in ("weight", "bias"))
        return np.tensordot(kernel[:, :, 0, 0], x, axes=1) + bias[:, None, None]

    lin, sof = pointwise("lin"), np.exp(pointwise("sof"))
    pooled = np.zeros((13, 13))
    for channel in range(13):
        for band in range(13):
            shares = sof[channel, :, band] / sof[channel, :, band].sum()
            pooled[channel, band] = (lin[channel, :, band] * shares).sum()
    rows = [np.append(row, [row @ other for other in pooled]) for row in pooled]
    return weights["adv.weight"] @ np.concatenate(rows) + weights["adv.bias"]


def test_published_keys_are_loaded(weights, path):
    assert len(weights) == 52
    save(weights, path)
    name, network = load_student(path)
    assert name == "wav2small-2.0"
    assert list(network.state_dict().keys() ^ weights.keys()) == []
    for key, value in network.state_dict().items():
        assert torch.equal(value, weights[key])
    buffers = ("running_mean", "running_var", "tracked", "melW", "amin")
    counted = [w.numel() for k, w in weights.items() if not k.endswith(buffers)]
    assert sum(p.numel() for p in network.parameters()) == sum(counted) == 15_030


@pytest.mark.parametrize("length", [64, 65, 127, 128, 1001, 7999])
def test_logits_follow_the_formula(weights, path, length):
    save(weights, path)
    _, network = load_student(path)
    signal = noise(length, length)
    with torch.inference_mode():
        actual = network(torch.from_numpy(signal[None]))[1][0].numpy()
    literal = {key: value.numpy().astype(np.float64) for key, value in weights.items()}
    expected = literal_logits(signal, literal)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "key, replacement",
    [
        ("vgg7.l4.norm.running_var", {}),
        ("adv.bias", {"adv.offset": torch.zeros(3)}),
        ("vgg7.logmel_extractor.amin", {"vgg7.logmel_extractor.amin": torch.ones(2)}),
        ("adv.weight", {"adv.weight": torch.zeros(3, 169)}),
    ],
)
def test_other_keys_and_shapes_are_errors(weights, path, key, replacement):
    del weights[key]
    save(weights | replacement, path)
    with pytest.raises(
        ValueError, match=f"doesn't hold the weights of Wav2Small2.*{key}"
    ):
        load_student(path)
