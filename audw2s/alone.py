"""Hear a stretch, or each of its windows, as if nothing else were there."""

import itertools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audw2s.catalogue import SAMPLING_RATE
from audw2s.level import Moments
from audw2s.onepass import Whole
from audw2s.report import Report
from audw2s.row import Row
from audw2s.row import whole_row
from audw2s.row import window_row
from audw2s.row import window_rows
from audw2s.signal import MIN_SAMPLES
from audw2s.source import Read
from audw2s.source import Span
from audw2s.source import Tap
from audw2s.windows import groups
from audw2s.windows import windows

if TYPE_CHECKING:
    from audw2s.annotator import Annotator


def alone(
    annotator: "Annotator",
    read: Read,
    span: Span,
    end: float | None,
    tap: Tap | None,
) -> list[Row]:
    """Annotate a stretch as if it were a recording of its own.

    Args:
        annotator: holds the model and the settings
        read: reads the source
        span: of the stretch that is heard
        end: that was asked for, in seconds
        tap: see :meth:`audw2s.annotator.Annotator.file`

    """
    report = Report()
    blocks = annotator.blocks(read, report, span, tap)
    if annotator.min_signal_dur is not None:
        blocks = padded(blocks, round(annotator.min_signal_dur * SAMPLING_RATE))
    if annotator.win_dur is not None:
        return _each_window(annotator, blocks, report, end)
    if annotator.network.tokens is None:
        values = _mean_of_blocks(annotator, blocks, report)
    else:
        again = partial(annotator.blocks, read, Report(), span)
        values = _one_window(annotator, blocks, report, again)
    return [whole_row(report, end, values, annotator.no_values())]


def _mean_of_blocks(
    annotator: "Annotator",
    blocks: Iterable[np.ndarray],
    report: Report,
) -> np.ndarray | None:
    size = annotator.network.max_dur
    values, weights = [], []
    cut = (window for _, window in windows(blocks, SAMPLING_RATE, size, size))
    for group in groups(cut, annotator.at_once):
        heard = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        if not report.bad:
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
        if size < MIN_SAMPLES or report.bad:
            return None
        return annotator.run([np.concatenate(held, axis=1)])[0]
    moments = [Moments() for _ in held[0]]
    while held:
        _see(moments, held.pop(0))
    for block in blocks:
        _see(moments, block)
    if report.bad:
        return None
    tokens = annotator.network.tokens
    wholes = [Whole(tokens, moment) for moment in moments]
    for block in again():
        for heard, channel in zip(wholes, block, strict=True):
            heard.push(channel)
    return np.stack([heard.finish() for heard in wholes])


def _each_window(
    annotator: "Annotator",
    blocks: Iterable[np.ndarray],
    report: Report,
    end: float | None,
) -> list[Row]:
    """Run the model on each window."""
    rows = []
    cut = windows(
        blocks,
        SAMPLING_RATE,
        annotator.win_dur,
        annotator.hop_dur,
        min_samples=MIN_SAMPLES,
    )
    no_values = annotator.no_values()
    for group in groups(cut, annotator.at_once):
        usable = [
            window.shape[1] >= MIN_SAMPLES
            and not report.is_bad(first, first + annotator.win_dur)
            for first, window in group
        ]
        heard = (window for _, window in itertools.compress(group, usable))
        values = iter(annotator.run(list(heard)))
        for (first, window), is_usable in zip(group, usable, strict=True):
            size, is_still = window.shape[1], window.size and np.ptp(window) == 0
            own = next(values) if is_usable else no_values
            about = (first, annotator.win_dur, size, is_still)
            rows.append(window_row(report, *about, own, no_values))
    return window_rows(report, end, rows, no_values)


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
