"""Errors of commands: a sentence and an exit code."""

import _thread
import contextlib
import functools
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from typing import NoReturn

import click
import typer

EXTRAS = {
    "gradio": "demo",
    "matplotlib": "plot",
    "ray": "ray",
    "sounddevice": "live",
}
"""Which extra has a module; all others are in ``distill``."""


SOME_WITHOUT_VALUES = 1
"""Exit code: the table is complete, and some inputs have no values in it."""

STOPPED = 2
"""Exit code: a sentence says what stopped the command: its arguments, a file, a disk,
a cluster. What was finished before is kept."""

UNLISTED = 3
"""Exit code: the table is complete, but folders couldn't be listed: what is in them has
no row."""

FAULT = 70
"""Exit code: a fault of this package, with a traceback."""

INTERRUPTED = 130
"""Exit code: Ctrl-C."""

CLOSED_PIPE = 141
"""Exit code: whoever read the output has stopped reading."""


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
        _flush_stdout()
    except KeyboardInterrupt:
        _fail(interrupted, INTERRUPTED)
    except (typer.Exit, typer.Abort, click.ClickException):
        raise
    except Exception as error:
        _explain(error)
    finally:
        sys.unraisablehook = previous
        warnings.showwarning = show


def _flush_stdout() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _explain(error: Exception) -> None:
    """End with a sentence, or with a traceback where it isn't the user's to mend."""
    if isinstance(error, OSError) and _is_of_stdout(error):
        _drop_stdout()
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(CLOSED_PIPE) from None
        _fail(f"stdout can't be written to: {error.strerror}.")
    if isinstance(error, ModuleNotFoundError):
        module = (error.name or "").partition(".")[0]
        if module != "audw2s":
            extra = EXTRAS.get(module, "distill")
            _fail(
                f'{module} is missing, which this needs: pip install "audw2s[{extra}]"'
            )
    elif isinstance(error, ValueError | OSError | FloatingPointError):
        _fail(str(error))
    traceback.print_exception(error)
    _fail("this is a fault of audw2s: please report it with the lines above.", FAULT)


def _is_of_stdout(error: OSError) -> bool:
    """Whether an error is one of printing, and not of a file."""
    frames = traceback.walk_tb(error.__traceback__)
    names = {frame.f_code.co_name for frame, _ in frames}
    return not names.isdisjoint({"echo", _flush_stdout.__name__})


def _drop_stdout() -> None:
    """Keep the end of Python from writing once more what can't be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def _fail(message: str, code: int = STOPPED) -> NoReturn:
    # The code is right even where nobody can be told
    with contextlib.suppress(OSError):
        typer.echo(f"audw2s: {message}", err=True)
    raise typer.Exit(code) from None
