"""Arguments, model and provenance of all interfaces."""

import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING

import audobject
import numpy as np
import pandas as pd

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import Duration
from audw2s.audio.times import to_seconds
from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor
from audw2s.model.device import Device
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx

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


BORROWED = {
    name: "process"
    for name in (
        "sampling_rate",
        "resample",
        "channels",
        "mixdown",
        "min_signal_dur",
        "max_signal_dur",
    )
} | {"model": "network", "exit": "network", "exact": "predictor", "vad": "predictor"}
"""Attribute that holds an argument, where audobject doesn't find it on the object."""

RESOLVERS = {
    name: DurationResolver
    for name in ("win_dur", "hop_dur", "min_signal_dur", "max_signal_dur")
}


def by_name(
    values: np.ndarray,
    names: Sequence[str] = DIMENSIONS,
) -> dict[str, float] | list[dict[str, float]]:
    """Name the values of one channel, or of each channel.

    Examples:
        >>> by_name(np.array([[0.5, 0.25, 0.75]]))
        {'arousal': 0.5, 'dominance': 0.25, 'valence': 0.75}

    """
    found = [named(row, names) for row in values]
    return found[0] if len(found) == 1 else found


class Plugin(audobject.Object):
    """Model, provenance and cache settings of an interface."""

    predictor: Predictor

    network: Network
    """Network of the predictor; audobject finds the model here."""

    @property
    def model(self) -> "str | audonnx.Model":
        """Model as given by the user: name, folder or object."""
        return self.network.model

    @property
    def provenance(self) -> dict[str, object]:
        """Model name, its sha256, version of audw2s and window.

        Results hold it in ``attrs["audw2s"]``.
        """
        return self.predictor.provenance

    @property
    def cache_settings(self) -> dict[str, object]:
        """All settings that cached values depend on, except the files."""
        return self.provenance | {"settings": self.to_yaml_s(include_version=False)}

    def _with_provenance(
        self, result: pd.Series | pd.DataFrame
    ) -> pd.Series | pd.DataFrame:
        result.attrs["audw2s"] = self.provenance
        return result


def with_provenance(method: Callable) -> Callable:
    """Wrap a method of audinterface, so that its results hold their provenance."""

    @functools.wraps(method)
    def call(self: Plugin, *args: object, **kwargs: object) -> object:
        return self._with_provenance(method(self, *args, **kwargs))

    return call


def make_predictor(
    model: "str | audonnx.Model",
    *,
    sampling_rate: int = SAMPLING_RATE,
    device: Device = "cpu",
    **kwargs: object,
) -> Predictor:
    """Create a predictor from the arguments of an interface.

    Raises:
        ValueError: if the sampling rate isn't that of the models

    """
    if sampling_rate != SAMPLING_RATE:
        raise ValueError(
            f"'sampling_rate' has to be {SAMPLING_RATE} Hz, that of the models, got "
            f"{sampling_rate} Hz. Other input is resampled: leave out 'sampling_rate'."
        )
    for name in RESOLVERS:
        kwargs[name] = _seconds(name, kwargs.get(name))
    return Predictor(model, device=device, classes=True, **kwargs)


def _seconds(name: str, duration: Duration | None) -> float | None:
    """Duration of an argument in seconds."""
    try:
        return to_seconds(duration)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"'{name}' has to be seconds, samples at {SAMPLING_RATE} Hz as in "
            f"'8000', or a string with a unit as in '500ms', got {duration!r}: {error}"
        ) from None
