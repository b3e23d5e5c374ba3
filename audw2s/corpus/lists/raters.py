"""Raters in rows: a row per clip and rater becomes a row per clip."""

import pandas as pd

from audw2s.corpus.lists.columns import as_numbers
from audw2s.corpus.lists.ratings import is_rating
from audw2s.model.registry import DIMENSIONS

CLIP = ["file", "start", "end"]
"""Columns that identify a clip."""


def raters_as_columns(table: pd.DataFrame, name: str = "The corpus") -> pd.DataFrame:
    """Give each clip one row, and each rater columns.

    Args:
        table: clips, see :mod:`audw2s.corpus.lists.corpus`; where clips have several
            rows, these are of the raters in a column ``rater``; without it, or where
            it is empty, they are of the first, second and so on
        name: name of the corpus, for messages

    Returns:
        the same table where each clip has one row; else a row per clip with columns
        ``rater1_arousal`` and so on. Other columns are missing where the rows of a clip
        differ

    Raises:
        ValueError: if clips have several rows, and there are columns of raters as well,
            or a rating is no number

    Examples:
        >>> times = {"start": pd.Timedelta(0), "end": pd.NaT}
        >>> table = pd.DataFrame({"file": ["a", "a"], **times, "valence": [1, 3]})
        >>> raters_as_columns(table)[["file", "rater1_valence", "rater2_valence"]]
          file  rater1_valence  rater2_valence
        0    a             1.0             3.0

    """
    clips = table.groupby(CLIP, dropna=False, sort=False)
    if len(clips) == len(table):
        return table
    rated = [d for d in DIMENSIONS if d in table]
    if not rated or set(filter(is_rating, table)) > set(rated):
        raise ValueError(
            f"{name}: {len(table) - len(clips)} of its {len(table)} rows have the same "
            "file, start and end as another one, and no column arousal, dominance or "
            "valence with the rating of each."
        )
    try:
        table = table.assign(**{d: as_numbers(table[d]) for d in rated})
    except ValueError as error:
        raise ValueError(f"{name}, {error}.") from None
    number, rater = clips.ngroup(), clips.cumcount()
    if "rater" in table:
        names, known = pd.factorize(table["rater"])
        rater = pd.Series(names, table.index)
        # Ratings of a clip by unknown raters are taken to be of different ones
        unnamed = rater[rater < 0].groupby(number).cumcount() + len(known)
        rater = rater.mask(rater < 0, unnamed).astype(int)
    facts = table.drop(columns=[*rated, "rater"], errors="ignore")
    cells = facts.drop(columns=CLIP)
    for column in cells:
        if cells[column].dtype.kind == "O":
            cells[column] = cells[column].map(_countable)
    differs = cells.groupby(number).nunique(dropna=False) > 1
    wide = facts[~number.duplicated()].set_axis(range(len(clips)))
    wide[differs.columns] = wide[differs.columns].mask(differs)
    for k in sorted(rater.unique()):
        of_rater = table.loc[rater == k, rated].groupby(number[rater == k]).mean()
        wide = wide.join(of_rater.add_prefix(f"rater{k + 1}_"))
    wide.attrs = dict(table.attrs)
    return wide


def _countable(cell: object) -> object:
    """Cell, or its text if it is a list, as of words, which can't be counted."""
    return cell if pd.api.types.is_hashable(cell) else str(cell)
