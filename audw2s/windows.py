"""Where windows lie: on a grid, the last one and short recordings kept."""

import itertools
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from audw2s.catalogue import SAMPLING_RATE
from audw2s.signal import MIN_SAMPLES


def default_hop_dur(win_dur: float | None, hop_dur: float | None) -> float | None:
    """Seconds from window to window: half a window unless something else is said.

    Examples:
        >>> default_hop_dur(2.0, None), default_hop_dur(2.0, 0.5)
        (1.0, 0.5)

    """
    return win_dur / 2 if win_dur and hop_dur is None else hop_dur


def windows(
    blocks: Iterable[np.ndarray],
    sampling_rate: int,
    win_dur: float,
    hop_dur: float,
    *,
    min_samples: int = 1,
) -> Iterator[tuple[float, np.ndarray]]:
    """Cut a stream of blocks into windows.

    Window k starts at ``k * hop_dur``. The last one may be shorter than the
    others: it ends with the recording. A recording shorter than a window is one
    window. A rest of fewer than ``min_samples`` after a full window is left out.

    Args:
        blocks: arrays ``(num_channels, num_samples)``
        sampling_rate: of the blocks, in Hz
        win_dur: duration of a window in seconds
        hop_dur: seconds from the start of a window to the start of the next
        min_samples: fewest samples of a last, shorter window

    Yields:
        start in seconds and ``(num_channels, num_samples)``

    Examples:
        >>> blocks = [np.zeros((1, 3)), np.zeros((1, 4))]
        >>> [(start, w.shape[1]) for start, w in windows(blocks, 1, 3, 2)]
        [(0, 3), (2, 3), (4, 3)]
        >>> blocks = [np.zeros((1, 2))]
        >>> [(start, w.shape[1]) for start, w in windows(blocks, 1, 3, 2)]
        [(0, 2)]

    """
    size = round(win_dur * sampling_rate)
    buffer, offset, count, covered = None, 0, 0, 0
    for block in blocks:
        buffer = block if buffer is None else np.concatenate([buffer, block], axis=1)
        first = round(count * hop_dur * sampling_rate) - offset
        while first + size <= buffer.shape[1]:
            yield count * hop_dur, buffer[:, first : first + size]
            covered = offset + first + size
            count += 1
            first = round(count * hop_dur * sampling_rate) - offset
        dropped = min(first, buffer.shape[1])
        buffer, offset = buffer[:, dropped:], offset + dropped
    if buffer is None:
        return
    first = round(count * hop_dur * sampling_rate) - offset
    rest = buffer[:, first:]
    is_new = offset + buffer.shape[1] > covered
    if count == 0 or (is_new and rest.shape[1] >= min_samples):
        yield count * hop_dur, rest


def groups(items: Iterable, size: int) -> Iterator[list]:
    """Take so many at a time; the last ones may be fewer.

    Examples:
        >>> list(groups("abc", 2))
        [['a', 'b'], ['c']]

    """
    rest = iter(items)
    while group := list(itertools.islice(rest, size)):
        yield group


class Grid:
    """Windows of a stretch: on a grid, the last one and short stretches kept.

    As :func:`audw2s.windows.windows` cuts them, but told by times alone.

    Args:
        win_dur: seconds of a window, ``None`` for the stretch as a whole
        hop_dur: seconds from the start of a window to the next

    """

    def __init__(self, win_dur: float | None, hop_dur: float | None):
        self.win_dur = win_dur
        self.hop_dur = hop_dur

    def spans(self, start: float, end: float) -> Iterator[tuple[float, float]]:
        """Start and end of each window between two times; endless up to infinity.

        Which of the last ones are left out, :meth:`count` tells.

        Examples:
            >>> list(Grid(2, 1).spans(0, 2.5))
            [(0, 2), (1, 2.5), (2, 2.5)]

        """
        if self.win_dur is None:
            yield start, end
            return
        first, count = start, 0
        while first < end or count == 0:
            yield first, min(first + self.win_dur, end)
            count += 1
            first = start + count * self.hop_dur

    def count(self, num_samples: int) -> int:
        """Count the windows in so many samples at 16 kHz, as :func:`windows` does.

        Examples:
            >>> [Grid(2, 1).count(round(16000 * dur)) for dur in (0.5, 2, 2.5, 3)]
            [1, 1, 2, 2]

        """
        if self.win_dur is None:
            return 1
        size = round(self.win_dur * SAMPLING_RATE)

        def start(number: int) -> int:
            return round(number * self.hop_dur * SAMPLING_RATE)

        # A guess that rounding makes wrong by one at most
        full = max(0, int((num_samples - size) / SAMPLING_RATE / self.hop_dur) + 2)
        while full and start(full - 1) + size > num_samples:
            full -= 1
        if not full:
            return 1
        is_new = num_samples > start(full - 1) + size
        return full + (is_new and num_samples - start(full) >= MIN_SAMPLES)
