"""Folders of published weights: ``config.json`` and safetensors, read strictly."""

import json
import os

import torch
from safetensors import SafetensorError
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from audw2s.files import replacing

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".ckpt", ".pkl", ".pt", ".pth")

NAMED = 3
"""Largest number of keys of each kind that an error names."""

SAME_KEYS = {"": ""}
"""Key map of a network whose keys are the published ones."""


def read_json(path: str) -> dict:
    """Read a JSON object.

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it holds something else

    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file '{path}'.")
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    # Files that are no text or nested without end are damaged as well
    except (ValueError, RecursionError) as error:
        raise ValueError(f"'{path}' is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"'{path}' has to hold an object, not {value!r:.50}.")
    return value


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """Read all weights of a folder from safetensors, whole or in shards.

    Args:
        path: folder with a ``model.safetensors``, or with shards and their
            ``model.safetensors.index.json``

    Raises:
        FileNotFoundError: if the folder or a shard isn't there, or the folder has no
            weights
        ValueError: if a file is damaged, the shards don't hold what their index
            says, or the folder has weights as pickles only

    """
    if not os.path.isdir(path):
        raise FileNotFoundError(f"There is no folder '{path}'.")
    if os.path.isfile(os.path.join(path, WEIGHTS)):
        return read_tensors(os.path.join(path, WEIGHTS))[0]
    if os.path.isfile(os.path.join(path, INDEX)):
        return read_shards(path)
    pickles = sorted(name for name in os.listdir(path) if name.endswith(PICKLES))
    if pickles:
        raise ValueError(
            f"'{path}' has only '{pickles[0]}'. Pickles can run any code and aren't "
            f"opened, '{WEIGHTS}' is needed."
        )
    raise FileNotFoundError(f"There is no '{WEIGHTS}' in '{path}'.")


def read_tensors(path: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read the tensors of one file, and its metadata.

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it is damaged

    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"'{path}' is no whole safetensors file: {error}") from error


def write_tensors(
    tensors: dict[str, torch.Tensor], path: str, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors with metadata; the file appears when it is complete."""
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def read_shards(folder: str) -> dict[str, torch.Tensor]:
    """Read the weights of all shards that the folder's index names.

    Raises:
        FileNotFoundError: if a shard isn't there
        ValueError: if a file is damaged, or the shards don't hold what it says

    """
    path = os.path.join(folder, INDEX)
    shards = read_json(path).get("weight_map")
    if not isinstance(shards, dict) or not all(map(is_name, shards.values())):
        raise ValueError(f"'{path}' has to map keys to files beside it.")
    weights: dict[str, torch.Tensor] = {}
    for name in sorted(set(shards.values())):
        shard = os.path.join(folder, name)
        if not os.path.isfile(shard):
            raise FileNotFoundError(f"'{path}' names '{name}', which isn't there.")
        stored = read_tensors(shard)[0]
        differing = stored.keys() ^ {key for key in shards if shards[key] == name}
        if differing:
            raise ValueError(
                f"'{shard}' doesn't hold what '{path}' says: {some(sorted(differing))}."
            )
        weights.update(stored)
    return weights


def is_name(value: object) -> bool:
    """Whether a value is a file name without a folder."""
    return isinstance(value, str) and bool(value) and os.path.basename(value) == value


def load_strictly(
    network: nn.Module,
    weights: dict[str, torch.Tensor],
    key_map: dict[str, str],
    path: str,
    ignored: tuple[str, ...] = (),
) -> None:
    """Load all weights of a network, in its precision, or none.

    Args:
        network: may be on torch's meta device: its weights are replaced, not copied
            to, so none keeps a random value
        weights: weights by their published keys
        key_map: prefixes of published keys and what they are in the network; the
            first that fits counts
        path: where the weights are from, for errors
        ignored: published keys that may be there and aren't used, and beginnings of
            such keys, which end with a dot

    Raises:
        ValueError: if a key is missing, unknown or given twice, or a value has a
            wrong shape or kind of number; the sentence names them

    """
    expected = network.state_dict()
    renamed: dict[str, torch.Tensor] = {}
    unknown, twice, wrong = [], [], []
    parts = tuple(name for name in ignored if name.endswith("."))
    used = (k for k in weights if k not in ignored and not k.startswith(parts))
    for key in used:
        name = rename(key, key_map)
        if name not in expected:
            unknown.append(key)
            continue
        if name in renamed:
            twice.append(key)
        renamed[name] = weights[key]
        if not fits(weights[key], expected[name]):
            given, needed = type_and_shape(weights[key]), type_and_shape(expected[name])
            wrong.append(f"{key} is {given}, not {needed}")
    missing = [published(name, key_map) for name in expected if name not in renamed]
    faults = {"missing": missing, "unknown": unknown, "twice": twice, "wrong": wrong}
    if any(faults.values()):
        reason = "; ".join(f"{len(v)} {k} ({some(v)})" for k, v in faults.items() if v)
        kind = type(network).__name__
        raise ValueError(f"'{path}' doesn't hold the weights of {kind}: {reason}.")
    # Copies, as values read from safetensors are views of the file
    values = {k: v.to(expected[k].dtype, copy=True) for k, v in renamed.items()}
    network.load_state_dict(values, strict=True, assign=True)


def fits(value: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether a weight can be used, possibly in another precision."""
    same_kind = value.is_floating_point() == expected.is_floating_point()
    return value.shape == expected.shape and same_kind


def type_and_shape(value: torch.Tensor) -> str:
    """Type and shape of a tensor.

    Examples:
        >>> type_and_shape(torch.zeros(3, 2))
        'float32 (3, 2)'

    """
    return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"


def rename(key: str, key_map: dict[str, str]) -> str | None:
    """Name in the network of a published key; None if it is unknown.

    Examples:
        >>> rename("classifier.out_proj.bias", {"classifier.out_proj.": "adv."})
        'adv.bias'

    """
    for prefix, ours in key_map.items():
        if key.startswith(prefix):
            return ours + key[len(prefix) :]
    return None


def published(name: str, key_map: dict[str, str]) -> str:
    """Published key of a name in the network; the reverse of :func:`rename`.

    Examples:
        >>> published("adv.bias", {"classifier.out_proj.": "adv."})
        'classifier.out_proj.bias'

    """
    for prefix, ours in key_map.items():
        if name.startswith(ours):
            return prefix + name[len(ours) :]
    return name


def some(keys: list[str]) -> str:
    """First keys of a list, in words.

    Examples:
        >>> some(["a", "b"])
        'a, b'
        >>> some(["a", "b", "c", "d"])
        'a, b, c, …'

    """
    return ", ".join([*keys[:NAMED], "…"] if len(keys) > NAMED else keys)
