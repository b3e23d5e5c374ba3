"""Compare values of a model with outputs that its publishers gave."""

import functools
import importlib.resources

import numpy as np
import onnx
import onnxruntime
import yaml

from audw2s.model.find import known_sha256
from audw2s.model.find import members
from audw2s.model.find import model_path
from audw2s.model.find import remedy
from audw2s.model.find import verified
from audw2s.model.folder import CorruptModelError
from audw2s.model.hub.graph import without_normalisation
from audw2s.model.names import entry_of
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import named
from audw2s.model.store import session_options

NOT_NORMALISED = ("noise",)
"""Signals that the published network took as they are, without normalisation."""


def signal_of(name: str) -> np.ndarray:
    """Signal of a published output, which needs no file.

    Args:
        name: ``"zeros"``, ``"noise"``, or ``"tone"`` of 300 Hz, in 16 bits

    Returns:
        signal ``(1, num_samples)`` at 16 kHz, float32

    """
    match name:
        case "zeros":
            signal = np.zeros(16000)
        case "noise":
            signal = np.random.RandomState(0).normal(size=16000)
        case "tone":
            time = np.linspace(0, 2, 32000).astype(np.float32)
            signal = np.floor(0.3 * np.sin(2 * np.pi * 300 * time) * 32768) / 32768
    return signal[None].astype(np.float32)


@functools.cache
def published() -> dict[str, dict]:
    """Published outputs and their tolerance by name of the model."""
    file = importlib.resources.files("audw2s.model.hub") / "published.yaml"
    return yaml.safe_load(file.read_text("utf-8"))


def verify(name: str) -> str:
    """Verify the file of a model, and compare its values with published outputs.

    Args:
        name: name in the catalogue, folder, or mean of models, see :func:`audw2s.load`

    Returns:
        what was compared, a line for each model

    Raises:
        MissingModelError: if there is no such model, or it isn't installed
        CorruptModelError: if its file isn't the expected one, or its values differ

    Examples:
        >>> verify("wav2small")
        'wav2small: no outputs of it are published for comparison.'

    """
    if parts := members(name):
        return "\n".join(map(verify, parts))
    entry = entry_of(name)
    path = verified(model_path(name), known_sha256(name), remedy(entry))
    return check_outputs(entry.name if entry else name, path)


def check_outputs(name: str, path: str) -> str:
    """Check that values of a model file are those that were published.

    Args:
        name: name of the model in the catalogue
        path: path of its ONNX file

    Returns:
        what was compared, in a sentence

    Raises:
        CorruptModelError: if the values differ

    """
    if name not in published():
        return f"{name}: no outputs of it are published for comparison."
    outputs, tolerance = published()[name]["outputs"], published()[name]["tolerance"]
    differences = {}
    for signal, expected in outputs.items():
        values = _values(path, signal)
        if values is None:
            continue
        differences[signal] = np.abs(values - expected).max()
        # Not "difference > tolerance": NaN has to fail
        if not differences[signal] <= tolerance:
            raise CorruptModelError(
                f"{name} isn't the published model, or this machine computes other "
                f"values: of the published signal '{signal}' it gives "
                f"{_text(values)}, published are {_text(np.array(expected))}."
            )
    signals = " and ".join(differences)
    largest = max(differences.values())
    return f"{name}: values of {signals} are as published to {largest:.0e}."


def _values(path: str, signal: str) -> np.ndarray | None:
    """A/D/V of a signal; ``None`` if the normalisation can't be left out."""
    source: str | bytes = path
    if signal in NOT_NORMALISED:
        model = without_normalisation(onnx.load(path))
        if model is None:
            return None
        source = model.SerializeToString()
    session = onnxruntime.InferenceSession(source, session_options(None))
    (logits,) = session.run(["logits"], {"signal": signal_of(signal)})
    return logits[0]


def _text(values: np.ndarray) -> str:
    return ", ".join(f"{k} {v:.5f}" for k, v in named(values, DIMENSIONS).items())
