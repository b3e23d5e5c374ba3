"""What the interfaces share: arguments, model and provenance."""

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
"""Arguments that don't change results, and are not written to YAML."""


class DurationResolver(audobject.resolver.Base):
    """Writes durations to YAML, timedeltas as strings with a unit."""

    def decode(self, value: Duration | None) -> Duration | None:
        """Leave it to audinterface, which reads strings."""
        return value

    def encode(self, value: Duration | None) -> float | int | str | None:
        """Turn a timedelta into a string."""
        return f"{value.value}ns" if isinstance(value, pd.Timedelta) else value

    def encode_type(self) -> type:
        """Type of what is written: anything YAML knows."""
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
} | {"model": "network", "exit": "network", "exact": "predictor"}
"""Where audobject finds arguments that aren't attributes of their own."""

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
    """What Process and Feature share: their model, provenance and cache."""

    predictor: Predictor

    network: Network
    """The annotator's; audobject finds the model here."""

    @property
    def model(self) -> "str | audonnx.Model":
        """The model as it was given: a name, a folder or an object."""
        return self.network.model

    @property
    def provenance(self) -> dict[str, object]:
        """Model name, its sha256, version of audw2s and window.

        Results carry it in ``attrs["audw2s"]``.
        """
        return self.predictor.provenance

    @property
    def cache_settings(self) -> dict[str, object]:
        """All that values in a cache depend on, but for the files."""
        return self.provenance | {"settings": self.to_yaml_s(include_version=False)}

    def _marked(self, result: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
        result.attrs["audw2s"] = self.provenance
        return result


def marked(method: Callable) -> Callable:
    """Let a method of audinterface return results that carry their provenance."""

    @functools.wraps(method)
    def call(self: Plugin, *args: object, **kwargs: object) -> object:
        return self._marked(method(self, *args, **kwargs))

    return call


def make_predictor(
    model: "str | audonnx.Model",
    *,
    sampling_rate: int = SAMPLING_RATE,
    device: Device = "cpu",
    **kwargs: object,
) -> Predictor:
    """Make an annotator from the arguments of an interface.

    Raises:
        ValueError: if the sampling rate isn't the models'

    """
    if sampling_rate != SAMPLING_RATE:
        raise ValueError(
            f"The models take {SAMPLING_RATE} Hz, not {sampling_rate} Hz. "
            "Other input is resampled: leave 'sampling_rate' as it is."
        )
    for name in RESOLVERS:
        kwargs[name] = _seconds(name, kwargs.get(name))
    return Predictor(model, device=device, classes=True, **kwargs)


def _seconds(name: str, duration: Duration | None) -> float | None:
    """Seconds of an argument that is a duration."""
    try:
        return to_seconds(duration)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"'{name}' has to be seconds, samples at {SAMPLING_RATE} Hz as in "
            f"'8000', or a string with a unit as in '500ms', got {duration!r}: {error}"
        ) from None
