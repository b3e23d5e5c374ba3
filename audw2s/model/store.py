"""Write model folders: a ``model.onnx`` with metadata, and a ``model.yaml``."""

import os
from collections.abc import Sequence

import audeer
import audonnx
import onnx

from audw2s.files import replacing
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS


def save(
    model: onnx.ModelProto,
    folder: str,
    properties: dict[str, str],
    name: str = "model",
    labels: Sequence[str] = DIMENSIONS,
) -> str:
    """Write a model into a folder: ``model.onnx`` and a ``model.yaml`` for audonnx.

    Args:
        model: model with an output ``logits``
        folder: folder that is created; existing files are replaced
        properties: metadata of the ONNX file, see
            :class:`audw2s.inference.network.Network`
        name: name of both files, without extension
        labels: labels of ``logits``

    Returns:
        sha256 of the ONNX file

    """
    audeer.mkdir(folder)
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model)
    path = os.path.join(folder, f"{name}.onnx")
    with replacing(path) as temporary:
        onnx.save(model, temporary)
    labelled = audonnx.Model(path, labels={"logits": list(labels)})
    with replacing(os.path.join(folder, f"{name}.yaml")) as temporary:
        labelled.to_yaml(temporary)
    return sha256(path)


def properties(model: onnx.ModelProto) -> dict[str, str]:
    """Metadata of an ONNX file."""
    return {entry.key: entry.value for entry in model.metadata_props}
