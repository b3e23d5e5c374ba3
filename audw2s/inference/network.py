"""Run a model on a mono signal, to get its values."""

import contextlib
import functools
import hashlib
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.speech import marked
from audw2s.audio.speech import only_speech
from audw2s.inference.frames import BLOCK_DUR
from audw2s.inference.frames import Tokens
from audw2s.inference.pooling import pooled_as_a_whole
from audw2s.inference.speech_pooler import pooled_speech
from audw2s.model.cascade import Cascade
from audw2s.model.device import Device
from audw2s.model.device import Frozen
from audw2s.model.device import check_device
from audw2s.model.device import frozen
from audw2s.model.device import thawed
from audw2s.model.early_exit import Choice
from audw2s.model.early_exit import normalised
from audw2s.model.early_exit import softmax
from audw2s.model.ensemble import Ensemble
from audw2s.model.find import model_sha256
from audw2s.model.find import sha256
from audw2s.model.folder import explained
from audw2s.model.load import load
from audw2s.model.model import DEFAULT_MAX_DUR
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__

if TYPE_CHECKING:
    import audonnx


class Network:
    """Model that can be pickled.

    An ONNX session can't be pickled: each process opens its own, once.

    Args:
        model: name of a model or model folder, see :func:`audw2s.load`, or a loaded
            model. Its outputs are found by their labels, whatever their order. Its
            transform is applied to each signal of up to ``max_dur`` seconds
        device: device of a named model, see :func:`audw2s.load`
        exit: early exit of a model folder, see :func:`audw2s.load`
        classes: whether a model of classes is accepted
        hidden_states: append the model's ``hidden_states`` to the values

    Raises:
        ValueError: if there is no such model, no output is labelled arousal,
            dominance and valence, or the model has no hidden states

    """

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        device: Device = "cpu",
        *,
        exit: Choice = None,
        classes: bool = False,
        hidden_states: bool = False,
    ):
        check_device(device)
        self.device = device
        self._device = frozen(device)
        self.hidden_states = hidden_states
        if isinstance(model, Ensemble):
            model = model.name
        elif isinstance(model, Cascade):
            model, exit = model.name, model.exit if exit is None else exit
        self.exit = normalised(exit)
        self.transforms: dict[str, str] = {}
        """YAML of the transforms of the model's inputs, by name of the input."""

        if exit is not None and not isinstance(model, str):
            raise ValueError(
                f"'exit' has to be None for a model that is loaded already, got "
                f"{exit!r}. Give its folder instead."
            )
        self.model = model
        self.name, self.sha256 = self._identity()
        opened = self.open()
        self.properties = _properties(opened)
        self.of_classes = self.properties.get("outputs") == "classes"
        if self.of_classes and not classes:
            raise ValueError(
                f"'{self.name}' predicts classes, and arousal, dominance and valence "
                "are needed here. Use it with Feature, Process, Segment or "
                "'audw2s predict'."
            )
        self.name = self.properties.get("name", self.name)
        self.max_dur = float(self.properties.get("max_dur", DEFAULT_MAX_DUR))
        self._find_outputs(opened)

    def _identity(self) -> tuple[str, str]:
        """Name and sha256 of the model; its transforms are a part of it."""
        if isinstance(self.model, str):
            name = os.path.basename(os.path.normpath(self.model))
            return name, model_sha256(self.model, self.exit)
        path = self.model.path
        name = os.path.basename(os.path.dirname(path or "")) or "model"
        digest = sha256(path) if path else _sha256(self.model.sess._model_bytes)
        if transforms := _transforms(self.model):
            self.transforms = transforms
            digest = _sha256(f"{digest}\n{transforms}".encode())
        return name, digest

    def _find_outputs(self, opened: "audonnx.Model") -> None:
        """Find the outputs of values, hidden states and speech."""
        heads = ["logits"] if self.of_classes else _find_heads(opened)
        self.labels = {name: list(opened.outputs[name].labels) for name in heads}
        """Labels of the values by name of the output: all in one, or each in one."""

        labels = [label for head in heads for label in self.labels[head]]
        self.names = tuple(labels) if self.of_classes else DIMENSIONS
        """Names of the values: arousal, dominance, valence, or the classes in the order
        used in training."""

        self.order = [labels.index(name) for name in self.names]
        has_speech = "token_hop" in self.properties and "speech" in opened.outputs
        self.outputs = [
            *heads,
            *["hidden_states"] * self.hidden_states,
            *["speech"] * has_speech,
        ]
        """Names of the outputs of the graph that :meth:`values` takes."""

        self.num_values = len(self.names)
        """Number of values of a signal: A/D/V or classes, and hidden states."""

        if self.hidden_states:
            self.num_values += _num_hidden_states(opened, self.name)
        others = range(len(labels), len(labels) + self.num_values - len(self.names) + 1)
        self.columns = np.array([*self.order, *others])
        """Columns of the outputs: values, hidden states, and the share of speech."""

    def open(self) -> "audonnx.Model":
        """Open the model, once per process."""
        if isinstance(self.model, str):
            return _open(
                self.model,
                device=self._device,
                exit=self.exit,
                sha256=self.sha256,
                process=os.getpid(),
            )
        return self.model

    def __getstate__(self) -> dict:
        """Pickle without sessions: they are opened again from a name or a path."""
        state = self.__dict__.copy()
        state.pop("tokens", None)
        if not isinstance(self.model, str):
            state["model"] = (*_packed(self.model), tuple(self.transforms.items()))
        return state

    def __setstate__(self, state: dict) -> None:
        """Open the session of a model that was given as an object."""
        if isinstance(state["model"], tuple):
            state["model"] = _unpacked(*state["model"], os.getpid())
        self.__dict__.update(state)

    def __call__(self, signal: np.ndarray, vad: bool = False) -> np.ndarray:
        """Run the model.

        Args:
            signal: mono signal ``(num_samples,)`` at 16 kHz, float32
            vad: whether only speech is processed

        Returns:
            values ``(num_values + 1,)``: arousal, dominance, valence, not clipped, or
            the scores of classes, which add up to one; followed by hidden states if
            requested, and the share of speech, which is NaN if it is unknown

        """
        if vad:
            return self._of_speech(signal)
        is_long = len(signal) > BLOCK_DUR * SAMPLING_RATE
        if is_long and (tokens := self.tokens) is not None:
            return pooled_as_a_whole(tokens, signal)
        model = self.open()
        try:
            if self.transforms:
                found = model(signal[None], SAMPLING_RATE, outputs=self.outputs)
                return self.values([*found.values()], 1)[0]
            # Without the checks of Model, as the signal is one of ours
            nodes = model.inputs.items()
            inputs = {name: signal.reshape(node.shape) for name, node in nodes}
            return self.values(model.sess.run(self.outputs, inputs), 1)[0]
        except Exception:
            with self._explained("can't be run"):
                raise

    def _of_speech(self, signal: np.ndarray) -> np.ndarray:
        """Run the model on the speech of a signal; NaN without speech."""
        marks = marked(signal)
        num_samples = marks.num_samples(0, len(signal))
        if num_samples < MIN_SAMPLES:
            return np.append(np.full(self.num_values, np.nan, np.float32), 0)
        if self.tokens is not None:
            return pooled_speech(self.tokens, signal, marks)
        values = self(only_speech(signal, marks))
        values[-1] = num_samples / len(signal)
        return values

    def _explained(self, what: str) -> contextlib.AbstractContextManager:
        """Explain errors of a model file; others are raised as they are."""
        given = self.model if isinstance(self.model, str) else None
        path = self.open().path or given
        return contextlib.nullcontext() if path is None else explained(path, what)

    def values(self, outputs: Sequence[np.ndarray], count: int) -> np.ndarray:
        """Convert outputs of the graph to values ``(count, num_values + 1)``.

        Args:
            outputs: outputs of the graph, in the order of :attr:`outputs`
            count: number of signals

        """
        found = [output.reshape(count, -1) for output in outputs]
        if self.outputs[-1] != "speech":
            found.append(np.full((count, 1), np.nan, np.float32))
        values = np.concatenate(found, axis=1)[:, self.columns]
        if self.of_classes:
            size = len(self.names)
            values[:, :size] = softmax(values[:, :size])
        return values

    @functools.cached_property
    def tokens(self) -> Tokens | None:
        """Tokens of a student; ``None`` for other models.

        Also ``None`` for a model with a transform, which isn't part of the graph.
        """
        path = self.open().path
        if path is None or self.transforms or "token_hop" not in self.properties:
            return None
        return _open_tokens(
            path,
            self.sha256,
            self.properties["token_hop"],
            self.properties["token_context"],
            self._device,
            hidden_states=self.hidden_states,
            order=tuple(self.order),
        )

    @property
    def provenance(self) -> dict[str, str]:
        """Name of the model, its sha256, and version of audw2s."""
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


@functools.lru_cache(maxsize=16)
def _open_tokens(
    path: str, sha256: str, hop: str, context: str, device: Frozen, **options: Any
) -> Tokens:
    with explained(path):
        return Tokens(path, int(hop), int(context), thawed(device), **options)


def _properties(model: "audonnx.Model") -> dict[str, str]:
    """Metadata of the ONNX file; ``max_dur`` is checked."""
    with explained(model.path or "model"):
        properties = model.sess.get_modelmeta().custom_metadata_map
        max_dur = float(properties.get("max_dur", DEFAULT_MAX_DUR))
        if not MIN_SAMPLES / SAMPLING_RATE <= max_dur < math.inf:
            raise ValueError(f"its longest signal, 'max_dur', is {max_dur} s")
    return properties


def _find_heads(model: "audonnx.Model") -> list[str]:
    for name, node in model.outputs.items():
        if set(DIMENSIONS) <= set(node.labels):
            return [name]
    if all(name in model.outputs for name in DIMENSIONS):
        return list(DIMENSIONS)
    found = {name: node.labels[:5] for name, node in model.outputs.items()}
    raise ValueError(
        f"No output of the model is labelled {', '.join(DIMENSIONS)}, nor are three "
        f"called so; it has {found}. "
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


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
                f"{type(node.transform).__name__}, which can't be written to YAML. "
                "Provenance and other processes need that: wrap a function as "
                "audonnx.Function(...)."
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
    return audonnx.Model(
        model,
        labels={name: list(values) for name, values in labels},
        transform={name: audobject.from_yaml_s(text) for name, text in transforms},
        device=list(providers),
    )
