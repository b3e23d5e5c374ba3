"""Values that one model predicts for one recording."""

import time
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.clip import Clip
from audw2s.demo.limits import Deadline
from audw2s.demo.models import Facts
from audw2s.demo.models import Models
from audw2s.demo.models import facts
from audw2s.inference.curve import predicted_curve
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


def by_channel(
    models: Models, name: str, path: str, num_channels: int, deadline: Deadline
) -> list[dict[str, float]]:
    """A/D/V of each channel of a file, as each may be a speaker.

    Args:
        models: models of the page
        name: name of the model
        path: path of the file
        num_channels: number of its channels
        deadline: time limit of the request

    Returns:
        values of each channel, NaN for one without; empty if all channels have the same

    """
    if not 1 < num_channels <= MAX_CHANNELS:
        return []
    read = deadline.timed(partial(file_blocks, path))
    with models.held(name, deadline) as predictor:
        rows = [
            predictor.of_channel(channel).segments(read, [(0.0, None)])[0][0]
            for channel in range(num_channels)
        ]
    values = np.stack([row.values[0] for row in rows]).astype(np.float64)
    if np.ptp(values, axis=0).max() < SAME:
        return []
    return [named(row) for row in values]


def analyse(
    models: Models,
    name: str,
    clip: Clip,
    deadline: Deadline,
    windows: tuple[float, float] | None = None,
) -> Analysis:
    """Predict A/D/V of a recording with one model.

    Args:
        models: models of the page
        name: name of the model
        clip: recording
        deadline: time limit of the request
        windows: duration and hop of the curve in seconds, ``None`` for no curve

    Raises:
        RefusedError: if there is no such model, it isn't free, or time is over

    """
    read = deadline.timed(partial(array_blocks, clip.signal, SAMPLING_RATE))
    with models.held(name, deadline) as predictor:
        begin = time.perf_counter()
        ((row,),) = predictor.segments(read, [(0.0, None)])
        latency = time.perf_counter() - begin
        curve = pd.DataFrame()
        if windows is not None:
            win_dur, hop_dur = windows
            curve = predicted_curve(predictor, read, win_dur=win_dur, rate=1 / hop_dur)
        network = predictor.network
    values = named(row.values[0].astype(np.float64))
    factor = latency / clip.duration
    return Analysis(
        network.name, network.sha256, values, curve, latency, factor, facts(name)
    )
