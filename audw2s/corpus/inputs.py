"""Inputs of a corpus: files, or segments of files."""

import dataclasses
import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from audw2s.corpus.lists.entries import read_entries
from audw2s.corpus.lists.folder import LeftOut
from audw2s.files import resolve

OPEN = np.iinfo(np.int64).min
"""Unknown end in nanoseconds: NaT as an integer."""


class Unit(NamedTuple):
    """File and its segments, which are processed together."""

    file: str
    """Name of the file in the corpus."""

    numbers: list[int]
    """Positions of its inputs."""


class Piece(NamedTuple):
    """File and its segments, for workers on any machine."""

    file: str
    """As it is called in the corpus."""

    path: str
    """Absolute path of the file."""

    numbers: list[int]
    """Of the inputs that lie in it."""

    spans: list[tuple[int, int]]
    """Start and end of each segment in nanoseconds, :data:`OPEN` for the end of the
    file."""

    @property
    def seconds(self) -> list[tuple[float, float | None]]:
        """Start and end of each segment in seconds, ``None`` for the end of the file.

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
    """Inputs of a run, in the order of the result.

    Args:
        files: name of the file of each input; names may repeat
        starts: start of each input in nanoseconds, int64
        ends: end of each input in nanoseconds, int64, :data:`OPEN` for the end of the
            file
        root: root folder of relative paths, ``None`` for the current folder
        database: folder of the audformat database of the inputs
        filewise: whether the inputs are whole files
        database_table: name of the table of the database, empty for none
        unlisted: folders that can't be listed, each with the reason
        left_out: files of a folder that are no inputs

    """

    files: list[str]
    starts: np.ndarray
    ends: np.ndarray
    root: str | None = None
    database: str | None = None
    filewise: bool = True
    database_table: str = ""
    unlisted: list[str] = dataclasses.field(default_factory=list)
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.files)

    def path(self, file: str) -> str:
        """Path of a file."""
        return resolve(file, self.root)

    def span(self, number: int) -> tuple[int, int]:
        """Start and end of an input in nanoseconds."""
        return int(self.starts[number]), int(self.ends[number])

    def piece(self, unit: Unit) -> Piece:
        """Describe a file for a worker."""
        # Workers may have another current folder
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


def read_inputs(corpus: str, columns: Mapping[str, str] | None = None) -> Inputs:
    """Read the inputs of a corpus.

    Args:
        corpus: folder, list of files, or database, see
            :func:`audw2s.corpus.lists.entries.read_entries`
        columns: names of the corpus' columns by names in this package

    Raises:
        FileNotFoundError: if the corpus doesn't exist
        ValueError: if it has no inputs, can't be parsed, or is a URL

    """
    entries = read_entries(corpus, columns, people=False)
    table = entries.table
    return Inputs(
        table["file"].tolist(),
        table["start"].to_numpy("m8[ns]").astype(np.int64),
        # NaT is the end of the file: as an integer it is OPEN
        table["end"].to_numpy("m8[ns]").astype(np.int64),
        entries.root,
        entries.database,
        entries.filewise,
        entries.database_table,
        entries.unlisted,
        entries.left_out,
    )
