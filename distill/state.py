"""State of a training, stored in one file."""

import os

import numpy as np
import torch
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel
from torch.optim.swa_utils import get_ema_multi_avg_fn

from audw2s.distill import snapshot
from audw2s.distill.config import Config
from audw2s.distill.students import STUDENTS
from audw2s.model.registry import DIMENSIONS


class State:
    """Student, average of its weights, optimiser and history."""

    def __init__(self, config: Config, device: torch.device):
        torch.manual_seed(config.seed)
        self.network = STUDENTS[config.student]()
        if config.start:
            weights = load_file(os.path.join(config.start, "student.safetensors"))
            self.network.load_state_dict(weights, strict=True)
        # Twice as fast on processors, for convolutions with or without groups
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
        """Add an evaluation to the history, and keep the best weights so far."""
        scores = [_score(old) for old in self.history]
        self.history.append(entry)
        if not scores or _score(entry) > max(scores):
            weights = self.ema.module.state_dict()
            self.best = {k: v.detach().clone() for k, v in weights.items()}

    def save(self, path: str, identity: dict[str, object]) -> None:
        """Write a checkpoint, atomically."""
        parts = {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict(),
            "best": self.best,
        }
        snapshot.write(
            path,
            parts,
            self.optimiser,
            step=self.step,
            history=self.history,
            identity=identity,
        )

    def load(self, path: str, identity: dict[str, object]) -> None:
        """Resume from a checkpoint.

        Raises:
            ValueError: if it was written with another identity

        """
        stored = snapshot.read(path, identity)
        self.network.load_state_dict(stored.parts["network"])
        self.ema.load_state_dict(stored.parts["ema"])
        self.best = stored.parts.get("best", {})
        snapshot.restore(self.optimiser, stored)
        self.step = stored.step
        self.history = stored.history


def _score(entry: dict) -> float:
    """Mean CCC of an entry of the history."""
    return float(np.mean([entry[name] for name in DIMENSIONS]))
