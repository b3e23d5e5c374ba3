"""Loop of all trainings: prepare ahead, update, evaluate at intervals, resume."""

import contextlib
import math
import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import accelerate
import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from audw2s.distill.curves import write_curves
from audw2s.distill.state import State
from audw2s.distill.state import Tensors
from audw2s.progress import progress_bar

Batch = TypeVar("Batch")

Evaluate = Callable[[], tuple[dict[str, float], Tensors]]
"""Function that gives scores by name, and the tensors to keep if they are the best."""


def learn(
    state: State,
    *,
    steps: int,
    every: int,
    prepare: Callable[[int], tuple],
    loss: Callable[..., torch.Tensor],
    rate: Callable[[int], float],
    evaluate: Evaluate | None = None,
    desc: str = "Train",
    verbose: bool = True,
) -> None:
    """Run the remaining steps of a training.

    Every ``every`` steps, and after the last one, the main process evaluates, and
    stores the state.

    Args:
        state: state that the training begins or resumes with
        steps: number of steps of the whole training
        every: number of steps between evaluations
        prepare: function that makes the batch of a step, called in a thread during the
            step before
        loss: function of a batch
        rate: function that gives the share of the highest learning rate at a step, see
            :func:`share_of_rate`
        evaluate: evaluation; without one there are no history and no curves
        desc: text of the progress bar
        verbose: show a progress bar

    Raises:
        FloatingPointError: if the loss isn't finite

    """
    processes = accelerate.PartialState()
    losses: list[float] = []
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(
            progress_bar(total=steps, initial=state.step, desc=desc, verbose=verbose)
        )
        writer = None
        if processes.is_main_process and evaluate is not None:
            logs = os.path.join(state.folder, "logs")
            writer = SummaryWriter(logs, purge_step=state.step + 1)
            stack.enter_context(writer)
        for batch in prepared(prepare, range(state.step, steps)):
            losses.append(descend(state, loss(*batch), rate(state.step)))
            state.step += 1
            progress.update()
            if state.step % every == 0 or state.step == steps:
                if processes.is_main_process:
                    entry = {"step": state.step, "loss": float(np.mean(losses))}
                    entry = note(state, entry, evaluate, writer)
                    progress.set_postfix({k[:5]: f"{v:.3f}" for k, v in entry.items()})
                losses.clear()
                processes.wait_for_everyone()


def prepared(prepare: Callable[[int], Batch], steps: Iterable[int]) -> Iterator[Batch]:
    """Yield the batch of each step; a thread makes the next one meanwhile.

    Examples:
        >>> list(prepared(str, range(3)))
        ['0', '1', '2']

    """
    with ThreadPoolExecutor(1) as ahead:
        waiting: list[Future[Batch]] = []
        for step in steps:
            waiting.append(ahead.submit(prepare, step))
            if len(waiting) > 1:
                yield waiting.pop(0).result()
        for batch in waiting:
            yield batch.result()


def descend(state: State, loss: torch.Tensor, share: float) -> float:
    """One step of the optimisers; returns the loss.

    Args:
        state: state of the training
        loss: scalar
        share: share of the highest learning rate

    Raises:
        FloatingPointError: if the loss isn't finite

    """
    if not torch.isfinite(loss):
        raise FloatingPointError(
            f"The loss of step {state.step} is {loss.item()}: lower 'learning_rate'."
        )
    for group in state.groups:
        group["lr"] = group["initial_lr"] * share
    for optimiser in state.optimisers:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in state.optimisers:
        optimiser.step()
    return loss.item()


def note(
    state: State,
    entry: dict[str, float],
    evaluate: Evaluate | None,
    writer: SummaryWriter | None,
) -> dict[str, float]:
    """Evaluate, store the state and its curves; returns the entry with the scores."""
    if evaluate is not None:
        scores, tensors = evaluate()
        entry = entry | scores
        state.note(entry, tensors)
    state.save()
    if writer is not None:
        write_curves(state, writer)
    return entry


def share_of_rate(step: int, steps: int, warmup: int, fall: str = "cosine") -> float:
    """Share of the highest learning rate at a step.

    Args:
        step: number of the step, from 0
        steps: number of steps of the training
        warmup: number of first steps, in which the rate rises linearly
        fall: ``"cosine"`` for half a cosine down to zero, or ``"none"``

    Examples:
        >>> [round(share_of_rate(step, 200, 100), 2) for step in (0, 99, 150)]
        [0.01, 1.0, 0.5]
        >>> share_of_rate(150, 200, 100, "none")
        1.0

    """
    if step < warmup:
        return (step + 1) / warmup
    if fall == "none":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
