"""Normalise values by speaker or another group."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.errors import DataWarning
from audw2s.model.registry import DIMENSIONS

MAD_OF_NORMAL = 0.6745
"""Median absolute deviation of a normal distribution, in standard deviations."""


def normalise(
    frame: pd.DataFrame,
    by: Sequence | None = None,
    *,
    method: str = "standard",
    reference: Sequence[bool] | None = None,
) -> pd.DataFrame:
    """Normalise A/D/V of each group to zero mean and unit variance.

    Speakers differ in level and range. Normalising by speaker shows how a clip differs
    from the other clips of its speaker; that is meaningful where all speakers have a
    similar mix of clips, or with a ``reference``.

    Args:
        frame: table with columns that are named, or end with, ``arousal``,
            ``dominance`` or ``valence``, such as :class:`audw2s.Feature` or
            :func:`audw2s.annotate` return
        by: group of each row, such as its speaker; ``None`` for a single group
        method: ``"standard"`` for mean and standard deviation, or ``"robust"`` for
            median and median absolute deviation, scaled to be a standard deviation
            for normal distributions
        reference: rows whose values define mean and deviation of their group, such as
            neutral clips; all rows by default

    Returns:
        table of the same shape; A/D/V are in standard deviations, other columns and
        ``attrs`` are unchanged. Values are NaN where they were, and in groups with
        less than two different reference values; a warning names these groups.

    Raises:
        ValueError: if the number of groups or references isn't that of the rows, there
            is no column of A/D/V, or the method is unknown

    Examples:
        >>> frame = pd.DataFrame({"arousal": [0.2, 0.4, 0.7, 0.9]})
        >>> normalise(frame, by=["a", "a", "b", "b"])["arousal"].round(2).tolist()
        [-0.71, 0.71, -0.71, 0.71]
        >>> neutral = [True, True, True, False]
        >>> normalise(frame, reference=neutral)["arousal"].round(2).tolist()
        [-0.93, -0.13, 1.06, 1.85]

    """
    if method not in ("standard", "robust"):
        raise ValueError(f"method has to be 'standard' or 'robust', not '{method}'.")
    columns = frame.columns[[str(_last(name)) in DIMENSIONS for name in frame]]
    if columns.empty:
        raise ValueError("The table has no column of arousal, dominance or valence.")
    groups = _per_row(np.zeros(len(frame)) if by is None else by, frame, "by")
    used = _per_row(
        np.ones(len(frame)) if reference is None else reference, frame, "reference"
    )
    values = frame[columns].astype(float).reset_index(drop=True)
    known = values.where(used.astype(bool), np.nan)
    centre, scale = _statistics(known, groups, method)
    # Equal values have a deviation of rounding errors
    scale = scale.where(scale > 1e-9)
    _warn(groups, scale)
    result = frame.copy()
    result[columns] = ((values - centre) / scale).to_numpy()
    return result


def _last(name: object) -> object:
    """Dimension of a column: of ``(0, "valence")``, or of ``"wav2small.valence"``."""
    return name[-1] if isinstance(name, tuple) else str(name).rpartition(".")[2]


def _per_row(
    values: Sequence | np.ndarray, frame: pd.DataFrame, name: str
) -> pd.Series:
    if len(values) != len(frame):
        raise ValueError(
            f"{name} has {len(values)} entries, and the table has {len(frame)} rows."
        )
    return pd.Series(np.asarray(values))


def _statistics(
    known: pd.DataFrame, groups: pd.Series, method: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Centre and deviation of the group of each row."""
    if method == "standard":
        grouped = known.groupby(groups)
        return grouped.transform("mean"), grouped.transform("std")
    centre = known.groupby(groups).transform("median")
    deviation = (known - centre).abs().groupby(groups).transform("median")
    return centre, deviation / MAD_OF_NORMAL


def _warn(groups: pd.Series, scale: pd.DataFrame) -> None:
    """Name the groups without a deviation."""
    without = groups[scale.isna().any(axis=1)].unique()
    if len(without):
        names = ", ".join(map(str, without[:5])) + ("…" if len(without) > 5 else "")
        warnings.warn(
            f"{len(without)} groups have less than two different reference values, and "
            f"are NaN: {names}.",
            DataWarning,
            stacklevel=3,
        )
