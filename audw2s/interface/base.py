"""Model and provenance of all interfaces."""

import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import Concatenate
from typing import ParamSpec
from typing import TypeVar

import audobject
import numpy as np

from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx

Method = TypeVar("Method", bound=Callable)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def by_name(
    values: np.ndarray,
    names: Sequence[str] = DIMENSIONS,
) -> dict[str, float] | list[dict[str, float]]:
    """Name the values of one channel, or of each channel.

    Examples:
        >>> by_name(np.array([[0.5, 0.25, 0.75]]))
        {'arousal': 0.5, 'dominance': 0.25, 'valence': 0.75}

    """
    channels = [named(row, names) for row in values]
    return channels[0] if len(channels) == 1 else channels


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


def like(method: Callable) -> Callable[[Method], Method]:
    """Show the signature of a method of audinterface for that of its override."""

    def with_signature(override: Method) -> Method:
        setattr(override, "__wrapped__", method)
        return override

    return with_signature


def with_provenance(
    method: Callable[Concatenate[Any, Arguments], Result],
) -> Callable[Concatenate[Any, Arguments], Result]:
    """Wrap a method of audinterface, so that its results hold their provenance."""

    @functools.wraps(method)
    def call(self: Any, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Any:
        result: Any = method(self, *args, **kwargs)
        result.attrs["audw2s"] = dict(self.provenance)
        return result

    return call
