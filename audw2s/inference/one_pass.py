"""Process segments of a recording, and their windows, in a single pass."""

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
"""Duration in seconds over which a signal is normalised, if there are no windows."""


def grouped_spans(
    spans: Sequence[Span],
    margin: float | None,
) -> list[list[int]]:
    """Group segments whose surroundings overlap, to process them in a single pass.

    Args:
        spans: start and end of each segment
        margin: seconds around a segment that are processed as well, ``None`` to
            process each segment on its own

    Returns:
        positions of the segments of each pass

    Examples:
        >>> grouped_spans([(0, 1), (20, 21), (2, 3)], 4)
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
    """Seconds around a segment that its tokens depend on."""
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
    """Process segments, or their windows, in a single pass over the source.

    Args:
        analyser: model and settings
        read: reader of the source
        spans: start and end of each segment in seconds, cut at ``max_signal_dur``
        ends: requested ends in seconds, ``None`` for the end of the source
        callback: see :meth:`audw2s.inference.pipeline.Predictor.file`

    """
    starts, stops = zip(*spans, strict=True)
    first, last = min(starts), None if None in stops else max(stops)
    if callback is None:
        around = margin(analyser)
        # Whole seconds are whole samples at any sampling rate
        first = max(0, math.floor(first) - around)
        last = None if last is None else math.ceil(last) + around
    report = Report(mask=Mask())
    asked: list[int] = []
    tokens = analyser.network.tokens
    poolers: list[SegmentPooler] = []
    for block in analyser.blocks(read, report, (first, last), callback):
        for number, channel in enumerate(block):
            if number == len(poolers):
                noted = asked if number == 0 else []
                segments = [at_model_rate(report, span) for span in spans]
                ranges = window_ranges(segments, analyser.grid, tokens, noted)
                level = SlidingNormaliser(_level_dur(analyser), epsilon=tokens.epsilon)
                poolers.append(SegmentPooler(tokens, level, ranges))
            poolers[number].push(channel)
    values = [[] for _ in spans]
    pooled = zip(*(pooler.finish() for pooler in poolers), strict=True)
    for number, channels in zip(asked, pooled, strict=False):
        values[number].append(np.stack(channels))
    return [
        _rows_of(analyser, report, span, end, found)
        for span, end, found in zip(spans, ends, values, strict=True)
    ]


def at_model_rate(report: Report, span: Span) -> tuple[int, int]:
    """Range of a segment in samples at 16 kHz, counted from the start of the report."""
    rate = report.sampling_rate
    begin = round(report.start * rate)
    first, stop = round(span[0] * rate) - begin, span[1]
    # Rounded down, to stay within the existing samples
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
    segment = report.segment(*span, is_asked=end is not None)
    last, no_values = end_of(segment, end, span[1]), analyser.no_values()
    size = 0
    if segment.num_samples:
        size = resampled_size(segment.num_samples, segment.sampling_rate)
    if analyser.grid is None:
        pooled = values[0] if size >= MIN_SAMPLES else None
        return [whole_row(segment, last, pooled, no_values)]
    return window_rows(segment, last, analyser.grid, size, values, no_values)
