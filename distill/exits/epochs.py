"""Epochs over some clips, which all trainings of exits consist of."""

import contextlib
import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import accelerate
import numpy as np
import torch

from audw2s.distill.exits.backbones import Trainable
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import Data
from audw2s.distill.exits.data import identify
from audw2s.distill.exits.metrics import score
from audw2s.distill.loop import learn
from audw2s.distill.loop import share_of_rate
from audw2s.distill.state import State
from audw2s.distill.state import Tensors

Loss = Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]
"""Function of a network, inputs and truth."""


def run_epochs(
    network: Trainable,
    config: Config,
    data: Data,
    learnt: np.ndarray,
    folder: str,
    *,
    loss: Loss,
    devel: np.ndarray | Sequence[int] = (),
    epochs: int | None = None,
    desc: str = "Train",
    verbose: bool = True,
) -> State:
    """Train a network on some clips; called again, resume the training.

    A step depends only on the configuration and its number.

    Args:
        network: network, moved to the device and trained in place
        config: settings of the training
        data: clips
        learnt: numbers of the clips to learn from
        folder: folder for ``checkpoint.safetensors``, and with ``devel`` for
            ``history.json``, ``curves.png``, and ``logs`` for TensorBoard
        loss: loss of a batch
        devel: numbers of the clips on which the exits are evaluated after each epoch
        epochs: number of epochs to run; the learning rate falls as if all were run
        desc: text of the progress bar
        verbose: show a progress bar

    Raises:
        FloatingPointError: if the loss isn't finite
        ValueError: if the folder holds another training

    """
    device = find_device()
    network.to(device)
    state = State(
        folder,
        identify(config, data),
        {"network": network},
        [make_optimiser(network, config)],
        names=[f"exit {depth}" for depth in network.depths],
        measure=config.measure,
    )
    per_epoch = math.ceil(len(learnt) / config.batch_size)
    total = config.epochs * per_epoch

    def prepare(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        numbers = torch.from_numpy(batch(step, per_epoch, learnt, config.seed))
        return data.inputs[numbers].to(device), data.truth[numbers].to(device)

    def loss_of_step(inputs: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        with seeded(config.seed, state.step, device):
            return loss(network.train(), inputs, truth)

    def evaluate() -> tuple[dict[str, float], Tensors]:
        outputs = logits_of_exits(network, data, devel, config.precision)
        truth = data.truth[devel].numpy()
        scores = {f"exit {k}": score(truth, v.numpy()) for k, v in outputs.items()}
        entry = {"epoch": state.step // per_epoch, "score": state.score(scores)}
        return {**entry, **scores}, outputs

    learn(
        state,
        steps=(epochs or config.epochs) * per_epoch,
        every=per_epoch,
        prepare=prepare,
        loss=loss_of_step,
        rate=lambda step: share_of_rate(step, total, config.warmup, config.fall),
        evaluate=evaluate if len(devel) else None,
        desc=desc,
        verbose=verbose,
    )
    return state


def make_optimiser(network: Trainable, config: Config) -> torch.optim.Optimizer:
    """Make the optimiser; new layers have a learning rate that is ``head_rate`` larger.

    The layers of the encoder that the settings freeze aren't trained.
    """
    network.backbone.freeze(config.frozen)
    encoder = set(network.backbone.parameters())
    trained = [p for p in network.parameters() if p.requires_grad]
    new = [p for p in trained if p not in encoder]
    rate = config.learning_rate * config.head_rate
    if config.from_scratch:
        rate = config.scratch_rate
    groups: list[dict[str, object]] = [
        {"params": [p for p in trained if p in encoder]},
        {"params": new, "lr": rate},
    ]
    return torch.optim.Adam(groups, lr=config.learning_rate)


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


@contextlib.contextmanager
def seeded(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Seed the random numbers of a step, and restore the generator afterwards."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices, device_type=device.type):
        torch.manual_seed(seed * 1_000_003 + step)
        yield


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Context of a precision, ``"fp32"`` or ``"bf16"``."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def logits_of_exits(
    network: Trainable,
    data: Data,
    numbers: np.ndarray | Sequence[int],
    precision: str = "fp32",
) -> Tensors:
    """Logits ``(num_clips, num_outputs)`` of each exit.

    Args:
        network: network with exits
        data: clips
        numbers: numbers of the clips
        precision: precision of the computation, ``"fp32"`` or ``"bf16"``

    """
    device = next(network.parameters()).device
    outputs: dict[str, list[torch.Tensor]] = {str(k): [] for k in network.depths}
    with torch.inference_mode(), autocast(precision, device):
        for part in np.array_split(numbers, -(-len(numbers) // 32)):
            inputs = data.inputs[torch.from_numpy(part)].to(device)
            for depth, output in network.eval()(inputs).items():
                outputs[str(depth)].append(output.logits.float().cpu())
    return {depth: torch.cat(parts) for depth, parts in outputs.items()}
