"""What was found in a recording: its status, and the reason in words."""

import dataclasses

import numpy as np

from audw2s.bad_samples import MAX_SAMPLE
from audw2s.bad_samples import BadSamples

CLIPPED_SHARE = 0.001
"""A recording is called clipped if this share of its samples is at full scale."""

SHORT_DUR = 0.5
"""A recording (or window) below this many seconds is called short."""

UNUSABLE = (
    "missing",
    "unreadable",
    "empty",
    "too_short",
    "not_finite",
    "out_of_range",
    "no_value",
    "sampling_rate",
    "channels",
)
"""Statuses for which no value is honest: their rows are NaN."""


@dataclasses.dataclass
class Report:
    """What was found while a source was read; filled while its blocks pass by.

    One of the statuses ``ok``, ``short``, ``silent``, ``clipped``, ``truncated``
    (values are given), ``missing``, ``unreadable``, ``empty``, ``too_short``,
    ``not_finite``, ``out_of_range``, ``sampling_rate``, ``channels`` (values are NaN),
    each but the first with its reason in words. ``no_value``, where the model itself
    gives NaN or infinity, is told by :mod:`audw2s.row`.
    """

    problem: tuple[str, str] | None = None
    """Status and reason that were found before any sample was read."""

    sampling_rate: int = 0
    """Sampling rate of the source in Hz."""

    total: float = 0.0
    """Seconds of the whole source, of which a stretch may be read."""

    start: float = 0.0
    """Where the stretch that is read starts, in seconds."""

    declared: int | None = None
    """Samples per channel the source promised, ``None`` if it can't know."""

    num_samples: int = 0
    """Samples per channel that were read."""

    num_channels: int = 0
    """Channels of the source, of which some may be selected."""

    num_values: int = 0
    """Samples that were read of all selected channels together."""

    num_clipped: int = 0
    low: float = np.inf
    high: float = -np.inf

    not_finite: BadSamples = dataclasses.field(default_factory=BadSamples)
    """Samples that are NaN or inf in any selected channel."""

    out_of_range: BadSamples = dataclasses.field(default_factory=BadSamples)
    """Samples that are beyond :data:`audw2s.bad_samples.MAX_SAMPLE`."""

    @property
    def bad(self) -> list[tuple[float, float]]:
        """Bad samples as stretches in seconds from the first sample read."""
        runs = np.concatenate([self.not_finite.runs, self.out_of_range.runs])
        return sorted(map(tuple, (runs / max(1, self.sampling_rate)).tolist()))

    @property
    def duration(self) -> float:
        """Seconds that were read."""
        return self.num_samples / self.sampling_rate if self.sampling_rate else 0.0

    def see(self, block: np.ndarray) -> np.ndarray:
        """Take note of a block ``(num_channels, num_samples)``, of selected channels.

        Returns:
            the block, with zeros where samples are bad (a copy in that case)

        """
        low, high = float(block.min()), float(block.max())
        # Also where one of them is NaN
        if not (-MAX_SAMPLE <= low and high <= MAX_SAMPLE):
            block = self._mask(block)
            low, high = float(block.min()), float(block.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        if max(-low, high) >= 0.999:
            self.num_clipped += int(np.count_nonzero(np.abs(block) >= 0.999))
        self.num_samples += block.shape[1]
        self.num_values += block.size
        self.num_channels = self.num_channels or block.shape[0]
        return block

    def part(self, start: float, end: float | None) -> "Report":
        """Report of a stretch, in seconds from where this one starts.

        Of clipped samples, and whether all are equal, it knows nothing.
        """
        rate = self.sampling_rate
        # From times in the source, as rounding of others may be off by a sample
        begin = round(self.start * rate)
        first = round((self.start + start) * rate) - begin
        last = None if end is None else round((self.start + end) * rate) - begin
        declared = self.declared if last is None else last
        read = self.num_samples if last is None else min(last, self.num_samples)
        known = self.num_samples if last is None else max(first, last)
        return Report(
            problem=self.problem,
            sampling_rate=rate,
            total=self.total,
            start=self.start + start,
            declared=None if declared is None else declared - first,
            num_samples=max(0, read - first),
            num_channels=self.num_channels,
            num_values=self.num_values
            // max(1, self.num_samples)
            * max(0, read - first),
            not_finite=self.not_finite.part(first, known),
            out_of_range=self.out_of_range.part(first, known),
        )

    def _mask(self, block: np.ndarray) -> np.ndarray:
        finite = np.isfinite(block)
        beyond = finite & (np.abs(block) > MAX_SAMPLE)
        for found, values in ((self.not_finite, ~finite), (self.out_of_range, beyond)):
            found.add(np.flatnonzero(values.any(axis=0)) + self.num_samples)
        return np.where(finite & ~beyond, block, np.float32(0))

    def is_bad(self, start: float, end: float) -> bool:
        """Whether bad samples lie between two times in seconds."""
        return self.fault(start, end) is not None

    def fault(
        self, start: float = 0.0, end: float | None = None
    ) -> tuple[str, str] | None:
        """Status and reason for the bad samples between two times in seconds."""
        end = self.duration if end is None else end
        rate = self.sampling_rate
        if count := self.not_finite.between(start, end, rate):
            return "not_finite", f"holds {count} NaN or inf samples"
        if count := self.out_of_range.between(start, end, rate):
            return "out_of_range", (
                f"holds {count} samples beyond {MAX_SAMPLE:g}, full scale is 1"
            )
        return None

    def status(self, min_dur: float) -> tuple[str, str]:
        """Name the status of the whole source and say why.

        Args:
            min_dur: seconds below which the model gives no value

        Returns:
            status and reason, the reason empty if all is well

        """
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
        if self.declared is not None and self.num_samples < self.declared:
            declared = self.declared / self.sampling_rate
            return "truncated", f"read {self.duration:.3f} s of {declared:.3f} s"
        if self.low == self.high:
            return "silent", "all samples are equal, the values say nothing of speech"
        if self.num_clipped > CLIPPED_SHARE * self.num_values:
            share = self.num_clipped / self.num_values
            return "clipped", f"{100 * share:.1f} % of the samples at full scale"
        if self.duration < SHORT_DUR:
            return "short", f"{self.duration:.3f} s, values below 2 s are unsure"
        return "ok", ""

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
