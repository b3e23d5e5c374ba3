"""Commands of ``audw2s distill``, and the arguments and options that several have."""

from collections.abc import Callable
from typing import Annotated

import typer

from audw2s.commands.options import add_command
from audw2s.errors import explained

Corpora = Annotated[
    list[str],
    typer.Argument(
        help="CSV or parquet with a column 'file', folder with audio, audformat "
        "database, MSP-Podcast or IEMOCAP, or ROOT:PART of one."
    ),
]
Corpus = Annotated[str, typer.Argument(help="Corpus, such as a CSV or a folder.")]
Model = Annotated[str, typer.Argument(help="Name or folder of a model.")]
Settings = Annotated[str, typer.Argument(help="Settings (TOML).")]
Penalty = Annotated[float, typer.Option(help="Penalty of the ridge regression.")]
Run = Annotated[str, typer.Argument(help="Folder of a training.")]
ModelOut = Annotated[str, typer.Option("--out", help="Model folder to write.")]
JsonOut = Annotated[str | None, typer.Option("--out", help="JSON file to write.")]
Name = Annotated[str | None, typer.Option()]
Workers = Annotated[int, typer.Option(min=1, help="Threads that process clips.")]
Against = Annotated[
    str, typer.Option(help="'humans', or name or folder of another model.")
]
Count = Annotated[int, typer.Option(min=1)]


def command(app: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a function to a group as a command, which shows errors as a message.

    See :func:`audw2s.commands.options.add_command`.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        run = explained()(function)
        add_command(app, run)
        return run

    return add
