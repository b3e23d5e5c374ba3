"""Hear a stretch, or each of its windows, as if nothing else were there."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audw2s.audio.times import from_seconds
from audw2s.audio.times import resampled_size
from audw2s.audio.times import to_samples
from audw2s.audio.windows import Grid
from audw2s.audio.windows import groups
from audw2s.catalogue import SAMPLING_RATE
from audw2s.level import Moments
from audw2s.marks import Mask
from audw2s.onepass import Whole
from audw2s.report import Report
from audw2s.row import Row
from audw2s.row import end_of
from audw2s.row import whole_row
from audw2s.row import window_rows
from audw2s.signal import MIN_SAMPLES
from audw2s.source import Read
from audw2s.source import Span
from audw2s.source import Tap

if TYPE_CHECKING:
    from audw2s.annotator import Annotator


def alone(
    annotator: "Annotator",
    read: Read,
    span: Span,
    end: float | None,
    tap: Tap | None,
) -> list[Row]:
    """Annotate a segment as if it were a recording of its own.

    Args:
        annotator: holds the model and the settings
        read: reads the source
        span: of the segment that is heard
        end: that was asked for, in seconds
        tap: see :meth:`audw2s.annotator.Annotator.file`

    """
    grid = annotator.grid
    report = Report(mask=grid and Mask())
    blocks = annotator.blocks(read, report, span, tap)
    fewest = 0
    if annotator.min_signal_dur is not None:
        fewest = to_samples(from_seconds(annotator.min_signal_dur))
        blocks = padded(blocks, fewest)
    if grid is not None:
        values = _each_window(annotator, grid, blocks)
    elif annotator.network.tokens is None:
        values = _mean_of_blocks(annotator, blocks, report)
    else:
        again = partial(annotator.blocks, read, Report(), span)
        values = _one_window(annotator, blocks, report, again)
    own = report.segment(*span, is_asked=end is not None)
    last, size = end_of(own, end, span[1]), 0
    if own.num_samples:
        size = resampled_size(own.num_samples, own.sampling_rate)
    if 0 < size < fewest:
        last = from_seconds(own.start) + from_seconds(annotator.min_signal_dur)
        size = fewest
    if grid is None:
        return [whole_row(own, last, values, annotator.no_values())]
    return window_rows(own, last, grid, size, values, annotator.no_values())


def _mean_of_blocks(
    annotator: "Annotator",
    blocks: Iterable[np.ndarray],
    report: Report,
) -> np.ndarray | None:
    size = annotator.network.max_dur
    values, weights = [], []
    for group in groups(Grid(size, size).cut(blocks), annotator.at_once):
        heard = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        if not report.fault():
            values += annotator.run(heard)
            weights += [window.shape[1] for window in heard]
    return np.average(values, 0, weights) if values else None


def _one_window(
    annotator: "Annotator",
    blocks: Iterator[np.ndarray],
    report: Report,
    again: Callable[[], Iterator[np.ndarray]],
) -> np.ndarray | None:
    """Hear all as one window; read twice if it is too long to be held.

    Args:
        annotator: holds the model
        blocks: of the stretch
        report: of what was found in them
        again: gives the blocks once more

    """
    held, size = [], 0
    for block in blocks:
        held.append(block)
        size += block.shape[1]
        if size > annotator.network.max_dur * SAMPLING_RATE:
            break
    else:
        if size < MIN_SAMPLES or report.fault():
            return None
        return annotator.run([np.concatenate(held, axis=1)])[0]
    tokens = annotator.network.tokens
    moments = [Moments(tokens.epsilon) for _ in held[0]]
    while held:
        _see(moments, held.pop(0))
    for block in blocks:
        _see(moments, block)
    if report.fault():
        return None
    wholes = [Whole(tokens, moment) for moment in moments]
    for block in again():
        for heard, channel in zip(wholes, block, strict=True):
            heard.push(channel)
    return np.stack([heard.finish() for heard in wholes])


def _each_window(
    annotator: "Annotator",
    grid: Grid,
    blocks: Iterable[np.ndarray],
) -> list[np.ndarray | None]:
    """Run the model on each window; ``None`` where one is too short."""
    values: list[np.ndarray | None] = []
    for group in groups(grid.cut(blocks), annotator.at_once):
        heard = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        # Only the one window of a short segment is too short
        values += annotator.run(heard) if heard else [None]
    return values


def _see(moments: list[Moments], block: np.ndarray) -> None:
    for moment, channel in zip(moments, block, strict=True):
        moment.see(channel)


def padded(blocks: Iterable[np.ndarray], num_samples: int) -> Iterator[np.ndarray]:
    """Append zeros to a stream that is shorter than ``num_samples``."""
    total, block = 0, None
    for block in blocks:
        total += block.shape[1]
        yield block
    if block is not None and total < num_samples:
        yield np.zeros((len(block), num_samples - total), np.float32)
