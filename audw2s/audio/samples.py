"""Samples of any type as float32."""

import math
import numbers

import numpy as np

SAMPLING_RATE = 16000
"""Sampling rate of all models in Hz."""

MIN_SAMPLES = 64
"""Smallest number of samples at that rate that has a value."""

HOP = 64
"""Number of samples that are normalised by the same mean and variance."""


def check_sampling_rate(sampling_rate: float) -> None:
    """Check the sampling rate of a signal.

    Raises:
        ValueError: if it is no positive whole number

    """
    is_real = isinstance(sampling_rate, numbers.Real)
    rate = float(sampling_rate) if is_real else math.nan
    if not (rate > 0 and rate.is_integer()):
        raise ValueError(
            "'sampling_rate' has to be that of the signal in Hz, a positive whole "
            f"number such as 16000, got {sampling_rate!r}."
        )


def check_shape(signal: np.ndarray) -> None:
    """Check the shape of a signal.

    Raises:
        ValueError: if it has other than one or two dimensions, or these are transposed

    """
    if signal.ndim not in (1, 2):
        raise _wrong_dimensions(signal)
    if signal.ndim == 2 and signal.shape[0] >= MIN_SAMPLES > signal.shape[1] > 0:
        raise ValueError(
            "A signal has shape (num_channels, num_samples), and one of shape "
            f"{signal.shape} would have {signal.shape[0]} channels: if the array is "
            "transposed, as soundfile reads it, give signal.T."
        )


def _wrong_dimensions(signal: np.ndarray) -> ValueError:
    return ValueError(
        "A signal has shape (num_channels, num_samples) or (num_samples,), "
        f"not {signal.shape}."
    )


def as_float(signal: np.ndarray) -> np.ndarray:
    """Convert an array to 2D float32 in -1…1; the given array is not changed.

    Args:
        signal: signal ``(num_samples,)`` or ``(num_channels, num_samples)``, floating
            point in -1…1, or integers at full scale

    Returns:
        signal ``(num_channels, num_samples)``, float32

    Raises:
        ValueError: if the array has more than two dimensions
        TypeError: if it holds no real numbers

    Examples:
        >>> as_float(np.array([-32768, 0, 16384], dtype="int16"))
        array([[-1. ,  0. ,  0.5]], dtype=float32)

    """
    signal = np.asarray(signal)
    if signal.ndim > 2:
        raise _wrong_dimensions(signal)
    signal = np.atleast_2d(signal)
    if signal.dtype.kind == "f":
        # Values beyond float32 become inf and are reported as such
        with np.errstate(over="ignore"):
            return signal.astype(np.float32, copy=False)
    if signal.dtype.kind in "iu":
        bits = 8 * signal.dtype.itemsize
        # Up to 16 bits are exact in float32
        dtype = np.float32 if bits <= 16 else np.float64
        if signal.dtype.kind == "u":
            signal = np.subtract(signal, 2.0 ** (bits - 1), dtype=dtype)
        values = np.multiply(signal, 0.5 ** (bits - 1), dtype=dtype)
        return values.astype(np.float32, copy=False)
    raise TypeError(f"A signal holds real numbers, not {signal.dtype}.")
