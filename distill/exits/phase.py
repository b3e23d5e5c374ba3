"""Epochs over some clips, which all trainings of exits consist of."""

import contextlib
import math
import os
from collections.abc import Callable
from collections.abc import Iterator

import accelerate
import audeer
import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from audw2s.distill import snapshot
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import Data
from audw2s.distill.exits.data import identify
from audw2s.distill.loop import learn
from audw2s.distill.schedule import share_of_rate
from audw2s.distill.train import show

Loss = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
"""Function of a network, inputs and truth."""

Measure = Callable[[torch.nn.Module], tuple[dict[str, float], dict[str, torch.Tensor]]]
"""Function of a network: scores by name, and tensors to keep if they are the best."""

CHECKPOINT = "checkpoint.safetensors"


class State:
    """Network, optimiser and history: all that a phase resumes from.

    Args:
        network: network, which is trained in place
        config: settings of the training

    """

    def __init__(self, network: torch.nn.Module, config: Config):
        self.network = network
        network.backbone.freeze(config.frozen)
        inner = {id(p) for p in network.backbone.parameters()}
        trained = [p for p in network.parameters() if p.requires_grad]
        rates = {True: config.learning_rate, False: config.learning_rate}
        rates[False] *= config.head_rate
        groups = [
            {"params": [p for p in trained if (id(p) in inner) == kind], "peak": rate}
            for kind, rate in rates.items()
        ]
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.999))
        self.step = 0
        self.history: list[dict] = []
        self.best: dict[str, torch.Tensor] = {}

    def note(self, entry: dict, scores: dict, kept: dict[str, torch.Tensor]) -> None:
        """Add the scores of an epoch, and keep the tensors of the best mean score."""
        entry = {**entry, "score": float(np.mean(list(scores.values()))), **scores}
        if all(entry["score"] > old["score"] for old in self.history):
            self.best = kept
        self.history.append(entry)

    @property
    def best_epoch(self) -> int:
        """Number of the epoch with the best mean score, from 1; the first of equals."""
        return max(self.history, key=lambda entry: entry["score"])["epoch"]

    def save(self, path: str, identity: dict[str, object]) -> None:
        """Write a checkpoint, atomically."""
        parts = {"network": self.network.state_dict(), "best": self.best}
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
        self.best = stored.parts.get("best", {})
        snapshot.restore(self.optimiser, stored)
        self.step, self.history = stored.step, stored.history


def run_epochs(
    network: torch.nn.Module,
    config: Config,
    data: Data,
    learnt: np.ndarray,
    folder: str,
    *,
    loss: Loss,
    measure: Measure | None = None,
    epochs: int | None = None,
    desc: str = "Train",
    verbose: bool = True,
) -> State:
    """Train a network on some clips; called again, resume the training.

    A step depends only on the configuration and its number.

    Args:
        network: network with a ``backbone``, moved to the device and trained in place
        config: settings of the training
        data: clips
        learnt: numbers of the clips to learn from
        folder: folder for ``checkpoint.safetensors``, and with a ``measure`` for
            ``history.json``, ``curves.png``, and ``logs`` for TensorBoard
        loss: loss of a batch
        measure: evaluation after each epoch
        epochs: number of epochs to run; the learning rate falls as if all were run
        desc: text of the progress bar
        verbose: show a progress bar

    Raises:
        FloatingPointError: if the loss isn't finite
        ValueError: if the folder holds another training

    """
    device = find_device()
    state = State(network.to(device), config)
    checkpoint = os.path.join(audeer.mkdir(folder), CHECKPOINT)
    if os.path.exists(checkpoint):
        state.load(checkpoint, identify(config, data))
    per_epoch = math.ceil(len(learnt) / config.batch_size)
    losses: list[float] = []

    def prepare(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        numbers = torch.from_numpy(batch(step, per_epoch, learnt, config.seed))
        return data.inputs[numbers].to(device), data.truth[numbers].to(device)

    def update(inputs: torch.Tensor, truth: torch.Tensor) -> float:
        set_rates(state, config, config.epochs * per_epoch)
        losses.append(descend(state, config, inputs, truth, loss))
        return losses[-1]

    logs = os.path.join(folder, "logs")
    writer = SummaryWriter(logs, purge_step=state.step + 1) if measure else None

    def note(_: float) -> dict:
        entry = {"step": state.step, "epoch": state.step // per_epoch}
        entry["loss"] = float(np.mean(losses))
        losses.clear()
        if measure:
            scores, kept = measure(network)
            state.note(entry, scores, kept)
            show(state.history, folder, writer, list(scores), config.measure)
        state.save(checkpoint, identify(config, data))
        return state.history[-1] if measure else entry

    with writer or contextlib.nullcontext():
        learn(
            state,
            steps=(epochs or config.epochs) * per_epoch,
            every=per_epoch,
            prepare=prepare,
            update=update,
            note=note,
            desc=desc,
            verbose=verbose,
        )
    return state


def find_device() -> torch.device:
    """Device of the accelerator, or the processor.

    Raises:
        ValueError: if there are several processes

    """
    processes = accelerate.PartialState(cpu=not torch.accelerator.is_available())
    if processes.num_processes > 1:
        raise ValueError("Exits are trained by one process: start it without a launch.")
    return processes.device


def batch(step: int, per_epoch: int, learnt: np.ndarray, seed: int) -> np.ndarray:
    """Numbers of the clips of a step; batches of an epoch have nearly equal sizes.

    Examples:
        >>> learnt = np.arange(5)
        >>> [len(batch(step, 2, learnt, 0)) for step in (0, 1)]
        [3, 2]
        >>> np.sort(np.concatenate([batch(step, 2, learnt, 0) for step in (2, 3)]))
        array([0, 1, 2, 3, 4])

    """
    epoch, place = divmod(step, per_epoch)
    shuffled = np.random.default_rng((seed, epoch)).permutation(learnt)
    return np.array_split(shuffled, per_epoch)[place]


def set_rates(state: State, config: Config, steps: int) -> None:
    """Set the learning rates of the step."""
    share = share_of_rate(state.step, steps, config.warmup, config.fall)
    for group in state.optimiser.param_groups:
        group["lr"] = group["peak"] * share


def descend(
    state: State,
    config: Config,
    inputs: torch.Tensor,
    truth: torch.Tensor,
    loss: Loss,
) -> float:
    """One step of the optimiser; returns the loss."""
    state.network.train()
    with seeded(config.seed, state.step, inputs.device):
        value = loss(state.network, inputs, truth)
    if not torch.isfinite(value):
        raise FloatingPointError(
            f"The loss of step {state.step} is {value.item()}: lower 'learning_rate'."
        )
    state.optimiser.zero_grad()
    value.backward()
    state.optimiser.step()
    return value.item()


@contextlib.contextmanager
def seeded(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Seed the random numbers of a step, and restore the generator afterwards."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices, device_type=device.type):
        torch.manual_seed(seed * 1_000_003 + step)
        yield


def autocast(config: Config, device: torch.device) -> torch.autocast:
    """Half precision, if set in the configuration."""
    return torch.autocast(
        device.type, torch.bfloat16, enabled=config.precision == "bf16"
    )
