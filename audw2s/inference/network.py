"""A model as the pipeline sees it: a mono signal in, three values out."""

import contextlib
import functools
import hashlib
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.inference.frames import BLOCK_DUR
from audw2s.inference.frames import Tokens
from audw2s.inference.frames import open_tokens
from audw2s.inference.pooler import whole
from audw2s.model.cascade import Cascade
from audw2s.model.device import Device
from audw2s.model.device import Frozen
from audw2s.model.device import check_device
from audw2s.model.device import frozen
from audw2s.model.device import thawed
from audw2s.model.early_exit import Choice
from audw2s.model.early_exit import normalised
from audw2s.model.ensemble import Ensemble
from audw2s.model.find import model_sha256
from audw2s.model.find import sha256
from audw2s.model.folder import explained
from audw2s.model.load import load
from audw2s.model.registry import DIMENSIONS
from audw2s.model.scores import softmax
from audw2s.version import __version__

if TYPE_CHECKING:
    import audonnx

DEFAULT_MAX_DUR = 60.0
"""Seconds that are given at once to a model that doesn't say what it takes."""


class Network:
    """Runs a model, and can be sent to another process.

    An ONNX session can't be pickled: each process opens its own, once.

    Args:
        model: name or folder, see :func:`audw2s.load`, or a model. Its outputs are
            found by their labels, whatever their order. The transform of a model is
            applied to what it is given at once, see ``max_dur``
        device: see :func:`audw2s.load`, for names and folders
        exit: see :func:`audw2s.load`, for folders
        classes: whether the model may give scores of classes
        hidden_states: give the model's ``hidden_states`` after A/D/V
        block_dur: seconds that a student hears at a time, which changes values by
            rounding only

    Raises:
        ValueError: if there is no such model, or no output of the model is
            labelled arousal, dominance and valence, or it has no hidden states

    """

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        device: Device = "cpu",
        *,
        exit: Choice = None,
        classes: bool = False,
        hidden_states: bool = False,
        block_dur: float = BLOCK_DUR,
    ):
        check_device(device)
        self.device = device
        self.hidden_states = hidden_states
        self.block_dur = block_dur
        if isinstance(model, Ensemble):
            model = model.name
        elif isinstance(model, Cascade):
            model, exit = model.name, model.exit if exit is None else exit
        self.exit = normalised(exit)
        self.transforms: dict[str, str] = {}
        """YAML of what turns a signal into an input of the model, by its name."""

        if isinstance(model, str):
            self.name = os.path.basename(os.path.normpath(model))
            self.sha256 = model_sha256(model, self.exit)
        elif exit is not None:
            raise ValueError("'exit' is for folders; this model is loaded already.")
        else:
            path = model.path
            self.name = os.path.basename(os.path.dirname(path or "")) or "model"
            self.sha256 = sha256(path) if path else _bytes_sha256(model)
            if transforms := _transforms(model):
                self.transforms = transforms
                text = f"{self.sha256}\n{transforms}"
                self.sha256 = hashlib.sha256(text.encode()).hexdigest()
        self.model = model
        opened = self.open()
        properties = _properties(opened)
        self.of_classes = properties.get("outputs") == "classes"
        if self.of_classes and not classes:
            raise ValueError(
                f"'{self.name}' tells classes, and here arousal, dominance and valence "
                "are needed. Feature, Process, Segment and 'audw2s predict' take it."
            )
        self.output = "logits" if self.of_classes else _find_output(opened)
        labels = list(opened.outputs[self.output].labels)
        self.names = tuple(labels) if self.of_classes else DIMENSIONS
        """Of the values: arousal, dominance, valence, or classes as they were
        trained."""

        self.order = [labels.index(name) for name in self.names]
        self.max_dur = float(properties.get("max_dur", DEFAULT_MAX_DUR))
        self.name = properties.get("name", self.name)
        self.properties = properties
        self.num_values = len(self.names)
        """Of a signal: A/D/V or classes, and hidden states if they are asked for."""

        if hidden_states:
            self.num_values += _num_hidden_states(opened, self.name)

    def open(self) -> "audonnx.Model":
        """Open the model, once per process."""
        if isinstance(self.model, str):
            own = (frozen(self.device), self.exit, self.sha256, os.getpid())
            return _open(self.model, *own)
        return self.model

    def __getstate__(self) -> dict:
        """Leave the session behind: a name or a path is enough to open it again."""
        state = self.__dict__.copy()
        if not isinstance(self.model, str):
            state["model"] = (*_packed(self.model), tuple(self.transforms.items()))
        return state

    def __setstate__(self, state: dict) -> None:
        """Open the session of a model that was given as an object."""
        if isinstance(state["model"], tuple):
            state["model"] = _unpacked(*state["model"], os.getpid())
        self.__dict__.update(state)

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Run the model.

        Args:
            signal: ``(num_samples,)``, float32, mono at 16 kHz

        Returns:
            ``(num_values,)``: arousal, dominance, valence, unclipped; of classes their
            scores, which add up to one; and the hidden states if they are asked for

        """
        if (tokens := self.tokens) is not None:
            return whole(tokens, signal)
        with self._explained("can't be run"):
            found = self.open()(signal[None], SAMPLING_RATE, outputs=self.outputs)
            return self.values([found[name] for name in self.outputs], 1)[0]

    def _explained(self, what: str) -> contextlib.AbstractContextManager:
        """Turn the errors of a model's file into a sentence; others are its owner's."""
        if not isinstance(self.model, str):
            return contextlib.nullcontext()
        return explained(self.open().path or self.model, what)

    @property
    def outputs(self) -> list[str]:
        """Outputs of the graph that values are made of, see :meth:`values`."""
        return [self.output] + ["hidden_states"] * self.hidden_states

    def values(self, outputs: Sequence[np.ndarray], count: int) -> np.ndarray:
        """Turn what the graph gives for some signals into ``(count, num_values)``."""
        values, *hidden_states = (found.reshape(count, -1) for found in outputs)
        values = values[:, self.order]
        if self.of_classes:
            values = softmax(values)
        return np.concatenate([values, *hidden_states], axis=1)

    @property
    def tokens(self) -> Tokens | None:
        """The tokens that a student pools; ``None`` if the model has none for it.

        Nor has one with a transform, which the graph alone knows nothing of.
        """
        path = self.open().path
        if path is None or "token_hop" not in self.properties or self.transforms:
            return None
        about = (frozen(self.device), self.hidden_states, self.block_dur)
        with explained(path):
            hop, context = (
                int(self.properties[f"token_{name}"]) for name in ("hop", "context")
            )
            own = (*about, tuple(self.order), os.getpid())
            return open_tokens(path, self.sha256, hop, context, *own)

    @property
    def provenance(self) -> dict[str, str]:
        """By what values are made: model, its sha256, version of audw2s."""
        return {"model": self.name, "sha256": self.sha256, "version": __version__}


@functools.lru_cache(maxsize=16)
def _open(
    model: str,
    device: Frozen,
    exit: Choice,
    sha256: str,
    process: int,
) -> "audonnx.Model":
    return load(model, exit=exit, device=thawed(device))


def _properties(model: "audonnx.Model") -> dict[str, str]:
    """What the file says of itself; the duration that it takes is positive."""
    with explained(model.path or "model"):
        properties = model.sess.get_modelmeta().custom_metadata_map
        max_dur = float(properties.get("max_dur", DEFAULT_MAX_DUR))
        if not MIN_SAMPLES / SAMPLING_RATE <= max_dur < math.inf:
            raise ValueError(f"it takes {max_dur} s at a time")
    return properties


def _find_output(model: "audonnx.Model") -> str:
    for name, node in model.outputs.items():
        if set(DIMENSIONS) <= set(node.labels):
            return name
    found = {name: node.labels[:5] for name, node in model.outputs.items()}
    raise ValueError(
        f"No output of the model is labelled {', '.join(DIMENSIONS)}; it has {found}. "
        "Load it with audonnx.Model(path, labels={'logits': [...]}), "
        "in the order in which it was trained."
    )


def _num_hidden_states(model: "audonnx.Model", name: str) -> int:
    size = None
    if "hidden_states" in model.outputs:
        size = model.outputs["hidden_states"].shape[-1]
    if not isinstance(size, int) or size < 1:
        raise ValueError(
            f"'{name}' has no output 'hidden_states' of a fixed size, it has "
            f"{', '.join(model.outputs)}."
        )
    return size


def _bytes_sha256(model: "audonnx.Model") -> str:
    return hashlib.sha256(model.sess._model_bytes).hexdigest()


def _transforms(model: "audonnx.Model") -> dict[str, str]:
    """YAML of the transforms of a model, by the names of its inputs.

    Raises:
        ValueError: if one can't be written to YAML

    """
    import audobject

    found = {}
    for name, node in model.inputs.items():
        if node.transform is None:
            continue
        if not isinstance(node.transform, audobject.Object):
            raise ValueError(
                f"The transform of the model's input '{name}' is a "
                f"{type(node.transform).__name__}, which can't be written to YAML, so "
                "that results can't say what made them, nor other processes have it. "
                "Wrap a function as audonnx.Function(...)."
            )
        found[name] = node.transform.to_yaml_s(include_version=False)
    return found


def _packed(model: "audonnx.Model") -> tuple:
    source = model.path or model.sess._model_bytes
    labels = {name: tuple(node.labels) for name, node in model.outputs.items()}
    return source, tuple(labels.items()), tuple(model.sess.get_providers())


@functools.lru_cache(maxsize=16)
def _unpacked(
    source: str | bytes,
    labels: tuple,
    providers: tuple,
    transforms: tuple,
    process: int,
) -> "audonnx.Model":
    import audobject
    import audonnx
    import onnx

    model = source if isinstance(source, str) else onnx.load_from_string(source)
    labels = {name: list(values) for name, values in labels}
    transform = {name: audobject.from_yaml_s(text) for name, text in transforms}
    return audonnx.Model(
        model, labels=labels, transform=transform, device=list(providers)
    )
