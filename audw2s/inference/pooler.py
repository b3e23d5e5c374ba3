"""One pass over a stretch of a recording, for any windows and segments in it."""

import heapq
import itertools
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from audw2s.audio.windows import Grid
from audw2s.inference.frames import Tokens
from audw2s.inference.frames import TokenStream
from audw2s.inference.normalisation import RunningMoments
from audw2s.inference.normalisation import SlidingNormaliser
from audw2s.inference.pooling import Pool
from audw2s.inference.pooling import PoolingState
from audw2s.inference.pooling import Range
from audw2s.inference.pooling import combined
from audw2s.inference.pooling import total_sums

MAX_PARTS = 100
"""Sums of pieces that are kept before they are added up."""


class SegmentPooler:
    """Level, tokens and pooling of one channel.

    Args:
        tokens: of the model
        level: gives samples back normalised
        ranges: of tokens, see :class:`audw2s.inference.pooling.Pool`

    """

    def __init__(
        self,
        tokens: Tokens,
        level: SlidingNormaliser,
        ranges: Iterable[Range],
    ):
        self.level = level
        self.outputs = tokens.outputs
        self.pool = Pool(ranges, tokens.outputs)
        self.stream = TokenStream(tokens, wanted=self._wanted)
        # Number of tokens so far, and the last one
        self.end = 0
        self.last: np.ndarray | None = None

    def push(self, signal: np.ndarray) -> None:
        """Hear samples ``(num_samples,)`` at 16 kHz."""
        self._pool(self.stream.push(self.level.push(signal)))

    def finish(self) -> list[np.ndarray]:
        """Give values ``(num_values,)`` of each range that has begun."""
        self._pool(self.stream.push(self.level.finish()))
        self._pool(self.stream.finish())
        values = self.pool.finish()
        if self.last is None:
            return values
        # What is left of a recording after its last whole token has that one
        left = itertools.takewhile(lambda found: found[0] <= self.end, self.pool.rest())
        return values + [self.outputs(self.last) for _ in left]

    def _wanted(self, number: int) -> Range | None:
        """Tokens that the pool wants, with the one before: it may be the last."""
        wanted = self.pool.wanted(number)
        return wanted and (max(number, wanted[0] - 1), wanted[1])

    def _pool(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        for first, tokens in made:
            size = tokens.shape[1] // 2
            self.pool.add(first, tokens[:, :size], tokens[:, size:])
            self.end = first + len(tokens)
            self.last = tokens[-1, :size].astype(np.float64)


class UtterancePooler:
    """Level, tokens and pooling of one channel, as one window.

    Args:
        tokens: of the model
        moments: of the whole channel

    """

    def __init__(self, tokens: Tokens, moments: RunningMoments):
        self.tokens = tokens
        self.moments = moments
        self.stream = TokenStream(tokens)
        self.parts: list[PoolingState] = []

    def push(self, signal: np.ndarray) -> None:
        """Hear samples ``(num_samples,)`` at 16 kHz."""
        self._sum(self.stream.push(self.moments.push(signal)))

    def finish(self) -> np.ndarray:
        """Give values ``(num_values,)``; there have to be 64 samples or more."""
        self._sum(self.stream.finish())
        _, weight, value = combined(self.parts)
        return self.tokens.outputs(value / weight)[0]

    def _sum(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        self.parts += [total_sums(tokens) for _, tokens in made]
        if len(self.parts) > MAX_PARTS:
            self.parts = [combined(self.parts)]


def whole(tokens: Tokens, signal: np.ndarray) -> np.ndarray:
    """Values of a signal ``(num_samples,)``, 64 samples or more at 16 kHz."""
    moments = RunningMoments(tokens.epsilon)
    moments.see(signal)
    heard = UtterancePooler(tokens, moments)
    heard.push(signal)
    return heard.finish()


def window_ranges(
    segments: list[tuple[int, int]],
    grid: Grid | None,
    tokens: Tokens,
    asked: list[int],
) -> Iterator[Range]:
    """Tokens of the windows of all segments, by their first tokens.

    Args:
        segments: first sample and the one after the last at 16 kHz, from the first
            token on; :data:`audw2s.inference.frames.ENDLESS` where the end isn't known
        grid: of windows, ``None`` for segments as a whole
        tokens: of the model
        asked: receives the number of the segment of each window

    """

    def windows(number: int) -> Iterator[tuple[Range, int]]:
        for span in _spans(*segments[number], grid):
            yield tokens.range(*span), number

    for found, number in heapq.merge(*map(windows, range(len(segments)))):
        asked.append(number)
        yield found


def _spans(first: int, last: int, grid: Grid | None) -> Iterator[tuple[int, int]]:
    """Windows of a segment, or some more: how many there are isn't known yet."""
    if grid is None:
        yield first, last
        return
    for number in itertools.count():
        start = first + grid.first(number)
        if number and start >= last:
            return
        yield start, min(start + grid.size, last)
