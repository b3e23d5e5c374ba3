"""One kind of table for every corpus: a row per clip.

Columns: ``file`` (absolute path), ``start`` and ``end`` (timedeltas, the end NaT
for "to the end of the file"), ``speaker`` (a string, missing where it isn't
known), and whatever labels the corpus has. ``attrs["scale"]`` is the lowest and
highest human rating, where the corpus tells it; it isn't kept when tables of several
corpora are joined.
"""

import os

import audformat
import pandas as pd

from audw2s.corpus.lists.demos import is_demos
from audw2s.corpus.lists.demos import read_demos
from audw2s.corpus.lists.iemocap import is_iemocap
from audw2s.corpus.lists.iemocap import read_iemocap
from audw2s.corpus.lists.msp_podcast import is_msp_podcast
from audw2s.corpus.lists.msp_podcast import read_msp_podcast
from audw2s.files import list_audio


def read_corpus(path: str) -> pd.DataFrame:
    """Read a corpus of any supported layout.

    Args:
        path: a ``.csv`` or ``.parquet`` file with a column ``file`` (relative to
            the folder it lies in), the root of an audformat database, of
            MSP-Podcast, of IEMOCAP or of DEMoS, one of its tables or parts as
            ``ROOT:TABLE``, or a folder that is searched for audio

    Returns:
        table as described in this module

    Raises:
        FileNotFoundError: if there is nothing at this path
        ValueError: if the table has no column ``file``, or no row, or a corpus
            isn't as its publishers lay it out

    """
    root, part = split_part(path)
    if os.path.isfile(os.path.join(root, "db.yaml")):
        table = _from_audformat(root, part)
    elif is_msp_podcast(root):
        table = read_msp_podcast(root, part)
    elif is_iemocap(root):
        table = read_iemocap(root, part)
    elif is_demos(root):
        table = read_demos(root, part)
    elif os.path.isdir(path):
        table = pd.DataFrame({"file": list_audio(os.path.abspath(path))})
    elif os.path.isfile(path):
        table = _from_file(path)
    else:
        raise FileNotFoundError(f"No folder, table or database at '{path}'.")
    if table.empty:
        raise ValueError(f"'{path}' holds no clips.")
    return _complete(table)


def split_part(path: str) -> tuple[str, str]:
    """Root and part of a path; there may be colons in the root as well."""
    root, colon, part = path.rpartition(":")
    return (root, part) if colon and not os.path.exists(path) else (path, "")


def _from_file(path: str) -> pd.DataFrame:
    if path.endswith(".parquet"):
        table = pd.read_parquet(path)
    else:
        table = pd.read_csv(path, dtype={"speaker": str})
    if "file" not in table.columns:
        raise ValueError(f"'{path}' needs a column 'file', it has {list(table)}.")
    folder = os.path.dirname(os.path.abspath(path))
    return table.assign(file=[os.path.join(folder, file) for file in table["file"]])


def _from_audformat(root: str, name: str) -> pd.DataFrame:
    database = audformat.Database.load(root)
    if name:
        frame = database[name].get()
        index = audformat.utils.to_segmented_index(frame.index)
    else:
        index = audformat.utils.to_segmented_index(database.files)
        frame = pd.DataFrame(index=database.files)
    table = index.to_frame(index=False)
    for column in frame:
        table[column] = frame[column].to_numpy()
    table["file"] = [os.path.join(database.root, file) for file in table["file"]]
    return table


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    table = table.reset_index(drop=True)
    if "start" not in table:
        table["start"] = pd.to_timedelta(0)
    if "end" not in table:
        table["end"] = pd.Series(pd.NaT, table.index, dtype="timedelta64[ns]")
    for column in ("start", "end"):
        table[column] = pd.to_timedelta(table[column]).dt.as_unit("ns")
    if "speaker" not in table:
        table["speaker"] = None
    known = table["speaker"].notna()
    names = table["speaker"].astype(object).where(known, None)
    table["speaker"] = [None if name is None else str(name) for name in names]
    return table
