"""Errors of commands: a sentence and an exit code."""

import _thread
import contextlib
import functools
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from collections.abc import Iterator

import typer

EXTRAS = {
    "gradio": "demo",
    "matplotlib": "plot",
    "ray": "ray",
    "sounddevice": "live",
}
"""Which extra has a module; all others are in ``distill``."""


class DataWarning(UserWarning):
    """Something about the data that has to be known, and stops nothing."""


@contextlib.contextmanager
def explained(
    interrupted: str = "interrupted, run the same command to go on.",
) -> Iterator[None]:
    """Turn what users can mend into one sentence and an exit code.

    Args:
        interrupted: what to say after Ctrl-C

    """
    previous, show = sys.unraisablehook, warnings.showwarning
    sys.unraisablehook = functools.partial(_interrupt_again, previous)
    warnings.showwarning = functools.partial(_warn, show)
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("audw2s"):
            raise
        module = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(module, "distill")
        _fail(f'{module} is missing, which this needs: pip install "audw2s[{extra}]"')
    except (ValueError, OSError, FloatingPointError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail(interrupted, code=130)
    finally:
        sys.unraisablehook = previous
        warnings.showwarning = show


def _warn(show: Callable[..., None], message: Warning | str, category: type, *about):
    """Say what there is to know of the data as a sentence, without a line of code."""
    if issubclass(category, DataWarning):
        typer.echo(f"audw2s: {message}", err=True)
    else:
        show(message, category, *about)


def _interrupt_again(
    previous: Callable[["sys.UnraisableHookArgs"], None],
    unraisable: "sys.UnraisableHookArgs",
) -> None:
    """Don't lose a Ctrl-C that came while an object was deleted.

    Python ignores all errors there, and would go on.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        # Only once this is over, as errors are ignored here, too
        timer = threading.Timer(0.05, _interrupt)
        timer.daemon = True
        timer.start()
    else:
        previous(unraisable)


def _interrupt() -> None:
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        # Wakes the main thread as well, should it wait
        os.kill(os.getpid(), signal.SIGINT)


def _fail(message: str, code: int = 2) -> None:
    typer.echo(f"audw2s: {message}", err=True)
    raise typer.Exit(code) from None
