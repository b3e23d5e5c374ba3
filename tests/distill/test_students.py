"""All students."""

import dataclasses
import os
import shutil

import audonnx
import numpy as np
import onnx
import pytest
import torch
from fabricated import noise
from fabricated import voice
from fabricated import voices
from full import full
from safetensors.torch import save_file
from torch import nn

from audw2s.distill import export
from audw2s.distill.config import Config
from audw2s.distill.students import STUDENTS
from audw2s.distill.students import load_student
from audw2s.distill.train import make_student
from audw2s.distill.train import train
from audw2s.distill.train import use_precision
from audw2s.model.registry import DIMENSIONS

# Parameters and mel weights as published or measured by others, tolerance;
# tokens of 5 s; values of a token; hidden states
SIZES = {
    "wav2small": (72_659, 0, 1250, 169, 169),
    "wav2small-2.0": (15_030 + 859, 0, 1250, 169, 338),
    "mobilenetv4-small": (3.114e6, 0.01, 79, 960, 960),
    "mobilenetv4-medium": (9.05e6, 0.01, 79, 960, 960),
    "mobilenetv4-large": (31.9e6, 0.01, 79, 960, 960),
    "mobilenetv3-small": (1.59e6, 0.01, 79, 576, 576),
    "mobilenetv3-large": (4.82e6, 0.01, 79, 960, 960),
}

LENGTHS = [64, 65, 1001, 7999, 24681]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


LARGE = {"mobilenetv4-medium", "mobilenetv4-large", "mobilenetv3-large"}
"""Students that differ from a small one of their family in sizes only."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=full if n in LARGE else ()) for n in STUDENTS],
)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    """Statistics are those of voices, and logits spread as those of speech.

    Otherwise the maps of deep networks fade, their logits are those of any input,
    and no difference is seen.
    """
    torch.manual_seed(0)
    network = STUDENTS[name]().train()
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = None
        for seed in range(2):
            network(torch.from_numpy(voices(seed)))
        for norm in norms:
            norm.momentum = 0.1
        hidden_states, logits = network.eval()(torch.from_numpy(voices(2)))
        network.adv.weight *= (0.1 / logits.std(dim=0))[:, None]
        network.adv.bias.copy_(0.5 - network.adv.weight @ hidden_states.mean(dim=0))
    return network


def save_student(weights, name, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "student.safetensors")
    save_file(weights, path, metadata={"student": name})
    return path


def logits_of(network, signal):
    with torch.inference_mode():
        return network(torch.from_numpy(signal[None]))[1].numpy()


def spoken(length):
    return voice(length, 2)[:length]


def test_all_students_are_tested():
    assert list(SIZES) == list(STUDENTS)


@pytest.mark.parametrize("student", STUDENTS)
def test_each_student_has_its_published_size(student):
    total, tolerance, tokens, width, size = SIZES[student]
    network = STUDENTS[student]().eval()
    parameters = sum(p.numel() for p in network.parameters())
    fixed = sum(p.numel() for p in network.parameters() if not p.requires_grad)
    bands = [b for key, b in network.named_buffers() if "mel" in key]
    assert fixed == 2 * 33 * 64
    actual = parameters + sum(band.numel() for band in bands)
    assert actual == pytest.approx(total, rel=tolerance, abs=0)
    with torch.inference_mode():
        assert network.tokens(torch.zeros(1, 80000)).shape == (1, tokens, width)
    assert network.adv.weight.shape == (3, size)


@pytest.mark.parametrize("length", [64, 65, 1000])
def test_each_student_gives_hidden_states_and_logits(network, length):
    """Also at the fewest samples; signals stay as they are."""
    signal = torch.from_numpy(np.stack([noise(length, seed) for seed in (1, 2)]))
    before = signal.clone()
    with torch.inference_mode():
        hidden_states, logits = network(signal)
        expected = hidden_states @ network.adv.weight.T + network.adv.bias
    assert hidden_states.shape == (2, network.adv.in_features)
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    assert torch.equal(signal, before)


def test_clips_of_a_batch_are_independent(network):
    signals = voices(3)[:3, :5000]
    with torch.inference_mode():
        one_pass = network(torch.from_numpy(signals))[1].numpy()
    exact = np.concatenate([logits_of(network, signal) for signal in signals])
    np.testing.assert_allclose(one_pass, exact, atol=1e-5)
    assert exact.std(axis=0).min() > 0.01


def test_tokens_keep_the_order_of_time(name, network):
    """A token is what the convolutions tell of its time, channel after channel."""
    signal = torch.from_numpy(noise(9000, 1)[None])
    maps = []
    handle = network.body.register_forward_hook(lambda *args: maps.append(args[-1]))
    with torch.inference_mode():
        tokens = network.tokens(signal)
    handle.remove()
    num_bands = 13 if name.startswith("wav2small") else 1
    assert maps[0].shape[3] == num_bands
    for token in (0, tokens.shape[1] - 1):
        assert torch.equal(tokens[:, token], maps[0][:, :, token].flatten(1))


def test_all_trained_parameters_have_gradients(network):
    network.train()
    statistics = {key: b.clone() for key, b in network.named_buffers()}
    network(torch.from_numpy(voices(4)[:2, :3000]))[1].square().sum().backward()
    for parameter in network.parameters():
        assert parameter.requires_grad == (parameter.grad is not None)
        assert parameter.grad is None or parameter.grad.isfinite().all()
    network.zero_grad()
    network.load_state_dict(statistics, strict=False)
    network.eval()


def test_a_saved_student_is_loaded_unchanged(name, network, tmp_path):
    path = save_student(network.state_dict(), name, str(tmp_path))
    actual, loaded = load_student(path)
    os.remove(path)
    assert actual == name
    np.testing.assert_array_equal(
        logits_of(loaded, noise(1000)), logits_of(network, noise(1000))
    )


def test_half_precision_is_for_the_convolutions_only(name):
    config = Config({}, student=name, precision="bf16")
    network = make_student(config, torch.device("cpu"))
    use_precision(network, config)
    maps = network.body(torch.randn(2, 1, 40, 26))
    assert maps.dtype == torch.bfloat16
    hidden_states, logits = network(torch.randn(2, 2000))
    assert hidden_states.dtype == logits.dtype == torch.float32
    assert network.state_dict().keys() == STUDENTS[name]().state_dict().keys()


@pytest.fixture(scope="module")
def runs(name, network, corpus, teacher, tmp_path_factory):
    """Folders of two trainings by two steps, which start from the network."""
    root = tmp_path_factory.mktemp(name)
    start = str(root / "start")
    save_student(network.state_dict(), name, start)
    config = Config(
        {corpus: 1.0},
        teacher=teacher,
        student=name,
        start=start,
        steps=2,
        batch_size=4,
        crop_dur=(0.15, 0.2),
        warmup=2,
        learning_rate=1e-5,
        ema=0.9,
        held_out=0.01,
    )
    folders = {}
    for precision in ("fp32", "bf16"):
        folders[precision] = str(root / precision)
        config = dataclasses.replace(config, precision=precision)
        train(config, folders[precision], verbose=False)
        # Half a gigabyte for the largest
        os.remove(os.path.join(folders[precision], "checkpoint.safetensors"))
    yield folders
    shutil.rmtree(root)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_student_is_trained_reproducibly(name, network, runs, precision):
    actual, trained = load_student(os.path.join(runs[precision], "student.safetensors"))
    assert actual == name
    before = dict(network.named_parameters())
    for key, parameter in trained.named_parameters():
        assert parameter.dtype == torch.float32
        assert parameter.isfinite().all()
        if parameter.requires_grad and parameter.ndim > 1:
            assert not torch.equal(parameter, before[key]), key
        elif not parameter.requires_grad:
            assert torch.equal(parameter, before[key]), key


def test_each_student_is_exported(name, runs, monkeypatch):
    """Through the whole chain, once per name: an export takes up to 20 s."""
    # A network of few steps has logits beyond 20 for silence and tones, where rounding
    # makes differences of .01: parity is measured on voices
    signals = [(str(length), spoken(length)) for length in LENGTHS]
    monkeypatch.setattr(export, "probes", lambda: iter(signals))
    folder = os.path.join(runs["bf16"], "model")
    _, worst = export.export_student(runs["bf16"], folder)
    _, trained = load_student(os.path.join(runs["bf16"], "student.safetensors"))
    largest = export.tolerance(trained)
    assert worst <= largest
    model = audonnx.load(folder)
    assert model.labels("logits") == list(DIMENSIONS)
    for length in LENGTHS:
        expected = logits_of(trained, spoken(length))
        actual = model(spoken(length)[None], 16000)["logits"]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=largest)
    assert list(model.outputs) == ["hidden_states", "logits"]
    metadata = model.sess.get_modelmeta().custom_metadata_map
    assert metadata["student"] == metadata["name"] == name
    # Others are exported without optimisation, and aren't pooled from tokens
    if name in ("wav2small-2.0", "mobilenetv3-small", "mobilenetv3-large"):
        assert "token_hop" not in metadata
        if name == "wav2small-2.0":
            assert not onnx.load(model.path).graph.value_info
