"""What a training goes on from, kept in one file."""

import dataclasses
import json
import os

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from safetensors.torch import save_file
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from audw2s.catalogue import DIMENSIONS
from audw2s.distill.config import Config
from audw2s.distill.config import changed_settings
from audw2s.distill.students import STUDENTS
from audw2s.files import replacing


class State:
    """Student, its average, optimiser and history: all that a run goes on from."""

    def __init__(self, config: Config, device: torch.device):
        torch.manual_seed(config.seed)
        self.network = STUDENTS[config.student]()
        if config.start:
            weights = load_file(os.path.join(config.start, "student.safetensors"))
            self.network.load_state_dict(weights, strict=True)
        # Twice as fast on processors, for convolutions without groups or with
        self.network.body.to(memory_format=torch.channels_last)
        self.network.to(device)
        average = get_ema_multi_avg_fn(config.ema)
        self.ema = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        if config.precision == "bf16":
            # Only the convolutions: the front end needs more than 8 bits, and the
            # averaged copy that is validated and kept stays in float32
            to_half = torch.autocast(device.type, torch.bfloat16)
            self.network.body.forward = to_half(self.network.body.forward)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            trained, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step = 0
        self.history: list[dict] = []
        self.best: dict[str, torch.Tensor] = {}

    def note(self, entry: dict) -> None:
        """Add an evaluation to the history; the best weights so far are kept."""
        scores = [_score(old) for old in self.history]
        self.history.append(entry)
        if not scores or _score(entry) > max(scores):
            weights = self.ema.module.state_dict()
            self.best = {k: v.detach().clone() for k, v in weights.items()}

    def save(self, path: str, config: Config) -> None:
        """Write a checkpoint, atomically."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"ema.{k}": v for k, v in self.ema.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        for number, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{k}": v for k, v in values.items()}
        # Averages share no memory with the network, but buffers may
        tensors = {k: v.detach().clone().contiguous() for k, v in tensors.items()}
        meta = {
            "step": str(self.step),
            "history": json.dumps(self.history),
            "config": json.dumps(dataclasses.asdict(config)),
        }
        with replacing(path) as temporary:
            save_file(tensors, temporary, metadata=meta)

    def load(self, path: str, config: Config) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: if it was written with another configuration

        """
        with safe_open(path, "pt") as file:
            meta = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        found = json.loads(meta["config"])
        changed = changed_settings(found, dataclasses.asdict(config))
        if changed:
            raise ValueError(
                f"{path} was trained with other settings of {changed}. "
                "Choose another output folder, or delete this one."
            )
        self.network.load_state_dict(_part(tensors, "network."))
        self.ema.load_state_dict(_part(tensors, "ema."))
        self.best = _part(tensors, "best.")
        moments: dict[int, dict] = {}
        for key, value in _part(tensors, "optimiser.").items():
            number, _, name = key.partition(".")
            moments.setdefault(int(number), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.step = int(meta["step"])
        self.history = json.loads(meta["history"])


def _score(entry: dict) -> float:
    """Mean CCC of an entry of the history."""
    return float(np.mean([entry[name] for name in DIMENSIONS]))


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix(prefix): value
        for key, value in tensors.items()
        if key.startswith(prefix)
    }
