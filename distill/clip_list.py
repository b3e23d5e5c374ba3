"""Lists of the clips of a training, by which it can be repeated on the same ones.

A list names no path of a machine: its names are relative to the folder that holds the
corpus, or the corpus' table.
"""

import os

import pandas as pd

from audw2s.corpus.inputs import split_part
from audw2s.tables import write_table

LIST = "clips.csv"
"""File of the list in a folder of batches, with the columns ``name`` and ``sha256``."""

NUM_NAMED = 3
"""Largest number of clips that an error names."""


def named(table: pd.DataFrame, corpus: str) -> pd.DataFrame:
    """Clips of a corpus with a column ``name`` for lists.

    Args:
        table: clips
        corpus: path of the corpus

    Examples:
        >>> table = pd.DataFrame({"file": [os.path.abspath("corpora/emodb/a.wav")]})
        >>> list(named(table, "corpora/emodb.csv")["name"])
        ['emodb/a.wav']
        >>> list(named(table, "audb:emodb==1.4.1")["name"])
        ['a.wav']

    """
    if corpus.startswith("audb:") and len(table):
        # It lies wherever audb keeps it
        folder = os.path.commonpath(list(map(os.path.dirname, table["file"])))
    else:
        folder = os.path.dirname(os.path.abspath(split_part(corpus)[0]))
    names = [os.path.relpath(file, folder) for file in table["file"]]
    return table.assign(name=[name.replace(os.sep, "/") for name in names])


def list_clips(clips: pd.DataFrame) -> pd.DataFrame:
    """Make the list of some clips, sorted by name.

    Args:
        clips: table with columns ``name`` and ``sha256``

    """
    table = clips[["name", "sha256"]]
    return table.drop_duplicates().sort_values("name", ignore_index=True)


def write_list(clips: pd.DataFrame, folder: str) -> None:
    """Write the list of some clips, see :func:`list_clips`."""
    write_table(list_clips(clips), os.path.join(folder, LIST))


def check_list(path: str, clips: pd.DataFrame) -> None:
    """Make sure that clips are those of a list.

    Args:
        path: path of the list
        clips: table with columns ``name`` and ``sha256``

    Raises:
        FileNotFoundError: if there is no list
        ValueError: if a clip isn't listed, differs, or a listed one is missing

    """
    # Clips of two corpora may have the same name
    wanted, given = (
        set(table[["name", "sha256"]].itertuples(index=False, name=None))
        for table in (pd.read_csv(path, dtype=str), clips)
    )
    lacking, further = (
        {name for name, _ in pairs} for pairs in (wanted - given, given - wanted)
    )
    faults = {
        "missing": lacking - further,
        "not listed": further - lacking,
        "of other content": lacking & further,
    }
    parts = [
        f"{len(names)} are {fault} ({', '.join(sorted(names)[:NUM_NAMED])})"
        for fault, names in faults.items()
        if names
    ]
    if parts:
        raise ValueError(f"The clips aren't those of '{path}': {'; '.join(parts)}.")
