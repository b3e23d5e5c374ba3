"""Model and provenance of all interfaces."""

import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING

import audobject
import numpy as np

from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx


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


def with_provenance(method: Callable) -> Callable:
    """Wrap a method of audinterface, so that its results hold their provenance."""

    @functools.wraps(method)
    def call(self: Plugin, *args: object, **kwargs: object) -> object:
        result = method(self, *args, **kwargs)
        result.attrs["audw2s"] = dict(self.provenance)
        return result

    return call
