"""Pool the tokens of a recording over its segments and windows, in a single pass."""

import heapq
import itertools
import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.decode import Blocks
from audw2s.audio.preprocess import Span
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import resampled_size
from audw2s.audio.windows import Grid
from audw2s.inference.frames import ENDLESS
from audw2s.inference.frames import Tokens
from audw2s.inference.frames import TokenStream
from audw2s.inference.normalisation import RunningMoments
from audw2s.inference.normalisation import SlidingNormaliser
from audw2s.inference.pooling import Pool
from audw2s.inference.pooling import Range
from audw2s.inference.pooling import SpeechShare
from audw2s.inference.row import Segment

LEVEL_DUR = 3.0
"""Duration in seconds over which a signal is normalised, if there are no windows."""

WHOLE: list[Range] = [(0, ENDLESS)]
"""Range of all tokens."""


def grouped(segments: dict[int, Segment], margin: float | None) -> list[list[int]]:
    """Group segments whose surroundings overlap, to process them in a single pass.

    Args:
        segments: segments of a source, by number
        margin: seconds around a segment that are processed as well, ``None`` to
            process each segment on its own

    Returns:
        numbers of the segments of each pass

    Examples:
        >>> segments = [Segment(0, 1, 1), Segment(20, 21, 21), Segment(2, 3, 3)]
        >>> grouped(dict(enumerate(segments)), 4)
        [[0, 2], [1]]

    """
    groups: list[list[int]] = []
    reached = -math.inf
    for start, number in sorted((s.start, k) for k, s in segments.items()):
        stop = segments[number].stop
        if margin is None or start - margin > reached + margin:
            groups.append([])
        groups[-1].append(number)
        reached = max(reached, math.inf if stop is None else stop)
    return groups


def surroundings(segments: Sequence[Segment], margin: int) -> Span:
    """Start and end in seconds of segments with a margin around them."""
    first = min(segment.start for segment in segments)
    stops = [segment.stop for segment in segments if segment.stop is not None]
    is_open = len(stops) < len(segments)
    last = None if is_open else math.ceil(max(stops)) + margin
    return max(0, math.floor(first) - margin), last


def pooled(
    blocks: Blocks,
    make: Callable[[Iterable[Range]], "SegmentPooler"],
    ranges: Callable[[], Iterable[tuple[Range, int]]],
) -> list[np.ndarray]:
    """Pool tokens of a signal over ranges, in a single pass over its blocks.

    Args:
        blocks: blocks ``(num_channels, num_samples)`` at 16 kHz
        make: function that returns the pooler of a channel, given the ranges
        ranges: function that returns ranges and their segments, which is called after
            the first block was read

    Returns:
        values ``(num_channels, num_values + 1)`` of each range that has begun; the last
        one is the share of speech

    """
    poolers: list[SegmentPooler] = []
    for block in blocks:
        poolers = poolers or [make(k for k, _ in ranges()) for _ in block]
        for pooler, channel in zip(poolers, block, strict=True):
            pooler.push(channel)
    channels = [pooler.finish() for pooler in poolers]
    return [np.stack(values) for values in zip(*channels, strict=True)]


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


class SegmentPooler:
    """Normalises one channel, computes its tokens and pools them over ranges.

    Args:
        tokens: tokens of the model
        normaliser: normaliser of the samples
        ranges: ranges of tokens, see :class:`audw2s.inference.pooling.Pool`

    """

    def __init__(
        self,
        tokens: Tokens,
        normaliser: SlidingNormaliser | RunningMoments,
        ranges: Iterable[Range],
    ):
        self.normaliser = normaliser
        self.tokens = tokens
        self.pool = Pool(ranges, tokens.outputs)
        self.stream = TokenStream(tokens, wanted=self._wanted)
        self.speech = SpeechShare(tokens.rate) if tokens.has_speech else None
        # Index after the last token so far, and that token
        self.end = 0
        self.last: np.ndarray | None = None

    def push(self, signal: np.ndarray) -> None:
        """Process samples ``(num_samples,)`` at 16 kHz."""
        self._pool(self.stream.push(self.normaliser.push(signal)))

    def finish(self) -> list[np.ndarray]:
        """Return values ``(num_values + 1,)`` of each range that has begun."""
        self._pool(self.stream.push(self.normaliser.finish()))
        self._pool(self.stream.finish())
        values = self.pool.finish()
        if self.last is not None:
            # A range behind the last whole token of a recording gets that token
            late = [first <= self.end for first, _ in self.pool.read(self.end + 1)]
            values += [self.tokens.outputs(self.last)] * sum(late)
        if not values:
            return []
        shares = self._shares(self.pool.ranges[: len(values)])
        return [np.append(*pair) for pair in zip(values, shares, strict=True)]

    def _wanted(self, number: int) -> Range | None:
        """Tokens that the pool needs, and the one before, which may be the last."""
        wanted = self.pool.wanted(number, self.tokens.block)
        return wanted and (max(number, wanted[0] - 1), wanted[1])

    def _pool(self, made: Iterable[tuple[int, np.ndarray]]) -> None:
        for first, tokens in made:
            self.pool.add(first, tokens)
            if self.speech is not None:
                self.speech.add(first, self.tokens.speech_logits(tokens))
            self.end = first + len(tokens)
            self.last = tokens[-1, : tokens.shape[1] // 2].astype(np.float64)

    def _shares(self, ranges: Sequence[Range]) -> np.ndarray:
        """Share of the tokens of each range that are speech, NaN if it is unknown."""
        if self.speech is None:
            return np.full(len(ranges), np.nan, np.float32)
        return self.speech.finish(ranges).astype(np.float32)


def window_ranges(
    report: Report,
    segments: Sequence[Segment],
    grid: Grid | None,
    tokens: Tokens,
) -> Iterator[tuple[Range, int]]:
    """Ranges of tokens of the windows of all segments, sorted by their first token.

    There may be more windows than a segment has, as its end may be unknown.

    Args:
        report: report of the source, which has its sampling rate
        segments: segments of the source
        grid: grid of windows, ``None`` for segments as a whole
        tokens: tokens of the model

    Yields:
        range of tokens, and position of its segment

    """

    def windows(number: int, segment: Segment) -> Iterator[tuple[Range, int]]:
        first, last = at_model_rate(report, segment)
        if grid is None:
            yield tokens.range(first, last), number
            return
        for start in map(grid.first, itertools.count()):
            if start and first + start >= last:
                return
            stop = min(first + start + grid.size, last)
            yield tokens.range(first + start, stop), number

    return heapq.merge(*itertools.starmap(windows, enumerate(segments)))


def at_model_rate(report: Report, segment: Segment) -> tuple[int, int]:
    """Range of a segment in samples at 16 kHz, counted from the start of the report.

    The end is :data:`audw2s.inference.frames.ENDLESS` if it is unknown.
    """
    rate = report.sampling_rate
    begin = round(report.start * rate)
    first, stop = round(segment.start * rate) - begin, segment.stop
    # Rounded down, to stay within the existing samples
    start = first * SAMPLING_RATE // rate
    if stop is None:
        return start, ENDLESS
    return start, start + resampled_size(round(stop * rate) - begin - first, rate)
