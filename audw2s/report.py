"""What was found in a recording: its status, and the reason in words."""

import dataclasses

import numpy as np

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
    "sampling_rate",
    "channels",
)
"""Statuses for which no value is honest: their rows are NaN."""


@dataclasses.dataclass
class Report:
    """What was found while a source was read; filled while its blocks pass by.

    One of the statuses ``ok``, ``short``, ``silent``, ``clipped``, ``truncated``
    (values are given), ``missing``, ``unreadable``, ``empty``, ``too_short``,
    ``not_finite``, ``sampling_rate``, ``channels`` (values are NaN), each but the
    first with its reason in words.
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
    num_clipped: int = 0
    num_not_finite: int = 0
    low: float = np.inf
    high: float = -np.inf

    bad: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    """Stretches in seconds from the first sample read that hold NaN or inf."""

    @property
    def duration(self) -> float:
        """Seconds that were read."""
        return self.num_samples / self.sampling_rate if self.sampling_rate else 0.0

    def see(self, block: np.ndarray) -> np.ndarray:
        """Take note of a block ``(num_channels, num_samples)``.

        Returns:
            the block, with zeros where it holds NaN or inf (a copy in that case)

        """
        low, high = float(block.min()), float(block.max())
        if not np.isfinite(low) or not np.isfinite(high):
            block = self._mask(block)
            low, high = float(block.min()), float(block.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        if max(-low, high) >= 0.999:
            self.num_clipped += int(np.count_nonzero(np.abs(block) >= 0.999))
        self.num_samples += block.shape[1]
        self.num_channels = block.shape[0]
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
        later = [(a - start, b - start) for a, b in self.bad if b > start]
        bad = [(max(a, 0.0), b) for a, b in later if end is None or a < end - start]
        ends = [min(b, (read - first) / rate) for _, b in bad]
        counts = [round((e - a) * rate) for (a, _), e in zip(bad, ends, strict=True)]
        return Report(
            problem=self.problem,
            sampling_rate=rate,
            total=self.total,
            start=self.start + start,
            declared=None if declared is None else declared - first,
            num_samples=max(0, read - first),
            num_channels=self.num_channels,
            num_not_finite=sum(counts),
            bad=bad,
        )

    def _mask(self, block: np.ndarray) -> np.ndarray:
        finite = np.isfinite(block)
        where = np.flatnonzero(~finite.all(axis=0)) + self.num_samples
        for run in np.split(where, np.flatnonzero(np.diff(where) > 1) + 1):
            self.bad.append(
                (run[0] / self.sampling_rate, (run[-1] + 1) / self.sampling_rate)
            )
        self.num_not_finite += len(where)
        return np.where(finite, block, np.float32(0))

    def is_bad(self, start: float, end: float) -> bool:
        """Whether NaN or inf lies between two times in seconds."""
        return any(first < end and last > start for first, last in self.bad)

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
        if self.num_not_finite:
            return "not_finite", f"holds {self.num_not_finite} NaN or inf samples"
        if self.duration < min_dur:
            return "too_short", self._too_short(min_dur)
        if self.declared is not None and self.num_samples < self.declared:
            declared = self.declared / self.sampling_rate
            return "truncated", f"read {self.duration:.3f} s of {declared:.3f} s"
        if self.low == self.high:
            return "silent", "all samples are equal, the values say nothing of speech"
        if self.num_clipped > CLIPPED_SHARE * self.num_samples * self.num_channels:
            share = self.num_clipped / (self.num_samples * self.num_channels)
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
