"""Change prosody and voice of speech, and not its words.

Read speech is mostly calm. With changes of pitch, melody, tempo and voice, a student
learns from more of the teacher's range of values.
"""

import threading

import numpy as np
import parselmouth
from parselmouth.praat import call
from parselmouth.praat import run

PITCH = (75.0, 500.0)
"""Lowest and highest fundamental frequency of the pitch tracker in Hz."""

FLOOR = 40.0
"""Lowest fundamental frequency that a change of melody may lead to, in Hz."""


_ONE_AT_A_TIME = threading.Lock()


def change_prosody(
    signal: np.ndarray,
    *,
    pitch: float = 1.0,
    melody: float = 1.0,
    tempo: float = 1.0,
    formants: float = 1.0,
) -> np.ndarray:
    """Change pitch, its range, tempo and the length of the vocal tract.

    Overlap-add of pitch periods, as Praat's command "Change gender".

    Args:
        signal: ``(num_samples,)``, float32, 16 kHz
        pitch: factor of the median fundamental frequency
        melody: factor of the distance of the fundamental frequency to its median
        tempo: factor of the tempo, above 1 for faster
        formants: factor of the formants' frequencies

    Returns:
        changed signal, float32; the signal itself if it has no voiced part.
        ``melody`` is reduced where it would lead below :data:`FLOOR`

    Examples:
        >>> time = np.arange(16000, dtype="float32") / 16000
        >>> voice = sum(np.sin(2 * np.pi * 120 * n * time) / n for n in range(1, 9))
        >>> higher = change_prosody(voice, pitch=1.5, tempo=2.0)
        >>> len(higher)
        8000
        >>> np.abs(np.fft.rfft(higher)).argmax() * 16000 / 8000
        np.float64(180.0)

    """
    # Praat has one list of objects for all threads
    with _ONE_AT_A_TIME:
        try:
            return _changed(signal, pitch, melody, tempo, formants)
        except parselmouth.PraatError:
            return signal


def _changed(
    signal: np.ndarray, pitch: float, melody: float, tempo: float, formants: float
) -> np.ndarray:
    """Change the signal as :func:`change_prosody`, without a lock."""
    sound = parselmouth.Sound(signal.astype(np.float64), 16000.0)
    contour = sound.to_pitch(None, *PITCH)
    median = call(contour, "Get quantile", 0, 0, 0.5, "Hertz")
    if not np.isfinite(median):
        return signal
    target = float(np.clip(median * pitch, *PITCH))
    voiced = contour.selected_array["frequency"]
    lowest = voiced[voiced > 0].min() / median
    # Praat works period by period: it would never end at 0 Hz
    melody = min(melody, (1 - FLOOR / target) / max(1e-3, 1 - lowest))
    # Unvoiced parts are filled at random: a fixed seed repeats results
    run("random_initializeWithSeedUnsafelyButPredictably (1)")
    settings = formants, target, melody, 1 / tempo
    changed = call([sound, contour], "Change gender", *settings)
    return changed.values[0].astype(np.float32)
