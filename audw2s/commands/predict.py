"""The command ``audw2s predict``."""

from typing import TYPE_CHECKING
from typing import Any

import typer

from audw2s.commands.options import Channels
from audw2s.commands.options import Json
from audw2s.commands.options import TableOut
from audw2s.commands.options import Threads
from audw2s.commands.output import print_left_out
from audw2s.commands.output import show
from audw2s.errors import SOME_WITHOUT_VALUES
from audw2s.errors import UNLISTED
from audw2s.errors import explained

if TYPE_CHECKING:
    import pandas as pd

    from audw2s.corpus.lists.folder import Listing


@explained(
    "interrupted, nothing was written: 'audw2s annotate' keeps what is finished."
)
def predict(
    paths: list[str],
    *,
    model: str = "wav2small",
    out: TableOut = None,
    win_dur: float | None = None,
    hop_dur: float | None = None,
    exact: bool = False,
    exit: str | None = None,
    channels: Channels = None,
    vad: bool = False,
    intervals: float | None = None,
    values_only: bool = False,
    num_workers: Threads = 1,
    as_json: Json = False,
    wide: bool = False,
    list_left_out: bool = False,
) -> None:
    """Print or write arousal, dominance and valence of audio files.

    Every input has a row. Exit code 0 if all have values, 1 if some have none (the
    table holds the reason), 2 after an error with a message, 3 if folders can't be
    listed.

    Args:
        paths: files, folders (with subfolders), or patterns
        model: name (see 'audw2s models') or model folder
        exit: exit of a model with early exits: its layer, auto, or auto(MARGIN)
        num_workers: number of threads
        wide: print long file names as they are
        list_left_out: list files in folders that have no row: hidden files, and files
            without audio or video

    """
    from functools import partial

    from audw2s.audio.channels import parse_channels
    from audw2s.corpus.prediction import predict as run
    from audw2s.evaluation.conformal import half_widths
    from audw2s.evaluation.conformal import interval_columns
    from audw2s.inference.pipeline import Predictor
    from audw2s.tables import check_table_path
    from audw2s.tables import value_columns

    if hop_dur is not None and win_dur is None:
        raise ValueError("--hop-dur needs --win-dur.")
    if values_only and channels is not None:
        raise ValueError("--values-only has no column for --channels: leave one out.")
    if out is not None:
        check_table_path(out)
    settings: dict[str, Any] = {"win_dur": win_dur, "hop_dur": hop_dur}
    settings |= {"exact": exact, "vad": vad, "exit": exit}
    predictor = Predictor(model, classes=True, **settings)
    widths = half_widths(model, intervals, exit=exit) if intervals is not None else {}
    found = find(paths, list_left_out)
    process = partial(run, channels=parse_channels(channels), num_workers=num_workers)
    table = process(found.files, predictor, verbose=True)
    if widths:
        for column in list(interval_columns(table, [*map(str, table)], widths)):
            table.insert(*column)
        table["intervals"] = intervals
    shown = table[value_columns([*map(str, table)])] if values_only else table
    put(shown, out, as_json=as_json, wide=wide)
    raise_code(table, found)


def find(paths: list[str], list_left_out: bool) -> "Listing":
    """Files that are meant by paths.

    Raises:
        ValueError: if there is none

    """
    from audw2s.corpus.lists.folder import find_media

    found = find_media(paths)
    if list_left_out:
        print_left_out(found)
    if not found.files:
        raise ValueError(f"There are no audio files in {', '.join(paths)}.")
    return found


def put(table: "pd.DataFrame", out: str | None, *, as_json: bool, wide: bool) -> None:
    """Write a table, or print it as JSON, or up to its messages with its model."""
    from audw2s.tables import write_table

    if out is not None:
        write_table(table, out)
    elif as_json:
        show(table, as_json=True)
    else:
        show(table.loc[:, : "message" if "message" in table else None], wide=wide)
        by = table.attrs["audw2s"]
        typer.echo(f"{by['model']} {by['sha256'][:8]}, audw2s {by['version']}")


def raise_code(table: "pd.DataFrame", found: "Listing") -> None:
    """Say on stderr what has no values or no row, and end with the exit code for it.

    Raises:
        typer.Exit: if there is such a thing

    """
    from audw2s.audio.statuses import UNUSABLE

    failed = table["status"].isin(UNUSABLE)
    if failed.any():
        count = table.loc[failed, "file"].nunique()
        typer.echo(f"{count} of {len(found.files)} files have no values.", err=True)
    for note in found.notes():
        typer.echo(note, err=True)
    if found.unlisted or failed.any():
        raise typer.Exit(UNLISTED if found.unlisted else SOME_WITHOUT_VALUES)
