"""A/D/V over time, as a table."""

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.preprocess import measured
from audw2s.inference.pipeline import Predictor
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice
from audw2s.model.registry import DIMENSIONS

if TYPE_CHECKING:
    import audonnx

MAX_RATE = 250.0
"""Tokens per second of Wav2Small."""


def curve(
    source: File | np.ndarray,
    model: "str | audonnx.Model" = "wav2small",
    *,
    sampling_rate: int | None = None,
    win_dur: float = 2.0,
    rate: float = 10.0,
    exact: bool = False,
    vad: bool = False,
    channels: int | Sequence[int] | None = None,
    resample: bool = True,
    device: Device = "cpu",
    exit: Choice = None,
) -> pd.DataFrame:
    """A/D/V of a recording over time.

    A value belongs to a window of ``win_dur`` seconds that is centred at its time and
    cut at the start and end of the recording. Students of this package process the
    recording in a single pass, other models process each window.

    Args:
        source: path, file object, or signal ``(num_channels, num_samples)`` or
            ``(num_samples,)``
        model: name of a model, model folder or loaded model, see :func:`audw2s.load`
        sampling_rate: sampling rate of a signal in Hz
        win_dur: duration of the windows in seconds
        rate: number of values per second, 250 at most
        exact: process each window on its own, see :class:`audw2s.Feature`
        vad: process speech only, see :class:`audw2s.Feature`
        channels: channels to process, ``None`` for all
        resample: ``False`` makes input at another rate unusable
        device: device of the model, see :func:`audw2s.load`
        exit: early exit of the model, see :func:`audw2s.load`

    Returns:
        table with an index ``time`` (timedeltas) and the columns ``arousal``,
        ``dominance``, ``valence`` (roughly 0…1, not clipped, NaN for unusable input),
        ``speech`` (seconds of speech in the window, NaN if it is unknown) and
        ``status``; a single row if nothing can be read. ``attrs["audw2s"]`` holds
        model, sha256, version and settings

    Raises:
        ValueError: if an argument is invalid, or a signal is given without its
            sampling rate

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> frame = curve(rng.standard_normal(32000), sampling_rate=16000, rate=2)
        >>> frame.index.total_seconds().tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0]

    """
    read: Read
    is_path = isinstance(source, str | os.PathLike)
    if not isinstance(source, np.ndarray) and (is_path or hasattr(source, "read")):
        read = partial(file_blocks, source)
    elif sampling_rate is None:
        raise ValueError("'sampling_rate' is missing, a signal needs it.")
    else:
        read = partial(array_blocks, np.asarray(source), sampling_rate)
    predictor = Predictor(
        model,
        exact=exact,
        vad=vad,
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
    """Return the table of :func:`curve`, using an existing predictor.

    Args:
        predictor: predictor without windows
        read: :func:`audw2s.audio.decode.file_blocks` or
            :func:`audw2s.audio.preprocess.array_blocks`, bound to a source
        win_dur: duration of the windows in seconds
        rate: number of values per second

    Raises:
        ValueError: if ``win_dur`` or ``rate`` is out of range

    """
    if not 0 < rate <= MAX_RATE:
        raise ValueError(
            f"'rate' has to be above 0 and {MAX_RATE:g} at most, got {rate}."
        )
    if not win_dur > 0:
        raise ValueError(f"'win_dur' has to be positive, got {win_dur}.")
    duration = measured(read).duration
    # Values within the recording; 1e-6 as 0.29 * 100 is slightly below 29
    seconds = np.arange(int(duration * rate + 1e-6) + 1) / rate
    times = pd.to_timedelta(seconds, unit="s").as_unit("ns")
    spans: list[Span] = [
        (max(0.0, time - win_dur / 2), min(duration, time + win_dur / 2))
        for time in times.total_seconds().tolist()
    ]
    if not duration:
        spans = [(0.0, None)]
    rows = [row for (row,) in predictor.segments(read, spans)]
    values = np.array([row.values.mean(axis=0) for row in rows])
    frame = pd.DataFrame(values, times, list(DIMENSIONS))
    frame.index.name = "time"
    frame["speech"] = [row.speech for row in rows]
    frame["status"] = [row.status for row in rows]
    frame.attrs["audw2s"] = predictor.provenance | {"win_dur": win_dur, "rate": rate}
    return frame
