"""Train a student on a teacher's outputs only.

``audw2s distill train config.toml --out FOLDER``; the same command resumes an
interrupted run. With several GPUs or machines: ``accelerate launch``.
"""

import dataclasses
import os
from collections.abc import Sequence
from contextlib import nullcontext

import accelerate
import audeer
import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from torch.utils.tensorboard import SummaryWriter

from audw2s.distill.batches import Batches
from audw2s.distill.config import Config
from audw2s.distill.disjoint import write_record
from audw2s.distill.fit_head import can_fit_head
from audw2s.distill.fit_head import fit_head
from audw2s.distill.loop import learn
from audw2s.distill.losses import total_loss
from audw2s.distill.plots import plot_curves
from audw2s.distill.schedule import share_of_rate
from audw2s.distill.state import State
from audw2s.distill.store import Store
from audw2s.evaluation.ccc import ccc
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS


def train(
    config: Config,
    folder: str,
    *,
    store: str | None = None,
    verbose: bool = True,
) -> torch.nn.Module:
    """Train a student; called again, resume the training.

    A step depends only on the configuration and its number, so an interrupted run ends
    in the same weights as one that wasn't. With several processes, each has different
    batches, and the gradients are averaged.

    Args:
        config: settings of the training
        folder: folder for ``checkpoint.safetensors``, ``student.safetensors``,
            ``config.json``, ``clips.parquet`` (see
            :data:`audw2s.distill.disjoint.RECORD`), ``history.json``,
            ``curves.png``, and ``logs`` for TensorBoard
        store: folder of the batches that are used again if ``distinct`` is given, by
            default ``batches`` in the training's folder; see
            :func:`audw2s.distill.store.prepare`
        verbose: show a progress bar

    Returns:
        the trained student: the moving average of its weights, with the last layer
        fitted again (in the main process, the others don't fit it)

    Raises:
        FloatingPointError: if the loss isn't finite
        ValueError: if the folder holds another training

    """
    on_cpu = not torch.accelerator.is_available()
    processes = accelerate.PartialState(cpu=on_cpu)
    is_main = processes.is_main_process
    verbose = verbose and is_main
    audeer.mkdir(folder)
    checkpoint = os.path.join(folder, "checkpoint.safetensors")
    state = State(config, processes.device)
    batches = Batches(config, verbose=verbose)
    identity = identify(batches)
    if os.path.exists(checkpoint):
        state.load(checkpoint, identity)
    if is_main:
        write_record(pd.concat(batches.learnt), folder, config.start)
    network = accelerate.Accelerator(cpu=on_cpu).prepare_model(state.network)
    make = batches.make
    if config.distinct:
        make = Store(batches, store or os.path.join(folder, "batches")).make

    def prepare(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        position = step * processes.num_processes + processes.process_index
        signals, labels = make(batch_number(position, config))
        return signals.to(processes.device), labels.to(processes.device)

    logs = os.path.join(folder, "logs")
    writer = SummaryWriter(logs, purge_step=state.step + 1) if is_main else None

    def note(loss: float) -> dict | None:
        entry = None
        if is_main:
            entry = {"step": state.step, "loss": loss}
            entry |= validate(state.ema.module, batches.held_out())
            state.note(entry)
            state.save(checkpoint, identity)
            show(state.history, folder, writer)
        processes.wait_for_everyone()
        return entry

    with writer or nullcontext():
        learn(
            state,
            steps=config.steps,
            every=config.eval_every,
            prepare=prepare,
            update=lambda *batch: update(network, state, config, *batch),
            note=note,
            verbose=verbose,
        )
    return finish(state, batches, folder) if is_main else state.ema.module


def identify(batches: Batches) -> dict[str, object]:
    """Settings and hashes that a training depends on, without paths."""
    config = batches.config
    start = config.start and sha256(os.path.join(config.start, "student.safetensors"))
    return {**batches.identity, **config.of_training(), "start": start}


def batch_number(position: int, config: Config) -> int:
    """Number of the batch at a position in a training.

    Examples:
        >>> config = Config({}, distinct=3)
        >>> [batch_number(position, config) for position in range(3)]
        [0, 1, 2]
        >>> sorted(batch_number(position, config) for position in range(3, 6))
        [0, 1, 2]

    """
    if not config.distinct:
        return position
    epoch, place = divmod(position, config.distinct)
    if epoch == 0:
        return place
    shuffled = np.random.default_rng((config.seed, epoch)).permutation(config.distinct)
    return int(shuffled[place])


def rate(step: int, config: Config) -> float:
    """Learning rate of a step: linear warm-up, then half a cosine down to zero.

    Examples:
        >>> config = Config({}, steps=200, warmup=100, learning_rate=1.0)
        >>> [round(rate(step, config), 2) for step in (0, 99, 100, 150)]
        [0.01, 1.0, 1.0, 0.5]

    """
    share = share_of_rate(step, config.steps, config.warmup)
    return config.learning_rate * share


def update(
    network: torch.nn.Module,
    state: State,
    config: Config,
    signals: torch.Tensor,
    labels: torch.Tensor,
) -> float:
    """One step of the optimiser; returns the loss."""
    for group in state.optimiser.param_groups:
        group["lr"] = rate(state.step, config)
    network.train()
    loss = total_loss(labels, network(signals)[1], config.loss, config.dimensions)
    if not torch.isfinite(loss):
        raise FloatingPointError(
            f"The loss of step {state.step} is {loss.item()}: lower 'learning_rate'."
        )
    state.optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
    state.optimiser.step()
    state.ema.update_parameters(state.network)
    return loss.item()


def validate(
    network: torch.nn.Module,
    clips: list[tuple[torch.Tensor, torch.Tensor]],
) -> dict[str, float]:
    """CCC of a student with its teacher on whole clips of held-out speakers."""
    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        values = [network(signal[None].to(device))[1].cpu() for signal, _ in clips]
    labels = torch.stack([label for _, label in clips])
    scores = ccc(labels, torch.cat(values))
    return dict(zip(DIMENSIONS, scores.tolist(), strict=True))


def show(
    history: list[dict],
    folder: str,
    writer: SummaryWriter,
    names: Sequence[str] = DIMENSIONS,
    measure: str = "CCC",
) -> None:
    """Write losses and scores as JSON, as a picture, and for TensorBoard.

    Args:
        history: entries with ``step``, ``loss``, and the measure of each name
        folder: folder for ``history.json`` and ``curves.png``
        writer: writer for TensorBoard
        names: names of the scores
        measure: name of the measure

    """
    write_json(history, os.path.join(folder, "history.json"))
    plot_curves(history, os.path.join(folder, "curves.png"), names, measure)
    last = history[-1]
    writer.add_scalar("loss", last["loss"], last["step"])
    for name in names:
        writer.add_scalar(f"{measure.lower()}/{name}", last[name], last["step"])
    writer.flush()


def finish(state: State, batches: Batches, folder: str) -> torch.nn.Module:
    """Fit the last layer, and write the student with its configuration."""
    config = batches.config
    student = state.ema.module.cpu().to(memory_format=torch.contiguous_format).eval()
    if config.keep == "best":
        student.load_state_dict(state.best, strict=True)
    count = min(config.refitted, len(batches.clips))
    if can_fit_head(student, count):
        fit_head(student, batches.undisturbed(count))
    weights = {k: v.clone().contiguous() for k, v in student.state_dict().items()}
    path = os.path.join(folder, "student.safetensors")
    with replacing(path) as temporary:
        save_file(weights, temporary, metadata={"student": config.student})
    write_json(dataclasses.asdict(config), os.path.join(folder, "config.json"))
    return student
