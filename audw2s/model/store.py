"""Open and write models that have a single ONNX file."""

import os
from collections.abc import Sequence

import audeer
import audonnx
import onnx
import onnxruntime

from audw2s.files import replacing
from audw2s.model import folder as folders
from audw2s.model.device import Device
from audw2s.model.device import check_session
from audw2s.model.find import exits_of
from audw2s.model.find import known_sha256
from audw2s.model.find import model_path
from audw2s.model.find import remedy
from audw2s.model.find import sha256
from audw2s.model.find import verified
from audw2s.model.find import warn_unverified
from audw2s.model.model import Model
from audw2s.model.names import entry_of
from audw2s.model.registry import DIMENSIONS


def open_single(
    name: str,
    exit: int | None = None,
    *,
    device: Device = "cpu",
    num_workers: int | None = 1,
) -> Model:
    """Open a model of the catalogue, or a model folder; see :func:`audw2s.load`.

    Args:
        name: name in the catalogue, or a folder; not an ensemble
        exit: layer of an exit, the deepest by default
        device: device of the model, see :func:`audw2s.load`
        num_workers: number of threads, see :func:`audw2s.load`

    Raises:
        MissingModelError: if there is no such model, or it isn't installed
        CorruptModelError: if its file isn't the expected one, or is damaged

    """
    path, expected = model_path(name, exit), known_sha256(name, exit)
    verified(path, expected, remedy(entry_of(name)))
    index = exits_of(name, exit)
    labels = list(index.labels) if index else list(DIMENSIONS)
    if expected is None:
        labels = folders.labels(name)
        folders.check(path)
        warn_unverified(name)
    with folders.explained(path):
        kept = properties(onnx.load(path, load_external_data=False))
        # Labels are set here, as loading model.yaml would run code that it names
        model = Model(
            path,
            labels={"logits": labels},
            device=device,
            session_options=session_options(num_workers, "quantised" not in kept),
        )
    check_session(model, device)
    return model


def session_options(
    num_workers: int | None,
    blocked: bool = True,
) -> onnxruntime.SessionOptions:
    """Options of a session that takes little memory, and returns it after each call.

    ``tests/benchmark/memory.py`` measures both. Signals differ in length: blocks that
    onnxruntime plans for one length and keeps are twice what a call needs, and no
    faster.

    Args:
        num_workers: number of threads, ``None`` for the default of onnxruntime
        blocked: whether convolutions of floats have blocked channels, which is faster.
            Networks of integers have one such convolution only, whose output would be
            copied for the next

    """
    options = onnxruntime.SessionOptions()
    if num_workers is not None:
        options.intra_op_num_threads = options.inter_op_num_threads = num_workers
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    if not blocked:
        key = "optimization.disable_specified_optimizers"
        options.add_session_config_entry(key, "NchwcTransformer")
    return options


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
