"""Rows of the result: values and status of a window or segment."""

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


def rows_of(
    report: Report,
    segment: Segment,
    values: Sequence[np.ndarray | None],
    no_values: np.ndarray,
    *,
    grid: Grid | None = None,
    min_dur: float | None = None,
) -> list[Row]:
    """Rows of a segment: one, or one per window.

    Args:
        report: report of the source
        segment: segment of the source
        values: values of the segment, or of its windows; ``None`` if it is too short.
            There may be more values than windows
        no_values: values of unusable input
        grid: grid of the windows, ``None`` for the segment as a whole
        min_dur: duration in seconds up to which a shorter segment was padded

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
        return [row_of(report, part, end, whole, no_values)]
    return window_rows(report, part, end, values, no_values, grid=grid, size=size)


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
    end: pd.Timedelta,
    values: np.ndarray | None,
    no_values: np.ndarray,
) -> Row:
    """Row of a part of a source.

    Args:
        report: report of the source
        part: segment or window
        end: end of the part
        values: values of the part, ``None`` if it is too short
        no_values: values of unusable input

    """
    status, message = report.status(MIN_DUR if values is None else 0.0, part)
    if status in UNUSABLE or values is None:
        # Samples that are NaN may follow the first blocks
        values = no_values
    elif not np.isfinite(values).all():
        values, (status, message) = no_values, NO_VALUE
    duration = part.num_samples / report.sampling_rate if report.sampling_rate else 0.0
    values = values.astype(np.float32, copy=False)
    return Row(from_seconds(part.start), end, values, status, message, duration)


def window_rows(
    report: Report,
    segment: Part,
    end: pd.Timedelta,
    values: Sequence[np.ndarray | None],
    no_values: np.ndarray,
    *,
    grid: Grid,
    size: int,
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

    """
    truncated = report.truncation(segment)
    scale = report.sampling_rate / SAMPLING_RATE
    rows = []
    for number, (first, last) in enumerate(grid.windows(size)):
        begin, stop = (segment.first + round(k * scale) for k in (first, last))
        begin, stop = (min(k, segment.last) for k in (begin, stop))
        part = Part(begin, stop, segment.start)
        of_window = values[number] if last - first >= MIN_SAMPLES else None
        row = row_of(report, part, end, of_window, no_values)
        if not part.num_samples:
            row = _without_samples(row, of_window)
        elif row.status == "ok" and truncated:
            message = "; ".join([truncated, *report.notes])
            row = row._replace(status="truncated", message=message)
        start = row.start + number * grid.hop
        rows.append(row._replace(start=start, end=min(start + grid.win, end)))
    return rows


def _without_samples(row: Row, values: np.ndarray | None) -> Row:
    """Row of a window that holds no sample of the source."""
    if values is None:
        message = "no sample is left at 16 kHz"
        return row._replace(status="too_short", message=message)
    message = "nothing but zeros that 'min_signal_dur' appends"
    return row._replace(status="silent", message=message, values=values)
