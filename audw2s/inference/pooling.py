"""Pool tokens over windows and segments of a recording, block by block.

Wav2Small pools by ``sum over t of softmax(sof)_t * lin_t`` (arXiv 2408.13920): sums of
``e^sof`` and ``e^sof * lin`` over a segment give its hidden states, so the network runs
once for all segments. Sums are relative to their largest ``sof``, and sums of different
blocks are never subtracted, so that hours of audio lose no precision.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

Range = tuple[int, int]
"""Index of the first token, and index after the last one."""

PoolingState = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Largest ``sof``, and relative to it the sums of weights and of weighted ``lin``."""

RELIABLE = 1e-7
"""Smallest sum of weights, relative to the largest weight of a block, without notable
rounding errors."""


class Pool:
    """Pools tokens over ranges.

    Args:
        ranges: ranges of at least one token, sorted by their first token; read one by
            one as tokens are added, so that the iterator may be infinite
        head: function that turns hidden states ``(num_ranges, size)`` into results

    Examples:
        >>> pool = Pool([(0, 2), (1, 3)], lambda hidden_states: hidden_states)
        >>> lin, sof = np.array([[1.0], [2.0], [3.0]]), np.zeros((3, 1))
        >>> pool.add(0, lin, sof)
        >>> [values.tolist() for values in pool.finish()]
        [[1.5], [2.5]]

    """

    def __init__(
        self,
        ranges: Iterable[Range],
        head: Callable[[np.ndarray], np.ndarray],
    ):
        self.head = head
        self.upcoming = iter(ranges)
        self.next = next(self.upcoming, None)
        self.count = 0
        # Position, first and last token of the ranges that have begun
        self.open = np.zeros((0, 3), np.int64)
        self.sums: PoolingState | None = None
        self.results: dict[int, np.ndarray] = {}

    def wanted(self, number: int) -> Range | None:
        """Tokens from an index on that are needed, up to the next gap."""
        if len(self.open):
            return number, int(self.open[:, 2].max())
        return self.next

    def add(self, first: int, lin: np.ndarray, sof: np.ndarray) -> None:
        """Add tokens behind the previous ones, with or without a gap.

        Args:
            first: index of the first token
            lin: values of the tokens ``(num_tokens, size)``
            sof: logarithm of the weights of the tokens ``(num_tokens, size)``

        """
        end = first + len(lin)
        self._begin(end, lin.shape[1])
        if not len(self.open):
            return
        low, high = np.clip(self.open[:, 1:].T - first, 0, len(lin))
        self.sums = merged(self.sums, range_sums(lin, sof, low, high))
        self._finish(self.open[:, 2] <= end)

    def finish(self) -> list[np.ndarray]:
        """Return the results of all ranges that have begun, in their order."""
        if len(self.open):
            self._finish(np.ones(len(self.open), bool))
        return [self.results[number] for number in range(self.count)]

    def rest(self) -> Iterator[Range]:
        """Yield the ranges that have not begun."""
        if self.next is not None:
            yield self.next
            yield from self.upcoming

    def _begin(self, end: int, size: int) -> None:
        begun = []
        while self.next is not None and self.next[0] < end:
            begun.append((self.count, *self.next))
            self.count += 1
            self.next = next(self.upcoming, None)
        if begun:
            empty = np.zeros((len(begun), size))
            fresh = (np.full_like(empty, -np.inf), empty, empty)
            self.open = np.concatenate([self.open, np.array(begun, np.int64)])
            if self.sums is not None:
                pairs = zip(self.sums, fresh, strict=True)
                fresh = tuple(np.concatenate(pair) for pair in pairs)
            self.sums = fresh

    def _finish(self, over: np.ndarray) -> None:
        """Turn the sums of ranges that are over into results."""
        if not over.any():
            return
        _, weight, value = (part[over] for part in self.sums)
        values = self.head(value / weight)
        numbers = self.open[over, 0].tolist()
        self.results.update(zip(numbers, values, strict=True))
        self.open = self.open[~over]
        self.sums = tuple(part[~over] for part in self.sums)


def total_sums(tokens: np.ndarray) -> PoolingState:
    """Sum over tokens ``(num_tokens, 2 * size)``, ``lin`` before ``sof``.

    Returns:
        three arrays ``(1, size)``, float64

    """
    size = tokens.shape[1] // 2
    lin, sof = tokens[:, :size], tokens[:, size:]
    peak = sof.max(axis=0, keepdims=True)
    weights = sof - peak
    np.exp(weights, out=weights)
    sums = peak, weights.sum(axis=0), np.einsum("ts,ts->s", weights, lin)
    return tuple(part.reshape(1, size).astype(np.float64) for part in sums)


def combined(states: list[PoolingState]) -> PoolingState:
    """Add the sums ``(1, size)`` of several states."""
    peaks, weights, values = map(np.concatenate, zip(*states, strict=True))
    peak = peaks.max(axis=0, keepdims=True)
    shares = np.exp(peaks - peak)
    sums = ((item * shares).sum(axis=0, keepdims=True) for item in (weights, values))
    return peak, *sums


def merged(one: PoolingState, other: PoolingState) -> PoolingState:
    """Add the sums of two states, range by range."""
    peak = np.maximum(one[0], other[0])
    shares = [np.exp(sums[0] - peak) for sums in (one, other)]
    weight, value = (one[part] * shares[0] + other[part] * shares[1] for part in (1, 2))
    return peak, weight, value


def range_sums(
    lin: np.ndarray,
    sof: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> PoolingState:
    """Sum a block of tokens over ranges ``low`` to ``high``, at least one token each.

    Returns:
        three arrays ``(num_ranges, size)``, float64

    """
    peak = sof.max(axis=0)
    weights = np.exp(sof - peak)
    values = weights * lin
    shape = (len(low), sof.shape[1])
    peaks = np.broadcast_to(peak.astype(np.float64), shape)
    weight, value = (_between(part, low, high) for part in (weights, values))
    weak = np.flatnonzero(weight.min(axis=1) < RELIABLE)
    if len(weak):
        peaks = peaks.copy()
    for number in weak:
        part = slice(low[number], high[number])
        peaks[number] = sof[part].max(axis=0)
        exact = np.exp(sof[part] - peaks[number])
        weight[number] = exact.sum(axis=0)
        value[number] = (exact * lin[part]).sum(axis=0)
    return peaks, weight, value


def _between(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Sum rows ``low`` to ``high`` by a difference of running sums."""
    before = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype=np.float64, out=before[1:])
    return before[high] - before[low]
