"""Ctrl-C of commands: before and after their work it ends them without a word."""

import contextlib
import os
import signal
import threading
import traceback
from collections.abc import Callable
from collections.abc import Iterator
from types import FrameType

IMPORTS = "<frozen importlib._bootstrap>"
"""Name of the file of Python's import."""


def end(*_: object) -> None:
    """End the process with 130; there is nothing to keep, and nobody to tell."""
    os._exit(128 + signal.SIGINT)


def end_quietly() -> None:
    """Let Ctrl-C end the process, unless it is ignored, as in the background."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise ``KeyboardInterrupt``, but end the process while a module is imported.

    Extensions in C++ abort if it is raised there, others make another error of it.
    """
    if any(f.f_code.co_filename == IMPORTS for f, _ in traceback.walk_stack(frame)):
        end()
    signal.default_int_handler(number, frame)


def raised() -> contextlib.AbstractContextManager[None]:
    """Let Ctrl-C raise ``KeyboardInterrupt``, where it would end the process."""
    if signal.getsignal(signal.SIGINT) is end:
        return handled(interrupt)
    return contextlib.nullcontext()


@contextlib.contextmanager
def handled(handler: Callable[..., None]) -> Iterator[None]:
    """Let a function handle Ctrl-C in the main thread, unless it is ignored."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield
        return
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
