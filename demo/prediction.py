"""Values that one model predicts for one recording."""

import time
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.demo.clip import Clip
from audw2s.demo.job import Job
from audw2s.inference.curve import predicted_curve
from audw2s.inference.pipeline import Predictor
from audw2s.inference.turns import speech_spans
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named


class Analysis(NamedTuple):
    """Values that a model predicts for a recording, and how long it takes."""

    name: str
    """By which the model was chosen: that of a folder may be another one."""

    model: str
    sha256: str
    values: dict[str, float]
    """A/D/V of the whole recording, roughly 0…1, unclipped."""

    curve: pd.DataFrame
    """See :func:`audw2s.curve`; empty without windows."""

    latency: float
    """Seconds of the warm model for the whole recording at 16 kHz."""

    real_time_factor: float


WHOLE: Span = (0.0, None)

SAME = 0.01
"""Largest difference of A/D/V between channels that are of one speaker."""

MAX_CHANNELS = 8
"""Largest number of channels that have values of their own."""

MAX_SEGMENT_DUR = 20.0
"""Duration in seconds of the longest segment of speech."""


class Voice(NamedTuple):
    """Speech of a channel, or of all channels together."""

    channel: int | None
    values: dict[str, float]
    """A/D/V, NaN without a value."""

    segments: pd.DataFrame
    """Row per segment of speech: ``start``, ``end`` in seconds, A/D/V, ``channel``."""


def voices(job: Job, name: str, clip: Clip) -> list[Voice]:
    """Segments of speech and their values, for each channel if these differ.

    Args:
        job: request
        name: name of the model
        clip: recording

    """
    with job.held(name) as predictor:
        is_split = 1 < clip.num_channels <= MAX_CHANNELS
        channels = range(clip.num_channels if is_split else 0)
        each = [_voice(job, predictor, clip, channel) for channel in channels]
        values = pd.DataFrame([voice.values for voice in each])
        if (values.max() - values.min()).max() >= SAME:
            return each
        return [_voice(job, predictor, clip)]


def _voice(
    job: Job, predictor: Predictor, clip: Clip, channel: int | None = None
) -> Voice:
    predictor, read, where = predictor.of_channel(channel), clip.read, ""
    if channel is not None:
        read, where = partial(file_blocks, clip.path), f" in channel {channel + 1}"
    watched = job.watched(read, clip.duration, f"Looking for speech{where}")
    spans = speech_spans(predictor, watched, WHOLE, max_dur=MAX_SEGMENT_DUR)
    watched = job.watched(read, clip.duration, f"Segments of speech{where}")
    whole, *rows = _values(predictor, watched, WHOLE, *spans)
    table = np.reshape([(*span, *row) for span, row in zip(spans, rows)], (-1, 5))
    segments = pd.DataFrame(table, columns=["start", "end", *DIMENSIONS])
    if channel is not None:
        segments["channel"] = channel + 1
    return Voice(channel, named(whole), segments)


def _values(predictor: Predictor, read: Read, *spans: Span) -> np.ndarray:
    """A/D/V ``(num_spans, 3)`` of segments of a source."""
    rows = [row for (row,) in predictor.segments(read, spans)]
    return np.array([row.values[0] for row in rows], np.float64)


def of_span(job: Job, name: str, path: str, start: float, end: float) -> dict:
    """A/D/V of a part of a file, as :class:`audw2s.Feature` gives them."""
    read = job.watched(partial(file_blocks, path), end - start, "Part")
    with job.held(name) as predictor:
        return named(_values(predictor, read, (start, end))[0])


def has_speech(job: Job, name: str, clip: Clip) -> bool:
    """Whether somebody speaks in a recording."""
    read = job.watched(clip.read, clip.duration, "Looking for speech")
    with job.held(name) as predictor:
        return bool(speech_spans(predictor, read, WHOLE))


def analyse(
    job: Job, name: str, clip: Clip, windows: Mapping[str, float] | None = None
) -> Analysis:
    """Predict A/D/V of a recording with one model.

    Args:
        job: request
        name: name of the model
        clip: recording
        windows: arguments of the curve, see
            :func:`audw2s.inference.curve.predicted_curve`; ``None`` for no curve

    Raises:
        RefusedError: if there is no such model, it isn't free, or time is over

    """
    with job.held(name) as predictor:
        read = job.watched(clip.read, clip.duration, name)
        begin = time.perf_counter()
        values = _values(predictor, read, WHOLE)[0]
        latency = time.perf_counter() - begin
        curve = pd.DataFrame()
        if windows is not None:
            read = job.watched(clip.read, clip.duration, f"{name} over time")
            curve = predicted_curve(predictor, read, **windows)
        network = predictor.network
    names = name, network.name, network.sha256
    return Analysis(*names, named(values), curve, latency, latency / clip.duration)
