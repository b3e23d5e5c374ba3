"""Hear stretches of a recording, and their windows, in one pass."""

import math
from collections.abc import Sequence

import numpy as np

from audw2s.audio.mask import Mask
from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import resampled_size
from audw2s.inference.analyser import Analyser
from audw2s.inference.frames import ENDLESS
from audw2s.inference.normalisation import SlidingNormaliser
from audw2s.inference.pooler import SegmentPooler
from audw2s.inference.pooler import window_ranges
from audw2s.inference.row import Row
from audw2s.inference.row import end_of
from audw2s.inference.row import whole_row
from audw2s.inference.row import window_rows
from audw2s.inference.source import Callback
from audw2s.inference.source import Read
from audw2s.inference.source import Span

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


def margin(analyser: Analyser) -> float:
    """Seconds around a stretch that its tokens depend on."""
    tokens = analyser.network.tokens
    return math.ceil(_level_dur(analyser) + (tokens.context + 1) / tokens.rate)


def _level_dur(analyser: Analyser) -> float:
    return analyser.win_dur or LEVEL_DUR


def one_pass(
    analyser: Analyser,
    read: Read,
    spans: Sequence[Span],
    ends: Sequence[float | None],
    callback: Callback | None,
) -> list[list[Row]]:
    """Pool stretches, or their windows, from one pass over all.

    Args:
        analyser: holds the model and the settings
        read: reads the source
        spans: of the stretches
        ends: that were asked for, in seconds; spans may end earlier
        callback: see :meth:`audw2s.inference.pipeline.Predictor.file`

    """
    starts, stops = zip(*spans, strict=True)
    first, last = min(starts), None if None in stops else max(stops)
    if callback is None:
        around = margin(analyser)
        # At whole seconds, where samples of all rates fall together
        first = max(0, math.floor(first) - around)
        last = None if last is None else math.ceil(last) + around
    report = Report(mask=Mask())
    asked: list[int] = []
    tokens = analyser.network.tokens
    passes: list[SegmentPooler] = []
    for block in analyser.blocks(read, report, (first, last), callback):
        for number, channel in enumerate(block):
            if number == len(passes):
                noted = asked if number == 0 else []
                segments = [at_model_rate(report, span) for span in spans]
                ranges = window_ranges(segments, analyser.grid, tokens, noted)
                level = SlidingNormaliser(_level_dur(analyser), epsilon=tokens.epsilon)
                passes.append(SegmentPooler(tokens, level, ranges))
            passes[number].push(channel)
    values = [[] for _ in spans]
    pooled = zip(*(heard.finish() for heard in passes), strict=True)
    for number, channels in zip(asked, pooled, strict=False):
        values[number].append(np.stack(channels))
    return [
        _rows_of(analyser, report, span, end, found)
        for span, end, found in zip(spans, ends, values, strict=True)
    ]


def at_model_rate(report: Report, span: Span) -> tuple[int, int]:
    """First and last sample of a segment, from where the report starts, at 16 kHz."""
    rate = report.sampling_rate
    begin = round(report.start * rate)
    first, stop = round(span[0] * rate) - begin, span[1]
    # Rounded down, so that it never reaches beyond the samples that there are
    start = first * SAMPLING_RATE // rate
    if stop is None:
        return start, ENDLESS
    return start, start + resampled_size(round(stop * rate) - begin - first, rate)


def _rows_of(
    analyser: Analyser,
    report: Report,
    span: Span,
    end: float | None,
    values: list[np.ndarray],
) -> list[Row]:
    """Rows of one segment of a pass."""
    own = report.segment(*span, is_asked=end is not None)
    last, no_values = end_of(own, end, span[1]), analyser.no_values()
    size = 0
    if own.num_samples:
        size = resampled_size(own.num_samples, own.sampling_rate)
    if analyser.grid is None:
        heard = values[0] if size >= MIN_SAMPLES else None
        return [whole_row(own, last, heard, no_values)]
    return window_rows(own, last, analyser.grid, size, values, no_values)
