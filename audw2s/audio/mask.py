"""Quality mask: which samples of a source are constant, and which at full scale."""

import bisect

import numpy as np

MIN_RUN_DUR = 0.002
"""Duration in seconds of the shortest run of constant samples that is stored; windows
and segments with a value are longer."""


class Mask:
    """Constant and clipped samples of a source, counted from the first one read."""

    def __init__(self):
        self.num_samples = 0
        self.last: np.ndarray | None = None
        self.begun = 0
        self.runs = [np.zeros((0, 2), np.int64)]
        self.clipped: list[tuple[int, int, np.ndarray]] = []

    def update(
        self, block: np.ndarray, is_clipped: np.ndarray | None, sampling_rate: int
    ) -> None:
        """Update with a block.

        Args:
            block: block ``(num_channels, num_samples)`` of at least one sample
            is_clipped: whether each sample is at full scale, ``None`` if none is
            sampling_rate: sampling rate in Hz

        """
        size = block.shape[1]
        if is_clipped is not None:
            packed = np.packbits(is_clipped, axis=1)
            self.clipped.append((self.num_samples, size, packed))
        changed = np.empty(size, bool)
        changed[0] = self.last is not None and (block[:, 0] != self.last).any()
        np.any(block[:, 1:] != block[:, :-1], axis=0, out=changed[1:])
        edges = np.flatnonzero(changed) + self.num_samples
        edges = np.concatenate([[self.begun], edges])
        long = np.flatnonzero(np.diff(edges) >= MIN_RUN_DUR * sampling_rate)
        if len(long):
            self.runs.append(np.stack([edges[long], edges[long + 1]], axis=1))
        self.begun = int(edges[-1])
        self.last = block[:, -1].copy()
        self.num_samples += size

    def is_constant(self, first: int, last: int) -> bool:
        """Whether all channels are constant in ``first`` to ``last - 1``.

        Examples:
            >>> mask = Mask()
            >>> mask.update(np.array([[0, 1, 1, 1]]), None, 500)
            >>> mask.update(np.array([[1, 1, 2]]), None, 500)
            >>> mask.is_constant(1, 6), mask.is_constant(0, 3), mask.is_constant(4, 7)
            (True, False, False)

        """
        if first >= self.begun:
            return True
        if len(self.runs) > 1:
            self.runs = [np.concatenate(self.runs)]
        (runs,) = self.runs
        number = np.searchsorted(runs[:, 0], first, side="right") - 1
        return bool(number >= 0 and runs[number, 1] >= last)

    def num_clipped(self, first: int, last: int) -> int:
        """Number of samples at full scale in all channels.

        Examples:
            >>> mask, block = Mask(), np.array([[0, 1, 1, 0]])
            >>> mask.update(block, block > 0, 500)
            >>> mask.num_clipped(0, 4), mask.num_clipped(2, 4)
            (2, 1)

        """
        count = 0
        number = bisect.bisect_right(self.clipped, first, key=lambda part: part[0]) - 1
        for begin, size, packed in self.clipped[max(0, number) :]:
            if begin >= last:
                break
            low, high = max(0, first - begin), min(last - begin, size)
            if low < high:
                bits = np.unpackbits(packed[:, low // 8 : -(-high // 8)], axis=1)
                count += int(np.count_nonzero(bits[:, low % 8 :][:, : high - low]))
        return count
