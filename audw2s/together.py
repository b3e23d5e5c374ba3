"""Hear stretches of a recording, and their windows, in one pass."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from audw2s.catalogue import SAMPLING_RATE
from audw2s.level import Level
from audw2s.marks import Marks
from audw2s.onepass import Pass
from audw2s.onepass import window_ranges
from audw2s.report import Report
from audw2s.row import Row
from audw2s.row import whole_row
from audw2s.row import window_row
from audw2s.row import window_rows
from audw2s.signal import MIN_SAMPLES
from audw2s.source import Read
from audw2s.source import Span
from audw2s.source import Tap
from audw2s.windows import Grid

if TYPE_CHECKING:
    from audw2s.annotator import Annotator

LEVEL_DUR = 3.0
"""Seconds around a sample that its level is taken from, where it isn't ``win_dur``."""


def parts(
    spans: Sequence[Span],
    margin: float | None,
) -> list[list[int]]:
    """Group stretches that are heard in one pass, as their surroundings touch.

    Args:
        spans: start and end of each
        margin: seconds that are heard around it, ``None`` if each is on its own

    Returns:
        numbers of the stretches of each pass

    Examples:
        >>> parts([(0, 1), (20, 21), (2, 3)], 4)
        [[0, 2], [1]]

    """
    grouped: list[list[int]] = []
    reached = -math.inf
    for number in sorted(range(len(spans)), key=lambda k: spans[k][0]):
        start, end = spans[number]
        if margin is None or start - margin > reached + margin:
            grouped.append([])
        grouped[-1].append(number)
        reached = max(reached, math.inf if end is None else end)
    return grouped


def margin(annotator: "Annotator") -> float:
    """Seconds around a stretch that its tokens depend on."""
    tokens = annotator.network.tokens
    return math.ceil(_level_dur(annotator) + (tokens.context + 1) / tokens.rate)


def _level_dur(annotator: "Annotator") -> float:
    return annotator.win_dur or LEVEL_DUR


def together(
    annotator: "Annotator",
    read: Read,
    spans: Sequence[Span],
    ends: Sequence[float | None],
    tap: Tap | None,
) -> list[list[Row]]:
    """Pool stretches, or their windows, from one pass over all.

    Args:
        annotator: holds the model and the settings
        read: reads the source
        spans: of the stretches
        ends: that were asked for, in seconds; spans may end earlier
        tap: see :meth:`audw2s.annotator.Annotator.file`

    """
    starts, stops = zip(*spans, strict=True)
    first, last = min(starts), None if None in stops else max(stops)
    if tap is None:
        around = margin(annotator)
        # At whole seconds, where samples of all rates fall together
        first = max(0, math.floor(first) - around)
        last = None if last is None else math.ceil(last) + around
    relative = [
        (start - first, math.inf if stop is None else stop - first)
        for start, stop in spans
    ]
    report, marks = Report(), Marks()
    asked: list[int] = []
    grid = Grid(annotator.win_dur, annotator.hop_dur)
    tokens = annotator.network.tokens
    passes: list[Pass] = []
    num_samples = 0
    for block in annotator.blocks(read, report, (first, last), tap, marks):
        num_samples += block.shape[1]
        marks.see(block)
        for number, channel in enumerate(block):
            if number == len(passes):
                noted = asked if number == 0 else []
                ranges = window_ranges(relative, grid, tokens, noted)
                level = Level(_level_dur(annotator))
                passes.append(Pass(tokens, level, ranges))
            passes[number].push(channel)
    marks.finish()
    values = [[] for _ in spans]
    pooled = zip(*(heard.finish() for heard in passes), strict=True)
    for number, channels in zip(asked, pooled, strict=False):
        values[number].append(np.stack(channels))
    return [
        _rows_of(annotator, grid, report, marks, span, end, found, num_samples)
        for span, end, found in zip(relative, ends, values, strict=True)
    ]


def _rows_of(
    annotator: "Annotator",
    grid: Grid,
    report: Report,
    marks: Marks,
    span: tuple[float, float],
    end: float | None,
    values: list[np.ndarray],
    num_samples: int,
) -> list[Row]:
    """Rows of one stretch of a pass."""
    start, stop = span
    own = report.part(start, None if math.isinf(stop) else stop)
    stop = min(stop, num_samples / SAMPLING_RATE)
    own.num_clipped = marks.num_clipped(start, stop)
    own.low, own.high = 0.0, 0.0 if marks.is_still(start, stop) else 1.0
    size = max(0, round(stop * SAMPLING_RATE) - round(start * SAMPLING_RATE))
    no_values = annotator.no_values()
    if annotator.win_dur is None:
        heard = values[0] if values and size >= MIN_SAMPLES else None
        return [whole_row(own, end, heard, no_values)]
    if own.problem or size == 0:
        return [whole_row(own, end, None, no_values)]
    rows = []
    for number in range(grid.count(size)):
        first = number * annotator.hop_dur
        last = min(start + first + annotator.win_dur, stop)
        left = round(last * SAMPLING_RATE) - round((start + first) * SAMPLING_RATE)
        about = (first, annotator.win_dur, left, marks.is_still(start + first, last))
        # Under 64 samples may have no token
        heard = values[number] if number < len(values) else no_values
        rows.append(window_row(own, *about, heard, no_values))
    return window_rows(own, end, rows, no_values)
