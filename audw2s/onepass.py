"""One pass over a stretch of a recording, for any windows and segments in it."""

import heapq
import math
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from audw2s.level import Level
from audw2s.level import Moments
from audw2s.pooling import Pool
from audw2s.pooling import Range
from audw2s.tokens import ENDLESS
from audw2s.tokens import Tokens
from audw2s.tokens import TokenStream
from audw2s.windows import Grid


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
        level: Level | Moments,
        ranges: Iterable[Range],
    ):
        self.level = level
        self.pool = Pool(ranges, tokens.logits)
        self.stream = TokenStream(tokens, wanted=self.pool.wanted)

    def push(self, signal: np.ndarray) -> None:
        """Hear samples ``(num_samples,)`` at 16 kHz."""
        self._pool(self.stream.push(self.level.push(signal)))

    def finish(self) -> list[np.ndarray]:
        """Give A/D/V ``(3,)`` of each range that has begun."""
        self._pool(self.stream.push(self.level.finish()))
        self._pool(self.stream.finish())
        return self.pool.finish()

    def _pool(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        for first, tokens in made:
            size = tokens.shape[1] // 2
            self.pool.add(first, tokens[:, :size], tokens[:, size:])


def whole(
    tokens: Tokens,
    blocks: Iterable[np.ndarray],
    level: Level | Moments | None = None,
) -> np.ndarray:
    """A/D/V ``(3,)`` of a signal of 64 samples or more, as one window.

    Args:
        tokens: of the model
        blocks: of the signal at 16 kHz, each ``(num_samples,)``
        level: that of the whole signal by default, which is held for that

    """
    heard = Pass(tokens, level or Level(math.inf), [(0, ENDLESS)])
    for block in blocks:
        heard.push(block)
    return heard.finish()[0]


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
