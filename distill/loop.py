"""The loop that all trainings run: prepare ahead, learn, look now and then."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from tqdm import tqdm


class Counting(Protocol):
    """What counts the steps of a training."""

    step: int


def learn(
    state: Counting,
    *,
    steps: int,
    every: int,
    prepare: Callable[[int], tuple],
    update: Callable[..., float],
    note: Callable[[float], dict | None],
    desc: str = "Train",
    verbose: bool = True,
) -> None:
    """Run the steps of a training that are left.

    Args:
        state: counts the steps
        steps: of the whole training
        every: steps after which there is something to note, and after the last
        prepare: makes what a step of this number learns from; a thread does it
            while the step before is learnt
        update: learns from it, and gives the loss
        note: is told the loss, evaluates and keeps what it finds; what it returns
            is shown
        desc: what the progress bar says
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
