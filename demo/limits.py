"""Limits of the page, and its messages where they are exceeded."""

import math
import os
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np

from audw2s.audio.decode import duration
from audw2s.audio.decode import facts
from audw2s.audio.preprocess import Read
from audw2s.audio.quality import Report
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import duration_text

MAX_DUR = 60.0
"""Longest speech in seconds that is compared, and that is processed live."""

MAX_FILE_DUR = 3600.0
"""Longest recording in seconds; the student processes it alone above
:data:`MAX_DUR`."""

MAX_SIZE = 200 * 2**20
"""Largest file in bytes: an hour of a mono WAV at 16 kHz, or of any other format."""

MAX_SAMPLES = round(2 * MAX_DUR * 96_000)
"""Most samples over all channels of a file with more of them than stereo at 48 kHz: a
small file can hold very many."""

MAX_FILES = 100
"""Most files in a batch."""

MAX_WINDOWS = 1200
"""Most values over time."""

MAX_WINDOWS_DUR = 600.0
"""Most seconds in all windows together: some models process each on its own."""

TIME_LIMIT = 40.0
"""Seconds that a request may take, including the wait for its models."""

FORMATS = "WAV, FLAC, MP3 or M4A"
"""Formats that most programs can write, in words."""

WORDS = {
    "unreadable": f"This file can't be read as audio. Save it as {FORMATS}.",
    "empty": "This file has no samples. Record or upload another one.",
    "too_short": "This recording is too short. Record a second of speech or more.",
    "not_finite": "This file holds samples that are NaN or infinite. Export it "
    "again, as 16-bit WAV for instance.",
    "out_of_range": "This file holds samples that are far too large for audio. Export "
    "it again, as 16-bit WAV for instance.",
    "no_value": "The model gives no numbers. Its weights may be damaged.",
    "no_speech": "There is no speech in this recording.",
    "missing": "This file isn't here any more. Upload it again.",
    "cancelled": "The channels of this recording cancel each other out, as the phase "
    "of one is inverted. Save one of them as mono.",
    "sampling_rate": "This file has a sampling rate that no recording has. Export it "
    "again, at 16 kHz for instance.",
    "channels": "This file has more channels than a recording has. Export it again, as "
    "mono.",
}
"""Messages on recordings without values, by status."""


AWAITED: ContextVar[Callable[[], bool]] = ContextVar("AWAITED", default=lambda: True)
"""Function that says whether the client of the current request waits for it."""


class RefusedError(ValueError):
    """Raised with a message that tells users what they can do."""


class BusyError(RefusedError):
    """Raised if a model isn't free in time."""

    def __init__(self):
        super().__init__(
            "The models are busy with other requests. Please try again in a bit."
        )


class Deadline:
    """Time by which a request has to be done.

    Args:
        seconds: seconds from now

    Examples:
        >>> Deadline(10).left > 9, Deadline(-1).left
        (True, 0.0)

    """

    def __init__(self, seconds: float = TIME_LIMIT):
        self.end = time.monotonic() + seconds
        self.is_awaited = AWAITED.get()

    @property
    def left(self) -> float:
        """Seconds that are left, at least 0."""
        return max(0.0, self.end - time.monotonic())

    def check(self) -> None:
        """Raise an error if time is over, or nobody waits any more.

        Raises:
            RefusedError: if so

        """
        if not self.is_awaited():
            raise RefusedError("Nobody waited for this any more.")
        if not self.left:
            raise RefusedError(
                "This took too long and was stopped. Try a shorter recording, a longer "
                "hop, or a smaller model."
            )

    def timed(self, read: Read) -> Read:
        """Source that raises an error when time is over.

        See :data:`audw2s.audio.preprocess.Read`.
        """

        def blocks(
            report: Report, *, start: float = 0.0, end: float | None = None
        ) -> Iterator[np.ndarray]:
            for block in read(report, start=start, end=end):
                self.check()
                yield block

        return blocks


def check_file(path: str, limit: float = MAX_DUR) -> float:
    """Check size, format and duration of a file.

    Args:
        path: path of the file
        limit: longest duration in seconds

    Returns:
        duration in seconds

    Raises:
        RefusedError: if the file isn't accepted by this page

    """
    if not os.path.isfile(path):
        raise RefusedError(WORDS["missing"])
    if os.path.getsize(path) > MAX_SIZE:
        raise RefusedError(
            f"This file has more than {MAX_SIZE / 2**20:.0f} MB. Cut it, or save it as "
            "FLAC or MP3."
        )
    try:
        header = facts(path)
    except ValueError as error:
        raise RefusedError(
            f"This file can't be read: {error}. Save it as {FORMATS}."
        ) from None
    seconds = duration(path, limit)
    if seconds > limit:
        raise RefusedError(
            f"This recording lasts {duration_text(seconds)}, this page takes "
            f"{duration_text(limit)} at most. Cut it, or use "
            "'audw2s curve' or 'audw2s predict' on the command line."
        )
    per_second = header.sampling_rate * header.num_channels
    if per_second > 2 * 48_000 and seconds * per_second > MAX_SAMPLES:
        raise RefusedError(
            f"This recording has {header.num_channels} channels at "
            f"{header.sampling_rate} Hz, which is too much for this page. Save it as "
            "16 kHz mono."
        )
    return seconds


def check_windows(win_dur: float, hop_dur: float, duration: float) -> None:
    """Check duration and hop of windows.

    Raises:
        RefusedError: if one is no number, or out of range

    """
    for name, value in (("window", win_dur), ("hop", hop_dur)):
        if not isinstance(value, int | float) or not np.isfinite(value):
            raise RefusedError(f"The {name} has to be a number of seconds.")
    if not 0.5 <= win_dur <= 30:
        raise RefusedError("The window has to last 0.5 to 30 s.")
    if not 0.05 <= hop_dur <= 30:
        raise RefusedError("The hop has to last 0.05 to 30 s.")
    # Longer recordings are processed by the student alone, in a single pass
    duration = min(duration, MAX_DUR)
    shortest = math.ceil(100 * duration * win_dur / MAX_WINDOWS_DUR) / 100
    if hop_dur < shortest:
        raise RefusedError(
            f"These are too many windows of {win_dur:g} s for this recording. Take a "
            f"hop of {shortest:.2f} s or longer, or shorter windows."
        )


def check_usable(status: str) -> None:
    """Check that a recording has values.

    Args:
        status: see :class:`audw2s.audio.quality.Report`

    Raises:
        RefusedError: if it has none

    """
    if status in UNUSABLE:
        raise RefusedError(WORDS.get(status, WORDS["unreadable"]))
