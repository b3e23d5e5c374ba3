"""Which frames of a recording are speech, and the segments that they make up."""

import math
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from audw2s.audio.quality import runs_of
from audw2s.audio.statuses import MIN_SEGMENT_DUR

FRAME = 512
"""Number of samples of a frame at 16 kHz, 32 ms."""

FRAME_DUR = FRAME / 16000
"""Duration of a frame in seconds."""

THRESHOLD = 0.5
"""Probability from which on speech begins."""

EXIT_THRESHOLD = 0.35
"""Probability below which speech ends."""

MIN_PAUSE_DUR = 0.1
"""Duration in seconds of the shortest pause; what is shorter is part of the speech."""

PADDING = 1
"""Number of frames around speech that count as speech, as it begins softly."""

Number = TypeVar("Number", int, float)

Run = tuple[int, int]
"""First frame, and index after the last one."""


def num_frames(duration: float) -> int:
    """Number of frames that last a duration in seconds at least.

    Examples:
        >>> num_frames(0.1), num_frames(0.064), num_frames(math.inf) > 1e15
        (4, 2, True)

    """
    return 2**60 if math.isinf(duration) else math.ceil(duration / FRAME_DUR - 1e-9)


def speech_runs(probabilities: np.ndarray) -> tuple[list[Run], bool]:
    """Runs of frames between pauses, however short, and whether the last one goes on.

    Args:
        probabilities: probability of speech of each frame, from a pause on

    Examples:
        >>> speech_runs(np.array([0, 0.9, 0.4, 0.1, 0.9, 0.1, 0.1]))
        ([(1, 5)], True)

    """
    # Hysteresis: a probability between the thresholds keeps the state before it
    sure = (probabilities >= THRESHOLD) | (probabilities < EXIT_THRESHOLD)
    last_sure = np.maximum.accumulate(np.where(sure, np.arange(len(sure)), -1))
    raw = (last_sure >= 0) & (probabilities[last_sure] >= THRESHOLD)
    found = joined(runs_of(raw).tolist(), num_frames(MIN_PAUSE_DUR))
    pause = len(raw) - found[-1][1] if found else 0
    return found, bool(found) and pause < num_frames(MIN_PAUSE_DUR)


def speech_frames(probabilities: np.ndarray) -> np.ndarray:
    """Which frames are speech.

    Speech begins at :data:`THRESHOLD` and ends below :data:`EXIT_THRESHOLD`. Pauses
    shorter than :data:`MIN_PAUSE_DUR` are part of it, speech shorter than
    :data:`audw2s.audio.statuses.MIN_SEGMENT_DUR` is left out, and :data:`PADDING`
    frames on both sides are added.

    Args:
        probabilities: probability of speech of each frame

    Returns:
        Boolean array of the same length

    Examples:
        >>> probabilities = np.repeat([0.0, 0.9, 0.0, 0.9, 0.0], [20, 10, 20, 1, 20])
        >>> runs_of(speech_frames(probabilities)).tolist()
        [[19, 31]]

    """
    mask = np.zeros(len(probabilities), bool)
    for first, last in speech_runs(probabilities)[0]:
        if last - first >= num_frames(MIN_SEGMENT_DUR):
            mask[max(0, first - PADDING) : last + PADDING] = True
    return mask


def num_decided(probabilities: np.ndarray) -> int:
    """Number of frames for which :func:`speech_frames` doesn't depend on later ones.

    Args:
        probabilities: probability of speech of each frame, from a pause on

    Examples:
        >>> num_decided(np.zeros(9)), num_decided(np.repeat([0, 0.9], [9, 4]))
        (8, 8)
        >>> num_decided(np.repeat([0, 0.9, 0], [9, 8, 2]))
        18

    """
    found, goes_on = speech_runs(probabilities)
    if not goes_on:
        return max(0, len(probabilities) - PADDING)
    first, last = found[-1]
    if last - first < num_frames(MIN_SEGMENT_DUR):
        return max(0, first - PADDING)
    return min(last + PADDING, len(probabilities))


def joined(
    spans: Iterable[Sequence[Number]], gap: float
) -> list[tuple[Number, Number]]:
    """Join spans with shorter gaps between them.

    Args:
        spans: start and end of each span, in any unit
        gap: shortest gap between two spans

    Examples:
        >>> joined([(0, 5), (8, 9), (20, 30)], gap=10)
        [(0, 9), (20, 30)]

    """
    parts: list[tuple[Number, Number]] = []
    for first, last in spans:
        if parts and first - parts[-1][1] < gap:
            first = parts.pop()[0]
        parts.append((first, last))
    return parts


def segments(
    found: Iterable[Sequence[int]],
    probabilities: np.ndarray,
    *,
    min_dur: float = 0.0,
    max_dur: float = math.inf,
    min_pause: float = 0.0,
) -> list[Run]:
    """Segments of speech.

    Args:
        found: runs of speech, see :func:`speech_frames`
        probabilities: probability of speech of each frame
        min_dur: duration in seconds of the shortest segment; shorter ones are left out
        max_dur: duration in seconds of the longest segment; longer ones are cut at
            their least probable frame, into parts of half of it at least
        min_pause: duration in seconds of the shortest pause between segments

    Returns:
        first frame, and index after the last one, of each segment

    Raises:
        ValueError: if ``max_dur`` is under two frames, or below ``min_dur``

    Examples:
        >>> found, probabilities = [(5, 45), (65, 75)], np.full(75, 0.9)
        >>> probabilities[22] = 0.6
        >>> segments(found, probabilities, max_dur=1)
        [(5, 22), (22, 45), (65, 75)]
        >>> segments(found, probabilities, min_dur=0.5)
        [(5, 45)]

    """
    longest = 2**60 if math.isinf(max_dur) else int(max_dur / FRAME_DUR + 1e-9)
    if longest < 2 or max_dur < min_dur:
        raise ValueError(
            f"The longest segment has to last {2 * FRAME_DUR} s at least, and as long "
            f"as the shortest one, {min_dur} s, got {max_dur} s."
        )
    return [
        part
        for first, last in joined(found, num_frames(min_pause))
        if last - first >= num_frames(min_dur)
        for part in _cut(first, last, probabilities, longest)
    ]


def _cut(first: int, last: int, probabilities: np.ndarray, longest: int) -> list[Run]:
    """Cut a segment into parts of ``longest`` frames at most."""
    parts = []
    while last - first > longest:
        least = -(-longest // 2)
        low, high = first + least, min(first + longest, last - least)
        cut = low + int(probabilities[low : high + 1].argmin())
        parts.append((first, cut))
        first = cut
    return [*parts, (first, last)]
