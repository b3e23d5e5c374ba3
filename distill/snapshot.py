"""Checkpoint file that resumes a training: tensors, optimiser, history."""

import json
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from audw2s.distill.config import changed_settings
from audw2s.files import replacing

Tensors = dict[str, torch.Tensor]


class Snapshot(NamedTuple):
    """Content of a checkpoint."""

    parts: dict[str, Tensors]
    """Tensors by the part that they belong to, and by their name in it."""

    step: int
    history: list[dict]


def write(
    path: str,
    parts: dict[str, Tensors],
    optimiser: torch.optim.Optimizer,
    *,
    step: int,
    history: list[dict],
    identity: dict[str, object],
) -> None:
    """Write a snapshot, atomically.

    Args:
        path: path of the file
        parts: tensors by part and name; a part's name has no dot
        optimiser: optimiser, whose moments are stored as well
        step: number of steps done
        history: history of the training
        identity: settings and hashes that the training depends on, as for JSON

    """
    tensors = {f"{p}.{k}": v for p, values in parts.items() for k, v in values.items()}
    for number, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{k}": v for k, v in values.items()}
    # Averages share no memory with the network, but buffers may
    tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
    meta = {
        "step": str(step),
        "history": json.dumps(history),
        "identity": json.dumps(identity),
    }
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=meta)


def read(path: str, identity: dict[str, object]) -> Snapshot:
    """Read a snapshot.

    Args:
        path: path of the file
        identity: see :func:`write`

    Raises:
        ValueError: if it was written with another identity

    """
    with safe_open(path, "pt") as file:
        meta = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    stored = json.loads(meta.get("identity", "{}"))
    if changed := changed_settings(stored, identity):
        raise ValueError(
            f"{path} was trained with other settings of {changed}, or other content. "
            "Choose another output folder, or delete this one."
        )
    parts: dict[str, Tensors] = {}
    for key, value in tensors.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return Snapshot(parts, int(meta["step"]), json.loads(meta["history"]))


def restore(optimiser: torch.optim.Optimizer, snapshot: Snapshot) -> None:
    """Restore the moments of an optimiser."""
    moments: dict[int, Tensors] = {}
    for key, value in snapshot.parts.get("optimiser", {}).items():
        number, _, name = key.partition(".")
        moments.setdefault(int(number), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
