"""Commands of ``audw2s distill``, and the arguments and options that several have."""

import copy
import inspect
from collections.abc import Callable
from typing import Annotated
from typing import Any
from typing import get_args
from typing import get_origin

import typer

from audw2s.commands.options import described
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
Name = Annotated[
    str | None,
    typer.Option(help="Name of the model; by default that of what it is made from."),
]
Workers = Annotated[int, typer.Option(min=1, help="Threads that process clips.")]
Against = Annotated[
    str, typer.Option(help="'humans', or name or folder of another model.")
]
Count = Annotated[int, typer.Option(min=1)]


def command(app: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a function to a group as a command, which shows errors as a message.

    Its keyword-only parameters are options. Its docstring says what a parameter is,
    unless the annotation does.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        texts, signature = described(function), inspect.signature(function)
        parameters = [
            parameter.replace(annotation=_annotation(parameter, texts.get(name)))
            for name, parameter in signature.parameters.items()
        ]
        run = explained()(function)
        setattr(run, "__signature__", signature.replace(parameters=parameters))
        summary = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
        return app.command(help=summary)(run)

    return add


def _annotation(parameter: inspect.Parameter, text: str | None) -> Any:
    """Annotation of a parameter as Typer needs it."""
    kind = parameter.annotation
    is_option = parameter.kind is parameter.KEYWORD_ONLY
    info = typer.Option() if is_option else typer.Argument()
    if get_origin(kind) is Annotated:
        kind, given = get_args(kind)
        info = copy.copy(given)
    info.help = info.help or text
    return Annotated[kind, info]
