"""Recording of the page: signal, duration, status and notes."""

import tempfile
from functools import partial
from typing import NamedTuple

import numpy as np

from audw2s.audio.decode import Blocks
from audw2s.audio.decode import file_blocks
from audw2s.audio.decode import prepared
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import UNUSABLE
from audw2s.demo.job import Job
from audw2s.demo.limits import LONG_DUR
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import UNSURE_DUR
from audw2s.demo.limits import check_file
from audw2s.demo.words import WORDS
from audw2s.demo.words import RefusedError
from audw2s.inference.row import MIN_DUR


class Clip(NamedTuple):
    """Signal of a recording, and what is wrong with it."""

    path: str
    signal: np.ndarray
    """``(num_samples,)``, float32, mono at 16 kHz, on disk."""

    duration: float
    """In seconds."""

    status: str
    """See :class:`audw2s.audio.quality.Report`."""

    message: str
    num_channels: int
    """Number of channels of the file, whose mean the signal is."""

    @property
    def read(self) -> Read:
        """Reader of the signal."""
        return partial(array_blocks, self.signal, SAMPLING_RATE)

    @property
    def notes(self) -> list[str]:
        """Sentences on what makes values unsure."""
        names = [] if self.status in ("ok", "short") else [self.status]
        if self.duration < UNSURE_DUR:
            names.append("short")
        if self.duration > LONG_DUR:
            names.append("long")
        values = {"unsure": UNSURE_DUR} | self._asdict()
        return [WORDS["notes"][name].format(**values) for name in names]


def read_clip(job: Job, path: str | None, limit: float = MAX_DUR) -> Clip:
    """Check format and duration of a file, then read it.

    Args:
        job: request, which gets more time for a longer recording
        path: path of the file, ``None`` if none is chosen
        limit: longest duration in seconds, unless that of the page is shorter

    Raises:
        RefusedError: if the file isn't accepted by this page, or has no values

    """
    if path is None:
        raise RefusedError("no_recording")
    seconds = check_file(path, min(limit, job.models.settings.max_dur))
    job.end += seconds / 5
    report = Report()
    read = job.watched(partial(file_blocks, path), seconds, "Reading")
    signal = on_disk(prepared(read(report), report))
    status, message = report.status(MIN_DUR)
    if status in UNUSABLE:
        raise RefusedError(status)
    return Clip(path, signal, report.duration, status, message, report.num_channels)


def on_disk(blocks: Blocks) -> np.ndarray:
    """Mono signal ``(num_samples,)`` in a file that ends with it.

    Examples:
        >>> on_disk(iter([np.ones((1, 2), np.float32)])).tolist()
        [1.0, 1.0]

    """
    with tempfile.TemporaryFile() as file:
        for block in blocks:
            file.write(block[0].astype(np.float32).tobytes())
        file.flush()
        return np.memmap(file, np.float32, "r") if file.tell() else np.zeros(0)
