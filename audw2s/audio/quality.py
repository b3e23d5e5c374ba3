"""Quality of a recording: what is wrong, and where, as a status and a message."""

import dataclasses
import math
from functools import partial
from typing import NamedTuple

import numpy as np

from audw2s.audio.statuses import CANCELLED
from audw2s.audio.statuses import CLIPPED_SHARE
from audw2s.audio.statuses import FULL_SCALE
from audw2s.audio.statuses import HOPS_PER_SECOND
from audw2s.audio.statuses import LOUD
from audw2s.audio.statuses import MAX_SAMPLE
from audw2s.audio.statuses import MIN_RUN_DUR
from audw2s.audio.statuses import MISSING_DUR
from audw2s.audio.statuses import MISSING_SHARE
from audw2s.audio.statuses import REASONS
from audw2s.audio.statuses import SHORT_DUR
from audw2s.audio.statuses import UNUSABLE

BAD_SAMPLES = {
    "not_finite": "NaN or inf samples",
    "out_of_range": f"samples beyond {MAX_SAMPLE:g}, full scale is 1",
}
"""Samples without which a segment has a value, in the order of importance."""

EIGHT_TRUE = np.ones(8, bool).view(np.uint64)
"""Eight true values as one number."""

IS_LOUD, IS_CANCELLED = np.uint8(1), np.uint8(2)
"""What a hop is, a byte each, as hours of them are kept: its mix is loud, or its
channels cancel out in the mix. Others are 0."""


class Part(NamedTuple):
    """Segment or window of the samples that were read."""

    first: int
    """Index of the first sample."""

    last: int
    """Index after the last sample."""

    start: float
    """Start of the segment in seconds."""

    declared: int | None = None
    """Number of samples that the segment should have, ``None`` if unknown."""


@dataclasses.dataclass
class Runs:
    """Ranges of samples: run-length encoding of a Boolean mask.

    Examples:
        >>> runs = Runs()
        >>> runs.add(np.array([True, True, False, False, True]), 3)
        >>> runs.edges.tolist(), runs.count(4, 8), runs.covers(3, 5)
        ([[3, 5], [7, 8]], 2, True)

    """

    edges: np.ndarray = dataclasses.field(
        default_factory=partial(np.zeros, (0, 2), np.int64)
    )
    """First index, and index after the last one, of each run."""

    def add(self, mask: np.ndarray, first: int) -> None:
        """Append a mask whose first value has the index ``first``."""
        self.edges = np.concatenate([self.edges, runs_of(mask) + first])

    def extend(self, runs: np.ndarray, min_size: int, end: int) -> None:
        """Append runs that may continue the last one.

        Args:
            runs: first index, and index after the last one, of at least one run
            min_size: number of samples of the shortest run that is stored
            end: index after the last sample so far; a run up to it may go on

        """
        if len(self.edges) and runs[0, 0] < self.edges[-1, 1]:
            runs[0, 0] = self.edges[-1, 0]
            self.edges = self.edges[:-1]
        is_kept = (runs[:, 1] - runs[:, 0] >= min_size) | (runs[:, 1] == end)
        self.edges = np.concatenate([self.edges, runs[is_kept]])

    def count(self, first: int, last: int) -> int:
        """Number of samples in ``first`` to ``last - 1``."""
        begin, end = np.searchsorted(self.edges.ravel(), (first, last)) // 2
        begins, ends = self.edges[begin : end + 1].T
        shared = np.minimum(ends, last) - np.maximum(begins, first)
        return int(np.maximum(shared, 0).sum())

    def covers(self, first: int, last: int) -> bool:
        """Whether ``first`` to ``last - 1`` lie within one run."""
        number = np.searchsorted(self.edges[:, 0], first, side="right") - 1
        return bool(number >= 0 and self.edges[number, 1] >= last)


def runs_of(mask: np.ndarray) -> np.ndarray:
    """First index, and index after the last one, of each run of true values.

    Examples:
        >>> runs_of(np.array([True, True, False, True])).tolist()
        [[0, 2], [3, 4]]

    """
    padded = np.zeros(len(mask) + 2, bool)
    padded[1:-1] = mask
    return np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)


@dataclasses.dataclass
class Report:
    """Report on a source, updated with each block that is read.

    Its status is one of :data:`audw2s.audio.statuses.STATUSES`, with the reason as a
    message. ``no_value``, if the model itself gives NaN or infinity, is set by
    :mod:`audw2s.inference.row`.
    """

    problem: tuple[str, str] | None = None
    """Status and reason of a source from which no sample can be read."""

    sampling_rate: int = 0
    """Sampling rate of the source in Hz."""

    total: float = 0.0
    """Duration in seconds of the whole source, of which a segment may be read."""

    start: float = 0.0
    """Start in seconds of the segment that is read."""

    promised: int | None = None
    """Number of samples per channel that the header of the whole source declares,
    ``None`` if unknown."""

    declared: int | None = None
    """The same for the segment that is read."""

    num_samples: int = 0
    """Number of samples per channel that were read."""

    num_channels: int = 0
    """Number of channels of the source, of which some may be selected."""

    num_selected: int = 0
    """Number of selected channels."""

    notes: list[str] = dataclasses.field(default_factory=list)
    """Messages on the source that don't change its status."""

    runs: dict[str, Runs] = dataclasses.field(default_factory=dict)
    """Ranges of samples by what they are, as far as there are any: ``not_finite`` and
    ``out_of_range`` in any selected channel, ``constant`` in all, ``clipped`` where
    channels are interleaved."""

    hops: list[np.ndarray] = dataclasses.field(default_factory=list)
    """What each hop of 10 ms is, in parts. Hops are counted from the start of the
    source, so that the status of a segment doesn't depend on where reading starts."""

    last_hop: np.ndarray = dataclasses.field(default_factory=partial(np.zeros, (1, 0)))
    """Of the last hop, which the next block may go on with, ``(num_values, 1)``: number
    of loud samples, and energies of channels and mix if they differ."""

    previous: np.ndarray = dataclasses.field(default_factory=partial(np.zeros, 0))
    """Last sample of each channel."""

    @property
    def duration(self) -> float:
        """Duration in seconds that was read."""
        return self.num_samples / self.sampling_rate if self.sampling_rate else 0.0

    def checked(self, block: np.ndarray) -> np.ndarray:
        """Note bad and clipped samples of the next block.

        Args:
            block: block ``(num_channels, num_samples)`` of selected channels

        Returns:
            block; a copy with zeros in place of bad samples, if there are any

        """
        # Without arrays as large as the block, which take longer to get than to fill
        low, high = block.min(), block.max()
        # Also where one of them is NaN
        if not -MAX_SAMPLE <= low <= high <= MAX_SAMPLE:
            is_finite = np.isfinite(block)
            is_beyond = is_finite & (np.abs(block) > MAX_SAMPLE)
            bad = {
                "not_finite": ~is_finite.all(axis=0),
                "out_of_range": is_beyond.any(axis=0),
            }
            for status, mask in bad.items():
                self.runs.setdefault(status, Runs()).add(mask, self.num_samples)
            block = np.where(is_finite & ~is_beyond, block, np.float32(0))
        if not -FULL_SCALE < low <= high < FULL_SCALE:
            samples = block.T.ravel()
            is_clipped = (samples >= FULL_SCALE) | (samples <= -FULL_SCALE)
            first = self.num_samples * len(block)
            self.runs.setdefault("clipped", Runs()).add(is_clipped, first)
        return block

    def update(self, block: np.ndarray, mix: np.ndarray) -> None:
        """Update with the next block.

        Args:
            block: block ``(num_channels, num_samples)`` of selected channels, see
                :meth:`checked`
            mix: block after mixdown, of one channel or as many as the block

        """
        self.num_selected, size = block.shape
        before, self.num_samples = self.num_samples, self.num_samples + size
        is_same = np.empty(size, bool)
        is_same[0] = before > 0 and np.array_equal(block[:, 0], self.previous)
        np.all(block[:, 1:] == block[:, :-1], axis=0, out=is_same[1:])
        self.previous = block[:, -1].copy()
        min_size = math.ceil(MIN_RUN_DUR * self.sampling_rate)
        # A run of 16 fills a row of eight, and speech has hardly any. What lies at an
        # edge of the block may be a part of a longer one.
        rows = is_same[: size // 8 * 8].view(np.uint64)
        may_be_long = min_size < 16 or (rows == EIGHT_TRUE).any()
        if may_be_long or is_same[0] or is_same[-1]:
            runs = runs_of(is_same) + before - [1, 0]
            is_long = np.diff(runs)[:, 0] >= min_size
            is_kept = is_long | (runs[:, 0] < before) | (runs[:, 1] == self.num_samples)
            if is_kept.any():
                constant = self.runs.setdefault("constant", Runs())
                constant.extend(runs[is_kept], min_size, self.num_samples)
        hop = max(1, self.sampling_rate // HOPS_PER_SECOND)
        first = round(self.start * self.sampling_rate) + before
        starts = np.arange(first // hop * hop, first + size, hop) - first
        starts[0] = 0
        is_loud = np.logical_or.reduceat((mix >= LOUD) | (mix <= -LOUD), starts, axis=1)
        values = np.logical_or.reduce(is_loud, axis=0, keepdims=True)
        if len(mix) < len(block):
            energies = np.stack([np.square(block).mean(axis=0), np.square(mix[0])])
            values = np.concatenate([values, np.add.reduceat(energies, starts, axis=1)])
        if self.last_hop.size and first % hop:
            # A hop belongs to two blocks
            values[:, :1] += self.last_hop
            self.hops[-1] = self.hops[-1][:-1]
        self.last_hop = values[:, -1:].copy()
        kinds = IS_LOUD * (values[0] > 0)
        if len(values) > 1:
            _, energy, mixed_energy = values
            is_cancelled = mixed_energy < CANCELLED * energy
            kinds[is_cancelled & (energy > hop * (LOUD / 4) ** 2)] = IS_CANCELLED
        self.hops.append(kinds)

    def segment(
        self, start: float, stop: float | None, *, is_asked: bool = True
    ) -> Part:
        """Segment of the source, within the samples that were read.

        Args:
            start: start of the segment in seconds
            stop: end of the segment in seconds, ``None`` for the end of the source
            is_asked: whether ``stop`` was requested, so that the source is truncated if
                it ends earlier

        """
        rate = self.sampling_rate
        begin, first = round(self.start * rate), round(start * rate)
        last = begin + self.num_samples if stop is None else round(stop * rate)
        declared = None
        if stop is not None and is_asked:
            declared = last - first
        elif self.promised is not None:
            end = self.promised if stop is None else min(last, self.promised)
            declared = end - first
        first, last = (min(max(0, k - begin), self.num_samples) for k in (first, last))
        return Part(first, max(first, last), start, declared)

    def status(self, min_dur: float, part: Part | None = None) -> tuple[str, str]:
        """Status of the source, and its reason.

        Args:
            min_dur: duration in seconds below which the model gives no value
            part: segment or window, ``None`` for all samples that were read

        Returns:
            status and reason; the reason is empty if there is no problem

        """
        if self.problem is not None:
            return self.problem
        if part is None:
            part = Part(0, self.num_samples, self.start, self.declared)
        size = part.last - part.first
        if not size:
            if 0 < self.total <= part.start:
                where = f"starts at {part.start:.3f} s of {self.total:.3f} s"
                return "empty", where
            return "empty", "holds no samples"
        for status, what in BAD_SAMPLES.items():
            bad = self.runs.get(status)
            if bad and (count := bad.count(part.first, part.last)):
                return status, f"holds {count} {what}"
        if size / self.sampling_rate < min_dur:
            return "too_short", self._too_short(min_dur, size)
        status, message = self._doubt(part)
        if self.notes and status not in UNUSABLE:
            message = "; ".join(filter(None, [message, *self.notes]))
        return status, message

    def _doubt(self, part: Part) -> tuple[str, str]:
        """Status and reason of samples whose value may be unsure."""
        size, constant = part.last - part.first, self.runs.get("constant")
        if size == 1 or constant and constant.covers(part.first, part.last):
            return "silent", "all samples are equal, the values say nothing of speech"
        if status := self._audibility(part):
            return status, REASONS[status]
        truncated = self.truncation(part)
        if (duration := size / self.sampling_rate) < SHORT_DUR:
            reason = f"{duration:.3f} s, values below 2 s are unsure"
            return "short", "; ".join(filter(None, [reason, truncated]))
        if truncated:
            return "truncated", truncated
        if clipped := self.runs.get("clipped"):
            first, last = (self.num_selected * k for k in part[:2])
            share = clipped.count(first, last) / (last - first)
            if share > CLIPPED_SHARE:
                return "clipped", f"{100 * share:.1f} % of the samples at full scale"
        return "ok", ""

    def _audibility(self, part: Part) -> str | None:
        """Whether a part is quiet, or its channels cancel out."""
        if len(self.hops) > 1:
            self.hops = [np.concatenate(self.hops)]
        rate = self.sampling_rate
        begin, hop = round(self.start * rate), max(1, rate // HOPS_PER_SECOND)
        low, high = -(-(begin + part.first) // hop), (begin + part.last) // hop
        low, high = low - begin // hop, high - begin // hop
        hops = self.hops[0][low:high]
        if not len(hops):
            return None
        num_cancelled = np.count_nonzero(hops == IS_CANCELLED)
        if np.count_nonzero(hops == IS_LOUD) > num_cancelled:
            return None
        return "cancelled" if num_cancelled else "quiet"

    def truncation(self, part: Part | None = None) -> str:
        """Message on missing samples, empty if few are missing."""
        size, declared = self.num_samples, self.declared
        if part is not None:
            size, declared = part.last - part.first, part.declared
        if declared is None:
            return ""
        few = max(MISSING_DUR * self.sampling_rate, MISSING_SHARE * declared)
        if declared - size <= few:
            return ""
        seconds, wanted = (count / self.sampling_rate for count in (size, declared))
        return f"read {seconds:.3f} s of {wanted:.3f} s"

    def _too_short(self, min_dur: float, size: int) -> str:
        text = (
            f"{size} samples at {self.sampling_rate} Hz, "
            f"at least {1000 * min_dur:g} ms are needed"
        )
        if self.num_channels > size:
            text += (
                f"; it has {self.num_channels} channels: "
                "is the array transposed? It has to be (num_channels, num_samples)"
            )
        return text
