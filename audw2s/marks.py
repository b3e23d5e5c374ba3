"""What is odd in a signal, and where."""

import numpy as np

from audw2s.catalogue import SAMPLING_RATE
from audw2s.level import HOP


class Runs:
    """Where a sequence of yes and no is which; as small as it changes rarely."""

    def __init__(self):
        self.size = 0
        self.last = False
        self.parts = [np.zeros(0, np.int32)]
        """Places where it changes; at first it is no."""

    def see(self, values: np.ndarray) -> None:
        """Append some, ``(num_values,)``, bool."""
        changes = np.flatnonzero(np.diff(values, prepend=self.last))
        self.parts.append((changes + self.size).astype(np.int32))
        self.size += len(values)
        self.last = values[-1]

    def finish(self) -> None:
        """Join what was seen."""
        self.parts = [np.concatenate(self.parts)]

    def any(self, first: int, last: int) -> bool:
        """Whether there is a yes from ``first`` until before ``last``.

        Examples:
            >>> runs = Runs()
            >>> runs.see(np.array([False, False, True]))
            >>> runs.see(np.array([True, False]))
            >>> runs.finish()
            >>> runs.any(0, 2), runs.any(0, 3), runs.any(3, 5), runs.any(4, 5)
            (False, True, True, False)

        """
        (changes,) = self.parts
        following = np.searchsorted(changes, first, side="right")
        if first >= last or following % 2:
            return first < last
        return bool(following < len(changes) and changes[following] < last)


class Marks:
    """Where a signal stands still, and where it is clipped, in hops of 64 samples."""

    def __init__(self):
        self.rest: np.ndarray | None = None
        self.before: np.ndarray | None = None
        self.moving = Runs()
        self.jumping = Runs()
        self.clipped = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]

    def see(self, block: np.ndarray) -> None:
        """Take note of a block ``(num_channels, num_samples)`` at 16 kHz."""
        if self.rest is not None:
            block = np.concatenate([self.rest, block], axis=1)
        whole = block.shape[1] // HOP * HOP
        hops = block[:, :whole].reshape(len(block), -1, HOP)
        self.rest = block[:, whole:]
        if not whole:
            return
        starts = hops[:, :, 0]
        before = starts[:, :1] if self.before is None else self.before
        previous = np.concatenate([before, starts[:, :-1]], axis=1)
        self.before = starts[:, -1:]
        self.moving.see((hops != starts[:, :, None]).any(axis=(0, 2)))
        self.jumping.see((starts != previous).any(axis=0))

    def clip(self, block: np.ndarray, first: int, sampling_rate: int) -> None:
        """Take note of samples at full scale in a block, as it was read.

        Args:
            block: ``(num_channels, num_samples)``
            first: number of its first sample
            sampling_rate: in Hz

        """
        _, where = np.nonzero(np.abs(block) >= 0.999)
        if len(where):
            hops = (where + first) * (SAMPLING_RATE / HOP / sampling_rate)
            self.clipped.append(np.unique(hops.astype(np.int64), return_counts=True))

    def finish(self) -> None:
        """Add up, once the stretch is over."""
        self.moving.finish()
        self.jumping.finish()
        hops, counts = (np.concatenate(p) for p in zip(*self.clipped, strict=True))
        self.clipped = [(hops, np.cumsum([0, *counts]))]

    def is_still(self, start: float, end: float) -> bool:
        """Whether all samples between two times in seconds are equal."""
        first, last = (round(time * SAMPLING_RATE) for time in (start, end))
        low = min(-(-first // HOP), self.moving.size)
        high = max(low, min(last // HOP, self.moving.size))
        return not (self.moving.any(low, high) or self.jumping.any(low + 1, high))

    def num_clipped(self, start: float, end: float) -> int:
        """Number of clipped samples between two times in seconds."""
        ((hops, counts),) = self.clipped
        times = np.array([start, end]) * (SAMPLING_RATE / HOP)
        low, high = counts[np.searchsorted(hops, times)]
        return int(high - low)
