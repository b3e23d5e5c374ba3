"""Arousal, dominance and valence of speech, as objects of audinterface.

Names are imported when they are first used: ``import audw2s`` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

from audw2s.version import __version__

if TYPE_CHECKING:
    from audw2s.catalogue import DIMENSIONS
    from audw2s.catalogue import models
    from audw2s.corpus.annotation import annotate
    from audw2s.curves import curve
    from audw2s.interface.feature import Feature
    from audw2s.interface.process import Process
    from audw2s.interface.segment import Segment
    from audw2s.loading import CorruptModelError
    from audw2s.loading import MissingModelError
    from audw2s.loading import load
    from audw2s.names import AmbiguousModelError
    from audw2s.plot import plot_curves
    from audw2s.signal import UnusableSignalError
    from audw2s.stream import Stream
    from audw2s.weights.get import get

_HOMES = {
    "CorruptModelError": "loading",
    "DIMENSIONS": "catalogue",
    "Feature": "interface.feature",
    "AmbiguousModelError": "names",
    "MissingModelError": "loading",
    "Process": "interface.process",
    "Segment": "interface.segment",
    "Stream": "stream",
    "UnusableSignalError": "signal",
    "annotate": "corpus.annotation",
    "curve": "curves",
    "get": "weights.get",
    "load": "loading",
    "models": "catalogue",
    "plot_curves": "plot",
}

__all__ = [
    "CorruptModelError",
    "DIMENSIONS",
    "Feature",
    "AmbiguousModelError",
    "MissingModelError",
    "Process",
    "Segment",
    "Stream",
    "UnusableSignalError",
    "__version__",
    "annotate",
    "curve",
    "get",
    "load",
    "models",
    "plot_curves",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'audw2s' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"audw2s.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
