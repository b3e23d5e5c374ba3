"""Values that one model predicts for one recording."""

import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.clip import Clip
from audw2s.demo.clip import Progress
from audw2s.demo.clip import told
from audw2s.demo.clip import unwatched
from audw2s.demo.limits import WORDS
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import RefusedError
from audw2s.demo.models import Facts
from audw2s.demo.models import Models
from audw2s.demo.models import facts
from audw2s.inference.curve import predicted_curve
from audw2s.inference.pipeline import Predictor
from audw2s.inference.turns import speech_spans
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named


class Analysis(NamedTuple):
    """Values that a model predicts for a recording, and what they cost."""

    model: str
    sha256: str
    values: dict[str, float]
    """A/D/V of the whole recording, roughly 0…1, unclipped."""

    curve: pd.DataFrame
    """See :func:`audw2s.curve`; empty without windows."""

    latency: float
    """Seconds of the warm model for the whole recording at 16 kHz."""

    real_time_factor: float
    facts: Facts


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


def voices(
    models: Models,
    name: str,
    clip: Clip,
    deadline: Deadline,
    progress: Progress = unwatched,
) -> list[Voice]:
    """Segments of speech and their values, for each channel if these differ.

    Args:
        models: models of the page
        name: name of the model
        clip: recording
        deadline: time limit of the request
        progress: function that is told how far it is

    """
    with models.held(name, deadline) as predictor:
        if 1 < clip.num_channels <= MAX_CHANNELS:
            read = deadline.timed(partial(file_blocks, clip.path))
            each = [
                _voice(predictor, read, clip.duration, progress, channel)
                for channel in range(clip.num_channels)
            ]
            values = pd.DataFrame([voice.values for voice in each])
            if (values.max() - values.min()).max() >= SAME:
                return each
        read = deadline.timed(partial(array_blocks, clip.signal, SAMPLING_RATE))
        return [_voice(predictor, read, clip.duration, progress)]


def _voice(
    predictor: Predictor,
    read: Read,
    duration: float,
    progress: Progress,
    channel: int | None = None,
) -> Voice:
    predictor = predictor.of_channel(channel)
    where = "" if channel is None else f" in channel {channel + 1}"
    watched = told(read, duration, progress, f"Looking for speech{where}")
    spans = speech_spans(predictor, watched, (0.0, None), max_dur=MAX_SEGMENT_DUR)
    watched = told(read, duration, progress, f"Segments of speech{where}")
    whole, *rows = _values(predictor, watched, [(0.0, None), *spans])
    segments = pd.DataFrame(spans, columns=["start", "end"], dtype=float)
    segments[list(DIMENSIONS)] = np.reshape(rows, (-1, len(DIMENSIONS)))
    if channel is not None:
        segments["channel"] = channel + 1
    return Voice(channel, named(whole), segments)


def _values(predictor: Predictor, read: Read, spans: Sequence[Span]) -> np.ndarray:
    """A/D/V ``(num_spans, 3)`` of segments of a source."""
    rows = [row for (row,) in predictor.segments(read, spans)]
    return np.array([row.values[0] for row in rows], np.float64)


def of_span(
    models: Models, name: str, path: str, span: Span, deadline: Deadline
) -> dict[str, float]:
    """A/D/V of a part of a file, as :class:`audw2s.Feature` gives them."""
    read = deadline.timed(partial(file_blocks, path))
    with models.held(name, deadline) as predictor:
        return named(_values(predictor, read, [span])[0])


def check_speech(models: Models, name: str, clip: Clip, deadline: Deadline) -> None:
    """Check that somebody speaks in a recording.

    Raises:
        RefusedError: if nobody does

    """
    read = deadline.timed(partial(array_blocks, clip.signal, SAMPLING_RATE))
    with models.held(name, deadline) as predictor:
        if not speech_spans(predictor, read, (0.0, None)):
            raise RefusedError(WORDS["no_speech"])


def analyse(
    models: Models,
    name: str,
    clip: Clip,
    deadline: Deadline,
    windows: tuple[float, float] | None = None,
    progress: Progress = unwatched,
) -> Analysis:
    """Predict A/D/V of a recording with one model.

    Args:
        models: models of the page
        name: name of the model
        clip: recording
        deadline: time limit of the request
        windows: duration and hop of the curve in seconds, ``None`` for no curve
        progress: function that is told how far it is

    Raises:
        RefusedError: if there is no such model, it isn't free, or time is over

    """
    read = deadline.timed(partial(array_blocks, clip.signal, SAMPLING_RATE))
    whole = told(read, clip.duration, progress, name)
    with models.held(name, deadline) as predictor:
        begin = time.perf_counter()
        values = _values(predictor, whole, [(0.0, None)])[0]
        latency = time.perf_counter() - begin
        curve = pd.DataFrame()
        if windows is not None:
            win_dur, hop_dur = windows
            read = told(read, clip.duration, progress, f"{name} over time")
            curve = predicted_curve(predictor, read, win_dur=win_dur, rate=1 / hop_dur)
        network = predictor.network
    factor = latency / clip.duration
    return Analysis(
        network.name, network.sha256, named(values), curve, latency, factor, facts(name)
    )
