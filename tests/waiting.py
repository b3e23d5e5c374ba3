"""Wait for something that another thread or process does, and not for ever."""

import time
from collections.abc import Callable

MAX_DUR = 120.0
"""Seconds after which it won't come any more."""


def wait_until(
    condition: Callable[[], bool],
    what: str,
    *,
    max_dur: float = MAX_DUR,
    pause: float = 0.01,
) -> None:
    """Wait until a condition holds.

    Args:
        condition: is asked again and again
        what: is waited for, in words
        max_dur: seconds to wait at most
        pause: seconds between two questions

    Raises:
        TimeoutError: if it doesn't hold in time

    """
    deadline = time.monotonic() + max_dur
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {max_dur:g} s in vain: {what}.")
        time.sleep(pause)
