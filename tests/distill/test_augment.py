"""What is done to speech before it is heard."""

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
def test_crop_keeps_a_stretch_or_all(size, length, seed):
    signal = np.arange(1.0, size + 1)
    found = augment.crop(signal, length, np.random.default_rng(seed))
    assert len(found) == length
    kept = found[found > 0]
    assert len(kept) == min(size, length)
    assert (np.diff(kept) == 1).all()


@settings(max_examples=40)
@given(st.integers(0, 999), st.floats(-10, 40))
def test_mix_has_the_wanted_ratio(seed, ratio):
    rng = np.random.default_rng(seed)
    signal, other = rng.standard_normal((2, 500)) * rng.uniform(0.01, 1, (2, 1))
    before = signal.copy(), other.copy()
    added = augment.mix(signal, other, ratio) - signal
    found = 20 * np.log10(np.std(signal) / np.std(added))
    assert found == pytest.approx(ratio, abs=0.5)
    np.testing.assert_array_equal((signal, other), before)


def test_speed_changes_pitch_and_length():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 400 * time).astype(np.float32)
    faster = augment.change_speed(tone, 1.25)
    assert len(faster) == pytest.approx(12800, abs=2)
    spectrum = np.abs(np.fft.rfft(faster, 16000))
    assert spectrum.argmax() == pytest.approx(500, abs=2)


@pytest.mark.parametrize("seed", range(20))
def test_prosody_ends_for_any_draw(seed):
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
def test_without_a_voice_nothing_is_changed(length):
    silence = np.zeros(length, np.float32)
    changed = change_prosody(silence, pitch=2.0, tempo=2.0)
    np.testing.assert_array_equal(changed, silence)


def test_a_melody_becomes_flat():
    time = np.arange(16000) / 16000
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(2 * np.pi * 2 * time)) / 16000
    glide = sum(np.sin(k * phase) / k for k in range(1, 8)).astype(np.float32)
    spread = [np.std(pitch(change_prosody(glide, melody=m))) for m in (1.0, 0.2)]
    assert spread[1] < 0.35 * spread[0]


def pitch(signal):
    """Fundamental frequency of stretches of 40 ms, from their autocorrelation."""
    found = []
    for start in range(1600, len(signal) - 2240, 640):
        part = signal[start : start + 640]
        lags = np.correlate(part, part, "full")[639 + 60 : 639 + 200]
        found.append(16000 / (60 + lags.argmax()))
    return np.array(found)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 500), st.integers(0, 99))
def test_rooms_are_convolutions(size, taps, seed):
    rng = np.random.default_rng(seed)
    signal, response = rng.standard_normal(size), rng.standard_normal(taps)
    found = augment.reverberate(signal, response)
    first = np.abs(response).argmax()
    literal = np.convolve(signal, response[first:] / response[first])[:size]
    np.testing.assert_allclose(found, literal, atol=1e-9)


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
def test_what_is_transmitted_is_as_long_and_alike(seed):
    """Speech is where it was, whatever the codec, and not what it was."""
    signal = voice(seed, 1.3)
    found = transmit(signal, np.random.default_rng(seed))
    assert found.shape == signal.shape
    assert np.corrcoef(signal, found)[0, 1] > 0.6
    assert np.abs(signal - found).max() > 1e-3
    again = transmit(signal, np.random.default_rng(seed))
    np.testing.assert_array_equal(found, again)
