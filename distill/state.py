"""State of a training: all that it is resumed from, in one file."""

import dataclasses
import json
import os
from collections.abc import Mapping
from collections.abc import Sequence

import audeer
import numpy as np
import torch

from audw2s.distill.settings import check_unchanged
from audw2s.distill.teachers.checkpoint import read_tensors
from audw2s.distill.teachers.checkpoint import write_tensors

CHECKPOINT = "checkpoint.safetensors"

Tensors = dict[str, torch.Tensor]


@dataclasses.dataclass(eq=False)
class State:
    """Networks, optimisers, history, and the tensors of the best evaluation.

    Raises:
        ValueError: if the checkpoint was written with another identity

    """

    folder: str
    """Folder of the training; a checkpoint in it is loaded."""

    identity: Mapping[str, object]
    """Settings and hashes that the training depends on, as for JSON."""

    networks: Mapping[str, torch.nn.Module]
    """Networks by name, without a dot."""

    optimisers: Sequence[torch.optim.Optimizer]
    """Optimisers; the learning rate that they begin with is their highest one."""

    names: Sequence[str] = ()
    """Names of the scores in the history; the highest mean of them is the best."""

    measure: str = "CCC"
    """Name of the measure of these scores."""

    step: int = dataclasses.field(default=0, init=False)
    history: list[dict] = dataclasses.field(default_factory=list, init=False)
    best: Tensors = dataclasses.field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Resume the training if there is a checkpoint."""
        for group in self.groups:
            group["initial_lr"] = group["lr"]
        self.path = os.path.join(audeer.mkdir(self.folder), CHECKPOINT)
        if os.path.exists(self.path):
            self._resume()

    @property
    def groups(self) -> list[dict]:
        """Groups of parameters of all optimisers, with their highest ``initial_lr``."""
        return [group for o in self.optimisers for group in o.param_groups]

    def note(self, entry: dict, tensors: Tensors) -> None:
        """Add an evaluation to the history, and keep its tensors if it is the best."""
        if all(self.score(entry) > self.score(old) for old in self.history):
            self.best = {k: v.detach().clone() for k, v in tensors.items()}
        self.history.append(entry)

    def score(self, entry: dict) -> float:
        """Mean of the scores of an entry of the history."""
        return float(np.mean([entry[name] for name in self.names]))

    def save(self) -> None:
        """Write a checkpoint, atomically."""
        parts = {name: n.state_dict() for name, n in self.networks.items()}
        parts["best"] = self.best
        for place, optimiser in enumerate(self.optimisers):
            moments = optimiser.state_dict()["state"].items()
            parts |= {f"optimiser{place}.{number}": v for number, v in moments}
        # Copies: averages share no memory with the network, but buffers may
        tensors = {
            f"{part}.{key}": value.detach().clone().contiguous()
            for part, values in parts.items()
            for key, value in values.items()
        }
        about = ("step", "history", "identity")
        metadata = {name: json.dumps(getattr(self, name)) for name in about}
        write_tensors(tensors, self.path, metadata)

    def _resume(self) -> None:
        tensors, metadata = read_tensors(self.path)
        parts = _by_part(tensors)
        check_unchanged(self.path, json.loads(metadata["identity"]), self.identity)
        for name, network in self.networks.items():
            network.load_state_dict(parts[name])
        for place, optimiser in enumerate(self.optimisers):
            moments = _by_part(parts.get(f"optimiser{place}", {}))
            state = {int(number): v for number, v in moments.items()}
            groups = optimiser.state_dict()["param_groups"]
            optimiser.load_state_dict({"state": state, "param_groups": groups})
        self.step = json.loads(metadata["step"])
        self.history = json.loads(metadata["history"])
        self.best = parts.get("best", {})


def _by_part(tensors: Tensors) -> dict[str, Tensors]:
    """Tensors by what stands before the first dot of their names, and by the rest."""
    parts: dict[str, Tensors] = {}
    for key, value in tensors.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return parts
