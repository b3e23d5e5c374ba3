"""Front end and pooling, against their formulas."""

import numpy as np
import pytest
import torch
from fabricated import voice
from full import examples
from hypothesis import given
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank

from audw2s.distill.students import STUDENTS
from audw2s.distill.students.frontend import LogMel
from audw2s.distill.students.frontend import Normalise
from audw2s.distill.students.frontend import hann_dft
from audw2s.distill.students.frontend import slaney_mel
from audw2s.distill.students.student import LearnablePooling


def literal_mel(sampling_rate, n_fft, num_mels):
    """Slaney's filters, one weight at a time."""

    def to_mel(f):
        return 3 * f / 200 if f < 1000 else 15 + 27 * np.log(f / 1000) / np.log(6.4)

    def to_hz(m):
        return 200 * m / 3 if m < 15 else 1000 * 6.4 ** ((m - 15) / 27)

    top = to_mel(sampling_rate / 2)
    edges = [to_hz(top * k / (num_mels + 1)) for k in range(num_mels + 2)]
    weights = np.zeros((n_fft // 2 + 1, num_mels))
    for k in range(n_fft // 2 + 1):
        f = k * sampling_rate / n_fft
        for m in range(num_mels):
            low, centre, high = edges[m : m + 3]
            if low < f <= centre:
                weights[k, m] = (f - low) / (centre - low)
            elif centre < f < high:
                weights[k, m] = (high - f) / (high - centre)
            weights[k, m] *= 2 / (high - low)
    return weights


def literal_logmel(signal):
    """Log-mel of one signal by FFT, one frame at a time."""
    window = np.hanning(65)[:64]
    frames = []
    for first in range(0, len(signal) - 63, 32):
        frame = signal[first : first + 64].astype(np.float64) * window
        power = np.abs(np.fft.rfft(frame)) ** 2
        mel = power @ literal_mel(16000, 64, 26)
        frames.append(10 * np.log10(np.maximum(mel, 1e-10)))
    return np.array(frames)


@pytest.mark.filterwarnings("ignore:At least one mel filter")
@pytest.mark.parametrize("settings", [(16000, 64, 26), (16000, 400, 80), (8000, 64, 9)])
def test_mel_is_that_of_its_definition(settings):
    rate, n_fft, num_mels = settings
    actual = slaney_mel(rate, n_fft, num_mels)
    np.testing.assert_allclose(actual, literal_mel(*settings), atol=1e-12)
    other = mel_filter_bank(
        n_fft // 2 + 1, num_mels, 0, rate / 2, rate, norm="slaney", mel_scale="slaney"
    )
    np.testing.assert_allclose(actual, other, atol=1e-9)


def test_the_first_mel_band_is_empty():
    mel = slaney_mel(16000, 64, 26)
    assert mel.size == 858
    assert np.flatnonzero(mel.sum(axis=0) == 0).tolist() == [0]


def test_the_dft_is_a_windowed_fft():
    rng = np.random.default_rng(0)
    frame = rng.standard_normal(64)
    real, imag = hann_dft(64)
    expected = np.fft.rfft(frame * np.hanning(65)[:64])
    np.testing.assert_allclose(real @ frame + 1j * (imag @ frame), expected, atol=1e-12)


@pytest.mark.parametrize("length", [64, 95, 96, 1001, 4000])
def test_the_log_mel_is_that_of_an_fft(length):
    rng = np.random.default_rng(length)
    signal = (rng.standard_normal(length)).astype(np.float32)
    actual = LogMel()(torch.from_numpy(signal[None]))[0, 0].numpy()
    np.testing.assert_allclose(actual, literal_logmel(signal), atol=2e-3)


@examples(25)
@given(st.integers(64, 5000))
def test_frames_are_not_padded(length):
    logmel = LogMel()(torch.zeros(2, length))
    assert logmel.shape == (2, 1, (length - 64) // 32 + 1, 26)
    assert (logmel == -100).all()


@examples(25)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(1e-2, 100),
    st.floats(-1, 1),
)
def test_a_normalised_signal_has_zero_mean_and_unit_variance(seed, gain, offset):
    signal = gain * (np.random.default_rng(seed).standard_normal((2, 500)) + offset)
    given_signal = torch.tensor(signal, dtype=torch.float32)
    before = given_signal.clone()
    actual = Normalise()(given_signal).numpy()
    mean, variance = signal.mean(1, keepdims=True), signal.var(1, keepdims=True)
    np.testing.assert_allclose(
        actual, (signal - mean) / np.sqrt(variance + 1e-7), atol=1e-4
    )
    assert torch.equal(given_signal, before)


@pytest.mark.parametrize("student", ["wav2small", "mobilenetv4-small"])
def test_the_level_changes_no_value_of_a_student(student):
    """Down to -90 dB; the published constant is as large as a signal at -70 dB."""
    torch.manual_seed(0)
    network = STUDENTS[student]().eval()
    signal = torch.from_numpy(voice(0, 1.0))[None]
    with torch.inference_mode():
        loud = network(signal)[1]
        for level in (-40, -60, -90):
            quiet = network(signal * 10 ** (level / 20))[1]
            torch.testing.assert_close(quiet, loud, atol=1e-3, rtol=0)


def test_pooling_is_that_of_its_formula():
    torch.manual_seed(0)
    pooling = LearnablePooling(5).double()
    tokens = torch.randn(2, 7, 5, dtype=torch.float64)
    with torch.no_grad():
        actual = pooling(tokens).numpy()
    weights = {name: value.numpy() for name, value in pooling.state_dict().items()}
    for clip in range(2):
        x = tokens[clip].numpy()
        lin = x @ weights["lin.weight"].T + weights["lin.bias"]
        sof = np.exp(x @ weights["sof.weight"].T + weights["sof.bias"])
        for value in range(5):
            share = sof[:, value] / sof[:, value].sum()
            assert actual[clip, value] == pytest.approx((lin[:, value] * share).sum())
