"""What of a corpus is to be annotated: files, or stretches of files."""

import dataclasses
import os
from collections.abc import Iterable
from typing import NamedTuple

import audformat
import numpy as np
import pandas as pd

from audw2s.annotator import resolve
from audw2s.files import is_url
from audw2s.files import list_audio

OPEN = np.iinfo(np.int64).min
"""An end in nanoseconds that isn't known: NaT, as an integer."""


class Unit(NamedTuple):
    """A file and its stretches, which are heard in one go."""

    file: str
    """As it is called in the corpus."""

    numbers: list[int]
    """Of the inputs that lie in it."""


class Piece(NamedTuple):
    """All that has to be known of a file and its stretches, wherever it is heard."""

    file: str
    """As it is called in the corpus."""

    path: str
    """Where it is; absolute."""

    numbers: list[int]
    """Of the inputs that lie in it."""

    spans: list[tuple[int, int]]
    """Start and end of each in nanoseconds, :data:`OPEN` for the end of the file."""

    @property
    def seconds(self) -> list[tuple[float, float | None]]:
        """Start and end of each in seconds, ``None`` for the end of the file.

        Examples:
            >>> Piece("a.wav", "/a.wav", [0], [(500_000_000, OPEN)]).seconds
            [(0.5, None)]

        """
        return [
            (start / 1e9, None if end == OPEN else end / 1e9)
            for start, end in self.spans
        ]


@dataclasses.dataclass
class Inputs:
    """What is to be annotated, in the order of the result.

    Args:
        files: as the corpus calls them, one per input; may repeat
        starts: in nanoseconds, int64
        ends: in nanoseconds, int64, :data:`OPEN` for the end of the file
        root: folder that relative paths count from, ``None`` for the current one
        database: folder of the audformat database that this is a part of
        filewise: whether the inputs are whole files

    """

    files: list[str]
    starts: np.ndarray
    ends: np.ndarray
    root: str | None = None
    database: str | None = None
    filewise: bool = True

    def __len__(self) -> int:
        """Count the inputs."""
        return len(self.files)

    def path(self, file: str) -> str:
        """Where a file is."""
        return resolve(file, self.root)

    def span(self, number: int) -> tuple[int, int]:
        """Start and end of an input in nanoseconds."""
        return int(self.starts[number]), int(self.ends[number])

    def piece(self, unit: Unit) -> Piece:
        """Describe a file for whom it is heard by."""
        # Others have another current folder
        path = os.path.join(os.getcwd(), self.path(unit.file))
        spans = [self.span(number) for number in unit.numbers]
        return Piece(unit.file, path, unit.numbers, spans)

    def units(self) -> list[Unit]:
        """Group the inputs by file, in the order in which the files first appear.

        Examples:
            >>> times = np.zeros(3, np.int64)
            >>> Inputs(["a.wav", "b.wav", "a.wav"], times, times).units()
            [Unit(file='a.wav', numbers=[0, 2]), Unit(file='b.wav', numbers=[1])]

        """
        numbers: dict[str, list[int]] = {}
        for number, file in enumerate(self.files):
            numbers.setdefault(file, []).append(number)
        return [Unit(file, own) for file, own in numbers.items()]


def read_inputs(corpus: str) -> Inputs:
    """Read what is to be annotated.

    Args:
        corpus: a folder that is searched for audio; a ``.txt`` with a path a line,
            or a ``.csv`` or ``.parquet`` table with a column ``file`` and maybe
            ``start`` and ``end`` (seconds, or as audformat writes them), paths
            relative to the folder that the list lies in; the ``ROOT`` of an
            audformat database, or ``ROOT:TABLE``; ``audb:NAME==VERSION``, or
            ``audb:NAME==VERSION:TABLE``

    Raises:
        FileNotFoundError: if there is nothing of this kind
        ValueError: if it holds no input, can't be understood, or is a URL

    """
    if corpus.startswith("audb:"):
        root, table = _published(corpus.removeprefix("audb:"))
        inputs = _from_database(root, table)
    elif _is_database(corpus):
        inputs = _from_database(corpus, "")
    elif os.path.isdir(corpus):
        inputs = _whole(list_audio(corpus))
    elif os.path.isfile(corpus):
        inputs = _from_list(corpus)
    else:
        if is_url(corpus):
            raise ValueError(
                f"'{corpus}' is a URL: audio is read from file systems only, mount or "
                "copy it."
            )
        root, _, table = corpus.rpartition(":")
        if not root or not _is_database(root):
            raise FileNotFoundError(
                f"'{corpus}' is no folder, no list of files (.txt, .csv, .parquet) "
                "and no database: ROOT, ROOT:TABLE or audb:NAME==VERSION."
            )
        inputs = _from_database(root, table)
    if not inputs.files:
        raise ValueError(f"There are no audio files in '{corpus}'.")
    return inputs


def _is_database(root: str) -> bool:
    return os.path.isfile(os.path.join(root, "db.yaml"))


def _whole(files: Iterable[str], **kwargs: object) -> Inputs:
    files = list(files)
    starts = np.zeros(len(files), np.int64)
    return Inputs(files, starts, np.full(len(files), OPEN), **kwargs)


def _from_list(path: str) -> Inputs:
    root = os.path.dirname(path) or None
    if path.endswith(".txt"):
        # Names of files may hold any bytes
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.rstrip("\r\n") for line in file]
        return _whole([line for line in lines if line.strip()], root=root)
    if path.endswith(".parquet"):
        table = pd.read_parquet(path)
    elif path.endswith(".csv"):
        table = pd.read_csv(path, dtype={"file": str})
    else:
        raise ValueError(f"'{path}' has to end on .txt, .csv or .parquet.")
    if "file" not in table.columns:
        table = table.reset_index()
    if "file" not in table.columns:
        raise ValueError(f"'{path}' needs a column 'file', it has {list(table)}.")
    empty = np.flatnonzero(table["file"].isna())
    if len(empty):
        raise ValueError(f"'{path}', row {empty[0] + 1}: there is no file.")
    inputs = _whole(table["file"].astype(str), root=root)
    if "start" in table.columns:
        inputs.starts = _nanoseconds(table["start"], path, 0)
    if "end" in table.columns:
        inputs.ends = _nanoseconds(table["end"], path, OPEN)
    inputs.filewise = not {"start", "end"} & set(table.columns)
    _check_order(inputs, path)
    return inputs


def _nanoseconds(times: pd.Series, path: str, missing: int) -> np.ndarray:
    """Nanoseconds of seconds, of timedeltas, or of either as text."""
    try:
        if times.dtype.kind != "m":
            seconds = pd.to_numeric(times, errors="coerce")
            unclear = times.notna() & seconds.isna()
            found = pd.to_timedelta(seconds, unit="s").dt.as_unit("ns")
            if unclear.any():
                text = pd.to_timedelta(times[unclear].astype(str))
                found[unclear] = text.dt.as_unit("ns")
            times = found
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"'{path}', column '{times.name}': {error}") from None
    times = times.dt.as_unit("ns")
    return np.where(times.isna(), missing, times.astype(np.int64))


def _check_order(inputs: Inputs, path: str) -> None:
    bounded = inputs.ends != OPEN
    wrong = (inputs.starts < 0) | (bounded & (inputs.ends < inputs.starts))
    if wrong.any():
        number = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"'{path}', row {number + 1}: it starts at {inputs.starts[number] / 1e9:g} "
            f"s and ends at {inputs.ends[number] / 1e9:g} s."
        )


def _from_database(root: str, table: str) -> Inputs:
    database = audformat.Database.load(root)
    index = database.files
    if table:
        if table not in database.tables:
            known = ", ".join(database.tables) or "none"
            raise ValueError(f"'{root}' has no table '{table}', it has: {known}.")
        index = database[table].index
    about = {"root": root, "database": root}
    if audformat.is_filewise_index(index):
        return _whole(index, **about)
    inputs = _whole(index.get_level_values("file"), **about, filewise=False)
    inputs.starts = _nanoseconds(_level(index, "start"), root, 0)
    inputs.ends = _nanoseconds(_level(index, "end"), root, OPEN)
    return inputs


def _level(index: pd.MultiIndex, name: str) -> pd.Series:
    return index.get_level_values(name).to_series(index=range(len(index)))


def _published(name: str) -> tuple[str, str]:
    """Get a database with audb; its root, and the table that was asked for."""
    name, _, version = name.partition("==")
    version, _, table = version.partition(":")
    if not name or not version:
        raise ValueError("A database of audb is named audb:NAME==VERSION.")
    try:
        import audb
    except ModuleNotFoundError:
        raise ValueError(
            f"To get '{name}', audb is missing: pip install audb"
        ) from None
    # Paths relative to the root, as the database has them
    database = audb.load(name, version=version, full_path=False)
    return database.root, table
