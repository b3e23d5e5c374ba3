"""One kind of table for every corpus: a row per clip.

Columns: ``file`` (absolute path), ``start`` and ``end`` (timedeltas, the end NaT
for "to the end of the file"), ``speaker`` (a string, the file where nothing is
known), and whatever labels the corpus has. ``attrs["scale"]`` is the lowest and
highest human rating, where the corpus tells it; it isn't kept when tables of several
corpora are joined.
"""

import os
from collections.abc import Iterator

import audformat
import numpy as np
import pandas as pd
from tqdm import tqdm

from audw2s.catalogue import DIMENSIONS
from audw2s.distill.corpora.demos import is_demos
from audw2s.distill.corpora.demos import read_demos
from audw2s.distill.corpora.iemocap import is_iemocap
from audw2s.distill.corpora.iemocap import read_iemocap
from audw2s.distill.corpora.msp_podcast import is_msp_podcast
from audw2s.distill.corpora.msp_podcast import read_msp_podcast
from audw2s.files import list_audio
from audw2s.signal import load

SCALE = (1, 5)
"""Lowest and highest rating where nobody says anything else."""


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
        table["speaker"] = table["file"]
    # Else all who are unknown would be one person
    known = table["speaker"].notna()
    table["speaker"] = table["speaker"].astype(object).where(known, table["file"])
    table["speaker"] = table["speaker"].astype(str)
    return table


def seconds(time: pd.Timedelta) -> float | None:
    """Seconds of a timedelta, ``None`` for NaT.

    Examples:
        >>> seconds(pd.Timedelta("1500ms")), seconds(pd.NaT)
        (1.5, None)

    """
    return None if pd.isna(time) else time.total_seconds()


def load_clips(
    table: pd.DataFrame,
    *,
    desc: str = "Read",
    verbose: bool = False,
) -> Iterator[np.ndarray]:
    """Read the clips of a table, one after the other.

    Args:
        table: as described in this module
        desc: what the progress bar says
        verbose: show a progress bar

    Yields:
        ``(num_samples,)``, float32, mono at 16 kHz

    Raises:
        UnusableSignalError: if a clip can't be read, or NaN is in it

    """
    rows = table[["file", "start", "end"]].itertuples(index=False, name=None)
    for file, start, end in tqdm(rows, desc, len(table), disable=not verbose):
        yield load(file, start=start.total_seconds(), end=seconds(end))


def ratings(table: pd.DataFrame, low: float, high: float) -> np.ndarray:
    """Human ratings, mapped to 0…1.

    Args:
        table: with columns ``rater1_arousal``, ``rater1_dominance``, … or, if
            there is one value per clip, ``arousal``, ``dominance``, ``valence``
        low: lowest value of the scale
        high: highest value of the scale

    Returns:
        ``(num_raters, num_clips, 3)``

    Raises:
        ValueError: if the table has neither kind of columns

    Examples:
        >>> table = pd.DataFrame([[1, 3, 5]], columns=DIMENSIONS)
        >>> ratings(table, 1, 5)
        array([[[0. , 0.5, 1. ]]])

    """
    last = f"_{DIMENSIONS[0]}"
    raters = [c.removesuffix(last) for c in table if c.endswith(last)]
    columns = [[f"{rater}_{d}" for d in DIMENSIONS] for rater in raters]
    if not columns:
        columns = [list(DIMENSIONS)]
    missing = {c for group in columns for c in group} - set(table)
    if missing:
        raise ValueError(f"Columns are missing: {sorted(missing)}.")
    values = np.stack([table[group].to_numpy(float) for group in columns])
    return (values - low) / (high - low)


def rating_scale(
    table: pd.DataFrame,
    scale: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Lowest and highest rating that a table's ratings could have.

    Args:
        table: as described in this module
        scale: what is known better, ``None`` for the table's own, or 1 and 5 if it
            has none

    Raises:
        ValueError: if the lowest isn't below the highest

    Examples:
        >>> rating_scale(pd.DataFrame())
        (1.0, 5.0)

    """
    low, high = map(float, table.attrs.get("scale", SCALE) if scale is None else scale)
    if not low < high:
        raise ValueError(
            f"A scale is its lowest and highest rating, not {low}, {high}."
        )
    return low, high


def mean_rating(raters: np.ndarray) -> np.ndarray:
    """Mean over raters, of those who rated a clip; NaN where nobody did.

    Args:
        raters: ``(num_raters, num_clips, 3)``

    Returns:
        ``(num_clips, 3)``

    Examples:
        >>> mean_rating(np.array([[[0.0, 1.0, np.nan]], [[1.0, np.nan, np.nan]]]))
        array([[0.5, 1. , nan]])

    """
    known = np.isfinite(raters).sum(axis=0)
    mean = np.full(known.shape, np.nan)
    return np.divide(np.nansum(raters, axis=0), known, out=mean, where=known > 0)
