"""Augmentation of signals."""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fabricated import voice
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from audw2s.distill import augment
from audw2s.distill.codec import transmit
from audw2s.distill.prosody import change_prosody


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 99))
def test_a_crop_is_a_segment_or_all_of_the_signal(size, length, seed):
    signal = np.arange(1.0, size + 1)
    actual = augment.crop(signal, length, np.random.default_rng(seed))
    assert len(actual) == length
    kept = actual[actual > 0]
    assert len(kept) == min(size, length)
    assert (np.diff(kept) == 1).all()


@settings(max_examples=40)
@given(st.integers(0, 999), st.floats(-10, 40))
def test_a_mixture_has_the_given_ratio(seed, ratio):
    rng = np.random.default_rng(seed)
    signal, other = rng.standard_normal((2, 500)) * rng.uniform(0.01, 1, (2, 1))
    before = signal.copy(), other.copy()
    added = augment.mix(signal, other, ratio) - signal
    actual = 20 * np.log10(np.std(signal) / np.std(added))
    assert actual == pytest.approx(ratio, abs=0.5)
    np.testing.assert_array_equal((signal, other), before)


def test_a_change_of_speed_changes_pitch_and_length():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 400 * time).astype(np.float32)
    faster = augment.change_speed(tone, 1.25)
    assert len(faster) == pytest.approx(12800, abs=2)
    spectrum = np.abs(np.fft.rfft(faster, 16000))
    assert spectrum.argmax() == pytest.approx(500, abs=2)


@pytest.mark.parametrize("seed", range(20))
def test_any_change_of_prosody_gives_a_finite_signal(seed):
    """A melody that reaches 0 Hz would keep Praat busy for ever."""
    rng = np.random.default_rng(seed)
    signal = voice(seed, 0.8)
    before = signal.copy()
    pitch, formants = rng.uniform(0.5, 2, 2)
    changed = change_prosody(
        signal, tempo=1.2, pitch=pitch, melody=50.0, formants=formants
    )
    assert changed.dtype == np.float32
    assert len(changed) == pytest.approx(len(signal) / 1.2, rel=0.02)
    assert np.isfinite(changed).all()
    np.testing.assert_array_equal(signal, before)


@pytest.mark.parametrize("length", [1, 64, 500, 8000])
def test_signals_without_voice_are_not_changed(length):
    silence = np.zeros(length, np.float32)
    changed = change_prosody(silence, pitch=2.0, tempo=2.0)
    np.testing.assert_array_equal(changed, silence)


def test_threads_get_the_prosody_that_one_alone_gets(speech):
    """Praat's list of objects is shared, and its warnings let other threads in."""
    rng = np.random.default_rng(0)
    jobs = []
    for length in rng.integers(1000, 8000, 300):
        start = rng.integers(0, len(speech) - length)
        names = "pitch", "melody", "tempo", "formants"
        factors = dict(zip(names, rng.uniform(0.8, 1.25, 4), strict=True))
        jobs.append((speech[start : start + length], factors))

    def changed(job):
        return change_prosody(job[0], **job[1])

    alone = [changed(job) for job in jobs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
            warnings.simplefilter("always")
            together = list(pool.map(changed, jobs))
    finally:
        sys.setswitchinterval(interval)
    for signal, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(signal, expected)


def test_a_small_factor_of_the_melody_flattens_the_pitch():
    time = np.arange(16000) / 16000
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(2 * np.pi * 2 * time)) / 16000
    glide = sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32)
    spread = [np.std(pitch(change_prosody(glide, melody=m))) for m in (1.0, 0.2)]
    assert spread[1] < 0.35 * spread[0]


def pitch(signal):
    """Fundamental frequency of stretches of 40 ms, from their autocorrelation."""
    actual = []
    for start in range(1600, len(signal) - 2240, 640):
        part = signal[start : start + 640]
        lags = np.correlate(part, part, "full")[639 + 60 : 639 + 200]
        actual.append(16000 / (60 + lags.argmax()))
    return np.array(actual)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 500), st.integers(0, 99))
def test_reverberation_is_a_convolution_with_the_response_of_the_room(size, taps, seed):
    rng = np.random.default_rng(seed)
    signal, response = rng.standard_normal(size), rng.standard_normal(taps)
    actual = augment.reverberate(signal, response)
    first = np.abs(response).argmax()
    literal = np.convolve(signal, response[first:] / response[first])[:size]
    np.testing.assert_allclose(actual, literal, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 99))
def test_filters_keep_the_length(size, seed):
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal(size)
    for changed in (
        augment.equalise(signal, 10, rng),
        augment.limit_band(signal, 300, 3000),
    ):
        assert changed.shape == signal.shape
        assert np.isfinite(changed).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_transmitted_signal_has_the_same_length_and_is_similar(seed):
    """Speech is where it was, whatever the codec, and not what it was."""
    signal = voice(seed, 1.3)
    actual = transmit(signal, np.random.default_rng(seed))
    assert actual.shape == signal.shape
    assert np.corrcoef(signal, actual)[0, 1] > 0.6
    assert np.abs(signal - actual).max() > 1e-3
    again = transmit(signal, np.random.default_rng(seed))
    np.testing.assert_array_equal(actual, again)
