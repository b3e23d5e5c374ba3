"""Recordings that are made of speech, noise, music and silence."""

from collections.abc import Sequence

import numpy as np

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.distill.augment import crop
from audw2s.distill.augment import rms

SCENE_DUR = 20.0
"""Duration of a scene in seconds."""

LEVEL = 0.05
"""Root mean square of speech in a scene, before the gain of the scene."""


def music(duration: float, rng: np.random.Generator) -> np.ndarray:
    """Chords and drums.

    Args:
        duration: duration in seconds
        rng: source of randomness

    Returns:
        ``(num_samples,)`` at 16 kHz, float32, of root mean square 1

    Examples:
        >>> signal = music(1.0, np.random.default_rng(0))
        >>> len(signal), round(rms(signal), 3)
        (16000, 1.0)

    """
    beat = 60 / rng.uniform(70, 160)
    size = round(duration * SAMPLING_RATE)
    signal = np.zeros(size)
    root, is_minor = rng.uniform(80, 240), rng.integers(2)
    for number, start in enumerate(np.arange(0, duration, beat)):
        if number % 4 == 0:
            step = rng.choice([0, 3, 5, 7, 8, 10])
            notes = root * 2 ** ((step + np.array([0, 4 - is_minor, 7, 12])) / 12)
            _add(signal, start, _chord(notes, 4 * beat, rng))
        _add(signal, start, _drum(number % 2 == 1, rng))
    return (signal / rms(signal)).astype(np.float32)


def _add(signal: np.ndarray, start: float, sound: np.ndarray) -> None:
    first = round(start * SAMPLING_RATE)
    signal[first : first + len(sound)] += sound[: max(0, len(signal) - first)]


def _time(duration: float) -> np.ndarray:
    return np.arange(round(duration * SAMPLING_RATE)) / SAMPLING_RATE


def _chord(notes: np.ndarray, duration: float, rng: np.random.Generator) -> np.ndarray:
    """Notes with eight partials that fade out."""
    time, decay = _time(duration), rng.uniform(0.3, 3)
    partials = np.arange(1, 9)
    weights = partials ** -rng.uniform(0.7, 2)
    frequencies = np.outer(notes, partials).ravel()
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    waves = np.sin(2 * np.pi * np.outer(frequencies, time) + phases[:, None])
    fade = np.exp(-decay * time) * np.minimum(1, time / 0.01)
    return 0.3 * np.tile(weights, len(notes)) @ waves * fade


def _drum(is_snare: bool, rng: np.random.Generator) -> np.ndarray:
    """Noise that fades out, or a low tone that falls."""
    time = _time(0.2)
    if is_snare:
        return rng.standard_normal(len(time)) * np.exp(-25 * time)
    tone = np.sin(2 * np.pi * (50 * time - 2 * np.exp(-30 * time)))
    return 2 * tone * np.exp(-15 * time)


def scene(
    speech: Sequence[np.ndarray], noise: Sequence[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Speech and pauses, before silence, noise or music.

    Args:
        speech: clips ``(num_samples,)`` at 16 kHz
        noise: clips ``(num_samples,)`` at 16 kHz
        rng: source of randomness

    Returns:
        ``(num_samples,)``, float32, of :data:`SCENE_DUR` seconds

    """
    size = round(SCENE_DUR * SAMPLING_RATE)
    track = np.zeros(size, np.float32)
    position = round(rng.exponential(1.5) * SAMPLING_RATE)
    while position < size:
        clip = speech[int(rng.integers(len(speech)))]
        length = min(len(clip), round(rng.uniform(1, 6) * SAMPLING_RATE))
        clip = crop(clip, length, rng)[: size - position]
        gain = LEVEL / rms(clip) * 10 ** (rng.uniform(-10, 5) / 20)
        track[position : position + len(clip)] += np.float32(gain) * clip
        position += len(clip) + round(rng.exponential(2) * SAMPLING_RATE)
    track += background(size, noise, rng)
    return np.float32(10 ** (rng.uniform(-30, 5) / 20)) * track


def background(
    size: int, noise: Sequence[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Segments of silence, hiss, noise and music, of different levels."""
    track = np.zeros(size, np.float32)
    position = 0
    while position < size:
        length = min(size - position, round(rng.uniform(2, 12) * SAMPLING_RATE))
        kind = rng.choice(["silence", "hiss", "noise", "music"], p=[0.2, 0.2, 0.4, 0.2])
        if kind == "noise":
            sound = noise[int(rng.integers(len(noise)))]
            sound = crop(np.tile(sound, -(-length // len(sound))), length, rng)
        elif kind == "music":
            sound = music(length / SAMPLING_RATE, rng)
        else:
            sound = (kind == "hiss") * rng.standard_normal(length)
        level = LEVEL * 10 ** (rng.uniform(-40, 5) / 20) / (rms(sound) + 1e-5)
        track[position : position + length] = level * sound
        position += length
    return track
