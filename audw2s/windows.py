"""Where windows lie: on a grid, the last one and short recordings kept."""

from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np


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
