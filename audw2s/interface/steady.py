"""Find segments of steady A/D/V, and silence."""

import math
from collections.abc import Iterable
from collections.abc import Iterator

import numpy as np

from audw2s.audio.quality import runs_of
from audw2s.audio.speech_frames import joined

FRAME_DUR = 0.02
"""Duration in seconds of a frame whose level is measured."""

Interval = tuple[float, float]
"""Start and end in seconds."""


def levels(
    blocks: Iterable[np.ndarray],
    sampling_rate: int,
    collected: list[np.ndarray],
) -> Iterator[np.ndarray]:
    """Yield blocks unchanged, and collect the level of each frame of 20 ms.

    Args:
        blocks: arrays ``(num_channels, num_samples)``
        sampling_rate: sampling rate in Hz
        collected: list to which levels in dB of the loudest channel are appended

    """
    size = round(FRAME_DUR * sampling_rate)
    rest = None
    for block in blocks:
        yield block
        block = block if rest is None else np.concatenate([rest, block], axis=1)
        count = block.shape[1] // size
        collected.append(_levels(block[:, : count * size], size))
        rest = block[:, count * size :]
    if rest is not None and rest.shape[1]:
        collected.append(_levels(rest, rest.shape[1]))


def _levels(signal: np.ndarray, size: int) -> np.ndarray:
    frames = signal.reshape(len(signal), -1, size)
    power = np.var(frames.astype(np.float64), axis=2).max(axis=0)
    return 10 * np.log10(power + 1e-12)


def sounding(
    level: np.ndarray,
    duration: float,
    *,
    threshold: float,
    min_silence: float,
) -> list[Interval]:
    """Spans between silences.

    Silence lasts at least ``min_silence``, and the level of all of its frames is more
    than ``-threshold`` below that of the loud frames (95th percentile), or below
    -80 dB.

    Args:
        level: level of each frame of 20 ms in dB
        duration: duration of the recording in seconds
        threshold: level of silence in dB relative to the loud frames, negative
        min_silence: duration of the shortest silence in seconds

    Examples:
        >>> level = np.repeat([-90.0, -20.0, -90.0], 50)
        >>> sounding(level, 3.0, threshold=-40, min_silence=0.3)
        [(1.0, 2.0)]

    """
    if not len(level):
        return []
    loud = level >= max(np.percentile(level, 95) + threshold, -80.0)
    if not loud.any():
        return []
    merged = joined((runs_of(loud) * FRAME_DUR).tolist(), min_silence - 1e-9)
    # Shorter silence at the start or end belongs to the first or last span
    first, last = merged[0], merged[-1]
    if first[0] < min_silence:
        merged[0] = (0.0, merged[0][1])
    if duration - last[1] < min_silence:
        merged[-1] = (merged[-1][0], duration)
    return [(start, min(end, duration)) for start, end in merged]


def steady(
    values: np.ndarray,
    tolerance: float,
    min_count: int,
) -> list[tuple[int, int]]:
    """Group windows into runs in which A/D/V stays about the same.

    A run ends where a window differs from the mean of the run so far by more than
    ``tolerance`` in any dimension. Runs of fewer than ``min_count`` windows are joined
    with the neighbour whose mean is closer.

    Args:
        values: values ``(num_windows, 3)``
        tolerance: largest difference from the mean of a run
        min_count: smallest number of windows in a run

    Returns:
        first window and window after the last, of each run

    Examples:
        >>> values = np.repeat([[0.2] * 3, [0.8] * 3], [3, 4], axis=0)
        >>> steady(values, 0.1, 2)
        [(0, 3), (3, 7)]

    """
    runs, first, mean = [], 0, None
    for number, value in enumerate(values):
        if mean is not None and np.abs(value - mean).max() > tolerance:
            runs.append((first, number))
            first, mean = number, None
        count = number - first
        mean = value if mean is None else (mean * count + value) / (count + 1)
    if len(values):
        runs.append((first, len(values)))
    return _join_short(runs, values, min_count)


def _join_short(
    runs: list[tuple[int, int]],
    values: np.ndarray,
    min_count: int,
) -> list[tuple[int, int]]:
    """Join short runs with the run before, or with the next if its mean is closer."""
    longer: list[tuple[int, int]] = []
    carried: int | None = None
    for number, (first, last) in enumerate(runs):
        if carried is not None:
            first, carried = carried, None
        if last - first >= min_count or len(runs) == 1:
            longer.append((first, last))
            continue
        following = runs[number + 1] if number + 1 < len(runs) else None
        before = _distance(values, longer[-1] if longer else None, (first, last))
        after = _distance(values, following, (first, last))
        if after < before:
            carried = first
        elif longer:
            longer[-1] = (longer[-1][0], last)
        else:
            longer.append((first, last))
    return longer


def _distance(
    values: np.ndarray,
    run: tuple[int, int] | None,
    other: tuple[int, int],
) -> float:
    if run is None:
        return math.inf
    means = [values[a:b].mean(axis=0) for a, b in (run, other)]
    return float(np.abs(means[0] - means[1]).max())


def to_spans(
    values: np.ndarray,
    span: Interval,
    win_dur: float,
    hop_dur: float,
    *,
    tolerance: float,
    min_dur: float,
) -> list[Interval]:
    """Cut a span between silences into segments of steady A/D/V.

    Args:
        values: values ``(num_windows, 3)`` of all windows of the recording
        span: start and end of the span in seconds
        win_dur: duration of the windows in seconds
        hop_dur: duration between the starts of windows in seconds
        tolerance: largest difference, see :func:`steady`
        min_dur: duration of the shortest segment in seconds, unless the span is shorter

    Returns:
        segments that cover the span without gaps

    """
    start, end = span
    centres = np.arange(len(values)) * hop_dur + win_dur / 2
    inside = np.flatnonzero((centres >= start) & (centres < end))
    inside = inside[np.isfinite(values[inside]).all(axis=1)]
    if len(inside) < 2:
        return [span]
    min_count = max(1, round(min_dur / hop_dur))
    runs = steady(values[inside], tolerance, min_count)
    # A segment ends half-way between the centres of two windows
    cuts = [(centres[inside[b - 1]] + centres[inside[b]]) / 2 for _, b in runs[:-1]]
    edges = [start, *(float(cut) for cut in cuts), end]
    return list(zip(edges, edges[1:], strict=False))


def inverted(spans: list[Interval], duration: float) -> list[Interval]:
    """Gaps between spans, and before and after them.

    Examples:
        >>> inverted([(1.0, 2.0)], 3.0)
        [(0.0, 1.0), (2.0, 3.0)]

    """
    edges = [0.0, *(time for span in spans for time in span), duration]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in pairs if end > start]
