"""Types of a source, its segments and callbacks."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.quality import Report
from audw2s.audio.times import to_timedelta

Read = Callable[..., Iterator[np.ndarray]]
"""Function that reads a source: takes a report, ``start`` and ``end``; yields blocks.

:func:`audw2s.audio.decode.file_blocks` or
:func:`audw2s.audio.preprocess.array_blocks`, bound to a file or signal.
"""

Span = tuple[float, float | None]
"""Start and end of a segment in seconds, ``None`` for the end of the source."""

Callback = Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]
"""Function that takes an iterator of blocks and returns the one to process."""


def measured(read: Read) -> Report:
    """Report with the number of samples that can be read, as a header may be wrong."""
    report = Report()
    for block in read(report, start=0.0, end=None):
        report.num_samples += block.shape[1]
    return report


def from_the_start(read: Read, spans: Sequence[Span]) -> Sequence[Span]:
    """Replace negative times, which count from the end of a source.

    Times before the start of the source are set to its start.

    Args:
        read: reader of the source, to get its duration
        spans: start and end of each segment in seconds

    Examples:
        >>> from functools import partial
        >>> from audw2s.audio.preprocess import array_blocks
        >>> read = partial(array_blocks, np.zeros((1, 30)), 10)
        >>> from_the_start(read, [(-1.0, None), (-5.0, -0.5), (1.0, 2.0)])
        [(2.0, None), (0.0, 2.5), (1.0, 2.0)]

    """
    if all(start >= 0 and (end is None or end >= 0) for start, end in spans):
        return spans
    report = measured(read)
    rate = report.sampling_rate

    def absolute(time: float | None) -> float | None:
        if time is None or time >= 0:
            return time
        sample = max(0, report.num_samples + round(time * rate))
        return to_timedelta(sample, rate).total_seconds() if rate else 0.0

    return [(absolute(start), absolute(end)) for start, end in spans]
