"""Where something is loud enough in a signal, and where its channels cancel out."""

import numpy as np

LOUD = 2**-8
"""A sample is loud from here on: of 16 bits, 8 are used."""

CANCELLED = 1e-3
"""Energy of the mean of channels, relative to theirs, below which they cancel out.

It is 1/64 or more if there is speech in one of 64 channels, or if 64 channels have
nothing in common.
"""

HOPS_PER_SECOND = 100


class Hops:
    """A number for each hop of a signal that comes in blocks.

    Args:
        combine: makes one number of those of samples: ``np.add``, ``np.logical_or``

    """

    def __init__(self, combine: np.ufunc):
        self.combine = combine
        self.parts: list[tuple[int, np.ndarray]] = []

    def see(self, values: np.ndarray, first: int, hop: int) -> None:
        """Take note of values of samples, the first of which has a number."""
        begin, end = first // hop, -(-(first + len(values)) // hop)
        starts = np.maximum(0, np.arange(begin, end) * hop - first)
        self.parts.append((begin, self.combine.reduceat(values, starts)))

    def between(self, low: int, high: int) -> np.ndarray:
        """Numbers of some hops.

        Examples:
            >>> hops = Hops(np.add)
            >>> hops.see(np.array([1, 2, 3]), 0, 2)
            >>> hops.see(np.array([4, 5]), 3, 2)
            >>> hops.between(0, 3).tolist()
            [3, 7, 5]

        """
        if len(self.parts) > 1:
            begin = self.parts[0][0]
            end = max(first + len(values) for first, values in self.parts)
            joined = np.zeros(end - begin, self.parts[0][1].dtype)
            for first, values in self.parts:
                # A hop may reach from one block into the next
                own = joined[first - begin : first - begin + len(values)]
                self.combine(own, values, out=own)
            self.parts = [(begin, joined)]
        if not self.parts:
            return np.zeros(0)
        begin, values = self.parts[0]
        return values[max(0, low - begin) : max(0, high - begin)]


class Audibility:
    """Tells parts of a signal in which nothing is loud, or channels cancel out.

    Hops of 10 ms count from the start of the source, wherever reading starts: what is
    said of a part doesn't depend on what else is read.
    """

    def __init__(self):
        self.begin: int | None = None
        self.hop = 1
        self.is_loud = Hops(np.logical_or)
        self.energy, self.mixed_energy = Hops(np.add), Hops(np.add)

    def see(
        self, block: np.ndarray, mix: np.ndarray, first: int, sampling_rate: int
    ) -> None:
        """Take note of a block.

        Args:
            block: ``(num_channels, num_samples)``
            mix: what is heard of it, of as many channels or one
            first: number of its first sample in the source
            sampling_rate: in Hz

        """
        self.hop = max(1, sampling_rate // HOPS_PER_SECOND)
        if self.begin is None:
            self.begin = first
        is_loud = (np.abs(mix) >= LOUD).any(axis=0)
        self.is_loud.see(is_loud, first, self.hop)
        if len(mix) < len(block):
            energy = np.square(block).mean(axis=0)
            self.energy.see(energy, first, self.hop)
            self.mixed_energy.see(np.square(mix[0]), first, self.hop)

    def status(self, first: int, last: int) -> str | None:
        """Whether a part is quiet or its channels cancel out.

        Args:
            first: its first sample, counted from the first one that was seen
            last: the one after its last

        Returns:
            ``"quiet"``, ``"cancelled"`` or ``None``

        Examples:
            >>> audibility, noise = Audibility(), np.full((1, 1000), 0.1)
            >>> audibility.see(np.concatenate([noise, -noise]), 0 * noise, 0, 1000)
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
