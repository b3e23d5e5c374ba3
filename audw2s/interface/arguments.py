"""Arguments that interfaces share: checked, converted, written to YAML."""

import functools
import inspect
import os
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import audformat
import audobject
import numpy as np
import pandas as pd

from audw2s.audio.decode import File
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import Duration
from audw2s.audio.times import to_seconds
from audw2s.inference.pipeline import Predictor

RUNTIME = [
    "device",
    "keep_nat",
    "multiprocessing",
    "num_workers",
    "on_error",
    "segment",
    "verbose",
]
"""Arguments that don't change results and are not written to YAML."""


class DurationResolver(audobject.resolver.Base):
    """Write durations to YAML, timedeltas as strings with a unit."""

    def decode(self, value: Duration | None) -> Duration | None:
        """Return the value; audinterface reads strings."""
        return value

    def encode(self, value: Duration | None) -> float | int | str | None:
        """Turn a timedelta into a string."""
        return f"{value.value}ns" if isinstance(value, pd.Timedelta) else value

    def encode_type(self) -> type:
        """Type of the written value: any type of YAML."""
        return object


PREDICTED = {
    "model": "network",
    "exit": "network",
    "exact": "predictor",
    "vad": "predictor",
}
"""Attribute that holds an argument, where audobject doesn't find it on the object."""

BORROWED = PREDICTED | {
    name: "process"
    for name in (
        "sampling_rate",
        "resample",
        "channels",
        "mixdown",
        "min_signal_dur",
        "max_signal_dur",
    )
}
"""The same, of interfaces that hold their process in an attribute."""

RESOLVERS = {
    name: DurationResolver
    for name in ("win_dur", "hop_dur", "min_signal_dur", "max_signal_dur")
}


def picked(arguments: dict[str, Any], function: Callable) -> dict[str, Any]:
    """Pick the arguments that a function takes, as far as they are given."""
    names = inspect.signature(function).parameters
    return {name: arguments[name] for name in names if name in arguments}


def make_predictor(arguments: dict[str, Any]) -> Predictor:
    """Create a predictor from the arguments of an interface.

    Raises:
        ValueError: if the sampling rate isn't that of the models

    """
    if (rate := arguments["sampling_rate"]) != SAMPLING_RATE:
        raise ValueError(
            f"'sampling_rate' has to be {SAMPLING_RATE} Hz, that of the models, got "
            f"{rate!r}. Other input is resampled: leave out 'sampling_rate'."
        )
    chosen = picked(arguments, Predictor)
    for name in RESOLVERS:
        chosen[name] = _seconds(name, chosen.get(name))
    return Predictor(classes=True, **chosen)


def _seconds(name: str, duration: Duration | None) -> float | None:
    """Duration of an argument in seconds."""
    try:
        return to_seconds(duration)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"'{name}' has to be seconds, samples at {SAMPLING_RATE} Hz as in "
            f"'8000', or a string with a unit as in '500ms', got {duration!r}: {error}"
        ) from None


def plain(value: Any) -> Any:
    """Convert NumPy's numbers to Python's, also in lists and arrays.

    Examples:
        >>> plain(np.int64(1)), plain(np.array([0, 1])), plain((np.True_, "a"))
        (1, [0, 1], (True, 'a'))

    """
    if isinstance(value, np.timedelta64):
        return pd.Timedelta(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def plain_arguments(method: Callable) -> Callable:
    """Convert NumPy's numbers in the arguments of a method, see :func:`plain`."""

    @functools.wraps(method)
    def call(self: object, *args: object, **kwargs: object) -> object:
        kwargs = {name: plain(value) for name, value in kwargs.items()}
        return method(self, *map(plain, args), **kwargs)

    return call


def check_files(files: Sequence[File]) -> None:
    """Check that files are given as a list.

    Raises:
        ValueError: if they are given as a string, a path, or a table

    """
    if isinstance(files, str | bytes | os.PathLike):
        raise ValueError(
            f"'files' has to be a list of files, not {files!r}: use process_file for "
            "one, process_folder for a folder, or put it in a list."
        )
    if isinstance(files, pd.DataFrame | pd.MultiIndex | audformat.Table):
        raise ValueError(
            f"'files' has to be a list of files, not of type '{type(files).__name__}': "
            "use process_index, which takes the index of a table."
        )


def of_each(name: str, times: Any, files: Sequence[File]) -> Sequence[Any]:
    """Starts or ends of files, of which one may be given for all.

    Args:
        name: name of the argument
        times: a time, or a sequence of times
        files: list of files

    Raises:
        ValueError: if there are more or fewer times than files

    Examples:
        >>> of_each("ends", "1s", ["a.wav", "b.wav"])
        ['1s', '1s']

    """
    times = plain(times)
    if isinstance(times, Duration | None) or times is pd.NaT:
        return [times] * len(files)
    if len(times) != len(files):
        raise ValueError(
            f"'{name}' has to have a time for each of the {len(files)} files, or to be "
            f"one for all of them; it has {len(times)}."
        )
    return times


def unexpected_arguments(process_func_args: dict[str, object]) -> TypeError:
    """Error that says that the model takes no arguments."""
    return TypeError(
        f"The model takes no arguments, but 'process_func_args' holds "
        f"{sorted(process_func_args)}."
    )
