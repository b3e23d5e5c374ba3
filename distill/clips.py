"""Audio of the clips of a table."""

import hashlib
import warnings
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.audio.preprocess import UnusableSignalError
from audw2s.audio.preprocess import load
from audw2s.audio.times import SECOND
from audw2s.audio.times import to_limit
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.errors import DataWarning
from audw2s.progress import progress_bar

NUM_NAMED = 20
"""Largest number of clips that a warning names."""


def read_together(
    paths: Sequence[str], columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read corpora as one table, see :func:`audw2s.corpus.lists.corpus.read_corpus`."""
    tables = [read_corpus(path, columns) for path in paths]
    return pd.concat(tables, ignore_index=True)


def usable_clips(
    table: pd.DataFrame, *, desc: str = "Read", verbose: bool = False
) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Read the clips of a table; unreadable ones are left out with a warning.

    Args:
        table: see :mod:`audw2s.corpus.lists.corpus`
        desc: text of the progress bar
        verbose: show a progress bar

    Returns:
        rows of the table whose clips could be read, and the clips, each
        ``(num_samples,)``, float32, mono at 16 kHz

    """
    clips = list(readable_clips(table, desc=desc, verbose=verbose))
    return table.iloc[[number for number, _ in clips]], [clip for _, clip in clips]


def readable_clips(
    table: pd.DataFrame, *, desc: str = "Read", verbose: bool = False
) -> Iterator[tuple[int, np.ndarray]]:
    """Read the clips of a table one by one; see :func:`usable_clips`.

    Yields:
        number of the row, from 0, and the clip

    """
    rows = table[["file", "start", "end"]].itertuples(index=False, name=None)
    reasons = []
    bar = progress_bar(rows, desc=desc, total=len(table), verbose=verbose)
    for number, (file, start, end) in enumerate(bar):
        try:
            clip = load(file, start=start / SECOND, end=to_limit(end))
        except UnusableSignalError as error:
            reasons.append(str(error).rstrip("."))
            continue
        yield number, clip
    warn_left_out(reasons, len(table))


def warn_left_out(reasons: Sequence[str], total: int) -> None:
    """Warn of clips that are left out.

    Args:
        reasons: for each such clip, its file and what is wrong with it
        total: number of clips

    """
    if reasons:
        named = reasons[:NUM_NAMED]
        if len(reasons) > NUM_NAMED:
            named = [*named, f"and {len(reasons) - NUM_NAMED} more"]
        warnings.warn(
            f"{len(reasons)} of {total} clips are left out: {'; '.join(named)}.",
            DataWarning,
            stacklevel=3,
        )


def digest(arrays: Iterable[np.ndarray]) -> str:
    """Hash (sha256) of types, shapes and values of arrays.

    Examples:
        >>> one, other = (digest([np.array([k, 2])]) for k in (1, 3))
        >>> one == other
        False

    """
    value = hashlib.sha256()
    for array in arrays:
        value.update(f"{array.dtype.str} {array.shape} ".encode())
        value.update(array.tobytes())
    return value.hexdigest()


def as_pcm(signal: np.ndarray) -> np.ndarray:
    """Signal as 16 bit integers, scaled down where it exceeds full scale.

    Examples:
        >>> as_pcm(np.array([0.0, -0.5, 0.25])).tolist()
        [0, -16384, 8192]
        >>> as_pcm(np.array([0.0, -4.0, 2.0])).tolist()
        [0, -32767, 16384]

    """
    peak = max(1.0, float(np.abs(signal).max(initial=0)) * 32768 / 32767)
    return (signal * (32768 / peak)).round().astype(np.int16)


def as_float(clip: np.ndarray) -> np.ndarray:
    """16 bit integers to float32 in -1…1."""
    return clip.astype(np.float32) / 32768
