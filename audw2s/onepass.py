"""One pass over a stretch of a recording, for any windows and segments in it."""

import heapq
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from audw2s.level import Level
from audw2s.level import Moments
from audw2s.pooling import Pool
from audw2s.pooling import Range
from audw2s.pooling import Sums
from audw2s.pooling import combined
from audw2s.pooling import total_sums
from audw2s.tokens import Tokens
from audw2s.tokens import TokenStream
from audw2s.windows import Grid

MAX_PARTS = 100
"""Sums of pieces that are kept before they are added up."""


class Pass:
    """Level, tokens and pooling of one channel.

    Args:
        tokens: of the model
        level: gives samples back normalised
        ranges: of tokens, see :class:`audw2s.pooling.Pool`

    """

    def __init__(
        self,
        tokens: Tokens,
        level: Level,
        ranges: Iterable[Range],
    ):
        self.level = level
        self.pool = Pool(ranges, tokens.outputs)
        self.stream = TokenStream(tokens, wanted=self.pool.wanted)

    def push(self, signal: np.ndarray) -> None:
        """Hear samples ``(num_samples,)`` at 16 kHz."""
        self._pool(self.stream.push(self.level.push(signal)))

    def finish(self) -> list[np.ndarray]:
        """Give values ``(num_values,)`` of each range that has begun."""
        self._pool(self.stream.push(self.level.finish()))
        self._pool(self.stream.finish())
        return self.pool.finish()

    def _pool(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        for first, tokens in made:
            size = tokens.shape[1] // 2
            self.pool.add(first, tokens[:, :size], tokens[:, size:])


class Whole:
    """Level, tokens and pooling of one channel, as one window.

    Args:
        tokens: of the model
        moments: of the whole channel

    """

    def __init__(self, tokens: Tokens, moments: Moments):
        self.tokens = tokens
        self.moments = moments
        self.stream = TokenStream(tokens)
        self.parts: list[Sums] = []

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
    moments = Moments()
    moments.see(signal)
    heard = Whole(tokens, moments)
    heard.push(signal)
    return heard.finish()


def window_ranges(
    stretches: list[tuple[float, float]],
    grid: Grid,
    tokens: Tokens,
    asked: list[int],
) -> Iterator[Range]:
    """Tokens of the windows of all stretches, by their first tokens.

    Args:
        stretches: start and end in seconds, from the first token on
        grid: of windows
        tokens: of the model
        asked: receives the number of the stretch of each window

    """

    def windows(number: int) -> Iterator[tuple[Range, int]]:
        for span in grid.spans(*stretches[number]):
            yield tokens.range(*span), number

    for found, number in heapq.merge(*map(windows, range(len(stretches)))):
        asked.append(number)
        yield found
