"""Channels of a recording, each of which may be one speaker."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.quality import Report

ALL = "all"
"""All channels of a recording, whatever their number."""

Channels = Sequence[int] | str | None
"""Channels that have rows of their own: indices from 0, or :data:`ALL`; ``None`` for
rows of the mean of all channels."""


def parse_channels(text: str | None) -> tuple[int, ...] | str | None:
    """Read channels as written in a command.

    Raises:
        ValueError: if they are neither numbers nor ``"all"``, or a channel is repeated

    Examples:
        >>> parse_channels("0,1"), parse_channels("all"), parse_channels(None)
        ((0, 1), 'all', None)

    """
    if text is None or text.strip() == ALL:
        return text and ALL
    numbers = [part.strip() for part in text.split(",")]
    if not all(n.isascii() and n.isdigit() for n in numbers):
        raise ValueError(f"Channels are numbers as in '0,1', or 'all', got '{text}'.")
    channels = tuple(map(int, numbers))
    if len(set(channels)) < len(channels):
        raise ValueError(f"Channels have to differ, got '{text}'.")
    return channels


def channels_of(
    read: Callable[..., Iterator[np.ndarray]], channels: Channels
) -> list[int | None]:
    """Channels of a source that have rows.

    Args:
        read: reader of the source, see :data:`audw2s.audio.preprocess.Read`
        channels: requested channels

    Returns:
        index of each channel, or ``[None]`` for all of them together, which is also
        the row of a source that can't be read

    Examples:
        >>> from functools import partial
        >>> from audw2s.audio.preprocess import array_blocks
        >>> read = partial(array_blocks, np.zeros((2, 9)), 16000)
        >>> channels_of(read, "all"), channels_of(read, [1]), channels_of(read, None)
        ([0, 1], [1], [None])

    """
    if channels is None:
        return [None]
    if not isinstance(channels, str):
        return list(channels)
    block = next(iter(read(Report())), np.zeros((0, 0)))
    return list(range(len(block))) or [None]
