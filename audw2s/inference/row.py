"""Rows of the result: values and status of a window or segment."""

import dataclasses
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
from audw2s.audio.times import Grid
from audw2s.audio.times import from_seconds
from audw2s.audio.times import resampled_size
from audw2s.audio.times import to_timedelta

MIN_DUR = MIN_SAMPLES / SAMPLING_RATE
"""Duration in seconds of the shortest segment that has a value."""

MIN_SPEECH_DUR = 0.3
"""Duration in seconds of the least speech that has a value, with ``vad``."""

LITTLE_SPEECH = 0.4
"""Share of speech below which a message says so; students find about a tenth less than
Silero VAD."""

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

    segment_end: pd.Timedelta | None = None
    """End of the segment, of its last window, which may end before if the windows have
    gaps between them."""

    def __repr__(self) -> str:
        """Times in seconds, values with three digits, and status.

        Examples:
            >>> start, end = pd.Timedelta(0), pd.Timedelta("1.5s")
            >>> Row(start, end, np.array([[0.5, 0.25, 1]]), "ok", "", 1.5)
            Row(0.00 to 1.50 s, [[0.5  0.25 1.  ]], ok)

        """
        values = np.array2string(self.values, precision=3, threshold=9)
        seconds = [time.total_seconds() for time in (self.start, self.end)]
        status = f"{self.status}: {self.message}" if self.message else self.status
        return f"Row({seconds[0]:.2f} to {seconds[1]:.2f} s, {values}, {status})"


@dataclasses.dataclass
class RowMaker:
    """Makes the rows of a segment of a source: one, or one per window."""

    report: Report
    """Report of the source."""

    segment: Segment

    no_values: np.ndarray
    """Values of unusable input."""

    grid: Grid | None = None
    """Grid of the windows, ``None`` for the segment as a whole."""

    min_dur: float | None = None
    """Duration in seconds up to which a shorter segment was padded."""

    vad: bool = False
    """Whether only speech was processed."""

    def rows(self, values: Sequence[np.ndarray | None]) -> list[Row]:
        """Return the rows.

        Args:
            values: values ``(num_channels, num_values + 1)`` of the segment, or of its
                windows, the last one being the share of speech; ``None`` if it is too
                short. There may be more values than windows

        """
        report, (begin, end, stop) = self.report, self.segment
        rate, start = report.sampling_rate, from_seconds(begin)
        part = report.segment(begin, stop, is_asked=end is not None)
        if report.problem is not None or not rate:
            is_known = end is None and report.total
            last = to_timedelta(report.total, 1) if is_known else from_seconds(end)
            return [self._row(part, None, start, last)]
        # The requested end, but not beyond the last sample
        sample = round(begin * rate) + part.last - part.first
        last = max(start, to_timedelta(sample, rate))
        if stop is not None and round(stop * rate) <= sample:
            last = from_seconds(stop)
        size = resampled_size(part.last - part.first, rate)
        fewest = round((self.min_dur or 0.0) * SAMPLING_RATE)
        if 0 < size < fewest:
            last, size = start + from_seconds(self.min_dur), fewest
        if self.grid is None or not size:
            is_usable = self.grid is None and values and size >= MIN_SAMPLES
            return [self._row(part, values[0] if is_usable else None, start, last)]
        truncated, rows = report.truncation(part), []
        scale = rate / SAMPLING_RATE
        for number, window in enumerate(self.grid.windows(size)):
            edges = [min(part.first + round(k * scale), part.last) for k in window]
            own = Part(edges[0], edges[1], begin)
            of_window = values[number] if window[1] - window[0] >= MIN_SAMPLES else None
            time = start + number * self.grid.hop
            row = self._row(own, of_window, time, min(time + self.grid.win, last))
            if own.first == own.last:
                row = _without_samples(row, of_window)
            elif row.status == "ok" and truncated:
                message = "; ".join(filter(None, [truncated, row.message]))
                row = row._replace(status="truncated", message=message)
            rows.append(row)
        rows[-1] = rows[-1]._replace(segment_end=last)
        return rows

    def _row(
        self,
        part: Part,
        values: np.ndarray | None,
        start: pd.Timedelta,
        end: pd.Timedelta,
    ) -> Row:
        """Row of a part of the source.

        Args:
            part: segment or window
            values: values of the part and share of speech, ``None`` if it is too short
            start: start of the part
            end: end of the part

        """
        report = self.report
        status, message = report.status(MIN_DUR if values is None else 0.0, part)
        duration = (part.last - part.first) / max(1, report.sampling_rate)
        if status in UNUSABLE or values is None:
            # Samples that are NaN may follow the first blocks
            return Row(start, end, self.no_values, status, message, duration)
        speech = values[:, -1] * duration
        values = values[:, :-1].astype(np.float32, copy=False)
        row = Row(start, end, values, status, message, duration, float(speech.max()))
        if self.vad:
            is_used = speech >= min(MIN_SPEECH_DUR, 0.999 * duration)
            if not is_used.any():
                return row._replace(
                    values=self.no_values, status="no_speech", message=_no_speech(row)
                )
            values = values[is_used]
            used = np.where(is_used[:, None], row.values, self.no_values)
            row = row._replace(values=used)
        if not np.isfinite(values).all():
            status, message = NO_VALUE
            return row._replace(values=self.no_values, status=status, message=message)
        is_little = row.speech < LITTLE_SPEECH * duration
        if self.vad or not is_little or status in ("silent", "quiet"):
            return row
        seconds = f"speech in {row.speech:.1f} of {duration:.1f} s only"
        note = f"{seconds}, the rest counts as well; vad=True, or --vad, leaves it out"
        return row._replace(message="; ".join(filter(None, [message, note])))


def _no_speech(row: Row) -> str:
    """Message on a row with too little speech."""
    least = min(MIN_SPEECH_DUR, row.duration)
    return f"{row.speech:.1f} s of speech, at least {least:g} s are needed"


def _without_samples(row: Row, values: np.ndarray | None) -> Row:
    """Row of a window that holds no sample of the source."""
    if values is None:
        message = "no sample is left at 16 kHz"
        return row._replace(status="too_short", message=message)
    message = "nothing but zeros that 'min_signal_dur' appends"
    return row._replace(status="silent", message=message, values=values[:, :-1])
