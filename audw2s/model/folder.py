"""Model folders of users: check their content before a model is opened."""

import contextlib
import functools
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import yaml

from audw2s.errors import DataWarning
from audw2s.model.registry import DIMENSIONS

if TYPE_CHECKING:
    import onnx
    from google.protobuf.message import Message

REMEDY = "export or copy the model again"


class CorruptModelError(ValueError):
    """Raised if a model file isn't the expected one, or can't be used.

    Its sha256 isn't that of the catalogue, it is no ONNX file, or it lacks the outputs
    arousal, dominance and valence.

    Examples:
        >>> import pathlib, tempfile
        >>> import audw2s
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> (folder / "model.onnx").write_bytes(b"no model")
        8
        >>> audw2s.load(str(folder))
        Traceback (most recent call last):
        audw2s.model.folder.CorruptModelError: ...

    """


class UnverifiedModelWarning(DataWarning):
    """Warns that a model file can't be verified, as its sha256 is unknown."""


@contextlib.contextmanager
def explained(path: str, what: str = "can't be opened as a model") -> Iterator[None]:
    """Explain exceptions that a damaged model raises.

    Args:
        path: path of the ONNX file
        what: text that describes what failed

    Raises:
        CorruptModelError: in place of other errors

    """
    try:
        yield
    except (CorruptModelError, FileNotFoundError):
        raise
    except Exception as error:  # protobuf, ONNX Runtime and audonnx have no common one
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise CorruptModelError(f"'{path}' {what} ({reason}): {REMEDY}.") from error


def labels(folder: str) -> list[str]:
    """Names of the model's values in the order of its output ``logits``.

    They are those of ``model.yaml``, which is read as data: code that it names isn't
    run. Without labels they are arousal, dominance and valence.

    Raises:
        ValueError: if there are other labels, or the file names a transform or another
            ONNX file

    """
    content = yaml_content(folder)
    path = content.get("path") or "model.onnx"
    if path != "model.onnx":
        raise ValueError(
            f"'{folder}/model.yaml' names the file '{path}', audw2s reads model.onnx "
            "in the same folder: rename one of them."
        )
    if content.get("transform") is not None:
        raise ValueError(
            f"'{folder}/model.yaml' names a transform, and code that a folder names "
            "isn't run. Open it with audonnx.load and pass the model itself."
        )
    names = content.get("labels")
    logits = names.get("logits") if isinstance(names, dict) else names
    if logits is None and not names:
        return list(DIMENSIONS)
    if not isinstance(logits, list) or sorted(map(str, logits)) != sorted(DIMENSIONS):
        raise ValueError(
            f"'{folder}/model.yaml' labels the values {names}; logits have to be "
            f"{', '.join(DIMENSIONS)}, in any order."
        )
    return logits


def yaml_content(folder: str) -> dict:
    """Content of ``model.yaml``; empty if audonnx didn't write it."""
    path = os.path.join(folder, "model.yaml")
    if not os.path.isfile(path):
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CorruptModelError(
            f"'{path}' can't be read ({reason}): {REMEDY}."
        ) from error
    if not isinstance(content, dict) or len(content) != 1:
        return {}
    ((key, model),) = content.items()
    return model if str(key).startswith("$audonnx") and isinstance(model, dict) else {}


def check(path: str) -> None:
    """Check that all weights of a model are in its file, and that none is NaN.

    Raises:
        CorruptModelError: if not

    """
    stat = os.stat(path)
    _check(os.path.realpath(path), path, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _check(real: str, path: str, size: int, changed: int) -> None:
    import numpy as np
    import onnx

    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    with explained(path):
        model = onnx.load(path, load_external_data=False)
        for tensor in _tensors(model):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                where = {entry.key: entry.value for entry in tensor.external_data}
                raise CorruptModelError(
                    f"'{path}' keeps weights in another file, "
                    f"'{where.get('location', '')}', which its hash doesn't cover: put "
                    "all into one file, as onnx.save(onnx.load(path), path) does."
                )
            if tensor.data_type in floats:
                if np.isnan(onnx.numpy_helper.to_array(tensor)).any():
                    raise CorruptModelError(
                        f"Weights of '{path}' are NaN, as '{tensor.name}': {REMEDY}."
                    )


def _tensors(message: "Message") -> "Iterator[onnx.TensorProto]":
    """All tensors of a model, also of nested graphs, functions and attributes."""
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        for part in value if hasattr(value, "__len__") else [value]:
            if part.DESCRIPTOR.name == "TensorProto":
                yield part
            else:
                yield from _tensors(part)


@functools.lru_cache(maxsize=64)
def warn_unverified(path: str, sha256: str) -> None:
    """Warn once that the sha256 of a model file is unknown.

    Args:
        path: path of the ONNX file
        sha256: sha256 of its content

    """
    folder = os.path.dirname(path)
    names = ", ".join(DIMENSIONS)
    note = f"Its model.yaml names no labels, they are taken as {names}. "
    has_labels = yaml_content(folder).get("labels")
    warnings.warn(
        f"'{folder}' isn't verified: no sha256 of it is known, it has {sha256[:8]}. "
        f"{'' if has_labels else note}Use models only from sources that you trust.",
        UnverifiedModelWarning,
        stacklevel=4,
    )
