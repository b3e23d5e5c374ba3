"""Convert samples and seconds to times, as audformat, audinterface and opensmile do.

All indices use these functions, so that tables can be joined.
"""

import math
from typing import overload

import audinterface
import pandas as pd

from audw2s.audio.samples import SAMPLING_RATE

Duration = float | int | str | pd.Timedelta
"""Seconds, samples as in ``"8000"``, a string with a unit, or a timedelta.

Samples refer to 16 kHz, the sampling rate of the models, in every argument, also if the
input has another sampling rate.
"""


def to_timedelta(num_samples: float, sampling_rate: float) -> pd.Timedelta:
    """Duration of a number of samples, to the nanosecond as in audformat.

    Args:
        num_samples: number of samples
        sampling_rate: sampling rate in Hz

    Examples:
        >>> to_timedelta(55051, 16000)
        Timedelta('0 days 00:00:03.440687500')
        >>> to_timedelta(1, 44100)
        Timedelta('0 days 00:00:00.000022676')

    """
    return pd.Timedelta(num_samples / sampling_rate, unit="s").as_unit("ns")


def from_seconds(seconds: float | None) -> pd.Timedelta:
    """Time given in seconds, rounded to nanoseconds.

    Seconds of a timedelta are converted back to that timedelta. For a number of samples
    use :func:`to_timedelta`.

    Args:
        seconds: time in seconds, ``None`` or NaN if unknown

    Examples:
        >>> time = pd.Timedelta("1.234567891s")
        >>> from_seconds(time.total_seconds()) == time
        True
        >>> from_seconds(None)
        NaT

    """
    if seconds is None or math.isnan(seconds):
        return pd.Timedelta("NaT")
    return pd.Timedelta(round(seconds * 1e9), unit="ns")


def resampled_size(num_samples: int, sampling_rate: int) -> int:
    """Number of samples after resampling to 16 kHz.

    Examples:
        >>> resampled_size(22051, 44100)
        8000

    """
    return (2 * num_samples * SAMPLING_RATE + sampling_rate) // (2 * sampling_rate)


@overload
def to_seconds(duration: Duration) -> float: ...
@overload
def to_seconds(duration: None) -> None: ...
def to_seconds(duration: Duration | None) -> float | None:
    """Seconds of a duration as audinterface takes it; samples refer to 16 kHz.

    Returns:
        seconds, NaN for NaN and NaT, ``None`` for ``None``

    Raises:
        ValueError: if it is a string that is no duration

    Examples:
        >>> to_seconds("500ms"), to_seconds(2), to_seconds("8000"), to_seconds(None)
        (0.5, 2.0, 0.5, None)

    """
    if duration is None:
        return None
    time = audinterface.utils.to_timedelta(duration, SAMPLING_RATE)
    return time.total_seconds()


def to_limit(time: Duration | None) -> float | None:
    """Seconds of a start or an end; ``None`` for ``None``, NaN or NaT.

    Examples:
        >>> to_limit("1s"), to_limit(pd.NaT)
        (1.0, None)

    """
    if time is not None and not isinstance(time, str) and pd.isna(time):
        return None
    return to_seconds(time)


def duration_text(seconds: float) -> str:
    """Duration in a unit that suits it.

    Examples:
        >>> duration_text(75.0), duration_text(900.0), duration_text(36000.0)
        ('75 s', '15.0 minutes', '10.0 hours')

    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:,.1f} hours"
