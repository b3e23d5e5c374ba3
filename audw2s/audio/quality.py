"""Quality of a recording: its status, and the reason as a message."""

import dataclasses

import numpy as np

from audw2s.audio.audibility import Audibility
from audw2s.audio.bad_samples import MAX_SAMPLE
from audw2s.audio.bad_samples import BadSamples
from audw2s.audio.mask import Mask
from audw2s.audio.statuses import UNUSABLE

CLIPPED_SHARE = 0.001
"""Share of samples at full scale above which a recording is clipped."""

FULL_SCALE = 0.999
"""Absolute value from which on a sample is clipped."""

MISSING_DUR = 0.05
"""Duration in seconds that may be missing, as durations in containers are inexact."""

MISSING_SHARE = 0.01
"""Share of a recording that may be missing."""

SHORT_DUR = 0.5
"""Duration in seconds below which a recording or window is short."""

REASONS = {
    "quiet": "no sample reaches 1/256 of full scale, values are unsure",
    "cancelled": "the channels cancel each other out in their mean, as the phase of "
    "one is inverted: take one of them by channels=0, or each by mixdown=False",
}
"""Messages of the statuses of :class:`audw2s.audio.audibility.Audibility`."""


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

    num_values: int = 0
    """Number of samples that were read, summed over selected channels."""

    num_clipped: int = 0
    """Number of samples at full scale, summed over selected channels."""

    is_constant: bool = True
    """Whether all channels are constant."""

    not_finite: BadSamples = dataclasses.field(default_factory=BadSamples)
    """Samples that are NaN or inf in any selected channel."""

    out_of_range: BadSamples = dataclasses.field(default_factory=BadSamples)
    """Samples that are beyond :data:`audw2s.audio.bad_samples.MAX_SAMPLE`."""

    mask: Mask | None = None
    """Constant and clipped samples; needed for reports of windows and segments."""

    offset: int = 0
    """Index of the first sample of this report in the mask."""

    first_samples: np.ndarray | None = None
    """First sample of each channel."""

    audibility: Audibility = dataclasses.field(default_factory=Audibility)
    """Loudness of the processed channels, and whether they cancel out."""

    notes: list[str] = dataclasses.field(default_factory=list)
    """Messages on the source that don't change its status."""

    @property
    def duration(self) -> float:
        """Duration in seconds that was read."""
        return self.num_samples / self.sampling_rate if self.sampling_rate else 0.0

    def update(self, block: np.ndarray) -> np.ndarray:
        """Update with a block ``(num_channels, num_samples)`` of selected channels.

        Returns:
            the block; if it has bad samples, a copy with zeros in their place

        """
        low, high = float(block.min()), float(block.max())
        # Also where one of them is NaN
        if not (-MAX_SAMPLE <= low and high <= MAX_SAMPLE):
            block = self._mask(block)
            low, high = float(block.min()), float(block.max())
        is_clipped = None
        if max(-low, high) >= FULL_SCALE:
            is_clipped = np.abs(block) >= FULL_SCALE
            self.num_clipped += int(np.count_nonzero(is_clipped))
        if self.first_samples is None:
            self.first_samples = block[:, :1].copy()
        if self.is_constant:
            self.is_constant = bool((block == self.first_samples).all())
        if self.mask is not None:
            self.mask.update(block, is_clipped, self.sampling_rate)
        self.num_samples += block.shape[1]
        self.num_values += block.size
        self.num_channels = self.num_channels or block.shape[0]
        return block

    def part(self, first: int, last: int) -> "Report":
        """Report of a range of the samples that were read.

        Args:
            first: index of the first sample
            last: index after the last sample

        """
        first, last = (min(max(0, k), self.num_samples) for k in (first, last))
        if (first, last) == (0, self.num_samples):
            return dataclasses.replace(self, declared=None)
        last = max(first, last)
        own = (self.offset + first, self.offset + last)
        return dataclasses.replace(
            self,
            declared=None,
            num_samples=last - first,
            num_values=self.num_values // self.num_samples * (last - first),
            num_clipped=self.mask.num_clipped(*own),
            not_finite=self.not_finite.part(first, last),
            out_of_range=self.out_of_range.part(first, last),
            is_constant=self.mask.is_constant(*own),
            offset=own[0],
        )

    def segment(
        self, start: float, stop: float | None, *, is_asked: bool = True
    ) -> "Report":
        """Report of a segment of the source.

        Args:
            start: start of the segment in seconds
            stop: end of the segment in seconds, ``None`` for the end of the source
            is_asked: whether ``stop`` was requested, so that the source is truncated if
                it ends earlier

        """
        rate = self.sampling_rate
        begin = round(self.start * rate)
        first = round(start * rate)
        last = begin + self.num_samples if stop is None else round(stop * rate)
        part = self.part(first - begin, last - begin)
        part.start = start
        if stop is not None and is_asked:
            part.declared = last - first
        elif self.promised is not None:
            cut = self.promised if stop is None else min(last, self.promised)
            part.declared = cut - first
        return part

    def _mask(self, block: np.ndarray) -> np.ndarray:
        finite = np.isfinite(block)
        beyond = finite & (np.abs(block) > MAX_SAMPLE)
        for found, values in ((self.not_finite, ~finite), (self.out_of_range, beyond)):
            found.add(np.flatnonzero(values.any(axis=0)) + self.num_samples)
        return np.where(finite & ~beyond, block, np.float32(0))

    def fault(self) -> tuple[str, str] | None:
        """Status and reason for bad samples, ``None`` if there are none."""
        if count := self.not_finite.count():
            return "not_finite", f"holds {count} NaN or inf samples"
        if count := self.out_of_range.count():
            return "out_of_range", (
                f"holds {count} samples beyond {MAX_SAMPLE:g}, full scale is 1"
            )
        return None

    def status(self, min_dur: float) -> tuple[str, str]:
        """Status of the source, and its reason.

        Args:
            min_dur: duration in seconds below which the model gives no value

        Returns:
            status and reason; the reason is empty if there is no problem

        """
        status, message = self._status(min_dur)
        if status not in UNUSABLE:
            message = "; ".join(filter(None, [message, *self.notes]))
        return status, message

    def _status(self, min_dur: float) -> tuple[str, str]:
        if self.problem is not None:
            return self.problem
        if self.num_samples == 0:
            if 0 < self.total <= self.start:
                where = f"starts at {self.start:.3f} s of {self.total:.3f} s"
                return "empty", where
            return "empty", "holds no samples"
        if fault := self.fault():
            return fault
        if self.duration < min_dur:
            return "too_short", self._too_short(min_dur)
        if self.is_constant:
            return "silent", "all samples are equal, the values say nothing of speech"
        own = (self.offset, self.offset + self.num_samples)
        if status := self.audibility.status(*own):
            return status, REASONS[status]
        truncated = self.truncation()
        if self.duration < SHORT_DUR:
            reason = f"{self.duration:.3f} s, values below 2 s are unsure"
            return "short", "; ".join(filter(None, [reason, truncated]))
        if truncated:
            return "truncated", truncated
        if self.num_clipped > CLIPPED_SHARE * self.num_values:
            share = self.num_clipped / self.num_values
            return "clipped", f"{100 * share:.1f} % of the samples at full scale"
        return "ok", ""

    def truncation(self) -> str:
        """Message on missing samples, empty if few are missing."""
        if self.declared is None:
            return ""
        missing = self.declared - self.num_samples
        few = max(MISSING_DUR * self.sampling_rate, MISSING_SHARE * self.declared)
        if missing <= few:
            return ""
        declared = self.declared / self.sampling_rate
        return f"read {self.duration:.3f} s of {declared:.3f} s"

    def _too_short(self, min_dur: float) -> str:
        text = (
            f"{self.num_samples} samples at {self.sampling_rate} Hz, "
            f"at least {1000 * min_dur:g} ms are needed"
        )
        if self.num_channels > self.num_samples:
            text += (
                f"; it has {self.num_channels} channels: "
                "is the array transposed? It has to be (num_channels, num_samples)"
            )
        return text
