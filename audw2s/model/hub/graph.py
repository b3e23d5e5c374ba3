"""Published ONNX graphs made to take the signal as it is."""

import os

import onnx
from onnx import parser

from audw2s.model import folder as folders
from audw2s.model.registry import DIMENSIONS

NORMALISATION = """
normalisation (float[1, time] signal) => (float[1, padded] signal_normalised)
<float signal_eps = {{1e-7}}, int64[1] signal_axis = {{1}},
 float[1] signal_frame = {{400}}, int64[3] signal_before = {{0, 0, 0}}>
{{
    signal_mean = {mean}
    signal_centred = Sub (signal, signal_mean)
    signal_squared = Mul (signal_centred, signal_centred)
    signal_var = {var}
    signal_regular = Add (signal_var, signal_eps)
    signal_std = Sqrt (signal_regular)
    signal_scaled = Div (signal_centred, signal_std)
    signal_shape = Shape (signal)
    signal_length = Gather (signal_shape, signal_axis)
    signal_samples = Cast <to = 1> (signal_length)
    signal_difference = Sub (signal_frame, signal_samples)
    signal_positive = Relu (signal_difference)
    signal_after = Cast <to = 7> (signal_positive)
    signal_pads = Concat <axis = 0> (signal_before, signal_after)
    signal_normalised = Pad (signal_scaled, signal_pads)
}}
"""
"""``(x - mean) / sqrt(var + 1e-7)``, then silence up to 400 samples, which a frame of
wav2vec 2.0 has; in floats, as older opsets have no maximum of integers. No published
graph has these names."""

MEANS = ("ReduceMean <axes = [1]> ({})", "ReduceMean ({}, signal_axis)")
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
    text = NORMALISATION.format(
        mean=mean.format("signal"), var=mean.format("signal_squared")
    )
    before = parser.parse_graph(text)
    for node in model.graph.node:
        inputs = ("signal_normalised" if n == "signal" else n for n in node.input)
        node.input[:] = list(inputs)
    nodes = [*before.node, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(before.initializer)
    return model


def without_normalisation(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """Let a network take the signal that :func:`normalised` put before it, in place.

    Args:
        model: model with one input, ``signal`` ``(1, time)``

    Returns:
        the model; ``None`` if it wasn't made by :func:`normalised`

    """
    changed = False
    for node in model.graph.node:
        inputs = ["signal" if n == "signal_normalised" else n for n in node.input]
        changed |= inputs != list(node.input)
        node.input[:] = inputs
    return model if changed else None
