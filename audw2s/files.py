"""Which files are meant by paths, folders and patterns; writing tables whole."""

import glob
import os
from collections.abc import Iterable

import audeer
import pandas as pd

AUDIO = (
    "aif",
    "aiff",
    "au",
    "caf",
    "flac",
    "m4a",
    "mp3",
    "mp4",
    "oga",
    "ogg",
    "opus",
    "wav",
    "webm",
    "wma",
)
"""File extensions that are looked for in folders."""

TABLES = ("csv", "parquet")
"""File extensions of tables that can be written."""


def list_audio(folder: str) -> list[str]:
    """List the audio files in a folder and its subfolders, sorted."""
    found = [
        os.path.join(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if audeer.file_extension(name).lower() in AUDIO
    ]
    return sorted(found)


def find_audio(paths: Iterable[str]) -> list[str]:
    """List the files that are meant by paths, each once, in their order.

    Args:
        paths: files of any kind, folders (audio files in them and in their
            subfolders), patterns such as ``"data/**/*.wav"``. What doesn't exist is
            returned as it is: its row will say so

    Examples:
        >>> find_audio(["missing.wav", "missing.wav"])
        ['missing.wav']

    """
    files: dict[str, None] = {}
    for path in paths:
        if os.path.isdir(path):
            found = list_audio(path)
        elif not os.path.exists(path) and glob.has_magic(path):
            matches = sorted(glob.glob(path, recursive=True))
            found = [match for match in matches if os.path.isfile(match)] or [path]
        else:
            found = [path]
        files.update(dict.fromkeys(found))
    return list(files)


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a table as CSV or parquet; the file appears when it is complete.

    Args:
        table: without index
        path: ends on ``.csv`` or ``.parquet``

    Raises:
        ValueError: if it has another ending

    """
    check_table_path(path)
    unfinished = f"{path}.{os.getpid()}.tmp"
    try:
        if path.endswith(".csv"):
            table.to_csv(unfinished, index=False)
        else:
            table.to_parquet(unfinished, index=False)
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def check_table_path(path: str) -> None:
    """Check that a table can be written to a path.

    Raises:
        ValueError: if its ending is unknown or its folder doesn't exist

    """
    if audeer.file_extension(path) not in TABLES:
        raise ValueError(f"'{path}' has to end on .csv or .parquet.")
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise ValueError(f"There is no folder '{os.path.dirname(path)}'.")
