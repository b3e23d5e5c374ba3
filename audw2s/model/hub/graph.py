"""Published ONNX graphs made to take the signal as it is."""

import os

import onnx
from onnx import parser

from audw2s.model import folder as folders
from audw2s.model.registry import DIMENSIONS

NORMALISATION = """
normalisation (float[1, time] signal) => (float[1, padded] normalised)
<float eps = {{1e-7}}, int64[1] axis = {{1}}, float[1] frame = {{400}},
 int64[3] before = {{0, 0, 0}}>
{{
    mean = {mean}
    centred = Sub (signal, mean)
    squared = Mul (centred, centred)
    var = {var}
    regular = Add (var, eps)
    std = Sqrt (regular)
    scaled = Div (centred, std)
    shape = Shape (signal)
    length = Gather (shape, axis)
    samples = Cast <to = 1> (length)
    difference = Sub (frame, samples)
    positive = Relu (difference)
    after = Cast <to = 7> (positive)
    pads = Concat <axis = 0> (before, after)
    normalised = Pad (scaled, pads)
}}
"""
"""``(x - mean) / sqrt(var + 1e-7)``, then silence up to 400 samples, which a frame of
wav2vec 2.0 has; in floats, as older opsets have no maximum of integers."""

MEANS = ("ReduceMean <axes = [1]> ({})", "ReduceMean ({}, axis)")
"""Mean over time, before opset 18 and since then."""


def read_published(folder: str) -> onnx.ModelProto:
    """Read the ``model.onnx`` of an archive and put the normalisation before it.

    The published network takes a signal that was normalised by the mean and standard
    deviation of the clip. Here that is part of the graph.

    Args:
        folder: folder with ``model.onnx`` and ``model.yaml``

    Raises:
        ValueError: if the network has other inputs, outputs or labels

    """
    labels = folders.yaml_content(folder).get("labels") or {}
    if labels.get("logits") != list(DIMENSIONS):
        raise ValueError(f"'{folder}' has labels {labels}, not {list(DIMENSIONS)}.")
    path = os.path.join(folder, "model.onnx")
    with folders.explained(path):
        model = onnx.load(path)
    inputs = [node.name for node in model.graph.input]
    outputs = [node.name for node in model.graph.output]
    if inputs != ["signal"] or sorted(outputs) != ["hidden_states", "logits"]:
        raise ValueError(f"'{path}' takes {inputs} and gives {outputs}.")
    return normalised(model)


def normalised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put :data:`NORMALISATION` before a network, in place.

    Args:
        model: model with one input, ``signal`` ``(1, time)``

    """
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    mean = MEANS[opset >= 18]
    text = NORMALISATION.format(mean=mean.format("signal"), var=mean.format("squared"))
    before = parser.parse_graph(text)
    for node in before.node:
        node.input[:] = [_unique(name) for name in node.input]
        node.output[:] = [_unique(name) for name in node.output]
    for tensor in before.initializer:
        tensor.name = _unique(tensor.name)
    for node in model.graph.node:
        node.input[:] = [
            _unique("normalised") if name == "signal" else name for name in node.input
        ]
    nodes = [*before.node, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(before.initializer)
    return model


def _unique(name: str) -> str:
    """Name that no published graph has."""
    return name if name == "signal" else f"normalisation.{name}"
