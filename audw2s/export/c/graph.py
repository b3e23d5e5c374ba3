"""Weights of a student of the Wav2Small family, from the graph of its ONNX file."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx
from onnx.numpy_helper import to_array

from audw2s.audio.samples import HOP

CHAIN = (
    "Unsqueeze Conv Mul MatMul Clip Log Mul Unsqueeze Conv Relu (Conv (Relu )?)+"
    "MaxPool (Conv (Relu )?)+Reshape (Transpose )?MatMul (Transpose )?Add"
)
"""Operations from the normalised signal to the tokens, as a regular expression."""

SPECTRUM = {"kernel_shape": [HOP], "pads": [0, 0], "strides": [HOP // 2]}
CONVOLUTION = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
POOLING = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}


ONE = np.ones(1, np.float32)
"""Scale of values that aren't quantised."""


class UnsuitableGraphError(ValueError):
    """Raised if a graph isn't one of the Wav2Small family."""


class Layer(NamedTuple):
    """Layer with constant weights."""

    weight: np.ndarray
    """``(outputs, inputs, bands, time)`` of a convolution, ``(outputs, inputs)`` of a
    matrix; integers if the model is quantised."""

    bias: np.ndarray
    """``(outputs,)``, integers for a convolution of integers."""

    scale: np.ndarray
    """Real number for a sum of 1: ``(outputs,)`` if weights are integers, else 1."""


class Weights(NamedTuple):
    """Weights of a student, without the channels that an export adds."""

    epsilon: float
    """Constant that is added to the variance of a signal."""

    dft: np.ndarray
    """Real and imaginary parts ``(2 * bins, 64)``."""

    mel: np.ndarray
    """Mel filters ``(bands, bins)``."""

    log_floor: float
    """Smallest power of a band."""

    log_scale: float
    """Factor of the natural logarithm of powers."""

    convolutions: list[Layer]

    steps: list[float]
    """Real number for an output of 1 of each convolution, 1 unless these are integers.
    """

    num_before: int
    """Number of convolutions before pooling."""

    tokens: Layer
    """Matrix of ``lin``, then of ``sof``: ``(2 * size, size)``."""

    head: Layer
    """Matrix of arousal, dominance and valence: ``(3, size)``."""

    speech: Layer | None
    """Matrix ``(1, size)`` whose mean around a token tells whether it is speech, if the
    model has one."""

    speech_size: int
    """Number of tokens of this mean."""

    speech_threshold: float
    """Lower bound of this mean for speech."""

    @property
    def is_quantised(self) -> bool:
        """Whether weights are integers."""
        return self.tokens.weight.dtype.kind != "f"


def read(path: str, order: Sequence[int], epsilon: float) -> Weights:
    """Read the weights of a student.

    Args:
        path: path of an ONNX file that was written by ``audw2s distill export`` or
            ``audw2s distill quantise``
        order: positions of arousal, dominance and valence among the logits
        epsilon: constant that is added to the variance of a signal

    Raises:
        UnsuitableGraphError: if the student isn't of the Wav2Small family

    """
    model = onnx.load(path)
    graph = _Graph(model)
    nodes = graph.nodes
    kinds = [node.op_type for node in nodes]
    if not re.fullmatch(CHAIN, " ".join(kinds)):
        raise UnsuitableGraphError(f"its operations are {' '.join(kinds)}")
    spectrum, *convolutions = (n for n in nodes if n.op_type == "Conv")
    pooling = nodes[kinds.index("MaxPool")]
    _check(spectrum, SPECTRUM)
    _check(pooling, POOLING)
    for node in convolutions:
        _check(node, CONVOLUTION)
    mel, tokens = (node for node in nodes if node.op_type == "MatMul")
    filters = np.split(graph.constant(mel.input[0]), 2, axis=1)
    if not np.array_equal(filters[0], filters[1]):
        raise UnsuitableGraphError("mel filters of real and imaginary parts differ")
    num_channels = len(graph.constant(convolutions[-1].input[1]))
    weights = {w.name: to_array(w) for w in model.graph.initializer}
    head = [weights[f"adv.{name}"][list(order)] for name in ("weight", "bias")]
    means = (
        onnx.helper.get_node_attr_value(node, "kernel_shape")
        for node in model.graph.node
        if node.op_type == "AveragePool"
    )
    return Weights(
        epsilon=epsilon,
        dft=graph.constant(spectrum.input[1])[:, 0],
        mel=filters[0],
        log_floor=float(graph.constant(nodes[kinds.index("Clip")].input[1])),
        log_scale=float(graph.constant(nodes[kinds.index("Log") + 1].input[1])),
        convolutions=[graph.convolution(n, num_channels) for n in convolutions],
        steps=[graph.step(n) for n in [*convolutions[1:], tokens]],
        num_before=sum(kind == "Conv" for kind in kinds[: kinds.index("MaxPool")]) - 1,
        tokens=graph.matrix(tokens, nodes[-1]),
        head=Layer(head[0], head[1], ONE),
        speech=Layer(weights["speech.weight"], weights["speech.bias"], ONE)
        if "speech.weight" in weights
        else None,
        speech_size=next(means, [1])[0],
        speech_threshold=float(weights.get("speech.threshold", 0)),
    )


class _Graph:
    """Operations from the normalised signal to the tokens, and their constants."""

    def __init__(self, model: onnx.ModelProto):
        inner = onnx.utils.Extractor(model).extract_model(["normalised"], ["tokens"])
        self.constants = {w.name: to_array(w) for w in inner.graph.initializer}
        self.nodes = []
        self.dequantised = {}
        for node in inner.graph.node:
            if node.op_type == "DequantizeLinear":
                self.dequantised[node.output[0]] = node
            elif node.op_type != "QuantizeLinear":
                self.nodes.append(node)

    def constant(self, name: str) -> np.ndarray:
        """Values of a constant, integers if it is quantised."""
        if name in self.dequantised:
            self.scale(name)
            name = self.dequantised[name].input[0]
        if name not in self.constants:
            raise UnsuitableGraphError(f"'{name}' isn't constant")
        return self.constants[name]

    def scale(self, name: str) -> np.ndarray:
        """Scale of a quantised value, 1 of others."""
        if name not in self.dequantised:
            return ONE
        _, scale, zero = self.dequantised[name].input
        if np.any(self.constants[zero]):
            raise UnsuitableGraphError(f"the zero point of '{name}' isn't zero")
        return self.constants[scale]

    def step(self, node: onnx.NodeProto) -> float:
        """Scale of a node's input."""
        return self.scale(node.input[0]).item()

    def convolution(self, node: onnx.NodeProto, num_channels: int) -> Layer:
        """Layer of a convolution, without the added channels."""
        weight, *biases = (self.constant(name) for name in node.input[1:])
        bias = biases[0] if biases else np.zeros(len(weight), np.float32)
        if np.any(weight[num_channels:]) or np.any(bias[num_channels:]):
            raise UnsuitableGraphError("its convolutions have different channels")
        scale = self.scale(node.input[1])[..., :num_channels] * self.step(node)
        # Inputs that are left out are outputs of the former layer
        return Layer(weight[:num_channels, :num_channels], bias[:num_channels], scale)

    def matrix(self, product: onnx.NodeProto, addition: onnx.NodeProto) -> Layer:
        """Layer of a product, whose weights are on the left, or right if quantised."""
        left, right = product.input
        bias = self.constant(addition.input[1])[:, 0]
        if left in self.constants:
            return Layer(self.constants[left], bias, ONE)
        scale = self.scale(right) * self.step(product)
        return Layer(self.constant(right).T, bias, scale)


def _check(node: onnx.NodeProto, expected: dict[str, list[int]]) -> None:
    found = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    plain = {"group": 1, "ceil_mode": 0, "auto_pad": b"NOTSET"}
    plain["dilations"] = [1] * len(expected["strides"])
    for name, value in (expected | plain).items():
        if found.get(name, value) != value:
            raise UnsuitableGraphError(f"'{name}' of {node.op_type} is {found[name]}")
