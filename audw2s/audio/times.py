"""Times and windows: convert samples and seconds as audformat and opensmile do.

All indices use these functions, so that tables can be joined.
"""

import itertools
import math
from collections.abc import Iterable
from collections.abc import Iterator
from typing import overload

import numpy as np
import pandas as pd

from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE

Duration = float | int | str | pd.Timedelta
"""Seconds, samples as in ``"8000"``, a string with a unit, or a timedelta.

Samples refer to 16 kHz, the sampling rate of the models, in every argument, also if the
input has another sampling rate.
"""


SECOND = pd.Timedelta(1, unit="s")
"""Divides a timedelta into seconds, to the nanosecond, as ``total_seconds`` does from
pandas 3 on: before, that of a single timedelta is rounded to microseconds."""

ENDLESS = 2**50
"""Number of samples or tokens beyond any recording."""


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
        >>> from_seconds(time / SECOND) == time
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
    import audinterface

    return audinterface.utils.to_timedelta(duration, SAMPLING_RATE) / SECOND


def to_limit(time: Duration | None) -> float | None:
    """Seconds of a start or an end; ``None`` for ``None``, NaN or NaT, also as text.

    Examples:
        >>> to_limit("1s"), to_limit(pd.NaT), to_limit("NaT")
        (1.0, None, None)

    """
    if not isinstance(time, str) and pd.isna(time):
        return None
    seconds = to_seconds(time)
    return None if seconds is None or math.isnan(seconds) else seconds


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


def default_hop_dur(win_dur: float | None, hop_dur: float | None) -> float | None:
    """Seconds between the starts of windows, half a window by default.

    Examples:
        >>> default_hop_dur(2.0, None), default_hop_dur(2.0, 0.5)
        (1.0, 0.5)

    """
    if hop_dur is not None or win_dur is None:
        return hop_dur
    # audinterface halves nanoseconds
    return from_seconds(win_dur).value // 2 / 1e9


class Grid:
    """Grid of the windows of a segment.

    Window k starts ``k * hop_dur`` after the start of the segment. Its times are
    rounded to samples, so that errors don't accumulate. The last window may be shorter
    than the others: it ends with the segment. A segment shorter than a window is one
    window. There is no last window for fewer than 64 samples, or without samples that
    no other window has.

    Args:
        win_dur: duration of a window in seconds
        hop_dur: duration between the starts of windows in seconds

    Examples:
        >>> grid = Grid(2.0, 1.0)
        >>> list(grid.windows(40000))
        [(0, 32000), (16000, 40000)]
        >>> [len([*grid.windows(size)]) for size in (100, 32000, 32063, 48000, 48064)]
        [1, 1, 2, 2, 3]

    """

    def __init__(self, win_dur: float, hop_dur: float):
        self.win = from_seconds(win_dur)
        self.hop = from_seconds(hop_dur)
        self.size = round(self.win.value * SAMPLING_RATE / 10**9)

    def windows(self, num_samples: int) -> Iterator[tuple[int, int]]:
        """First sample, and index after the last one, of each window of a segment.

        Args:
            num_samples: number of samples of the segment

        """
        step = self.hop.value * SAMPLING_RATE
        first = last = number = 0
        while not number or last < num_samples and num_samples - first >= MIN_SAMPLES:
            last = min(first + self.size, num_samples)
            yield first, last
            number += 1
            first = round(number * step / 10**9)

    def cut(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Cut a segment, given as blocks, into its windows.

        Args:
            blocks: arrays ``(num_channels, num_samples)`` at 16 kHz

        Yields:
            windows ``(num_channels, num_samples)``

        Examples:
            >>> blocks = [np.zeros((1, 100)), np.zeros((1, 156))]
            >>> [w.shape[1] for w in Grid(0.008, 0.004).cut(blocks)]
            [128, 128, 128]

        """
        buffer: np.ndarray | None = None
        offset, number = 0, 0
        windows = self.windows(ENDLESS)
        first, last = next(windows)
        for block in blocks:
            buffer = block if buffer is None else np.concatenate([buffer, block], 1)
            while last <= offset + buffer.shape[1]:
                yield buffer[:, first - offset : last - offset]
                number += 1
                first, last = next(windows)
            dropped = min(first - offset, buffer.shape[1])
            buffer, offset = buffer[:, dropped:], offset + dropped
        if buffer is not None:
            remaining = self.windows(offset + buffer.shape[1])
            for first, last in itertools.islice(remaining, number, None):
                yield buffer[:, first - offset : last - offset]
