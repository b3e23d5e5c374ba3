"""Pool tokens over windows and segments of a recording, block by block.

Wav2Small pools by ``sum over t of softmax(sof)_t * lin_t`` (arXiv 2408.13920): sums of
``e^sof`` and ``e^sof * lin`` over a segment give its hidden states, so the network runs
once for all segments. Sums are relative to their largest ``sof``, and sums of different
blocks are never subtracted, so that hours of audio lose no precision.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audw2s.audio.quality import Runs

Range = tuple[int, int]
"""Index of the first token, and index after the last one."""

RELIABLE = 1e-7
"""Smallest sum of weights, relative to the largest weight of a block, without notable
rounding errors."""

SMOOTHING_DUR = 0.5
"""Duration in seconds over which logits of speech are averaged."""


class PoolingState(NamedTuple):
    """Sums over tokens of one or more ranges, ``(num_ranges, size)``, float64."""

    peak: np.ndarray
    """Largest ``sof``."""

    weight: np.ndarray
    """Sum of the weights ``e^(sof - peak)``."""

    value: np.ndarray
    """Sum of ``lin``, weighted."""


class Pool:
    """Pools tokens over ranges.

    Args:
        ranges: ranges of at least one token, sorted by their first token; read one by
            one as tokens are added, so that the iterator may be infinite
        head: function that turns hidden states ``(num_ranges, size)`` into results

    Examples:
        >>> pool = Pool([(0, 2), (1, 3)], lambda hidden_states: hidden_states)
        >>> pool.add(0, np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]))
        >>> [values.tolist() for values in pool.finish()]
        [[1.5], [2.5]]

    """

    def __init__(
        self,
        ranges: Iterable[Range],
        head: Callable[[np.ndarray], np.ndarray],
    ):
        self.head = head
        self.following = iter(ranges)
        self.ranges: list[Range] = []
        """Ranges that were read, of which :attr:`count` have begun."""

        self.count = 0
        # Position, first and last token of the ranges that have begun, and their sums
        self.open = np.zeros((0, 3), np.int64)
        self.sums = PoolingState(*np.zeros((3, 0, 0)))
        self.results: dict[int, np.ndarray] = {}

    def read(self, end: int) -> list[Range]:
        """Read ranges until one begins at an index, or behind it.

        Returns:
            ranges that have not begun

        """
        while not self.ranges or self.ranges[-1][0] < end:
            if (following := next(self.following, None)) is None:
                break
            self.ranges.append(following)
        return self.ranges[self.count :]

    def wanted(self, number: int, ahead: int = 1) -> Range | None:
        """Tokens from an index on that are needed, up to the next gap.

        Args:
            number: index of a token
            ahead: number of tokens within which ranges are looked for

        """
        coming = self.read(number + ahead)
        if len(self.open):
            end = int(self.open[:, 2].max())
        elif coming:
            number, end = coming[0]
            coming = self.read(number + ahead)
        else:
            return None
        for first, last in coming:
            if first > end:
                break
            end = max(end, last)
        return number, end

    def add(self, first: int, tokens: np.ndarray) -> None:
        """Add tokens behind the previous ones, with or without a gap.

        Args:
            first: index of the first token
            tokens: tokens ``(num_tokens, 2 * size)``: their values ``lin``, and the
                logarithms ``sof`` of their weights

        """
        end = first + len(tokens)
        if begun := [coming for coming in self.read(end) if coming[0] < end]:
            empty = np.zeros((len(begun), tokens.shape[1] // 2))
            fresh = PoolingState(np.full_like(empty, -np.inf), empty, empty)
            self.sums = joined([self.sums, fresh]) if len(self.open) else fresh
            numbered = [(self.count + k, *begun[k]) for k in range(len(begun))]
            self.open = np.concatenate([self.open, np.array(numbered, np.int64)])
            self.count += len(begun)
        # Ranges that lie in a gap, or end in it
        self._close(self.open[:, 2] <= first)
        if len(self.open):
            low, high = np.clip(self.open[:, 1:].T - first, 0, len(tokens))
            self.sums = merged(self.sums, range_sums(tokens, low, high))
            self._close(self.open[:, 2] <= end)

    def finish(self) -> list[np.ndarray]:
        """Return the results of all ranges that have begun, in their order."""
        self._close(np.ones(len(self.open), bool))
        return [self.results[number] for number in range(self.count)]

    def _close(self, is_over: np.ndarray) -> None:
        """Turn the sums of ranges that are over into results."""
        if not is_over.any():
            return
        # Without a token there is no value
        with np.errstate(invalid="ignore"):
            pooled = self.sums.value[is_over] / self.sums.weight[is_over]
        numbers = self.open[is_over, 0].tolist()
        self.results.update(zip(numbers, self.head(pooled), strict=True))
        self.open = self.open[~is_over]
        self.sums = PoolingState(*(part[~is_over] for part in self.sums))


def joined(states: list[PoolingState]) -> PoolingState:
    """States of further ranges, one below the other."""
    return PoolingState(*map(np.concatenate, zip(*states, strict=True)))


def combined(states: list[PoolingState]) -> PoolingState:
    """Add the sums ``(1, size)`` of several states."""
    peaks, weights, values = joined(states)
    peak = peaks.max(axis=0, keepdims=True)
    shares = np.exp(peaks - peak)
    sums = ((item * shares).sum(axis=0, keepdims=True) for item in (weights, values))
    return PoolingState(peak, *sums)


def merged(one: PoolingState, other: PoolingState) -> PoolingState:
    """Add the sums of two states, range by range."""
    peak = np.maximum(one.peak, other.peak)
    first, second = np.exp(one.peak - peak), np.exp(other.peak - peak)
    weight = one.weight * first + other.weight * second
    return PoolingState(peak, weight, one.value * first + other.value * second)


def range_sums(tokens: np.ndarray, low: np.ndarray, high: np.ndarray) -> PoolingState:
    """Sum a block of tokens over ranges ``low`` to ``high``, at least one token each.

    Args:
        tokens: tokens ``(num_tokens, 2 * size)``, ``lin`` before ``sof``
        low: index of the first token of each range
        high: index after the last token of each range

    """
    lin, sof = np.split(tokens, 2, axis=1)
    peak = sof.max(axis=0)
    weights = np.exp(sof - peak)
    weight, value = (_between(part, low, high) for part in (weights, weights * lin))
    peaks = np.tile(peak.astype(np.float64), (len(low), 1))
    for number in np.flatnonzero(weight.min(axis=1) < RELIABLE):
        part = slice(low[number], high[number])
        peaks[number] = sof[part].max(axis=0)
        exact = np.exp(sof[part] - peaks[number])
        weight[number] = exact.sum(axis=0)
        value[number] = (exact * lin[part]).sum(axis=0)
    return PoolingState(peaks, weight, value)


def total_sums(tokens: np.ndarray) -> PoolingState:
    """Sum over tokens ``(num_tokens, 2 * size)``, see :func:`range_sums`."""
    return range_sums(tokens, np.array([0]), np.array([len(tokens)]))


def _between(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Sum rows ``low`` to ``high``, by a difference of running sums."""
    edges = np.unique([low, high])
    # Few sums of many rows, as running sums of all rows take ten times as long
    sums = np.add.reduceat(values[: edges[-1]], edges[:-1], axis=0, dtype=np.float64)
    before = np.zeros((len(edges), values.shape[1]))
    np.cumsum(sums, axis=0, out=before[1:])
    return before[np.searchsorted(edges, high)] - before[np.searchsorted(edges, low)]


def smoothing_size(rate: float) -> int:
    """Number of tokens over which values are averaged, odd.

    Args:
        rate: tokens per second

    Examples:
        >>> smoothing_size(250), smoothing_size(16)
        (125, 9)

    """
    return 2 * round(SMOOTHING_DUR * rate / 2) + 1


def smoothed(values: np.ndarray, size: int) -> np.ndarray:
    """Average values over time; at the ends, over those that there are.

    Args:
        values: values ``(num_tokens, ...)``
        size: number of tokens, odd

    Examples:
        >>> smoothed(np.array([0.0, 3.0, 6.0]), 3).tolist()
        [1.5, 3.0, 4.5]

    """
    sums = np.zeros((len(values) + 1, *values.shape[1:]))
    np.cumsum(values, axis=0, out=sums[1:])
    places = np.arange(len(values))
    low = np.maximum(places - size // 2, 0)
    high = np.minimum(places + size // 2 + 1, len(values))
    counts = (high - low).reshape(-1, *[1] * (values.ndim - 1))
    return (sums[high] - sums[low]) / counts


class SpeechShare:
    """Share of tokens that are speech, of tokens that come block by block.

    Args:
        rate: tokens per second

    Examples:
        >>> share = SpeechShare(rate=4)
        >>> share.finish([(0, 1)]).tolist()
        [nan]
        >>> share.add(0, np.array([-1.0, -1.0, 4.0, 4.0]))
        >>> share.add(4, np.array([4.0, -9.0]))
        >>> share.finish([(0, 6), (4, 2**50)]).tolist()
        [0.5, 0.0]

    """

    def __init__(self, rate: float):
        self.size = smoothing_size(rate)
        self.speech = Runs()
        # Logits since a token whose average isn't known, and those before it needs
        self.logits = np.zeros(0)
        self.begin = self.num_done = 0

    def add(self, first: int, logits: np.ndarray) -> None:
        """Add tokens behind the previous ones, with or without a gap.

        Args:
            first: index of the first token
            logits: logits of the tokens ``(num_tokens,)``, above 0 for speech

        """
        if first != self.begin + len(self.logits):
            self._decide(len(self.logits))
            self.logits, self.begin, self.num_done = self.logits[:0], first, 0
        self.logits = np.concatenate([self.logits, logits])
        self._decide(len(self.logits) - self.size // 2)

    def finish(self, ranges: Sequence[Range]) -> np.ndarray:
        """Return the share of the tokens of each range, as far as there are any.

        Behind the last token it is that of the last token, without any it is NaN.

        Args:
            ranges: index of the first token, and index after the last one

        """
        self._decide(len(self.logits))
        end = self.begin + len(self.logits)
        if not end:
            return np.full(len(ranges), np.nan)
        first, last = np.minimum(ranges, end).T
        first = np.minimum(first, last - 1)
        return self.speech.count(first, last) / (last - first)

    def _decide(self, known: int) -> None:
        """Decide on tokens up to an index of the kept ones."""
        if known <= self.num_done:
            return
        is_speech = smoothed(self.logits, self.size)[self.num_done : known] > 0
        self.speech.add(is_speech, self.begin + self.num_done)
        dropped = max(0, known - self.size // 2)
        self.logits, self.num_done = self.logits[dropped:], known - dropped
        self.begin += dropped
