"""Samples that no recording holds: NaN, infinity, and numbers beyond all scales."""

import numpy as np

MAX_SAMPLE = 2.0**15
"""Largest floating point sample that may belong to a recording.

Full scale is 1. Samples of 16 bits that weren't divided by theirs still have the right
values, as the level doesn't count; beyond that a file is damaged, or nobody knows what
its numbers mean.
"""


class BadSamples:
    """Numbers of samples, as runs that are no longer than they have to be.

    Examples:
        >>> bad = BadSamples()
        >>> bad.add(np.array([3, 4, 7]))
        >>> bad.runs.tolist(), bad.count(4), bad.part(4, 8).runs.tolist()
        ([[3, 5], [7, 8]], 2, [[0, 1], [3, 4]])

    """

    def __init__(self):
        self.runs = np.zeros((0, 2), np.int64)
        """First sample, and the one after the last, of each run."""

    def add(self, numbers: np.ndarray) -> None:
        """Append numbers of samples, sorted, beyond those that are known."""
        if not len(numbers):
            return
        edges = np.flatnonzero(np.diff(numbers) > 1)
        firsts = numbers[np.append(0, edges + 1)]
        lasts = numbers[np.append(edges, -1)] + 1
        self.runs = np.concatenate([self.runs, np.stack([firsts, lasts], axis=1)])

    def part(self, first: int, last: int) -> "BadSamples":
        """Those from ``first`` until before ``last``, counted from ``first`` on."""
        low = np.searchsorted(self.runs[:, 1], first, side="right")
        high = np.searchsorted(self.runs[:, 0], last)
        found = BadSamples()
        found.runs = self.runs[low:high].clip(first, last) - first
        return found

    def count(self, first: int = 0, last: int = 2**62) -> int:
        """Count those from ``first`` until before ``last``."""
        firsts, lasts = self.part(first, last).runs.sum(axis=0).tolist()
        return lasts - firsts
