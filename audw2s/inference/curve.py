"""A/D/V over time, as a frame."""

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.times import to_timedelta
from audw2s.inference.pipeline import Predictor
from audw2s.inference.source import Read
from audw2s.inference.source import measured
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice
from audw2s.model.registry import DIMENSIONS

if TYPE_CHECKING:
    import audonnx

MAX_RATE = 250.0
"""Tokens that Wav2Small makes of a second."""


def curve(
    source: File | np.ndarray,
    model: "str | audonnx.Model" = "wav2small",
    *,
    sampling_rate: int | None = None,
    win_dur: float = 2.0,
    rate: float = 10.0,
    exact: bool = False,
    channels: int | Sequence[int] | None = None,
    resample: bool = True,
    device: Device = "cpu",
    exit: Choice = None,
) -> pd.DataFrame:
    """A/D/V around each moment of a recording.

    A value is that of the ``win_dur`` seconds around it, as far as the recording
    reaches. Students of this package hear the recording once for all values, other
    models once for each.

    Args:
        source: path or file object, or a signal ``(num_channels, num_samples)`` or
            ``(num_samples,)``
        model: see :func:`audw2s.load`
        sampling_rate: in Hz, of a signal
        win_dur: duration around each moment in seconds
        rate: values per second, 250 at most
        exact: hear the surroundings of each moment alone, see
            :class:`audw2s.Feature`
        channels: channels to hear, ``None`` for all
        resample: ``False`` makes input at another rate unusable
        device: see :func:`audw2s.load`
        exit: see :func:`audw2s.load`

    Returns:
        frame with an index ``time`` (timedeltas) and the columns ``arousal``,
        ``dominance``, ``valence`` (roughly 0…1, unclipped, NaN where no value is
        honest) and ``status``; a single row if nothing can be read.
        ``attrs["audw2s"]`` says by what it was made

    Raises:
        ValueError: if an argument makes no sense, or a signal comes without its
            sampling rate

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> frame = curve(rng.standard_normal(32000), sampling_rate=16000, rate=2)
        >>> frame.index.total_seconds().tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0]

    """
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        read = partial(file_blocks, source)
    elif sampling_rate is None:
        raise ValueError("A signal needs its 'sampling_rate'.")
    else:
        read = partial(array_blocks, source, sampling_rate)
    predictor = Predictor(
        model,
        exact=exact,
        channels=channels,
        resample=resample,
        device=device,
        exit=exit,
    )
    return predicted_curve(predictor, read, win_dur=win_dur, rate=rate)


def predicted_curve(
    predictor: Predictor,
    read: Read,
    *,
    win_dur: float = 2.0,
    rate: float = 10.0,
) -> pd.DataFrame:
    """Give what :func:`curve` gives, by an annotator that is there already.

    Args:
        predictor: without windows of its own
        read: :func:`audw2s.audio.decode.file_blocks` or
            :func:`audw2s.audio.preprocess.array_blocks`, given the source
        win_dur: see :func:`curve`
        rate: see :func:`curve`

    Raises:
        ValueError: if an argument makes no sense

    """
    if not 0 < rate <= MAX_RATE:
        raise ValueError(f"'rate' has to be above 0 and {MAX_RATE:g} at most.")
    if not win_dur > 0:
        raise ValueError(f"'win_dur' has to be positive, got {win_dur}.")
    duration = measured(read).duration
    # As many as lie within the recording, whatever rounding makes of 0.29 * 100
    times = to_timedelta(np.arange(int(duration * rate + 1e-6) + 1), rate)
    spans = [
        (max(0.0, time - win_dur / 2), min(duration, time + win_dur / 2))
        for time in times.total_seconds().tolist()
    ]
    if not duration:
        spans = [(0.0, None)]
    rows = [row for (row,) in predictor.segments(read, spans)]
    values = np.array([row.values.mean(axis=0) for row in rows])
    frame = pd.DataFrame(values, times, list(DIMENSIONS))
    frame.index.name = "time"
    frame["status"] = [row.status for row in rows]
    frame.attrs["audw2s"] = predictor.provenance | {"win_dur": win_dur, "rate": rate}
    return frame
