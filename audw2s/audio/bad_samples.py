"""Bad samples: NaN, infinity, and values beyond any scale."""

import numpy as np

MAX_SAMPLE = 2.0**15
"""Largest valid floating point sample.

Full scale is 1. Samples of 16 bits that weren't scaled to -1…1 are accepted, as models
normalise their input; beyond that a file is damaged, or its scale is unknown.
"""


class BadSamples:
    """Indices of bad samples, as run-length encoding.

    Examples:
        >>> bad = BadSamples()
        >>> bad.add(np.array([3, 4, 7]))
        >>> bad.runs.tolist(), bad.count(4), bad.part(4, 8).runs.tolist()
        ([[3, 5], [7, 8]], 2, [[0, 1], [3, 4]])

    """

    def __init__(self):
        self.runs = np.zeros((0, 2), np.int64)
        """First index, and index after the last one, of each run."""

    def add(self, numbers: np.ndarray) -> None:
        """Append sorted indices of samples, behind the existing ones."""
        if not len(numbers):
            return
        edges = np.flatnonzero(np.diff(numbers) > 1)
        firsts = numbers[np.append(0, edges + 1)]
        lasts = numbers[np.append(edges, -1)] + 1
        self.runs = np.concatenate([self.runs, np.stack([firsts, lasts], axis=1)])

    def part(self, first: int, last: int) -> "BadSamples":
        """Bad samples in ``first`` to ``last - 1``, counted from ``first``."""
        low = np.searchsorted(self.runs[:, 1], first, side="right")
        high = np.searchsorted(self.runs[:, 0], last)
        found = BadSamples()
        found.runs = self.runs[low:high].clip(first, last) - first
        return found

    def count(self, first: int = 0, last: int = 2**62) -> int:
        """Number of bad samples in ``first`` to ``last - 1``."""
        firsts, lasts = self.part(first, last).runs.sum(axis=0).tolist()
        return lasts - firsts
