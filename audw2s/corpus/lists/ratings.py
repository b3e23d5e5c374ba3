"""Human ratings of a corpus, and their scale."""

import warnings

import numpy as np
import pandas as pd

from audw2s.corpus.lists.columns import as_numbers
from audw2s.corpus.lists.columns import hint
from audw2s.corpus.lists.columns import nearest
from audw2s.errors import DataWarning
from audw2s.model.registry import DIMENSIONS

SCALES = [
    *((1.0, 5.0), (0.0, 1.0), (-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0)),
    *((1.0, 7.0), (1.0, 9.0), (0.0, 10.0), (0.0, 100.0)),
]
"""Scales that are assumed where ratings look like it, the first one that fits."""

TOLERANCE = 1e-6
"""Share of a scale by which rounded means may leave it."""


def is_rating(column: object) -> bool:
    """Whether a column is one of ratings, by its name.

    Examples:
        >>> is_rating("arousal"), is_rating("rater1_arousal"), is_rating("std_arousal")
        (True, True, False)

    """
    rater, _, dimension = str(column).rpartition("_")
    return dimension in DIMENSIONS and (not rater or rater.startswith("rater"))


def rating_columns(table: pd.DataFrame, name: str = "The corpus") -> list[list[str]]:
    """Columns of each rater, or those of the mean ratings, in the order of dimensions.

    Raters' columns are called ``rater1_arousal`` and so on; others such as
    ``std_arousal`` aren't ratings. Columns of some dimensions may not be there.

    Args:
        table: table of a corpus, see :mod:`audw2s.corpus.lists.corpus`
        name: name of the corpus, for messages

    Raises:
        ValueError: if no dimension has a column, or one has it under another name

    Examples:
        >>> rating_columns(pd.DataFrame(columns=["std_arousal", *DIMENSIONS]))
        [['arousal', 'dominance', 'valence']]

    """
    raters = dict.fromkeys(str(c).rpartition("_")[0] for c in filter(is_rating, table))
    raters.pop("", None)
    groups = [[f"{rater}_{d}" for d in DIMENSIONS] for rater in raters]
    groups = groups or [list(DIMENSIONS)]
    wanted = [column for group in groups for column in group]
    missing = [column for column in wanted if column not in table]
    # Not every dimension is needed, but one of another name isn't passed over
    near = hint(missing, [column for column in table if column not in wanted])
    if near or len(missing) == len(wanted):
        raise ValueError(
            f"{name} has no human ratings. Columns are missing: {sorted(missing)}, it "
            f"has {', '.join(map(str, table))}.{near}"
        )
    return groups


def has_ratings(table: pd.DataFrame) -> bool:
    """Whether a table has columns of ratings, under whatever name.

    Examples:
        >>> has_ratings(pd.DataFrame(columns=["file", "valence"]))
        True
        >>> has_ratings(pd.DataFrame(columns=["file", "emotion"]))
        False

    """
    return any(map(is_rating, table)) or bool(nearest(DIMENSIONS, table))


def ratings(
    table: pd.DataFrame,
    low: float,
    high: float,
    name: str = "The corpus",
) -> np.ndarray:
    """Human ratings, mapped to 0…1.

    Args:
        table: table with columns ``rater1_arousal``, ``rater1_dominance``, … or, if
            there is one value per clip, ``arousal``, ``dominance``, ``valence``;
            not all dimensions are needed
        low: lowest value of the scale
        high: highest value of the scale
        name: name of the corpus, for messages

    Returns:
        ``(num_raters, num_clips, 3)``, NaN for dimensions without a column

    Raises:
        ValueError: if the table has neither kind of columns, or a cell that isn't
            empty holds no number

    Examples:
        >>> table = pd.DataFrame([[1, 3, 5]], columns=DIMENSIONS)
        >>> ratings(table, 1, 5)
        array([[[0. , 0.5, 1. ]]])

    """
    return (_values(table, name) - low) / (high - low)


def _values(table: pd.DataFrame, name: str) -> np.ndarray:
    raters = rating_columns(table, name)
    unknown = pd.Series(np.nan, table.index)
    try:
        values = [[as_numbers(table.get(c, unknown)) for c in r] for r in raters]
    except ValueError as error:
        raise ValueError(f"{name}, {error}.") from None
    return np.array(values).swapaxes(1, 2)


def rating_scale(
    table: pd.DataFrame,
    scale: tuple[float, float] | None = None,
    name: str = "The corpus",
) -> tuple[float, float]:
    """Lowest and highest rating that a table's ratings could have.

    Args:
        table: table of a corpus, see :mod:`audw2s.corpus.lists.corpus`
        scale: lowest and highest rating, ``None`` for those that the table declares;
            if it declares none, the first of :data:`SCALES` that its ratings fit into,
            with a warning
        name: name of the corpus, for messages

    Raises:
        ValueError: if the lowest isn't below the highest, ratings leave the scale, or
            the scale is neither declared nor likely

    Examples:
        >>> table = pd.DataFrame([[4, 3, 5]], columns=DIMENSIONS)
        >>> table.attrs["scale"] = (1, 7)
        >>> rating_scale(table), rating_scale(table, (0, 10))
        ((1.0, 7.0), (0.0, 10.0))

    """
    values = _values(table, name)
    if len(values) > 1 and set(DIMENSIONS) & set(table):
        warnings.warn(
            f"{name}: the mean of its {len(values)} raters is taken, and not its "
            f"columns {', '.join(d for d in DIMENSIONS if d in table)}.",
            DataWarning,
            stacklevel=2,
        )
    known = values[np.isfinite(values)]
    declared = table.attrs.get("scale") if scale is None else scale
    if declared is None:
        if "scales" in table.attrs:
            raise ValueError(
                f"{name}: its ratings have several scales, {table.attrs['scales']}: "
                "give tables whose ratings have one."
            )
        return _inferred(known, name)
    low, high = map(float, declared)
    if not low < high:
        raise ValueError(
            f"{name}: a scale is lowest and highest rating, not {low:g}, {high:g}."
        )
    message = _outside(known, low, high)
    if message and (scale is not None or not table.attrs.get("outliers")):
        raise ValueError(
            f"{name}: {message}: give the right one, --scale LOWEST HIGHEST."
        )
    if message:
        warnings.warn(f"{name}: {message}, as published.", DataWarning, stacklevel=2)
    return low, high


def _outside(known: np.ndarray, low: float, high: float) -> str:
    """Message on ratings that leave a scale, empty if none does."""
    room = TOLERANCE * (high - low)
    outside = known[(known < low - room) | (known > high + room)]
    if not len(outside):
        return ""
    return (
        f"{len(outside)} of its {len(known)} ratings leave the scale from {low:g} to "
        f"{high:g}, such as {outside[0]:g}"
    )


def _inferred(known: np.ndarray, name: str) -> tuple[float, float]:
    """Scale of ratings whose scale isn't declared: the first that they fit into."""
    if not len(known):
        return SCALES[0]
    lowest, highest = float(known.min()), float(known.max())
    message = f"{name}: its ratings lie between {lowest:g} and {highest:g}"
    for number, (low, high) in enumerate(SCALES):
        # Ratings of the first often lie in its middle; of others it would be a guess
        is_covered = number == 0 or highest - lowest >= (high - low) / 2
        if low <= lowest and low < highest <= high and is_covered:
            break
    else:
        raise ValueError(
            f"{message}, their scale isn't declared: give --scale LOWEST HIGHEST."
        )
    warnings.warn(
        f"{message}: the scale is taken to be {low:g} to {high:g}. Another one is "
        "given with --scale LOWEST HIGHEST.",
        DataWarning,
        stacklevel=3,
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
