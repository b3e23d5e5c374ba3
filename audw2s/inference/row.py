"""Rows of the result: values and status of a window or segment."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_timedelta
from audw2s.audio.windows import Grid

MIN_DUR = MIN_SAMPLES / SAMPLING_RATE
"""Duration in seconds of the shortest segment that has a value."""


NO_VALUE = "the model gives NaN or inf, its weights may be damaged"
"""Message of status ``no_value``."""


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


def end_of(report: Report, end: float | None, stop: float | None) -> pd.Timedelta:
    """End of a segment: the requested one, but not beyond the last sample.

    Args:
        report: report of the segment
        end: requested end in seconds, ``None`` for the end of the source
        stop: end in seconds up to which the source was read, ``None`` for its end

    """
    rate = report.sampling_rate
    if report.problem is not None or not rate:
        known = end is None and report.total
        return to_timedelta(report.total, 1) if known else from_seconds(end)
    last = round(report.start * rate) + report.num_samples
    if stop is not None and round(stop * rate) <= last:
        return from_seconds(stop)
    return max(from_seconds(report.start), to_timedelta(last, rate))


def whole_row(
    report: Report,
    end: pd.Timedelta,
    values: np.ndarray | None,
    no_values: np.ndarray,
) -> Row:
    """Row of a segment as a whole.

    Args:
        report: report of the segment
        end: end of the segment, see :func:`end_of`
        values: values of the segment, ``None`` if it is too short
        no_values: values of unusable input

    """
    status, message = report.status(MIN_DUR if values is None else 0.0)
    if status in UNUSABLE or values is None:
        # Samples that are NaN may follow the first blocks
        values = no_values
    elif not np.isfinite(values).all():
        values, status, message = no_values, "no_value", NO_VALUE
    values = values.astype(np.float32)
    start = from_seconds(report.start)
    return Row(start, end, values, status, message, report.duration)


def window_rows(
    report: Report,
    end: pd.Timedelta,
    grid: Grid,
    num_samples: int,
    values: Sequence[np.ndarray | None],
    no_values: np.ndarray,
) -> list[Row]:
    """Rows of the windows of a segment.

    Args:
        report: report of the segment
        end: end of the segment, see :func:`end_of`
        grid: grid of the windows
        num_samples: number of samples of the segment at 16 kHz, including padding
        values: values of the windows, ``None`` for a window that is too short; there
            may be more values than windows
        no_values: values of unusable input

    """
    if report.problem is not None or not report.num_samples:
        return [whole_row(report, end, None, no_values)]
    truncated = report.truncation()
    rows = []
    for number, (first, last) in enumerate(grid.windows(num_samples)):
        window = report.part(*(_original(k, report) for k in (first, last)))
        window.start = report.start
        of_window = values[number] if last - first >= MIN_SAMPLES else None
        if not window.num_samples and of_window is None:
            window.problem = ("too_short", "no sample is left at 16 kHz")
        elif not window.num_samples:
            message = "nothing but zeros that 'min_signal_dur' appends"
            window.problem = ("silent", message)
        row = whole_row(window, end, of_window, no_values)
        if row.status == "ok" and truncated:
            message = "; ".join([truncated, *report.notes])
            row = row._replace(status="truncated", message=message)
        start = row.start + number * grid.hop
        rows.append(row._replace(start=start, end=min(start + grid.win, end)))
    return rows


def _original(number: int, report: Report) -> int:
    """Index of a sample of the source, given its index at 16 kHz."""
    return round(number * report.sampling_rate / SAMPLING_RATE)
