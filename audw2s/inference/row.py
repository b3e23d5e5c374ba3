"""What is said of a segment of a recording."""

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
"""Shortest segment, in seconds, of which a value can be made."""


NO_VALUE = "the model gives NaN or inf, its weights may be damaged"
"""Why there is no value of a signal that has no fault."""


class Row(NamedTuple):
    """A/D/V of one segment of a recording."""

    start: pd.Timedelta
    end: pd.Timedelta
    """NaT if unknown."""

    values: np.ndarray
    """``(num_channels, num_values)``, float32, NaN where no value is honest: A/D/V,
    and the hidden states if they were asked for."""

    status: str
    """See :class:`audw2s.audio.quality.Report`."""

    message: str
    """The reason for the status, in words."""

    duration: float
    """Seconds that were heard; fewer than asked for where the source ends."""


def end_of(report: Report, end: float | None, stop: float | None) -> pd.Timedelta:
    """Where a segment ends: as asked for, but not beyond what was read.

    Args:
        report: what was found in the segment
        end: that was asked for, in seconds, ``None`` for that of the source
        stop: where reading stopped, in seconds, ``None`` for the end of the source

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
        report: what was found in the segment
        end: of the segment, see :func:`end_of`
        values: of the segment, ``None`` if it is too short for any
        no_values: what stands where no value is honest

    """
    status, message = report.status(MIN_DUR if values is None else 0.0)
    if status in UNUSABLE or values is None:
        # NaN may come up after the first blocks were heard
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
        report: what was found in the segment
        end: of the segment, see :func:`end_of`
        grid: of the windows
        num_samples: of the segment at 16 kHz, with zeros that were appended
        values: of the windows, ``None`` where one is too short for any; there may be
            more values than windows
        no_values: what stands where no value is honest

    """
    if report.problem is not None or not report.num_samples:
        return [whole_row(report, end, None, no_values)]
    truncated = report.truncation()
    rows = []
    for number, (first, last) in enumerate(grid.windows(num_samples)):
        part = report.part(*(_original(k, report) for k in (first, last)))
        part.start = report.start
        if not part.num_samples:
            part.problem = ("silent", "nothing but zeros that 'min_signal_dur' appends")
        own = values[number] if last - first >= MIN_SAMPLES else None
        row = whole_row(part, end, own, no_values)
        if row.status == "ok" and truncated:
            message = "; ".join([truncated, *report.notes])
            row = row._replace(status="truncated", message=message)
        start = row.start + number * grid.hop
        rows.append(row._replace(start=start, end=min(start + grid.win, end)))
    return rows


def _original(number: int, report: Report) -> int:
    """Sample of a source, of its number at 16 kHz."""
    return round(number * report.sampling_rate / SAMPLING_RATE)
