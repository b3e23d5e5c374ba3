"""Normalise, compute tokens and pool them, for one channel of a recording."""

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

MAX_STATES = 100
"""Number of pooling states that are kept before they are combined."""


class SegmentPooler:
    """Pools tokens of one channel over windows or segments.

    Args:
        tokens: tokens of the model
        level: normaliser of the samples
        ranges: ranges of tokens, see :class:`audw2s.inference.pooling.Pool`

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
        # Index after the last token so far, and that token
        self.end = 0
        self.last: np.ndarray | None = None

    def push(self, signal: np.ndarray) -> None:
        """Process samples ``(num_samples,)`` at 16 kHz."""
        self._pool(self.stream.push(self.level.push(signal)))

    def finish(self) -> list[np.ndarray]:
        """Return values ``(num_values,)`` of each range that has begun."""
        self._pool(self.stream.push(self.level.finish()))
        self._pool(self.stream.finish())
        values = self.pool.finish()
        if self.last is None:
            return values
        # A range behind the last whole token of a recording gets that token
        left = itertools.takewhile(lambda found: found[0] <= self.end, self.pool.rest())
        return values + [self.outputs(self.last) for _ in left]

    def _wanted(self, number: int) -> Range | None:
        """Tokens that the pool needs, and the one before, which may be the last."""
        wanted = self.pool.wanted(number)
        return wanted and (max(number, wanted[0] - 1), wanted[1])

    def _pool(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        for first, tokens in made:
            size = tokens.shape[1] // 2
            self.pool.add(first, tokens[:, :size], tokens[:, size:])
            self.end = first + len(tokens)
            self.last = tokens[-1, :size].astype(np.float64)


class UtterancePooler:
    """Pools tokens of a whole channel.

    Args:
        tokens: tokens of the model
        moments: mean and variance of the whole channel

    """

    def __init__(self, tokens: Tokens, moments: RunningMoments):
        self.tokens = tokens
        self.moments = moments
        self.stream = TokenStream(tokens)
        self.states: list[PoolingState] = []

    def push(self, signal: np.ndarray) -> None:
        """Process samples ``(num_samples,)`` at 16 kHz."""
        self._sum(self.stream.push(self.moments.push(signal)))

    def finish(self) -> np.ndarray:
        """Return values ``(num_values,)`` of at least 64 samples."""
        self._sum(self.stream.finish())
        _, weight, value = combined(self.states)
        return self.tokens.outputs(value / weight)[0]

    def _sum(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        self.states += [total_sums(tokens) for _, tokens in made]
        if len(self.states) > MAX_STATES:
            self.states = [combined(self.states)]


def whole(tokens: Tokens, signal: np.ndarray) -> np.ndarray:
    """Values of a signal ``(num_samples,)`` at 16 kHz, at least 64 samples."""
    moments = RunningMoments(tokens.epsilon)
    moments.update(signal)
    pooler = UtterancePooler(tokens, moments)
    pooler.push(signal)
    return pooler.finish()


def window_ranges(
    segments: list[tuple[int, int]],
    grid: Grid | None,
    tokens: Tokens,
    asked: list[int],
) -> Iterator[Range]:
    """Ranges of tokens of the windows of all segments, sorted by their first token.

    Args:
        segments: first sample, and index after the last one, of each segment at
            16 kHz, counted from the first token;
            :data:`audw2s.inference.frames.ENDLESS` if the end is unknown
        grid: grid of windows, ``None`` for segments as a whole
        tokens: tokens of the model
        asked: list to which the position of the segment of each window is appended

    """

    def windows(number: int) -> Iterator[tuple[Range, int]]:
        for span in _spans(*segments[number], grid):
            yield tokens.range(*span), number

    for found, number in heapq.merge(*map(windows, range(len(segments)))):
        asked.append(number)
        yield found


def _spans(first: int, last: int, grid: Grid | None) -> Iterator[tuple[int, int]]:
    """Windows of a segment, perhaps more, as its end may be unknown."""
    if grid is None:
        yield first, last
        return
    for number in itertools.count():
        start = first + grid.first(number)
        if number and start >= last:
            return
        yield start, min(start + grid.size, last)
