"""Find out whether a signal is loud enough, and whether its channels cancel out."""

import numpy as np

LOUD = 2**-8
"""Absolute value from which on a sample is loud: 8 of 16 bits are used."""

CANCELLED = 1e-3
"""Energy of the mixdown, relative to the mean energy of channels, if they cancel out.

It is at least 1/64 if only one of 64 channels has speech, or if 64 channels are
uncorrelated.
"""

HOPS_PER_SECOND = 100


class Hops:
    """One value per hop of a signal that is read in blocks.

    Args:
        combine: function that combines the values of samples, such as ``np.add`` or
            ``np.logical_or``

    """

    def __init__(self, combine: np.ufunc):
        self.combine = combine
        self.parts: list[tuple[int, np.ndarray]] = []

    def update(self, values: np.ndarray, first: int, hop: int) -> None:
        """Add the values of samples.

        Args:
            values: one value per sample
            first: index of the first sample
            hop: number of samples of a hop

        """
        begin, end = first // hop, -(-(first + len(values)) // hop)
        starts = np.maximum(0, np.arange(begin, end) * hop - first)
        self.parts.append((begin, self.combine.reduceat(values, starts)))

    def between(self, low: int, high: int) -> np.ndarray:
        """Values of a range of hops.

        Examples:
            >>> hops = Hops(np.add)
            >>> hops.update(np.array([1, 2, 3]), 0, 2)
            >>> hops.update(np.array([4, 5]), 3, 2)
            >>> hops.between(0, 3).tolist()
            [3, 7, 5]

        """
        if len(self.parts) > 1:
            begin = self.parts[0][0]
            end = max(first + len(values) for first, values in self.parts)
            joined = np.zeros(end - begin, self.parts[0][1].dtype)
            for first, values in self.parts:
                # A hop may belong to two blocks
                hops = joined[first - begin : first - begin + len(values)]
                self.combine(hops, values, out=hops)
            self.parts = [(begin, joined)]
        if not self.parts:
            return np.zeros(0)
        begin, values = self.parts[0]
        return values[max(0, low - begin) : max(0, high - begin)]


class Audibility:
    """Finds segments of a signal in which nothing is loud, or channels cancel out.

    Hops of 10 ms are counted from the start of the source, so that the status of a
    segment doesn't depend on where reading starts.
    """

    def __init__(self):
        self.begin: int | None = None
        self.hop = 1
        self.is_loud = Hops(np.logical_or)
        self.energy, self.mixed_energy = Hops(np.add), Hops(np.add)

    def update(
        self, block: np.ndarray, mix: np.ndarray, first: int, sampling_rate: int
    ) -> None:
        """Update with a block.

        Args:
            block: block ``(num_channels, num_samples)``
            mix: block after mixdown, of one channel or as many as the block
            first: index of the first sample of the block in the source
            sampling_rate: sampling rate in Hz

        """
        self.hop = max(1, sampling_rate // HOPS_PER_SECOND)
        if self.begin is None:
            self.begin = first
        is_loud = (np.abs(mix) >= LOUD).any(axis=0)
        self.is_loud.update(is_loud, first, self.hop)
        if len(mix) < len(block):
            energy = np.square(block).mean(axis=0)
            self.energy.update(energy, first, self.hop)
            self.mixed_energy.update(np.square(mix[0]), first, self.hop)

    def status(self, first: int, last: int) -> str | None:
        """Whether a segment is quiet or its channels cancel out.

        Args:
            first: first sample of the segment, counted from the first block
            last: index after the last sample of the segment

        Returns:
            ``"quiet"``, ``"cancelled"`` or ``None``

        Examples:
            >>> audibility, noise = Audibility(), np.full((1, 1000), 0.1)
            >>> audibility.update(np.concatenate([noise, -noise]), 0 * noise, 0, 1000)
            >>> audibility.status(0, 1000)
            'cancelled'

        """
        begin = self.begin or 0
        hops = (-(-(begin + first) // self.hop), (begin + last) // self.hop)
        is_loud = self.is_loud.between(*hops)
        if not len(is_loud):
            return None
        cancelled = np.zeros(len(is_loud), bool)
        if len(energy := self.energy.between(*hops)):
            cancelled = self.mixed_energy.between(*hops) < CANCELLED * energy
            cancelled &= energy > self.hop * (LOUD / 4) ** 2
        audible = np.count_nonzero(is_loud & ~cancelled)
        if audible > np.count_nonzero(cancelled):
            return None
        return "cancelled" if cancelled.any() else "quiet"
