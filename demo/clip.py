"""Recording of the page: signal, duration, status and notes."""

import tempfile
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import prepared
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import check_file
from audw2s.demo.limits import check_usable
from audw2s.inference.row import MIN_DUR

Progress = Callable[[float, str], object]
"""Function that is told a share of what is done, and what that is."""


def unwatched(share: float, what: str) -> None:
    """Progress that nobody sees."""


UNSURE_DUR = 2.0
"""Duration in seconds below which values are unsure."""

LONG_DUR = 15.0
"""Duration in seconds above which a single value says little."""

NOTES = {
    "silent": "The recording is silent: the values say nothing of speech. Check the "
    "microphone.",
    "quiet": "The recording is very quiet ({message}). Raise the gain.",
    "clipped": "The recording is clipped ({message}): it was too loud, and values may "
    "be off. Lower the gain.",
    "truncated": "The file ends early ({message}): values are those of what it holds.",
}
"""Notes on recordings whose values may be off, by status."""

SHORT = (
    "The recording is short ({duration} s): values below "
    f"{UNSURE_DUR:g} s are unsure."
)
LONG = (
    "The recording is long ({duration} s): one value for all of it hides how it "
    "changes, which the curves show."
)
"""Notes on short and long recordings."""


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
    num_channels: int = 1
    """Number of channels of the file, whose mean the signal is."""

    @property
    def notes(self) -> list[str]:
        """Sentences on what makes values unsure."""
        notes = []
        if self.status in NOTES:
            notes.append(NOTES[self.status].format(message=self.message))
        if self.duration < UNSURE_DUR:
            notes.append(SHORT.format(duration=f"{self.duration:.2f}"))
        if self.duration > LONG_DUR:
            notes.append(LONG.format(duration=f"{self.duration:.0f}"))
        return notes


def read_clip(
    path: str, limit: float = MAX_DUR, progress: Progress = unwatched
) -> Clip:
    """Check size, format and duration of a file, then read it.

    Args:
        path: path of the file
        limit: longest duration in seconds
        progress: function that is told how far reading is

    Raises:
        RefusedError: if the file isn't accepted by this page, or has no values

    """
    seconds = check_file(path, limit)
    report = Report()
    read = told(partial(file_blocks, path), seconds, progress, "Reading")
    blocks = prepared(read(report), report, sampling_rate=SAMPLING_RATE)
    signal = on_disk(blocks)
    status, message = report.status(MIN_DUR)
    check_usable(status)
    return Clip(path, signal, report.duration, status, message, report.num_channels)


def told(read: Read, duration: float, progress: Progress, what: str) -> Read:
    """Source that tells a function how far it is.

    Args:
        read: see :data:`audw2s.audio.preprocess.Read`
        duration: its duration in seconds
        progress: function that takes a share and what is done
        what: what is done

    """

    def blocks(
        report: Report, *, start: float = 0.0, end: float | None = None
    ) -> Blocks:
        time = start
        for block in read(report, start=start, end=end):
            yield block
            time += block.shape[1] / report.sampling_rate
            progress(min(1.0, time / duration), what)

    return blocks


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
        if not file.tell():
            return np.zeros(0, np.float32)
        return np.memmap(file, np.float32, "r")
