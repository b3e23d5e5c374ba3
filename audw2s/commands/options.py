"""Commands as functions, and options that several have."""

import copy
import inspect
import re
from collections.abc import Callable
from typing import Annotated
from typing import Any
from typing import get_args
from typing import get_origin

import typer

from audw2s.corpus.options import Options


def described(documented: Callable[..., object]) -> dict[str, str]:
    """Sentence on each argument of a class or function, from its docstring.

    Examples:
        >>> described(Options)["shard_size"]
        'Number of inputs that are written to disk at once.'

    """
    _, _, section = (inspect.getdoc(documented) or "").partition("Args:\n")
    entries = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", section, re.M)
    texts = {name: " ".join(text.replace("`", "").split()) for name, text in entries}
    return {name: f"{text[0].upper()}{text[1:]}." for name, text in texts.items()}


HELP = described(Options)
"""Help of the options of a run; without docstrings there is none."""


def add_command(app: typer.Typer, function: Callable[..., None]) -> None:
    """Add a function to a group as a command.

    Its keyword-only parameters are options. Its docstring says what a parameter is,
    unless the annotation does; options of a run need neither.
    """
    texts, signature = HELP | described(function), inspect.signature(function)
    parameters = [
        parameter.replace(annotation=_annotation(parameter, texts.get(name)))
        for name, parameter in signature.parameters.items()
    ]
    setattr(function, "__signature__", signature.replace(parameters=parameters))
    summary = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
    app.command(help=summary)(function)


def _annotation(parameter: inspect.Parameter, text: str | None) -> Any:
    """Annotation of a parameter as Typer needs it."""
    kind, name = parameter.annotation, parameter.name.replace("_", "-")
    # What is off by default has no --no-NAME
    flags = [f"--{name}"] if parameter.default is False else []
    is_option = parameter.kind is parameter.KEYWORD_ONLY
    info = typer.Option(*flags) if is_option else typer.Argument()
    if get_origin(kind) is Annotated:
        kind, given = get_args(kind)
        info = copy.copy(given)
    info.help = info.help or text
    return Annotated[kind, info]


Channels = Annotated[
    str | None,
    typer.Option(
        help="Channels that have rows of their own, as speakers of a call: 0, or 0,1, "
        "or all; by default rows are those of the mean of all channels."
    ),
]

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="Name or folder of a model; repeat it to compare several."
    ),
]

TableOut = Annotated[
    str | None, typer.Option(help="Write the table to a .csv or .parquet file.")
]

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        help="NAME=COLUMN for a column with another name, such as arousal=Arousal; "
        "may be repeated, applies to all given corpora.",
    ),
]

Scale = Annotated[
    tuple[float, float] | None,
    typer.Option(
        help="Lowest and highest rating, if the corpus doesn't define them; 1 5 is "
        "assumed if the ratings match."
    ),
]

Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        help="Column to group clips by, gender and language by default; may be "
        "repeated.",
    ),
]

ReportOut = Annotated[
    str | None,
    typer.Option(
        "--out", help="Folder for evaluation.html, evaluation.json and evaluation.png."
    ),
]

Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")]

Json = Annotated[
    bool, typer.Option("--json", help="Print a list of JSON objects, one per row.")
]

Threads = Annotated[int, typer.Option(min=1)]
