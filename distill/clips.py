"""Audio of the clips of a table."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from tqdm import tqdm

from audw2s.signal import load


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
        table: see :mod:`audw2s.corpus.lists.corpus`
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
