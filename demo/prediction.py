"""What one model hears in one recording."""

import time
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.preprocess import array_blocks
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.demo.clip import Clip
from audw2s.demo.limits import Deadline
from audw2s.demo.models import Facts
from audw2s.demo.models import Models
from audw2s.demo.models import facts
from audw2s.inference.curve import heard_curve
from audw2s.model.registry import named


class Heard(NamedTuple):
    """A model's view of a recording."""

    model: str
    sha256: str
    values: dict[str, float]
    """A/D/V of the whole recording, roughly 0…1, unclipped."""

    curve: pd.DataFrame | None
    """See :func:`audw2s.curve`; ``None`` if it wasn't asked for."""

    latency: float
    """Seconds that the warm model took for the whole recording, resampled already."""

    real_time_factor: float
    facts: Facts


def hear(
    models: Models,
    name: str,
    clip: Clip,
    deadline: Deadline,
    windows: tuple[float, float] | None = None,
) -> Heard:
    """Let a model hear a recording.

    Args:
        models: of the page
        name: of the model
        clip: the recording
        deadline: when to stop
        windows: duration and hop of the curve in seconds, ``None`` for no curve

    Raises:
        RefusedError: if there is no such model, it isn't free, or time is over

    """
    read = deadline.timed(partial(array_blocks, clip.signal, SAMPLING_RATE))
    with models.held(name, deadline) as predictor:
        begin = time.perf_counter()
        ((row,),) = predictor.stretches(read, [(0.0, None)])
        latency = time.perf_counter() - begin
        curve = None
        if windows is not None:
            win_dur, hop_dur = windows
            curve = heard_curve(predictor, read, win_dur=win_dur, rate=1 / hop_dur)
        network = predictor.network
    values = named(row.values[0].astype(np.float64))
    factor = latency / clip.duration
    return Heard(
        network.name, network.sha256, values, curve, latency, factor, facts(name)
    )
