"""Limits of the page, and checks of what is asked of it."""

import math
import os

from audw2s.audio.decode import duration
from audw2s.audio.decode import facts
from audw2s.audio.times import duration_text
from audw2s.demo.words import RefusedError

MAX_DUR = 60.0
"""Longest speech in seconds that is compared, and that is processed live; above it the
student processes recordings alone."""

MAX_SAMPLES = round(2 * MAX_DUR * 96_000)
"""Most samples over all channels of a file with more of them than stereo at 48 kHz: a
small file can hold very many."""

UNSURE_DUR = 2.0
"""Duration in seconds below which values are unsure."""

LONG_DUR = 15.0
"""Duration in seconds above which a single value says little."""

WIN_DUR = 2.0
"""Default duration in seconds of the window around each value over time."""

TEACHER_DUR = 4.0
"""Seconds of live speech that the teacher processes each time; the student has
:data:`WIN_DUR`."""

HOP_DUR = 0.25
"""Default seconds from one value over time to the next."""

MAX_FILES = 100
"""Most files in a batch."""

MAX_WINDOWS = 1200
"""Most values over time."""

MAX_WINDOWS_DUR = 600.0
"""Most seconds in all windows together: some models process each on its own."""


def check_file(path: str, limit: float) -> float:
    """Check format and duration of a file.

    Args:
        path: path of the file
        limit: longest duration in seconds

    Returns:
        duration in seconds

    Raises:
        RefusedError: if the file isn't accepted by this page

    """
    if not os.path.isfile(path):
        raise RefusedError("missing")
    try:
        header = facts(path)
    except ValueError as error:
        raise RefusedError("damaged", reason=error) from None
    seconds = duration(path, limit)
    if seconds > limit:
        found, most = duration_text(seconds), duration_text(limit)
        raise RefusedError("too_long", duration=found, limit=most)
    channels, rate = header.num_channels, header.sampling_rate
    if channels * rate > 2 * 48_000 and seconds * channels * rate > MAX_SAMPLES:
        raise RefusedError("too_wide", channels=channels, rate=rate)
    return seconds


def check_windows(win_dur: float, hop_dur: float, duration: float) -> None:
    """Check duration and hop of windows.

    Raises:
        RefusedError: if one is no number, or out of range

    """
    for name, value, low in (("window", win_dur, 0.5), ("hop", hop_dur, 0.05)):
        if not isinstance(value, int | float):
            raise RefusedError("no_number", name=name)
        if not low <= value <= 30:
            raise RefusedError("out_of_limits", name=name, low=low, high=30)
    # Longer recordings are processed by the student alone, in a single pass
    shortest = math.ceil(100 * min(duration, MAX_DUR) * win_dur / MAX_WINDOWS_DUR) / 100
    if hop_dur < shortest:
        raise RefusedError("too_many_windows", win_dur=win_dur, hop_dur=shortest)
