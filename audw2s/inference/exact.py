"""Process a segment, or each of its windows, independent of the rest of a recording."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from functools import partial

import numpy as np

from audw2s.audio.mask import Mask
from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import from_seconds
from audw2s.audio.times import resampled_size
from audw2s.audio.times import to_samples
from audw2s.audio.windows import Grid
from audw2s.audio.windows import groups
from audw2s.inference.analyser import Analyser
from audw2s.inference.normalisation import RunningMoments
from audw2s.inference.pooler import UtterancePooler
from audw2s.inference.row import Row
from audw2s.inference.row import end_of
from audw2s.inference.row import whole_row
from audw2s.inference.row import window_rows
from audw2s.inference.source import Callback
from audw2s.inference.source import Read
from audw2s.inference.source import Span


def exact(
    analyser: Analyser,
    read: Read,
    span: Span,
    end: float | None,
    callback: Callback | None,
) -> list[Row]:
    """Process a segment as if it were a recording of its own.

    Args:
        analyser: model and settings
        read: reader of the source
        span: start and end of the segment in seconds, cut at ``max_signal_dur``
        end: requested end in seconds, ``None`` for the end of the source
        callback: see :meth:`audw2s.inference.pipeline.Predictor.file`

    """
    grid = analyser.grid
    report = Report(mask=grid and Mask())
    blocks = analyser.blocks(read, report, span, callback)
    fewest = 0
    if analyser.min_signal_dur is not None:
        fewest = to_samples(from_seconds(analyser.min_signal_dur))
        blocks = padded(blocks, fewest)
    if grid is not None:
        values = _each_window(analyser, grid, blocks)
    elif analyser.network.tokens is None:
        values = _mean_of_blocks(analyser, blocks, report)
    else:
        again = partial(analyser.blocks, read, Report(), span)
        values = _one_window(analyser, blocks, report, again)
    segment = report.segment(*span, is_asked=end is not None)
    last, size = end_of(segment, end, span[1]), 0
    if segment.num_samples:
        size = resampled_size(segment.num_samples, segment.sampling_rate)
    if 0 < size < fewest:
        last = from_seconds(segment.start) + from_seconds(analyser.min_signal_dur)
        size = fewest
    if grid is None:
        return [whole_row(segment, last, values, analyser.no_values())]
    return window_rows(segment, last, grid, size, values, analyser.no_values())


def _mean_of_blocks(
    analyser: Analyser,
    blocks: Iterable[np.ndarray],
    report: Report,
) -> np.ndarray | None:
    size = analyser.network.max_dur
    values, weights = [], []
    for group in groups(Grid(size, size).cut(blocks), analyser.at_once):
        usable = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        if not report.fault():
            values += analyser.run(usable)
            weights += [window.shape[1] for window in usable]
    return np.average(values, 0, weights) if values else None


def _one_window(
    analyser: Analyser,
    blocks: Iterator[np.ndarray],
    report: Report,
    again: Callable[[], Iterator[np.ndarray]],
) -> np.ndarray | None:
    """Process a segment as one window; read it twice if it is too long for memory.

    Args:
        analyser: model and settings
        blocks: blocks of the segment
        report: report of the segment
        again: function that reads the blocks a second time

    """
    held, size = [], 0
    for block in blocks:
        held.append(block)
        size += block.shape[1]
        if size > analyser.network.max_dur * SAMPLING_RATE:
            break
    else:
        if size < MIN_SAMPLES or report.fault():
            return None
        return analyser.run([np.concatenate(held, axis=1)])[0]
    tokens = analyser.network.tokens
    moments = [RunningMoments(tokens.epsilon) for _ in held[0]]
    while held:
        _update(moments, held.pop(0))
    for block in blocks:
        _update(moments, block)
    if report.fault():
        return None
    poolers = [UtterancePooler(tokens, moment) for moment in moments]
    for block in again():
        for pooler, channel in zip(poolers, block, strict=True):
            pooler.push(channel)
    return np.stack([pooler.finish() for pooler in poolers])


def _each_window(
    analyser: Analyser,
    grid: Grid,
    blocks: Iterable[np.ndarray],
) -> list[np.ndarray | None]:
    """Run the model on each window; ``None`` for a window that is too short."""
    values: list[np.ndarray | None] = []
    for group in groups(grid.cut(blocks), analyser.at_once):
        usable = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        # Only the single window of a short segment can be too short
        values += analyser.run(usable) if usable else [None]
    return values


def _update(moments: list[RunningMoments], block: np.ndarray) -> None:
    for moment, channel in zip(moments, block, strict=True):
        moment.update(channel)


def padded(blocks: Iterable[np.ndarray], num_samples: int) -> Iterator[np.ndarray]:
    """Append zeros to a signal that is shorter than ``num_samples``."""
    total, block = 0, None
    for block in blocks:
        total += block.shape[1]
        yield block
    if block is not None and total < num_samples:
        yield np.zeros((len(block), num_samples - total), np.float32)
