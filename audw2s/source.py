"""Names for what is read, and which part of it."""

from collections.abc import Callable
from collections.abc import Iterator

import numpy as np

Read = Callable[..., Iterator[np.ndarray]]
"""Reads a source: takes a report and, by name, start and end; gives blocks.

:func:`audw2s.signal.file_blocks` or :func:`audw2s.signal.array_blocks`, with their
first arguments given.
"""

Span = tuple[float, float | None]
"""Start and end of a stretch in seconds, ``None`` for the end of the source."""

Tap = Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]
"""Is handed a stream of blocks, returns what is heard of it."""
