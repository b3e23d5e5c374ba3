"""Distil a layer that tells speech by a student's tokens from a speech detector.

The layer is linear, from the values of a token to a logit, and is appended to the graph
of the student. Logits are averaged over :data:`SMOOTHING_DUR`, as a token knows some
50 ms of its surroundings only.
"""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import onnx
import torch
from onnx import TensorProto
from onnx import helper

from audw2s.audio.speech import speech_probabilities
from audw2s.audio.speech_frames import FRAME
from audw2s.audio.speech_frames import speech_frames
from audw2s.distill.scenes import scene
from audw2s.inference.frames import RunningMoments
from audw2s.inference.frames import SlidingNormaliser
from audw2s.inference.frames import Tokens
from audw2s.inference.network import Network
from audw2s.inference.pooling import LEVEL_DUR
from audw2s.inference.pooling import smoothed
from audw2s.model.find import model_path
from audw2s.model.origins import PROPERTY
from audw2s.model.origins import Origins
from audw2s.model.origins import origins_of
from audw2s.model.store import properties
from audw2s.model.store import save
from audw2s.progress import progress_bar

NUM_SCENES = 400
"""Default number of scenes to fit the layer to, 2.2 hours."""

PENALTY = 1e-4
"""Penalty on the squared weights of standardised features."""


class Examples(NamedTuple):
    """Features of frames and what the detector says of them."""

    features: np.ndarray
    """Smoothed values of tokens ``(num_frames, size)``."""

    is_speech: np.ndarray
    """Whether each frame is speech."""


def add_speech_layer(
    model: str,
    out: str,
    speech: Sequence[np.ndarray],
    noise: Sequence[np.ndarray],
    *,
    num_scenes: int = NUM_SCENES,
    seed: int = 0,
    origins: Origins = Origins(),
    verbose: bool = False,
) -> str:
    """Fit the layer of a student, and write the student with it.

    Args:
        model: name or folder of a student
        out: model folder to write
        speech: clips ``(num_samples,)`` at 16 kHz
        noise: clips ``(num_samples,)`` at 16 kHz
        num_scenes: number of scenes, see :mod:`audw2s.distill.scenes`
        seed: seed of the scenes
        origins: corpora of the clips
        verbose: show a progress bar

    Returns:
        sha256 of the ONNX file

    Raises:
        ValueError: if the model has no tokens

    """
    tokens = tokens_of(model)
    examples = make_examples(
        tokens, speech, noise, num_scenes=num_scenes, seed=seed, verbose=verbose
    )
    weight, bias = fit_layer(examples)
    content = onnx.load(model_path(model))
    appended = with_layer(content, weight, bias, tokens.smoothing)
    entries = {PROPERTY: (origins_of(model) | origins).to_json()}
    return save(appended, out, properties(content) | entries)


def tokens_of(model: str) -> Tokens:
    """Tokens of a student.

    Raises:
        ValueError: if the model has no tokens

    """
    tokens = Network(model).tokens
    if tokens is None:
        raise ValueError(f"'{model}' has no tokens, it is no student.")
    return tokens


def make_examples(
    tokens: Tokens,
    speech: Sequence[np.ndarray],
    noise: Sequence[np.ndarray],
    *,
    num_scenes: int,
    seed: int = 0,
    verbose: bool = False,
) -> Examples:
    """Frames of scenes; arguments are those of :func:`add_speech_layer`."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in progress_bar(range(num_scenes), desc="Scenes", verbose=verbose):
        signal = scene(speech, noise, rng)
        is_speech = speech_frames(speech_probabilities(signal))
        values = tokens.make(_normalised(signal, tokens, rng))
        features = smoothed(values[:, : values.shape[1] // 2], tokens.smoothing)
        # Tokens at the centres of frames
        centres = (np.arange(len(is_speech)) * FRAME + FRAME // 2) // tokens.hop
        centres = centres[centres < len(features)]
        parts.append(Examples(features[centres], is_speech[: len(centres)]))
    return Examples(*map(np.concatenate, zip(*parts, strict=True)))


def _normalised(
    signal: np.ndarray, tokens: Tokens, rng: np.random.Generator
) -> np.ndarray:
    """Normalise a signal as a whole, or by its surroundings as in a single pass."""
    if rng.random() < 0.5:
        level = SlidingNormaliser(LEVEL_DUR, epsilon=tokens.epsilon)
        return level.push(signal, last=True)
    moments = RunningMoments(tokens.epsilon)
    moments.update(signal)
    return moments.push(signal)


def fit_layer(examples: Examples) -> tuple[np.ndarray, float]:
    """Logistic regression.

    Returns:
        weight ``(size,)`` and bias

    Examples:
        >>> features = np.array([[0.0, 1.0], [0.1, 1.0], [0.9, 1.0], [1.0, 1.0]])
        >>> weight, bias = fit_layer(Examples(features, features[:, 0] > 0.5))
        >>> (features @ weight + bias > 0).tolist()
        [False, False, True, True]

    """
    mean, std = examples.features.mean(axis=0), examples.features.std(axis=0) + 1e-6
    features = torch.from_numpy((examples.features - mean) / std).double()
    targets = torch.from_numpy(examples.is_speech).double()
    layer = torch.nn.Linear(features.shape[1], 1, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimiser = torch.optim.LBFGS(
        layer.parameters(), max_iter=200, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = layer(features)[:, 0]
        entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        total = entropy + PENALTY * layer.weight.square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    weight = layer.weight.detach().numpy()[0] / std
    return weight, float(layer.bias.detach()) - float(weight @ mean)


def evaluate_speech_layer(
    model: str,
    speech: Sequence[np.ndarray],
    noise: Sequence[np.ndarray],
    *,
    num_scenes: int = 100,
    seed: int = 0,
    verbose: bool = False,
) -> float:
    """Area under the ROC curve on other scenes: agreement with the detector.

    Args:
        model: name or folder of a student with the layer
        speech: clips of other speakers, see :func:`add_speech_layer`
        noise: other clips of noise
        num_scenes: number of scenes
        seed: seed of the scenes
        verbose: show a progress bar

    """
    tokens = tokens_of(model)
    examples = make_examples(
        tokens, speech, noise, num_scenes=num_scenes, seed=seed, verbose=verbose
    )
    return auc(examples, tokens.speech_weight, tokens.speech_bias)


def auc(examples: Examples, weight: np.ndarray, bias: float) -> float:
    """Area under the ROC curve: agreement of the layer with the detector.

    Examples:
        >>> examples = Examples(np.arange(4.0)[:, None], np.arange(4) % 2 == 1)
        >>> auc(examples, np.ones(1), 0.0)
        0.75

    """
    logits = examples.features @ weight + bias
    others = np.sort(logits[~examples.is_speech])
    speech = logits[examples.is_speech]
    wins = sum(others.searchsorted(speech, side).mean() for side in ("left", "right"))
    return float(wins / 2 / len(others))


def with_layer(
    model: onnx.ModelProto, weight: np.ndarray, bias: float, size: int
) -> onnx.ModelProto:
    """Copy of a student with the layer, in place of one that it may have.

    Its graph has a further output ``speech`` ``(1, 1)``, the share of tokens that are
    speech.

    Args:
        model: student whose graph has the inner value ``tokens``
        weight: weight ``(size,)``
        bias: bias
        size: number of tokens over which logits are averaged, odd

    """
    copy = without_layer(model)
    split = next(node for node in copy.graph.node if "tokens" in node.input)
    constants: dict[str, np.ndarray] = {
        "speech.weight": np.asarray(weight, np.float32)[None],
        "speech.bias": np.array([bias], np.float32),
        "speech.threshold": np.zeros((), np.float32),
        "speech.axis": np.array([2], np.int64),
    }
    copy.graph.initializer.extend(
        onnx.numpy_helper.from_array(values, name) for name, values in constants.items()
    )
    copy.graph.node.extend(_nodes(split.output[0], size))
    share = helper.make_tensor_value_info("speech", TensorProto.FLOAT, [1, 1])
    copy.graph.output.append(share)
    return copy


def _nodes(values: str, size: int) -> Iterator[onnx.NodeProto]:
    """Operations from values of tokens to the share of speech."""
    window = {"kernel_shape": [size], "pads": [size // 2, size // 2]}
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("MatMul", ["speech.weight", values], "speech.product", {}),
        ("Add", ["speech.product", "speech.bias"], "speech.logits", {}),
        ("AveragePool", ["speech.logits"], "speech.smoothed", window),
        ("Greater", ["speech.smoothed", "speech.threshold"], "speech.mask", {}),
        ("Cast", ["speech.mask"], "speech.counted", {"to": TensorProto.FLOAT}),
        ("ReduceMean", ["speech.counted", "speech.axis"], "speech", {"keepdims": 0}),
    ]
    for kind, inputs, output, attributes in steps:
        yield helper.make_node(kind, inputs, [output], name=output, **attributes)


def is_of_layer(item: onnx.NodeProto | onnx.TensorProto | onnx.ValueInfoProto) -> bool:
    """Whether a node, weight or output of a graph belongs to the layer."""
    return item.name.startswith("speech")


def without_layer(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy of a model without the layer."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for part in (copy.graph.initializer, copy.graph.node, copy.graph.output):
        others = [item for item in part if not is_of_layer(item)]
        del part[:]
        part.extend(others)
    return copy


def moved_layer(source: onnx.ModelProto, target: onnx.ModelProto) -> onnx.ModelProto:
    """Copy of a model with the layer of another one that has the same tokens.

    Args:
        source: model with or without the layer, such as a student
        target: model with the same values of tokens, such as that student in integers

    """
    copy = without_layer(target)
    for part in ("initializer", "node", "output"):
        items = filter(is_of_layer, getattr(source.graph, part))
        getattr(copy.graph, part).extend(items)
    return copy
