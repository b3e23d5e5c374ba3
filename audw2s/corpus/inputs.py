"""Inputs of a corpus: files or segments of files, and their labels.

This is the only reader; annotating and distilling start from it.
"""

import dataclasses
import functools
import os
import warnings
from collections.abc import Iterable
from collections.abc import Mapping

import audeer
import numpy as np
import pandas as pd

from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.columns import with_times
from audw2s.corpus.lists.database import is_database
from audw2s.corpus.lists.database import load_published
from audw2s.corpus.lists.database import read_database
from audw2s.corpus.lists.demos import is_demos
from audw2s.corpus.lists.demos import read_demos
from audw2s.corpus.lists.folder import MEDIA
from audw2s.corpus.lists.folder import Listing
from audw2s.corpus.lists.folder import read_folder
from audw2s.corpus.lists.iemocap import is_iemocap
from audw2s.corpus.lists.iemocap import read_iemocap
from audw2s.corpus.lists.msp_podcast import is_msp_podcast
from audw2s.corpus.lists.msp_podcast import read_msp_podcast
from audw2s.corpus.lists.table import READERS
from audw2s.corpus.lists.table import read_list
from audw2s.corpus.task import Task
from audw2s.errors import DataWarning
from audw2s.files import is_url
from audw2s.files import printable
from audw2s.files import resolve
from audw2s.files import unlisted_text

LAYOUTS = {
    "MSP-Podcast": (is_msp_podcast, read_msp_podcast),
    "IEMOCAP": (is_iemocap, read_iemocap),
    "DEMoS": (is_demos, read_demos),
}
"""Corpora as their publishers lay them out: how each is recognised and read."""


@dataclasses.dataclass
class Inputs:
    """Inputs of a run, in the order of the result.

    Args:
        corpus: name of the corpus
        table: a row per input with ``file`` as the corpus calls it, ``start``, ``end``
            (timedeltas, NaT for the end of the file), and its labels; files may repeat
        root: root folder of relative paths, ``None`` for the current folder
        database: folder of the audformat database of the inputs
        database_table: name of the table of the database, empty for all its files
        filewise: whether the inputs are whole files
        listing: what else is in the folder of the corpus

    """

    corpus: str
    table: pd.DataFrame
    root: str | None = None
    database: str | None = None
    database_table: str = ""
    filewise: bool = True
    listing: Listing = dataclasses.field(default_factory=Listing)

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.table)

    @functools.cached_property
    def files(self) -> list[str]:
        """Name of the file of each input."""
        return self.table["file"].tolist()

    @functools.cached_property
    def times(self) -> np.ndarray:
        """Start and end of each input in nanoseconds ``(num_inputs, 2)``.

        The end is :data:`audw2s.corpus.task.OPEN` for the end of the file: NaT as an
        integer.
        """
        columns = [self.table[name].to_numpy("m8[ns]") for name in ("start", "end")]
        return np.stack(columns, axis=1).astype(np.int64)

    @property
    def speakers(self) -> np.ndarray | None:
        """Name of each input's speaker, empty if unknown; ``None`` if there is none."""
        if "speaker" not in self.table:
            return None
        names = as_text(self.table["speaker"])
        return np.array([printable(name or "") for name in names], object)

    def warn_unlisted(self) -> None:
        """Warn of folders that can't be listed."""
        if self.listing.unlisted:
            text = unlisted_text(self.listing.unlisted)
            warnings.warn(text, DataWarning, stacklevel=3)

    def path(self, file: str) -> str:
        """Path of a file."""
        return str(resolve(file, self.root))

    def span(self, number: int) -> tuple[int, int]:
        """Start and end of an input in nanoseconds."""
        start, end = self.times[number].tolist()
        return start, end

    def by_file(self) -> Iterable[list[int]]:
        """Positions of the inputs of each file, in the order of the files.

        Examples:
            >>> table = pd.DataFrame({"file": ["a.wav", "b.wav", "a.wav"]})
            >>> list(Inputs("list", table).by_file())
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
        return Task(file, path, [self.span(number) for number in numbers])


def read_inputs(
    corpus: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
    *,
    people: bool = False,
) -> Inputs:
    """Read the files or segments of a corpus, and their labels.

    Args:
        corpus: a folder that is searched for audio and video; a ``.txt`` with a path a
            line, or a ``.csv`` or ``.parquet`` table with a column ``file`` and maybe
            ``start`` and ``end``, or ``duration`` (seconds, or as audformat writes
            them), ``.jsonl``, ``.scp`` or ``.rttm``, see
            :mod:`audw2s.corpus.lists.manifests`, paths relative to the folder that the
            list lies in; the ``ROOT`` of an
            audformat database, of MSP-Podcast, of IEMOCAP or of DEMoS, or one of its
            tables or parts as ``ROOT:TABLE``; ``audb:NAME==VERSION``, or
            ``audb:NAME==VERSION:TABLE``
        columns: names of the corpus' columns by names in this package
        people: look for speakers, their gender, age and language in all tables of a
            database

    Raises:
        FileNotFoundError: if there is nothing of this kind
        ValueError: if it holds no entry, can't be understood, or is a URL

    """
    corpus = os.path.expanduser(os.fspath(corpus))
    inputs = _read(corpus, columns, people)
    if inputs.table.empty:
        raise ValueError(
            f"'{corpus}' holds no clips: there are no audio files or rows in it."
        )
    inputs.filewise = not {"start", "end"} & set(inputs.table)
    inputs.table = with_times(inputs.table, corpus)
    return inputs


def split_part(path: str) -> tuple[str, str]:
    """Root and part of a path; there may be colons in the root as well."""
    root, colon, part = path.rpartition(":")
    if path.startswith("audb:"):
        return (root, part) if path.count(":") > 1 else (path, "")
    return (root, part) if colon and not os.path.exists(path) else (path, "")


def _read(corpus: str, columns: Mapping[str, str] | None, people: bool) -> Inputs:
    root, part = split_part(corpus)
    if corpus.startswith("audb:"):
        root = load_published(root.removeprefix("audb:"))
    if is_database(root):
        table = read_database(root, part, columns, people=people)
        return Inputs(corpus, table, root, database=root, database_table=part)
    for name, (is_one, read) in LAYOUTS.items():
        if is_one(root):
            table = read(root, part)
            if not part:
                text = f"read as {name}, with the {len(table)} clips of its labels."
                warnings.warn(f"'{corpus}' is {text}", DataWarning, stacklevel=3)
            return Inputs(corpus, table)
    if os.path.isdir(corpus):
        listing = read_folder(corpus)
        return Inputs(corpus, _files(listing.files), listing=listing)
    if os.path.isfile(corpus):
        if audeer.file_extension(corpus).lower() in MEDIA:
            return Inputs(corpus, _files([corpus]))
        return Inputs(corpus, read_list(corpus, columns), os.path.dirname(corpus))
    if is_url(corpus):
        raise ValueError(
            f"'{corpus}' is a URL: audio is read from file systems only, mount or "
            "copy it."
        )
    raise FileNotFoundError(
        f"'{corpus}' is no folder, no list of files ({', '.join(READERS)}) and no "
        "database: ROOT, ROOT:TABLE or audb:NAME==VERSION."
    )


def _files(paths: list[str]) -> pd.DataFrame:
    # Names that aren't UTF-8 fit into objects only
    return pd.DataFrame({"file": paths}, dtype=object)
