"""Rows of the result: values and status of a window or segment."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.quality import Part
from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import from_seconds
from audw2s.audio.times import resampled_size
from audw2s.audio.times import to_timedelta
from audw2s.audio.windows import Grid

MIN_DUR = MIN_SAMPLES / SAMPLING_RATE
"""Duration in seconds of the shortest segment that has a value."""

MIN_SPEECH_DUR = 0.3
"""Duration in seconds of the least speech that has a value, with ``vad``."""

LITTLE_SPEECH = 0.5
"""Share of speech below which a message says so."""

NO_VALUE = ("no_value", "the model gives NaN or inf, its weights may be damaged")
"""Status and message if the model gives no value."""


class Segment(NamedTuple):
    """Segment of a source, in seconds from its start."""

    start: float

    end: float | None
    """Requested end, ``None`` for the end of the source."""

    stop: float | None
    """End up to which the source is processed, cut at ``max_signal_dur``."""


class Row(NamedTuple):
    """A/D/V of one segment of a recording."""

    start: pd.Timedelta
    end: pd.Timedelta
    """NaT if unknown."""

    values: np.ndarray
    """Values ``(num_channels, num_values)``, float32, NaN for unusable input: A/D/V,
    and hidden states if requested."""

    status: str
    """See :class:`audw2s.audio.quality.Report`."""

    message: str
    """Reason for the status."""

    duration: float
    """Duration in seconds that was processed; shorter than requested if the source ends
    earlier."""

    speech: float = math.nan
    """Duration in seconds of speech; NaN if it is unknown."""


def rows_of(
    report: Report,
    segment: Segment,
    values: Sequence[np.ndarray | None],
    no_values: np.ndarray,
    *,
    grid: Grid | None = None,
    min_dur: float | None = None,
    vad: bool = False,
) -> list[Row]:
    """Rows of a segment: one, or one per window.

    Args:
        report: report of the source
        segment: segment of the source
        values: values ``(num_channels, num_values + 1)`` of the segment, or of its
            windows, the last one being the share of speech; ``None`` if it is too
            short. There may be more values than windows
        no_values: values of unusable input
        grid: grid of the windows, ``None`` for the segment as a whole
        min_dur: duration in seconds up to which a shorter segment was padded
        vad: whether only speech was processed

    """
    is_asked = segment.end is not None
    part = report.segment(segment.start, segment.stop, is_asked=is_asked)
    end, size = end_of(report, part, segment), 0
    if part.num_samples:
        size = resampled_size(part.num_samples, report.sampling_rate)
    if min_dur is not None and 0 < size < (fewest := round(min_dur * SAMPLING_RATE)):
        end, size = from_seconds(segment.start) + from_seconds(min_dur), fewest
    if grid is None or report.problem is not None or not size:
        whole = values[0] if grid is None and values and size >= MIN_SAMPLES else None
        times = {"start": from_seconds(segment.start), "end": end}
        return [row_of(report, part, whole, no_values, vad=vad, **times)]
    limits = {"grid": grid, "size": size, "vad": vad}
    return window_rows(report, part, end, values, no_values, **limits)


def end_of(report: Report, part: Part, segment: Segment) -> pd.Timedelta:
    """End of a segment: the requested one, but not beyond the last sample."""
    rate, stop = report.sampling_rate, segment.stop
    if report.problem is not None or not rate:
        is_known = segment.end is None and report.total
        return to_timedelta(report.total, 1) if is_known else from_seconds(segment.end)
    last = round(segment.start * rate) + part.num_samples
    if stop is not None and round(stop * rate) <= last:
        return from_seconds(stop)
    return max(from_seconds(segment.start), to_timedelta(last, rate))


def row_of(
    report: Report,
    part: Part,
    values: np.ndarray | None,
    no_values: np.ndarray,
    *,
    start: pd.Timedelta,
    end: pd.Timedelta,
    vad: bool = False,
) -> Row:
    """Row of a part of a source.

    Args:
        report: report of the source
        part: segment or window
        values: values of the part and share of speech, ``None`` if it is too short
        no_values: values of unusable input
        start: start of the part
        end: end of the part
        vad: whether only speech was processed

    """
    status, message = report.status(MIN_DUR if values is None else 0.0, part)
    duration = part.num_samples / report.sampling_rate if report.sampling_rate else 0.0
    if status in UNUSABLE or values is None:
        # Samples that are NaN may follow the first blocks
        return Row(start, end, no_values, status, message, duration)
    speech = values[:, -1] * duration
    values = values[:, :-1].astype(np.float32, copy=False)
    row = Row(start, end, values, status, message, duration, float(speech.max()))
    if vad:
        is_used = speech >= min(MIN_SPEECH_DUR, 0.999 * duration)
        if not is_used.any():
            text = no_speech(row)
            return row._replace(values=no_values, status="no_speech", message=text)
        values = values[is_used]
        row = row._replace(values=np.where(is_used[:, None], row.values, no_values))
    if not np.isfinite(values).all():
        status, message = NO_VALUE
        return row._replace(values=no_values, status=status, message=message)
    if vad or math.isnan(row.speech):
        return row
    return row._replace(message=with_note(row))


def no_speech(row: Row) -> str:
    """Message on a row with too little speech."""
    least = min(MIN_SPEECH_DUR, row.duration)
    return f"{row.speech:.1f} s of speech, at least {least:g} s are needed"


def with_note(row: Row) -> str:
    """Message of a row, with a note if there is little speech in it."""
    is_little = row.speech < LITTLE_SPEECH * row.duration
    if not is_little or row.status in ("silent", "quiet"):
        return row.message
    seconds = f"speech in {row.speech:.1f} of {row.duration:.1f} s only"
    note = f"{seconds}, the rest counts as well; vad=True, or --vad, leaves it out"
    return "; ".join(filter(None, [row.message, note]))


def window_rows(
    report: Report,
    segment: Part,
    end: pd.Timedelta,
    values: Sequence[np.ndarray | None],
    no_values: np.ndarray,
    *,
    grid: Grid,
    size: int,
    vad: bool,
) -> list[Row]:
    """Rows of the windows of a segment.

    Args:
        report: report of the source
        segment: segment, at the sampling rate of the source
        end: end of the segment
        values: values of the windows, see :func:`rows_of`
        no_values: values of unusable input
        grid: grid of the windows
        size: number of samples of the segment at 16 kHz, including padding
        vad: whether only speech was processed

    """
    truncated, begin = report.truncation(segment), from_seconds(segment.start)
    scale = report.sampling_rate / SAMPLING_RATE
    rows = []
    for number, window in enumerate(grid.windows(size)):
        first, last = (segment.first + round(k * scale) for k in window)
        part = Part(min(first, segment.last), min(last, segment.last), segment.start)
        of_window = values[number] if window[1] - window[0] >= MIN_SAMPLES else None
        start = begin + number * grid.hop
        times = {"start": start, "end": min(start + grid.win, end)}
        row = row_of(report, part, of_window, no_values, vad=vad, **times)
        if not part.num_samples:
            row = _without_samples(row, of_window)
        elif row.status == "ok" and truncated:
            message = "; ".join(filter(None, [truncated, row.message]))
            row = row._replace(status="truncated", message=message)
        rows.append(row)
    return rows


def _without_samples(row: Row, values: np.ndarray | None) -> Row:
    """Row of a window that holds no sample of the source."""
    if values is None:
        message = "no sample is left at 16 kHz"
        return row._replace(status="too_short", message=message)
    message = "nothing but zeros that 'min_signal_dur' appends"
    return row._replace(status="silent", message=message, values=values[:, :-1])
