"""Grid of windows, in samples at 16 kHz."""

import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeVar

import numpy as np

from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import from_seconds

Item = TypeVar("Item")


def default_hop_dur(win_dur: float | None, hop_dur: float | None) -> float | None:
    """Seconds between the starts of windows, half a window by default.

    Examples:
        >>> default_hop_dur(2.0, None), default_hop_dur(2.0, 0.5)
        (1.0, 0.5)

    """
    if hop_dur is not None or win_dur is None:
        return hop_dur
    # audinterface halves nanoseconds
    return from_seconds(win_dur).value // 2 / 1e9


class Grid:
    """Grid of the windows of a segment.

    Window k starts ``k * hop_dur`` after the start of the segment. Its times are
    rounded to samples, so that errors don't accumulate. The last window may be shorter
    than the others: it ends with the segment. A segment shorter than a window is one
    window. There is no last window for fewer than 64 samples, or without samples that
    no other window has.

    Args:
        win_dur: duration of a window in seconds
        hop_dur: duration between the starts of windows in seconds

    Examples:
        >>> grid = Grid(2.0, 1.0)
        >>> list(grid.windows(40000))
        [(0, 32000), (16000, 40000)]
        >>> [len([*grid.windows(size)]) for size in (100, 32000, 32063, 48000, 48064)]
        [1, 1, 2, 2, 3]

    """

    def __init__(self, win_dur: float, hop_dur: float):
        self.win = from_seconds(win_dur)
        self.hop = from_seconds(hop_dur)
        self.size = round(self.win.value * SAMPLING_RATE / 10**9)

    def first(self, number: int) -> int:
        """Index of the first sample of a window."""
        return round(number * self.hop.value * SAMPLING_RATE / 10**9)

    def windows(self, num_samples: int, number: int = 0) -> Iterator[tuple[int, int]]:
        """First sample, and index after the last one, of each window of a segment.

        Args:
            num_samples: number of samples of the segment
            number: index of the first window to yield

        """
        last = min(self.first(number - 1) + self.size, num_samples) if number else 0
        first = self.first(number)
        while not number or last < num_samples and num_samples - first >= MIN_SAMPLES:
            last = min(first + self.size, num_samples)
            yield first, last
            number += 1
            first = self.first(number)

    def cut(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Cut a segment, given as blocks, into its windows.

        Args:
            blocks: arrays ``(num_channels, num_samples)`` at 16 kHz

        Yields:
            windows ``(num_channels, num_samples)``

        Examples:
            >>> blocks = [np.zeros((1, 100)), np.zeros((1, 156))]
            >>> [w.shape[1] for w in Grid(0.008, 0.004).cut(blocks)]
            [128, 128, 128]

        """
        buffer: np.ndarray | None = None
        offset, number = 0, 0
        for block in blocks:
            buffer = block if buffer is None else np.concatenate([buffer, block], 1)
            while self.first(number) + self.size <= offset + buffer.shape[1]:
                first = self.first(number) - offset
                yield buffer[:, first : first + self.size]
                number += 1
            dropped = min(self.first(number) - offset, buffer.shape[1])
            buffer, offset = buffer[:, dropped:], offset + dropped
        if buffer is not None:
            for first, last in self.windows(offset + buffer.shape[1], number):
                yield buffer[:, first - offset : last - offset]


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Divide items into lists of a size; the last list may be shorter.

    Examples:
        >>> list(groups("abc", 2))
        [['a', 'b'], ['c']]

    """
    rest = iter(items)
    while group := list(itertools.islice(rest, size)):
        yield group
