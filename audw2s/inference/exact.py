"""Run a model on segments and windows, each independent of the rest of a recording."""

import itertools
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.preprocess import Blocks
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.windows import Grid
from audw2s.audio.windows import groups
from audw2s.inference.frames import Tokens
from audw2s.inference.network import Network
from audw2s.inference.normalisation import RunningMoments
from audw2s.inference.one_pass import endless
from audw2s.inference.one_pass import pooled

Run = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Function that runs a model on each of several windows."""


def whole(
    blocks: Blocks,
    again: Callable[[], Blocks],
    network: Network,
    run: Run,
    at_once: int,
) -> np.ndarray | None:
    """Values ``(num_channels, num_values)`` of a recording as a whole.

    Args:
        blocks: blocks ``(num_channels, num_samples)`` at 16 kHz
        again: function that reads the blocks a second time
        network: model
        run: function that runs the model
        at_once: number of windows that it processes in one call

    Returns:
        values, ``None`` if the recording is too short

    """
    held, size = [], 0
    for block in blocks:
        held.append(block)
        size += block.shape[1]
        if size > network.max_dur * SAMPLING_RATE:
            break
    else:
        return run([np.concatenate(held, axis=1)])[0] if size >= MIN_SAMPLES else None
    # Each block is released when it was processed
    blocks = itertools.chain((held.pop(0) for _ in range(len(held))), blocks)
    if network.tokens is not None:
        return read_twice(blocks, again, network.tokens)
    windows = Grid(network.max_dur, network.max_dur).cut(blocks)
    return mean_of_windows(windows, run, at_once)


def each_window(
    windows: Iterator[np.ndarray], run: Run, at_once: int
) -> list[np.ndarray | None]:
    """Run a model on each window; ``None`` for a window that is too short.

    Args:
        windows: windows ``(num_channels, num_samples)`` at 16 kHz
        run: function that runs the model
        at_once: number of windows that it processes in one call

    """
    values: list[np.ndarray | None] = []
    for group in groups(windows, at_once):
        usable = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        # Only the last window can be too short
        values += run(usable) if usable else []
        values += [None] * (len(group) - len(usable))
    return values


def mean_of_windows(
    windows: Iterator[np.ndarray], run: Run, at_once: int
) -> np.ndarray | None:
    """Mean of the values of windows, weighted by their durations.

    Arguments are those of :func:`each_window`.
    """
    values: list[np.ndarray] = []
    sizes: list[int] = []
    for group in groups(windows, at_once):
        usable = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        values += run(usable) if usable else []
        sizes += [window.shape[1] for window in usable]
    return np.average(values, axis=0, weights=sizes) if values else None


def read_twice(
    blocks: Blocks, again: Callable[[], Blocks], tokens: Tokens
) -> np.ndarray | None:
    """Values of a recording that is too long for memory.

    Args:
        blocks: blocks ``(num_channels, num_samples)`` at 16 kHz
        again: function that reads the blocks a second time
        tokens: tokens of the model

    """
    moments: list[RunningMoments] = []
    for block in blocks:
        moments = moments or [RunningMoments(tokens.epsilon) for _ in block]
        for moment, channel in zip(moments, block, strict=True):
            moment.update(channel)
    values = pooled(again(), tokens, iter(moments).__next__, endless)
    return values[0] if values else None


def padded(blocks: Blocks, num_samples: int) -> Blocks:
    """Append zeros to a signal that is shorter than ``num_samples``."""
    total, block = 0, None
    for block in blocks:
        total += block.shape[1]
        yield block
    if block is not None and total < num_samples:
        yield np.zeros((len(block), num_samples - total), np.float32)
