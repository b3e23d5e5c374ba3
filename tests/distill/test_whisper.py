"""Whisper's front end and encoder, against those of transformers."""

import os

import numpy as np
import pytest
import torch
from fabricated import TOY
from fabricated import noise
from fabricated import random_encoder
from fabricated import voice
from published import random_whisper
from published import whisper_of
from safetensors.torch import save_file
from transformers import WhisperFeatureExtractor

from audw2s.distill.convert import NETWORKS
from audw2s.distill.teachers.whisper import SIZES
from audw2s.distill.teachers.whisper import WhisperLogMel
from audw2s.distill.teachers.whisper import WhisperTeacher
from audw2s.distill.teachers.whisper import load_encoder
from audw2s.distill.teachers.whisper import load_published
from audw2s.distill.teachers.whisper import loudness
from audw2s.distill.teachers.whisper import save_head


def levelled(signal):
    """At the level of the input of teachers, -26 dB of full scale."""
    centred = signal - signal.mean()
    return (0.05 * centred / np.sqrt(np.square(centred).mean())).astype(np.float32)


@pytest.mark.parametrize("length", [64, 333, 7999, 8000, 8001, 24000, 33333])
def test_the_log_mel_is_that_of_whisper(length):
    """On the clip's true length, of half a second at least."""
    signal = noise(length, length)
    whole = np.pad(signal, (0, max(0, 8000 - length)))
    extractor = WhisperFeatureExtractor()
    expected = extractor(
        whole, sampling_rate=16000, padding="do_not_pad", return_tensors="np"
    )["input_features"]
    actual = WhisperLogMel()(torch.from_numpy(signal[None])).numpy()
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, atol=2e-4)


@pytest.mark.parametrize("layers", [(0,), (1, 3), (1, 2, 3)])
def test_features_are_moments_of_the_hidden_states_of_whisper(layers):
    encoder = random_encoder(num_positions=50)
    teacher = WhisperTeacher(encoder, layers, speech_only=False).eval()
    signal = torch.from_numpy(noise(16000)[None])
    with torch.inference_mode():
        states = []
        hooks = [
            layer.register_forward_pre_hook(lambda _, inputs: states.append(inputs[0]))
            for layer in encoder.layers
        ]
        encoder.layers[-1].register_forward_hook(
            lambda _, inputs, output: states.append(
                output[0] if isinstance(output, tuple) else output
            )
        )
        encoder(teacher.logmel(torch.from_numpy(levelled(noise(16000))[None])))
        for hook in hooks:
            hook.remove()
        actual = teacher.features(signal)[0].numpy()
    expected = []
    for number in layers:
        state = states[number][0].numpy()
        expected += [state.mean(axis=0), state.std(axis=0)]
    np.testing.assert_allclose(actual, np.concatenate(expected), atol=1e-5)


def test_tokens_are_weighted_by_their_energy():
    """Against a literal second implementation, one token at a time."""
    teacher = WhisperTeacher(random_encoder(), (0,)).eval()
    signal = noise(16000) * np.repeat([1, 1e-3, 0.1, 0.0], 4000).astype(np.float32)
    with torch.inference_mode():
        logmel = teacher.logmel(torch.from_numpy(levelled(signal)[None]))
        actual = loudness(logmel)[0, :, 0].numpy()
    power = (10 ** (4 * logmel[0].double().numpy() - 4)).mean(axis=0)
    padded = np.pad(power, 2)
    energy = [padded[2 * token :][:5].mean() for token in range(50)]
    speech = np.square(energy).sum() / np.sum(energy)
    expected = [e / (e + speech / 1000) for e in energy]
    np.testing.assert_allclose(actual, expected, rtol=1e-4)
    assert actual[:12].min() > 0.99
    assert actual[15:24].max() < 0.02
    assert 0.8 < actual[26:36].mean() < 0.95


def test_silence_after_speech_changes_little():
    """It would draw means together, and deviations apart."""
    encoder = random_encoder()
    signal = voice(0, 2.0)
    longer = np.concatenate([signal, np.zeros(32000, np.float32)])

    def change(speech_only):
        teacher = WhisperTeacher(encoder, (0,), speech_only).eval()
        with torch.inference_mode():
            before, after = (
                teacher.features(torch.from_numpy(clip[None])).numpy()
                for clip in (signal, longer)
            )
        return np.abs(after - before).mean()

    assert change(True) < 0.5 * change(False)


def test_the_file_of_a_head_stores_the_pooling(tmp_path, monkeypatch):
    monkeypatch.setitem(SIZES, "toy", TOY)
    encoder = random_encoder()
    published = {f"model.encoder.{k}": v for k, v in encoder.state_dict().items()}
    for speech_only in (True, False):
        teacher = WhisperTeacher(encoder, (1, 2), speech_only)
        path = str(tmp_path / "head.safetensors")
        save_head(teacher, path)
        loaded = load_published(dict(published), "toy", path, "here")
        assert (loaded.speech_only, loaded.read) == (speech_only, (1, 2))


def test_unused_layers_are_left_out():
    teacher = WhisperTeacher(random_encoder(), (1, 2))
    assert len(teacher.layers) == 2


@pytest.mark.parametrize("layers", [(), (4,), (-1, 2)])
def test_unknown_layers_are_errors(layers):
    with pytest.raises(ValueError, match="Layers are 0 to 3"):
        WhisperTeacher(random_encoder(), layers)


def test_the_encoder_is_loaded_unchanged(tmp_path):
    path = str(tmp_path / "encoder.safetensors")
    encoder = random_encoder()
    half = {name: value.half() for name, value in encoder.state_dict().items()}
    save_file(half, path)
    loaded = load_encoder(path, TOY).state_dict()
    for name, value in half.items():
        assert torch.equal(loaded[name], value.float())


def test_an_encoder_that_does_not_fit_is_an_error(tmp_path):
    path = str(tmp_path / "encoder.safetensors")
    save_file(random_encoder().state_dict(), path)
    expected = (
        r"encoder.safetensors' doesn't hold the weights of WhisperEncoder: "
        r"\d+ missing \(layers.3.*conv1.weight is float32 \(16, 80, 3\), "
        r"not float32 \(384, 80, 3\)"
    )
    with pytest.raises(ValueError, match=expected):
        load_encoder(path, SIZES["tiny"])
    (tmp_path / "other.safetensors").write_text("no safetensors")
    with pytest.raises(ValueError, match="other.safetensors' is no whole safetensors"):
        load_encoder(str(tmp_path / "other.safetensors"), TOY)


def test_the_published_encoder_agrees_on_thirty_seconds(shared):
    """Whisper tiny.en in full, where both process the same length."""
    path = os.path.join(shared, "weights", "whisper-tiny.en-encoder.safetensors")
    encoder = load_encoder(path, SIZES["tiny"])
    teacher = WhisperTeacher(encoder, (4,), speech_only=False).eval()
    signal = noise(480000)
    extractor = WhisperFeatureExtractor()
    features = extractor(levelled(signal), sampling_rate=16000, return_tensors="pt")
    last = []
    encoder.layers[-1].register_forward_hook(
        lambda _, inputs, output: last.append(
            output[0] if isinstance(output, tuple) else output
        )
    )
    with torch.inference_mode():
        encoder(features["input_features"])
        actual = teacher.features(torch.from_numpy(signal[None]))[0].numpy()
    state = last[0][0].numpy()
    expected = np.concatenate([state.mean(axis=0), state.std(axis=0)])
    np.testing.assert_allclose(actual, expected, atol=2e-2, rtol=1e-2)


def test_whisper_base_is_read_as_published(tmp_path):
    """With the head of this package; its export is one for the full run."""
    random_whisper(str(tmp_path))
    network = NETWORKS["whisper-base-adv"](str(tmp_path))
    signal = torch.from_numpy(noise(24681)[None])
    with torch.inference_mode():
        expected = whisper_of(str(tmp_path))(signal)
        for actual, other in zip(network(signal), expected, strict=True):
            torch.testing.assert_close(actual, other, atol=1e-5, rtol=0)
