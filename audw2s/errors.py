"""Errors of commands: a sentence and an exit code."""

import contextlib
from collections.abc import Iterator

import typer

EXTRAS = {
    "gradio": "demo",
    "matplotlib": "plot",
    "ray": "ray",
    "sounddevice": "live",
}
"""Which extra has a module; all others are in ``distill``."""


@contextlib.contextmanager
def explained(
    interrupted: str = "interrupted, run the same command to go on.",
) -> Iterator[None]:
    """Turn what users can mend into one sentence and an exit code.

    Args:
        interrupted: what to say after Ctrl-C

    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("audw2s"):
            raise
        extra = EXTRAS.get(error.name, "distill")
        _fail(
            f'{error.name} is missing, which this needs: pip install "audw2s[{extra}]"'
        )
    except (ValueError, OSError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail(interrupted, code=130)


def _fail(message: str, code: int = 2) -> None:
    typer.echo(f"audw2s: {message}", err=True)
    raise typer.Exit(code) from None
