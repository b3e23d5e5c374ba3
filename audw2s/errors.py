"""Errors of commands: a message and an exit code."""

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

from audw2s.interrupt import raised

EXTRAS = {
    "anyio": "demo",
    "gradio": "demo",
    "obstore": "s3",
    "ray": "ray",
    "sounddevice": "live",
    "starlette": "demo",
}
"""Extra of the package that installs a module; others are in ``distill``."""


SOME_WITHOUT_VALUES = 1
"""Exit code: the table is complete, and some inputs have no values."""

STOPPED = 2
"""Exit code: a message names the reason, such as arguments, a file or a cluster.
Finished results are kept."""

UNLISTED = 3
"""Exit code: the table is complete, but folders couldn't be listed, so that their files
have no row."""

CLUSTER_LOST = 75
"""Exit code: the Ray cluster was lost. Finished results are kept, and the same command
goes on when it is there again."""

FAULT = 70
"""Exit code: a fault of this package, with a traceback."""

INTERRUPTED = 130
"""Exit code: Ctrl-C."""

CLOSED_PIPE = 141
"""Exit code: the reader of the output closed the pipe."""


class ClusterLostError(ConnectionError):
    """The Ray cluster was lost while it worked."""


class DataWarning(UserWarning):
    """Warning about the data."""


def one_line(error: Exception) -> str:
    r"""Message of an error without line breaks, its class if it has no message.

    Examples:
        >>> one_line(ValueError("two\nlines")), one_line(KeyError())
        ('two lines', 'KeyError')

    """
    return " ".join(str(error).split()) or type(error).__name__


@contextlib.contextmanager
def explained(
    interrupted: str = "interrupted, run the same command to go on.",
) -> Iterator[None]:
    """Show errors of users as a message, and end with an exit code.

    Args:
        interrupted: message after Ctrl-C

    """
    # Workers import this module, and have no use for these
    import click
    import typer

    previous, show = sys.unraisablehook, warnings.showwarning
    sys.unraisablehook = functools.partial(_interrupt_again, previous)
    warnings.showwarning = functools.partial(_warn, show)
    try:
        with raised():
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
    """End with a message for errors of users, with a traceback for faults."""
    import typer

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
    elif isinstance(error, ClusterLostError):
        _fail(str(error), CLUSTER_LOST)
    elif isinstance(error, ValueError | OSError | FloatingPointError):
        _fail(str(error))
    traceback.print_exception(error)
    _fail("this is a fault of audw2s: please report it with the lines above.", FAULT)


def _is_of_stdout(error: OSError) -> bool:
    """Whether an error comes from printing, not from a file."""
    frames = traceback.walk_tb(error.__traceback__)
    names = {frame.f_code.co_name for frame, _ in frames}
    return not names.isdisjoint({"echo", _flush_stdout.__name__})


def _drop_stdout() -> None:
    """Replace stdout, so that Python doesn't flush it again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(show: Callable[..., None], message: Warning | str, category: type, *where):
    """Show warnings about the data as a message, without a line of code."""
    import typer

    if issubclass(category, DataWarning):
        typer.echo(f"audw2s: {message}", err=True)
    else:
        show(message, category, *where)


def _interrupt_again(
    previous: Callable[["sys.UnraisableHookArgs"], None],
    unraisable: "sys.UnraisableHookArgs",
) -> None:
    """Raise a Ctrl-C again that came while an object was deleted.

    Python ignores all errors there, and would continue.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        # Later, as errors are ignored here as well
        timer = threading.Timer(0.05, _interrupt)
        timer.daemon = True
        timer.start()
    else:
        previous(unraisable)


def _interrupt() -> None:
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        # Also wakes the main thread if it waits
        os.kill(os.getpid(), signal.SIGINT)


def _fail(message: str, code: int = STOPPED) -> NoReturn:
    import typer

    # The exit code is set even if the message can't be printed
    with contextlib.suppress(OSError):
        typer.echo(f"audw2s: {message}", err=True)
    raise typer.Exit(code) from None
