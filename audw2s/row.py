"""What is said of a stretch of a recording."""

from typing import NamedTuple

import numpy as np

from audw2s.catalogue import SAMPLING_RATE
from audw2s.report import SHORT_DUR
from audw2s.report import UNUSABLE
from audw2s.report import Report
from audw2s.signal import MIN_SAMPLES

MIN_DUR = MIN_SAMPLES / SAMPLING_RATE
"""Shortest stretch, in seconds, of which a value can be made."""

NO_VALUE = "the model gives NaN or inf, its weights may be damaged"
"""Why there is no value of a signal that has no fault."""


class Row(NamedTuple):
    """A/D/V of one stretch of a recording."""

    start: float
    """In seconds."""

    end: float
    """In seconds, NaN if unknown."""

    values: np.ndarray
    """``(num_channels, num_values)``, float32, NaN where no value is honest: A/D/V,
    and the hidden states if they were asked for."""

    status: str
    """See :class:`audw2s.report.Report`."""

    message: str
    """The reason for the status, in words."""

    duration: float
    """Seconds that were heard; fewer than asked for where the source ends."""


def whole_row(
    report: Report,
    end: float | None,
    values: np.ndarray | None,
    no_values: np.ndarray,
) -> Row:
    """Row of a stretch as a whole.

    Args:
        report: what was found in the stretch
        end: that was asked for, in seconds
        values: of the stretch, ``None`` if it is too short for any
        no_values: what stands where no value is honest

    """
    status, message = report.status(MIN_DUR if values is None else 0.0)
    if status in UNUSABLE or values is None:
        # NaN may come up after the first blocks were heard
        values = no_values
    elif not np.isfinite(values).all():
        values, status, message = no_values, "no_value", NO_VALUE
    if end is None:
        end = report.start + report.duration if report.sampling_rate else np.nan
    values = values.astype(np.float32)
    return Row(report.start, end, values, status, message, report.duration)


def window_row(
    report: Report,
    start: float,
    win_dur: float,
    num_samples: int,
    is_still: bool,
    values: np.ndarray,
    no_values: np.ndarray,
) -> Row:
    """Row of one window; times count from the start of the stretch.

    Args:
        report: what was found in the stretch
        start: of the window, in seconds
        win_dur: of the windows
        num_samples: at 16 kHz that are in it
        is_still: whether all of them are equal
        values: of the window
        no_values: what stands where no value is honest

    """
    end, duration = start + win_dur, num_samples / SAMPLING_RATE
    if num_samples < MIN_SAMPLES:
        return Row(start, end, no_values, "too_short", "", duration)
    if fault := report.fault(start, end):
        return Row(start, end, no_values, *fault, duration)
    if not np.isfinite(values).all():
        return Row(start, end, no_values, "no_value", NO_VALUE, duration)
    status, message = "ok", ""
    if is_still:
        status, message = "silent", "all samples are equal"
    elif num_samples < SHORT_DUR * SAMPLING_RATE:
        status, message = "short", f"{duration:.3f} s"
    return Row(start, end, values, status, message, duration)


def window_rows(
    report: Report,
    end: float | None,
    rows: list[Row],
    no_values: np.ndarray,
) -> list[Row]:
    """Rows of the windows of a stretch, with what holds for all of it.

    Args:
        report: what was found in the stretch
        end: that was asked for, in seconds
        rows: of its windows, see :func:`window_row`
        no_values: what stands where no value is honest

    """
    usable = any(row.status not in UNUSABLE for row in rows)
    status, message = report.status(0.0 if usable else MIN_DUR)
    if len(rows) < 2 and status in UNUSABLE:
        return [whole_row(report, end, None, no_values)]
    if status in ("truncated", "clipped"):
        # Unless a window has its own reason
        rows = [
            row._replace(status=status, message=message) if row.status == "ok" else row
            for row in rows
        ]
    return [
        row._replace(
            start=report.start + row.start,
            end=report.start + min(row.end, max(report.duration, row.start)),
        )
        for row in rows
    ]
