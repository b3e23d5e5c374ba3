"""Inputs of a corpus: files, or segments of files."""

import dataclasses
import os
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np
import pandas as pd

from audw2s.corpus.lists.entries import read_entries
from audw2s.corpus.lists.folder import LeftOut
from audw2s.corpus.task import Task
from audw2s.files import resolve


@dataclasses.dataclass
class Inputs:
    """Inputs of a run, in the order of the result.

    Args:
        corpus: name of the corpus
        files: name of the file of each input; names may repeat
        starts: start of each input in nanoseconds, int64
        ends: end of each input in nanoseconds, int64,
            :data:`audw2s.corpus.task.OPEN` for the end of the file
        root: root folder of relative paths, ``None`` for the current folder
        database: folder of the audformat database of the inputs
        filewise: whether the inputs are whole files
        database_table: name of the table of the database, empty for none
        speakers: speaker of each input, ``None`` if the corpus names none
        unlisted: folders that can't be listed, each with the reason
        left_out: files of a folder that are no inputs

    """

    corpus: str
    files: list[str]
    starts: np.ndarray
    ends: np.ndarray
    root: str | None = None
    database: str | None = None
    filewise: bool = True
    database_table: str = ""
    speakers: list[str] | None = None
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

    def by_file(self) -> Iterable[list[int]]:
        """Positions of the inputs of each file, in the order of the files.

        Examples:
            >>> times = np.zeros(3, np.int64)
            >>> inputs = Inputs("list", ["a.wav", "b.wav", "a.wav"], times, times)
            >>> list(inputs.by_file())
            [[0, 2], [1]]

        """
        numbers: dict[str, list[int]] = {}
        for number, file in enumerate(self.files):
            numbers.setdefault(file, []).append(number)
        return numbers.values()

    def task(self, numbers: list[int]) -> Task:
        """Describe inputs of one file for a worker on any machine."""
        file = self.files[numbers[0]]
        # Workers may have another current folder
        path = os.path.join(os.getcwd(), self.path(file))
        return Task(file, path, numbers, [self.span(number) for number in numbers])


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
        corpus,
        table["file"].tolist(),
        table["start"].to_numpy("m8[ns]").astype(np.int64),
        # NaT is the end of the file: as an integer it is OPEN
        table["end"].to_numpy("m8[ns]").astype(np.int64),
        root=entries.root,
        database=entries.database,
        filewise=entries.filewise,
        database_table=entries.database_table,
        speakers=_speakers(table),
        unlisted=entries.unlisted,
        left_out=entries.left_out,
    )


def _speakers(table: pd.DataFrame) -> list[str] | None:
    """Speaker of each row, empty if unknown; ``None`` if the table names none."""
    if "speaker" not in table:
        return None
    return table["speaker"].astype(object).where(table["speaker"].notna(), "").tolist()
