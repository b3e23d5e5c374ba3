"""Show tables in the terminal, or as JSON."""

import json
import shutil
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd

    from audw2s.corpus.lists.folder import Listing

SHORTEST = 12
"""Number of characters that are left of a file name, at least."""


def show(table: "pd.DataFrame", *, as_json: bool = False, wide: bool = False) -> None:
    """Print a table, with times in seconds and three digits, or as JSON.

    In a terminal, file names are shortened in the middle where rows don't fit.

    Args:
        table: table with at least one row
        as_json: print a list of objects instead, with all digits and ``null`` for NaN
        wide: don't shorten names

    """
    shown = table.copy()
    for column in shown.select_dtypes("timedelta"):
        shown[column] = shown[column].dt.total_seconds()
    if as_json:
        records = json.loads(shown.to_json(orient="records", double_precision=9))
        typer.echo(json.dumps(records, indent=1, ensure_ascii=False))
        return
    if sys.stdout.isatty() and not wide:
        shown = fitted(shown, shutil.get_terminal_size().columns)
    typer.echo(as_text(shown))


def print_left_out(listing: "Listing") -> None:
    """Print the files of folders that have no row on stderr."""
    from audw2s.files import printable

    for line in listing.left_out():
        typer.echo(printable(line), err=True)


def as_text(table: "pd.DataFrame") -> str:
    """Format a table with three digits."""
    return table.to_string(index=False, float_format="%.3f", justify="right")


def fitted(table: "pd.DataFrame", columns: int) -> "pd.DataFrame":
    """Shorten file names so that rows fit into a number of columns, where possible."""
    if "file" not in table:
        return table
    too_many = max(map(len, as_text(table).splitlines())) - columns
    longest = table["file"].str.len().max()
    width = max(SHORTEST, longest - max(0, too_many))
    return table.assign(file=[shortened(name, width) for name in table["file"]])


def shortened(name: str, width: int) -> str:
    """Shorten a name in the middle, as beginning and end tell files apart.

    Examples:
        >>> shortened("speech/emodb-03a05Fc-happiness.flac", 20)
        'speech/em…iness.flac'
        >>> shortened("a.wav", 20)
        'a.wav'

    """
    if len(name) <= width:
        return name
    end = width // 2
    return f"{name[: width - end - 1]}…{name[-end:]}"
