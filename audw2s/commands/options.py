"""Options of several commands."""

from typing import Annotated

import typer

WinDur = Annotated[
    float | None,
    typer.Option(help="Duration of windows in seconds; one row per window."),
]

HopDur = Annotated[
    float | None,
    typer.Option(
        help="Duration between the starts of windows in seconds, half a window by "
        "default."
    ),
]

Exact = Annotated[
    bool, typer.Option("--exact", help="Process each window on its own; slower.")
]

Channels = Annotated[
    str | None,
    typer.Option(
        help="Channels that have rows of their own, as speakers of a call: 0, or 0,1, "
        "or all; by default rows are those of the mean of all channels."
    ),
]

Vad = Annotated[
    bool,
    typer.Option(
        "--vad", help="Process speech only, as found by a voice activity detector."
    ),
]

Intervals = Annotated[
    float | None,
    typer.Option(
        help="Add intervals, arousal_low and arousal_high and so on, that hold the "
        "ratings of this share of clips, such as 0.9."
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

ValuesOnly = Annotated[
    bool,
    typer.Option(
        "--values-only",
        help="Leave out all columns but file, start, end and the values, as nkululeko "
        "imports them.",
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
