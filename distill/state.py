"""State of a training: all that it is resumed from, in one file."""

import json
import os
from collections.abc import Mapping
from collections.abc import Sequence

import audeer
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from audw2s.distill.settings import check_unchanged
from audw2s.files import replacing

CHECKPOINT = "checkpoint.safetensors"

Tensors = dict[str, torch.Tensor]


class State:
    """Networks, optimiser, history, and the tensors of the best evaluation.

    Args:
        folder: folder of the training; a checkpoint in it is loaded
        identity: settings and hashes that the training depends on, as for JSON
        networks: networks by name, without a dot
        optimiser: optimiser, whose groups of parameters have their highest learning
            rate as ``peak``
        names: names of the scores in the history; the highest mean of them is the best
        measure: name of the measure of these scores

    Raises:
        ValueError: if the checkpoint was written with another identity

    """

    def __init__(
        self,
        folder: str,
        identity: Mapping[str, object],
        networks: Mapping[str, torch.nn.Module],
        optimiser: torch.optim.Optimizer,
        *,
        names: Sequence[str] = (),
        measure: str = "CCC",
    ):
        self.folder = audeer.mkdir(folder)
        self.identity = identity
        self.networks = networks
        self.optimiser = optimiser
        self.names = names
        self.measure = measure
        self.step = 0
        self.history: list[dict] = []
        self.best: Tensors = {}
        self.path = os.path.join(folder, CHECKPOINT)
        if os.path.exists(self.path):
            self._resume()

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
        moments = self.optimiser.state_dict()["state"].items()
        parts |= {f"optimiser.{number}": values for number, values in moments}
        # Copies: averages share no memory with the network, but buffers may
        tensors = {
            f"{part}.{key}": value.detach().clone().contiguous()
            for part, values in parts.items()
            for key, value in values.items()
        }
        metadata = {
            "step": str(self.step),
            "history": json.dumps(self.history),
            "identity": json.dumps(self.identity),
        }
        with replacing(self.path) as temporary:
            save_file(tensors, temporary, metadata=metadata)

    def _resume(self) -> None:
        with safe_open(self.path, "pt") as file:
            metadata = file.metadata()
            parts = _by_part({key: file.get_tensor(key) for key in file.keys()})
        check_unchanged(self.path, json.loads(metadata["identity"]), self.identity)
        for name, network in self.networks.items():
            network.load_state_dict(parts[name])
        moments = _by_part(parts.get("optimiser", {}))
        self.optimiser.load_state_dict(
            {
                "state": {int(number): values for number, values in moments.items()},
                "param_groups": self.optimiser.state_dict()["param_groups"],
            }
        )
        self.step = int(metadata["step"])
        self.history = json.loads(metadata["history"])
        self.best = parts.get("best", {})


def _by_part(tensors: Tensors) -> dict[str, Tensors]:
    """Tensors by what stands before the first dot of their names, and by the rest."""
    parts: dict[str, Tensors] = {}
    for key, value in tensors.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return parts
