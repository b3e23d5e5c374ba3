"""Recording of the page: signal, duration, status and notes."""

from typing import NamedTuple

import numpy as np

from audw2s.audio.preprocess import load_as_found
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.limits import check_file
from audw2s.demo.limits import check_usable
from audw2s.inference.row import MIN_DUR

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

    signal: np.ndarray
    """``(num_samples,)``, float32, mono at 16 kHz."""

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


def read_clip(path: str) -> Clip:
    """Check size, format and duration of a file, then read it.

    Raises:
        RefusedError: if the file isn't accepted by this page, or has no values

    """
    check_file(path)
    report = Report()
    signal = load_as_found(path, report, SAMPLING_RATE)
    status, message = report.status(MIN_DUR)
    check_usable(status)
    return Clip(signal, report.duration, status, message, report.num_channels)
