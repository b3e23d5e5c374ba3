"""Run a model on segments and windows, each independent of the rest of a recording."""

import itertools
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.decode import Blocks
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.inference.frames import RunningMoments
from audw2s.inference.frames import Tokens
from audw2s.inference.pooling import WHOLE
from audw2s.inference.pooling import SegmentPooler
from audw2s.inference.speech_pooler import SpeechMoments
from audw2s.inference.speech_pooler import SpeechPooler

Run = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Function that runs a model on each of several windows."""


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
    while group := list(itertools.islice(windows, at_once)):
        usable = [window for window in group if window.shape[1] >= MIN_SAMPLES]
        # Only the last window can be too short
        values += run(usable) if usable else []
        values += [None] * (len(group) - len(usable))
    return values


def mean_of_windows(
    windows: Iterator[np.ndarray], run: Run, at_once: int
) -> np.ndarray | None:
    """Mean of the values of windows, weighted by the durations of what has values.

    Arguments are those of :func:`each_window`.
    """
    sizes: list[int] = []

    def noted() -> Iterator[np.ndarray]:
        for window in windows:
            sizes.append(window.shape[1])
            yield window

    all_values = each_window(noted(), run, at_once)
    values = [of_window for of_window in all_values if of_window is not None]
    if not values:
        return None
    # Only the last window can be too short
    return weighted_mean(np.array(values), np.array(sizes[: len(values)]))


def weighted_mean(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Mean of values of windows, and the share of speech in all of them.

    Args:
        values: values ``(num_windows, num_channels, num_values + 1)``; the last one is
            the share of speech, where only speech was processed, NaN otherwise. Windows
            without speech have NaN as values
        sizes: number of samples of each window

    Examples:
        >>> values = np.array([[[0.5, 1.0]], [[np.nan, 0.0]], [[0.2, 0.5]]])
        >>> weighted_mean(values, np.array([100, 100, 100])).round(3).tolist()
        [[0.4, 0.5]]

    """
    shares = values[..., -1:]
    weights = np.where(np.isnan(shares), 1, shares) * sizes[:, None, None]
    total = weights.sum(axis=0)
    found = np.where(weights > 0, values[..., :-1], 0)
    with np.errstate(invalid="ignore"):
        mean = (found * weights).sum(axis=0) / total
    share = np.einsum("wcs,w->cs", shares, sizes) / sizes.sum()
    return np.concatenate([mean, share], axis=-1)


def read_twice(
    blocks: Blocks, again: Callable[[], Blocks], tokens: Tokens, vad: bool
) -> np.ndarray:
    """Values of a recording that is too long for memory.

    Args:
        blocks: blocks ``(num_channels, num_samples)`` at 16 kHz
        again: function that reads the blocks a second time
        tokens: tokens of the model
        vad: whether only speech is processed

    """
    kind = SpeechMoments if vad else RunningMoments
    moments: list[RunningMoments] = []
    for block in blocks:
        moments = moments or [kind(tokens.epsilon) for _ in block]
        for moment, channel in zip(moments, block, strict=True):
            moment.update(channel)
    poolers = [
        SpeechPooler(tokens, moment, WHOLE, moment.known_gate())
        if isinstance(moment, SpeechMoments)
        else SegmentPooler(tokens, moment, WHOLE)
        for moment in moments
    ]
    for block in again():
        for pooler, channel in zip(poolers, block, strict=True):
            pooler.push(channel)
    return np.stack([pooler.finish()[0] for pooler in poolers])


def padded(blocks: Blocks, num_samples: int) -> Blocks:
    """Append zeros to a signal that is shorter than ``num_samples``."""
    total, block = 0, None
    for block in blocks:
        total += block.shape[1]
        yield block
    if block is not None and total < num_samples:
        yield np.zeros((len(block), num_samples - total), np.float32)
