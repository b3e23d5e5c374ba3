"""Published ONNX graphs made to take the signal as it is."""

import os

import numpy as np
import onnx
import yaml
from onnx import TensorProto
from onnx import helper
from onnx import numpy_helper

from audw2s.model.registry import DIMENSIONS

MIN_SAMPLES = 400
"""Samples of a frame of wav2vec 2.0; shorter signals are followed by silence."""


def read_published(folder: str) -> onnx.ModelProto:
    """Read an archive's ``model.onnx`` and put what it leaves to its users before it.

    The published network takes a signal that was normalised by its clip's mean and
    standard deviation. Here that is part of the graph.

    Args:
        folder: with ``model.onnx`` and ``model.yaml``

    Raises:
        ValueError: if the network has other inputs, outputs or labels

    """
    check_labels(os.path.join(folder, "model.yaml"))
    path = os.path.join(folder, "model.onnx")
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's errors have no common class
        raise ValueError(f"'{path}' is no ONNX file: {error}") from error
    inputs = [node.name for node in model.graph.input]
    outputs = [node.name for node in model.graph.output]
    if inputs != ["signal"] or sorted(outputs) != ["hidden_states", "logits"]:
        raise ValueError(f"'{path}' takes {inputs} and gives {outputs}.")
    return normalised(model)


def check_labels(path: str) -> None:
    """Make sure that a network says arousal, dominance and valence in this order.

    The file is read as data; what it names is not run.

    Raises:
        ValueError: if it says something else

    """
    with open(path, encoding="utf-8") as file:
        try:
            content = yaml.safe_load(file)
            labels = next(iter(content.values()))["labels"]["logits"]
        except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"'{path}' has no labels of logits.") from error
    if labels != list(DIMENSIONS):
        raise ValueError(f"'{path}' has labels {labels}, not {list(DIMENSIONS)}.")


def normalised(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put the normalisation of the clip before a network, in place.

    ``(x - mean) / sqrt(var + 1e-7)``, then silence up to the length of a frame.

    Args:
        model: with one input, ``signal`` [1, time]

    """
    for node in model.graph.node:
        renamed = ["normalised" if name == "signal" else name for name in node.input]
        del node.input[:]
        node.input.extend(renamed)
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    nodes = [*_normalise(opset), *_extend(), *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(_constants())
    return model


def _constants() -> list[TensorProto]:
    values = {
        "normalise.eps": np.float32(1e-7),
        "normalise.axis": np.array([1], np.int64),
        "normalise.frame": np.array([MIN_SAMPLES], np.float32),
        "normalise.before": np.array([0, 0, 0], np.int64),
    }
    return [numpy_helper.from_array(np.asarray(v), k) for k, v in values.items()]


def _normalise(opset: int) -> list[onnx.NodeProto]:
    def mean(of: str, out: str) -> onnx.NodeProto:
        if opset >= 18:
            return helper.make_node("ReduceMean", [of, "normalise.axis"], [out])
        return helper.make_node("ReduceMean", [of], [out], axes=[1])

    return [
        mean("signal", "normalise.mean"),
        helper.make_node("Sub", ["signal", "normalise.mean"], ["normalise.centred"]),
        helper.make_node(
            "Mul", ["normalise.centred", "normalise.centred"], ["normalise.squared"]
        ),
        mean("normalise.squared", "normalise.var"),
        helper.make_node("Add", ["normalise.var", "normalise.eps"], ["normalise.sum"]),
        helper.make_node("Sqrt", ["normalise.sum"], ["normalise.std"]),
        helper.make_node(
            "Div", ["normalise.centred", "normalise.std"], ["normalise.whole"]
        ),
    ]


def _extend() -> list[onnx.NodeProto]:
    # In floats, as older opsets have no maximum of integers
    return [
        helper.make_node("Shape", ["signal"], ["normalise.shape"]),
        helper.make_node(
            "Gather", ["normalise.shape", "normalise.axis"], ["normalise.length"]
        ),
        helper.make_node(
            "Cast", ["normalise.length"], ["normalise.float"], to=TensorProto.FLOAT
        ),
        helper.make_node(
            "Sub", ["normalise.frame", "normalise.float"], ["normalise.lack"]
        ),
        helper.make_node("Relu", ["normalise.lack"], ["normalise.relu"]),
        helper.make_node(
            "Cast", ["normalise.relu"], ["normalise.after"], to=TensorProto.INT64
        ),
        helper.make_node(
            "Concat",
            ["normalise.before", "normalise.after"],
            ["normalise.pads"],
            axis=0,
        ),
        helper.make_node("Pad", ["normalise.whole", "normalise.pads"], ["normalised"]),
    ]
