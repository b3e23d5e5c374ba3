"""Read a corpus: files or segments of files, and their labels.

This is the only reader; annotating and distilling start from it.
"""

import dataclasses
import os
import warnings
from collections.abc import Mapping

import audeer
import pandas as pd

from audw2s.corpus.lists.columns import with_times
from audw2s.corpus.lists.database import is_database
from audw2s.corpus.lists.database import load_published
from audw2s.corpus.lists.database import read_database
from audw2s.corpus.lists.demos import is_demos
from audw2s.corpus.lists.demos import read_demos
from audw2s.corpus.lists.folder import MEDIA
from audw2s.corpus.lists.folder import LeftOut
from audw2s.corpus.lists.folder import read_folder
from audw2s.corpus.lists.iemocap import is_iemocap
from audw2s.corpus.lists.iemocap import read_iemocap
from audw2s.corpus.lists.msp_podcast import is_msp_podcast
from audw2s.corpus.lists.msp_podcast import read_msp_podcast
from audw2s.corpus.lists.table import READERS
from audw2s.corpus.lists.table import read_list
from audw2s.errors import DataWarning
from audw2s.files import is_url

LAYOUTS = {
    "MSP-Podcast": (is_msp_podcast, read_msp_podcast),
    "IEMOCAP": (is_iemocap, read_iemocap),
    "DEMoS": (is_demos, read_demos),
}
"""Corpora as their publishers lay them out: how each is recognised and read."""


@dataclasses.dataclass
class Entries:
    """Files or segments in the order of the corpus.

    Args:
        table: a row per entry with ``file`` as the corpus calls it, ``start`` and
            ``end`` (timedeltas in nanoseconds; the end NaT for the end of the file)
            and its labels; ``attrs["scale"]`` is the scale of human ratings, where
            the corpus declares it
        root: root folder of the files, ``None`` for the current folder
        database: folder of the audformat database that this is a part of
        database_table: name of the table of the database, empty for all its files
        filewise: whether entries are whole files
        unlisted: subfolders that can't be listed, each with its reason
        left_out: files and folders without a row

    """

    table: pd.DataFrame
    root: str | None = None
    database: str | None = None
    database_table: str = ""
    filewise: bool = True
    unlisted: list[str] = dataclasses.field(default_factory=list)
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)


def read_entries(
    corpus: str | os.PathLike,
    columns: Mapping[str, str] | None = None,
    *,
    people: bool = True,
) -> Entries:
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
    entries = _read(corpus, columns, people)
    if entries.table.empty:
        raise ValueError(
            f"'{corpus}' holds no clips: there are no audio files or rows in it."
        )
    entries.filewise = not {"start", "end"} & set(entries.table)
    entries.table = with_times(entries.table, corpus)
    return entries


def split_part(path: str) -> tuple[str, str]:
    """Root and part of a path; there may be colons in the root as well."""
    root, colon, part = path.rpartition(":")
    if path.startswith("audb:"):
        return (root, part) if path.count(":") > 1 else (path, "")
    return (root, part) if colon and not os.path.exists(path) else (path, "")


def _read(corpus: str, columns: Mapping[str, str] | None, people: bool) -> Entries:
    root, part = split_part(corpus)
    if corpus.startswith("audb:"):
        root = load_published(root.removeprefix("audb:"))
    if is_database(root):
        table = read_database(root, part, columns, people=people)
        return Entries(table, root=root, database=root, database_table=part)
    for name, (is_one, read) in LAYOUTS.items():
        if is_one(root):
            table = read(root, part)
            if not part:
                text = f"read as {name}, with the {len(table)} clips of its labels."
                warnings.warn(f"'{corpus}' is {text}", DataWarning, stacklevel=3)
            return Entries(table)
    if os.path.isdir(corpus):
        listing = read_folder(corpus)
        # Names that aren't UTF-8 fit into objects only
        table = pd.DataFrame({"file": listing.files}, dtype=object)
        return Entries(table, unlisted=listing.unlisted, left_out=listing.left_out)
    if os.path.isfile(corpus) and audeer.file_extension(corpus).lower() in MEDIA:
        return Entries(pd.DataFrame({"file": [corpus]}, dtype=object))
    if os.path.isfile(corpus):
        table = read_list(corpus, columns)
        return Entries(table, root=os.path.dirname(corpus) or None)
    if is_url(corpus):
        raise ValueError(
            f"'{corpus}' is a URL: audio is read from file systems only, mount or "
            "copy it."
        )
    raise FileNotFoundError(
        f"'{corpus}' is no folder, no list of files ({', '.join(READERS)}) and no "
        "database: ROOT, ROOT:TABLE or audb:NAME==VERSION."
    )
