"""Loop of all trainings: prepare ahead, update, evaluate at intervals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from tqdm import tqdm


class HasStep(Protocol):
    """State of a training that counts its steps."""

    step: int


def learn(
    state: HasStep,
    *,
    steps: int,
    every: int,
    prepare: Callable[[int], tuple],
    update: Callable[..., float],
    note: Callable[[float], dict | None],
    desc: str = "Train",
    verbose: bool = True,
) -> None:
    """Run the remaining steps of a training.

    Args:
        state: state that counts the steps
        steps: number of steps of the whole training
        every: number of steps between calls of ``note``, which is called after the
            last one, too
        prepare: function that makes the batch of a step, called in a thread during the
            step before
        update: function that learns from a batch, and returns the loss
        note: function that takes the loss, evaluates, and stores the state; its values
            are shown
        desc: text of the progress bar
        verbose: show a progress bar

    """
    progress = tqdm(total=steps, initial=state.step, desc=desc, disable=not verbose)
    with ThreadPoolExecutor(1) as ahead, progress:
        upcoming = ahead.submit(prepare, state.step) if state.step < steps else None
        while state.step < steps:
            prepared = upcoming.result()
            if state.step + 1 < steps:
                upcoming = ahead.submit(prepare, state.step + 1)
            loss = update(*prepared)
            state.step += 1
            progress.update()
            if state.step % every == 0 or state.step == steps:
                entry = note(loss) or {}
                progress.set_postfix({k[:5]: f"{v:.3f}" for k, v in entry.items()})
