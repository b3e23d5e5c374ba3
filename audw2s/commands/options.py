"""Options of several commands."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated
from typing import Any

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


def option(name: str, *flags: str) -> Any:
    """Option of a command that is a field of :class:`audw2s.corpus.options.Options`."""
    return typer.Option(*flags, help=HELP.get(name))


WinDur = Annotated[float | None, option("win_dur")]

HopDur = Annotated[float | None, option("hop_dur")]

Exact = Annotated[bool, option("exact", "--exact")]

Vad = Annotated[bool, option("vad", "--vad")]

Intervals = Annotated[float | None, option("intervals")]

ValuesOnly = Annotated[bool, option("values_only", "--values-only")]

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

ListLeftOut = Annotated[
    bool,
    typer.Option(
        "--list-left-out",
        help="List files in folders that have no row: hidden files, and files without "
        "audio or video.",
    ),
]

Json = Annotated[
    bool,
    typer.Option("--json", help="Print a list of JSON objects, one per row."),
]

Wide = Annotated[
    bool,
    typer.Option("--wide", help="Print long file names as they are."),
]
