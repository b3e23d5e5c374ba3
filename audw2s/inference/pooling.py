"""Pool tokens over windows and segments of a recording, block by block.

Wav2Small pools by ``sum over t of softmax(sof)_t * lin_t`` (arXiv 2408.13920): sums of
``e^sof`` and ``e^sof * lin`` over a segment give its hidden states, so the network runs
once for all segments. Sums are relative to their largest ``sof``, and sums of different
blocks are never subtracted, so that hours of audio lose no precision.
"""

import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.preprocess import Span
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import ENDLESS
from audw2s.audio.times import Grid
from audw2s.audio.times import resampled_size
from audw2s.inference.frames import RunningMoments
from audw2s.inference.frames import SlidingNormaliser
from audw2s.inference.frames import Tokens
from audw2s.inference.frames import TokenStream
from audw2s.inference.row import Segment

LEVEL_DUR = 3.0
"""Duration in seconds over which a signal is normalised, if there are no windows."""

RELIABLE = 1e-7
"""Smallest sum of weights, relative to the largest weight of a block, without notable
rounding errors."""

Range = tuple[int, int, int]
"""Index of the first token, index after the last one, and number of the segment."""

WHOLE: list[Range] = [(0, ENDLESS, 0)]
"""Range of all tokens."""

Sums = np.ndarray
"""Sums over tokens of one or more ranges, ``(3, num_ranges, size)``, float64: the
largest ``sof``, the sum of the weights ``e^(sof - largest)``, and that of ``lin``,
weighted."""


class SegmentPooler:
    """Normalises one channel, computes its tokens and pools them over ranges.

    Args:
        tokens: tokens of the model
        normaliser: normaliser of the samples
        ranges: ranges of at least one token, sorted by their first token; read one by
            one as tokens come, so that the iterator may be infinite

    """

    def __init__(
        self,
        tokens: Tokens,
        normaliser: SlidingNormaliser | RunningMoments,
        ranges: Iterable[Range],
    ):
        self.normaliser = normaliser
        self.tokens = tokens
        self.stream = TokenStream(tokens, wanted=self.wanted)
        self.following = iter(ranges)
        self.ranges: list[Range] = []
        """Ranges that were read, of which :attr:`count` have begun."""

        self.count = 0
        # Position, first and last token of the ranges that have begun, and their sums
        self.open = np.zeros((0, 3), np.int64)
        self.sums: Sums = np.zeros((3, 0, tokens.weight.shape[1]))
        self.results: dict[int, np.ndarray] = {}
        # Index after the last token so far, and that token
        self.end = 0
        self.last: np.ndarray | None = None
        self.has_speech = tokens.has_speech
        # Which tokens are speech, and the logits since a token of which it isn't known,
        # behind those that its mean needs
        self.is_speech: list[np.ndarray] = []
        self.logits, self.num_behind = np.zeros(0), 0

    def push(self, signal: np.ndarray, last: bool = False) -> None:
        """Process samples.

        Args:
            signal: next samples ``(num_samples,)`` at 16 kHz
            last: whether no samples will follow

        """
        normalised = self.normaliser.push(signal, last)
        for first, tokens in self.stream.push(normalised, last):
            self.add(first, tokens)

    def finish(self) -> list[np.ndarray]:
        """Return values ``(num_values + 1,)`` of each range that has begun.

        The last one is the share of speech.
        """
        self.push(np.zeros(0, np.float32), last=True)
        self._close(np.ones(len(self.open), bool))
        values = [self.results[number] for number in range(self.count)]
        if self.last is not None:
            # A range behind the last whole token of a recording gets that token
            late = [first <= self.end for first, *_ in self.read(self.end + 1)]
            values += [self.tokens.outputs(self.last)] * sum(late)
        if not values:
            return []
        shares = self._shares(np.array(self.ranges[: len(values)])[:, :2])
        return [np.append(*pair) for pair in zip(values, shares, strict=True)]

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

    def wanted(self, number: int) -> tuple[int, int] | None:
        """Tokens from an index on that are needed, up to the next gap.

        Also the one before, which may be the last one.
        """
        coming = self.read(number + self.tokens.block)
        first = number
        if len(self.open):
            end = int(self.open[:, 2].max())
        elif coming:
            first, end, _ = coming[0]
            coming = self.read(first + self.tokens.block)
        else:
            return None
        for begin, stop, _ in coming:
            if begin > end:
                break
            end = max(end, stop)
        return max(number, first - 1), end

    def add(self, first: int, tokens: np.ndarray) -> None:
        """Add tokens behind the previous ones, with or without a gap.

        Args:
            first: index of the first token
            tokens: tokens ``(num_tokens, 2 * size)``: their values ``lin``, and the
                logarithms ``sof`` of their weights

        """
        end, size = first + len(tokens), tokens.shape[1] // 2
        if begun := [coming for coming in self.read(end) if coming[0] < end]:
            fresh = np.zeros((3, len(begun), size))
            fresh[0] = -np.inf
            self.sums = np.concatenate([self.sums, fresh], axis=1)
            numbered = [(self.count + k, *begun[k][:2]) for k in range(len(begun))]
            self.open = np.concatenate([self.open, np.array(numbered, np.int64)])
            self.count += len(begun)
        low, high = np.clip(self.open[:, 1:].T - first, 0, len(tokens))
        # Others lie in a gap, or end in it
        is_met = high > low
        if is_met.any():
            found = range_sums(tokens, low[is_met], high[is_met])
            self.sums[:, is_met] = combined([self.sums[:, is_met], found])
        self._close(self.open[:, 2] <= end)
        if self.has_speech:
            self._mark(first, tokens[:, :size])
        self.end = end
        self.last = tokens[-1, :size].astype(np.float64)

    def _close(self, is_over: np.ndarray) -> None:
        """Turn the sums of ranges that are over into results."""
        if not is_over.any():
            return
        _, weight, value = self.sums[:, is_over]
        # Without a token there is no value
        with np.errstate(invalid="ignore"):
            values = self.tokens.outputs(value / weight)
        numbers = self.open[is_over, 0].tolist()
        self.results.update(zip(numbers, values, strict=True))
        self.open, self.sums = self.open[~is_over], self.sums[:, ~is_over]

    def _mark(self, first: int, values: np.ndarray) -> None:
        """Decide which tokens are speech: where the mean of the logits is above 0.

        Args:
            first: index of the first token; behind a gap, or at the end, all tokens
                before are decided on
            values: values ``lin`` of the tokens ``(num_tokens, size)``

        """
        size, is_gap = self.tokens.smoothing, first > self.end
        weight, bias = self.tokens.speech_weight, self.tokens.speech_bias
        # No BLAS, see audw2s.inference.frames.RunningMoments
        logits = np.einsum("ts,s->t", values, weight) + float(bias)
        if not is_gap:
            self.logits = np.concatenate([self.logits, logits])
        known = len(self.logits) - (0 if is_gap else size // 2)
        if known > self.num_behind:
            mean = smoothed(self.logits, size)[self.num_behind : known]
            self.is_speech.append(mean > 0)
            dropped = max(0, known - size // 2)
            self.logits, self.num_behind = self.logits[dropped:], known - dropped
        if is_gap:
            self.is_speech.append(np.zeros(first - self.end, bool))
            self.logits, self.num_behind = logits, 0

    def _shares(self, ranges: np.ndarray) -> np.ndarray:
        """Share of the tokens of each range that are speech, NaN if it is unknown."""
        if not self.has_speech or not self.end:
            return np.full(len(ranges), np.nan, np.float32)
        self._mark(self.end + 1, np.zeros((0, self.sums.shape[2])))
        first, last = np.minimum(ranges, self.end).T
        first = np.minimum(first, last - 1)
        is_speech = np.concatenate(self.is_speech)
        pairs = zip(first.tolist(), last.tolist(), strict=True)
        # No running sums, which would take eight times the memory of hours
        counts = np.array(
            [np.count_nonzero(is_speech[low:high]) for low, high in pairs]
        )
        return (counts / (last - first)).astype(np.float32)


def pooled_as_a_whole(tokens: Tokens, signal: np.ndarray) -> np.ndarray:
    """Values ``(num_values + 1,)`` of a whole signal, and its share of speech.

    Args:
        tokens: tokens of the model
        signal: signal ``(num_samples,)``, at least 64 samples

    """
    moments = RunningMoments(tokens.epsilon)
    moments.update(signal)
    pooler = SegmentPooler(tokens, moments, WHOLE)
    pooler.push(signal)
    return pooler.finish()[0]


def window_ranges(
    report: Report, segment: Segment, number: int, grid: Grid | None, hop: int
) -> Iterator[Range]:
    """Ranges of tokens of the windows of a segment, or of the segment as a whole.

    There may be more windows than the segment has, as its end may be unknown. If no
    token lies within a window, it is the token at its first sample.

    Args:
        report: report of the source, which has its sampling rate when ranges are read
        segment: segment of the source
        number: number of the segment
        grid: grid of windows, ``None`` for the segment as a whole
        hop: number of samples at 16 kHz from one token to the next

    """
    rate = report.sampling_rate
    begin = round(report.start * rate)
    first, size = round(segment.start * rate) - begin, ENDLESS
    if segment.stop is not None:
        size = resampled_size(round(segment.stop * rate) - begin - first, rate)
    # Rounded down, to stay within the existing samples
    start = first * SAMPLING_RATE // rate
    for low, high in [(0, size)] if grid is None else grid.windows(size):
        token, end = -(-(start + low) // hop), (start + high) // hop
        if token >= end:
            token = (start + low) // hop
            end = token + 1
        yield token, end, number


def grouped(segments: dict[int, Segment], margin: int) -> list[tuple[list[int], Span]]:
    """Group segments whose surroundings overlap, to process them in a single pass.

    Args:
        segments: segments of a source, by number
        margin: seconds around a segment that are processed as well

    Returns:
        numbers of the segments of each pass, and its start and end in seconds

    Examples:
        >>> segments = [Segment(0, 1, 1), Segment(20, 21, 21), Segment(2, 3, 3)]
        >>> grouped(dict(enumerate(segments)), 4)
        [([0, 2], (0, 7)), ([1], (16, 25))]

    """
    groups: list[tuple[list[int], Span]] = []
    reached = -math.inf
    for start, number in sorted((s.start, k) for k, s in segments.items()):
        stop = segments[number].stop
        first: float = max(0, math.floor(start) - margin)
        if first > reached:
            groups.append(([], (first, None)))
        last = math.inf if stop is None else math.ceil(stop) + margin
        reached = max(reached, last)
        numbers, (first, _) = groups.pop()
        span = first, None if math.isinf(reached) else reached
        groups.append(([*numbers, number], span))
    return groups


def combined(states: Sequence[Sums]) -> Sums:
    """Add the sums of the same ranges over several parts."""
    peaks, weights, values = np.stack(states, axis=1)
    peak = peaks.max(axis=0)
    shares = np.exp(peaks - peak)
    sums = ((item * shares).sum(axis=0) for item in (weights, values))
    return np.stack([peak, *sums])


def range_sums(tokens: np.ndarray, low: np.ndarray, high: np.ndarray) -> Sums:
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
    return np.stack([peaks, weight, value])


def total_sums(tokens: np.ndarray) -> Sums:
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
