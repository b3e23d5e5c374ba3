"""What is done to speech before the student hears it.

Every function is pure: it takes a generator, returns a new array.
"""

import numpy as np
import soxr


def crop(signal: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a random stretch; a shorter signal is placed at random in silence.

    Args:
        signal: ``(num_samples,)``
        length: of the result, in samples
        rng: source of randomness

    Examples:
        >>> crop(np.ones(2), 4, np.random.default_rng(0)).sum()
        np.float64(2.0)

    """
    spare = len(signal) - length
    if spare >= 0:
        first = rng.integers(spare + 1)
        return signal[first : first + length]
    before = rng.integers(-spare + 1)
    return np.pad(signal, (before, -spare - before))


def change_speed(
    signal: np.ndarray,
    factor: float,
) -> np.ndarray:
    """Play faster or slower: tempo and pitch change together.

    Args:
        signal: ``(num_samples,)``
        factor: above 1 for faster and higher

    Examples:
        >>> len(change_speed(np.zeros(1000, "float32"), 2))
        500

    """
    return soxr.resample(signal, 1000.0 * factor, 1000.0, quality="MQ")


def rms(signal: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(signal)) + 1e-12))


def mix(signal: np.ndarray, other: np.ndarray, ratio: float) -> np.ndarray:
    """Add another signal of the same length.

    Args:
        signal: ``(num_samples,)``
        other: ``(num_samples,)``
        ratio: level of ``signal`` over that of ``other``, in dB

    Examples:
        >>> mixed = mix(np.ones(4), np.array([1.0, -1, 1, -1]), 20)
        >>> mixed.round(2)
        array([1.1, 0.9, 1.1, 0.9])

    """
    gain = rms(signal) / rms(other) * 10 ** (-ratio / 20)
    # A gain without bound would turn digital silence into loud noise
    return signal + np.float32(min(gain, 1e3)) * other
