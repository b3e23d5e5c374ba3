"""Human ratings of a corpus, and their scale."""

import numpy as np
import pandas as pd

from audw2s.catalogue import DIMENSIONS

SCALE = (1, 5)
"""Lowest and highest rating where nobody says anything else."""


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
        table: see :mod:`audw2s.corpus.lists.corpus`
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
