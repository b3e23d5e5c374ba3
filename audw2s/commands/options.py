"""Options that several commands have."""

from typing import Annotated

import typer

WinDur = Annotated[
    float | None, typer.Option(help="Seconds of a window; one row per window.")
]

HopDur = Annotated[
    float | None,
    typer.Option(help="Seconds from window to window, half a window by default."),
]

Exact = Annotated[bool, typer.Option("--exact", help="Hear each window alone; slower.")]

Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Name or folder; more than one to compare them."),
]

TableOut = Annotated[
    str | None, typer.Option(help="Write the table to a .csv or .parquet file.")
]

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        help="NAME=COLUMN where a corpus has another name, such as arousal=Arousal; "
        "repeatedly, for every corpus that is given.",
    ),
]

Scale = Annotated[
    tuple[float, float] | None,
    typer.Option(
        help="Lowest and highest rating, if the corpus doesn't say; 1 5 is taken "
        "where ratings look like it."
    ),
]

Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]

ListLeftOut = Annotated[
    bool,
    typer.Option(
        "--list-left-out",
        help="Name what is in folders and has no row: hidden files, and those without "
        "audio or video.",
    ),
]
