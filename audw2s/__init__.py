"""Arousal, dominance and valence of speech, as objects of audinterface.

Names are imported at first use, so that ``import audw2s`` is fast.
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING

from audw2s.version import __version__

if TYPE_CHECKING:
    from audw2s.audio.preprocess import UnusableSignalError
    from audw2s.corpus.run import annotate
    from audw2s.evaluation.normalise import normalise
    from audw2s.inference.curve import curve
    from audw2s.inference.stream import Stream
    from audw2s.interface.feature import Feature
    from audw2s.interface.process import Process
    from audw2s.interface.segment import Segment
    from audw2s.model.folder import CorruptModelError
    from audw2s.model.hub.get import get
    from audw2s.model.load import load
    from audw2s.model.load import models
    from audw2s.model.names import AmbiguousModelError
    from audw2s.model.names import MissingModelError
    from audw2s.model.registry import DIMENSIONS
    from audw2s.plots import plot_curves

# onnxruntime would give this machine a number and report its sessions to its makers,
# from when it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
if "onnxruntime" in sys.modules:
    sys.modules["onnxruntime"].disable_telemetry_events()

_HOMES = {
    "CorruptModelError": "model.folder",
    "DIMENSIONS": "model.registry",
    "Feature": "interface.feature",
    "AmbiguousModelError": "model.names",
    "MissingModelError": "model.names",
    "Process": "interface.process",
    "Segment": "interface.segment",
    "Stream": "inference.stream",
    "UnusableSignalError": "audio.preprocess",
    "annotate": "corpus.run",
    "curve": "inference.curve",
    "get": "model.hub.get",
    "load": "model.load",
    "models": "model.load",
    "normalise": "evaluation.normalise",
    "plot_curves": "plots",
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
    "normalise",
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
