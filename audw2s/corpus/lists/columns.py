"""Columns of tables: their names, and the text, numbers and times in their cells."""

import difflib
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.audio.times import SECOND

CLOSE = 0.75
"""Similarity from which two names are one, misspelt: ``valence`` and ``valance``, but
not ``silence``."""


def rename(
    table: pd.DataFrame,
    columns: Mapping[str, str] | None,
    where: str,
) -> pd.DataFrame:
    """Give columns the names that they have in this package.

    Args:
        table: table of a corpus
        columns: names in the table by names in this package
        where: path of the table, for messages

    Raises:
        ValueError: if the table has no such column

    Examples:
        >>> table = pd.DataFrame({"Arousal": [1]})
        >>> list(rename(table, {"arousal": "Arousal"}, "ratings.csv"))
        ['arousal']

    """
    columns = columns or {}
    absent = [name for name in columns.values() if name not in table]
    if absent:
        near = "".join(nearest(absent[:1], table).values())
        did_you_mean = f" Did you mean '{near}'?" if near else ""
        raise ValueError(f"'{where}' has no column '{absent[0]}'.{did_you_mean}")
    replaced = set(columns) & set(table) - set(columns.values())
    names = {source: name for name, source in columns.items()}
    return table.drop(columns=list(replaced)).rename(columns=names)


def nearest(wanted: Iterable[str], names: Iterable[Hashable]) -> dict[str, str]:
    """Find the name that is most like each wanted one, if any contains or misspells it.

    Examples:
        >>> nearest(["arousal", "start"], ["Arousal", "valence_mean"])
        {'arousal': 'Arousal'}
        >>> nearest(["dominance"], ["domain"]), nearest(["dominance"], ["dominence"])
        ({}, {'dominance': 'dominence'})

    """
    known = {str(name).strip().lower(): str(name) for name in reversed(list(names))}
    matches = {}
    for name in wanted:
        word = name.lower()
        close = difflib.get_close_matches(word, known, max(1, len(known)))
        sure = difflib.get_close_matches(word, close, 1, CLOSE)
        sure += [other for other in close if word in other]
        if sure:
            matches[name] = known[sure[0]]
    return matches


def hint(wanted: Iterable[str], names: Iterable[Hashable]) -> str:
    """Hint at columns of similar names, empty if there is none.

    Examples:
        >>> hint(["arousal"], ["Arousal"])
        ' The nearest names can be taken with --columns arousal=Arousal.'
        >>> hint(["arousal"], ["file"])
        ''

    """
    near = nearest(wanted, names).items()
    options = " ".join(f"--columns {name}={source}" for name, source in near)
    return f" The nearest names can be taken with {options}." if near else ""


def parse_columns(pairs: Sequence[str] | None) -> dict[str, str]:
    """Parse the values of ``--columns``.

    Args:
        pairs: names in this package and in the table, such as ``"arousal=Arousal"``

    Raises:
        ValueError: if there is no ``=``, or a name is given twice

    Examples:
        >>> parse_columns(["arousal=Arousal"])
        {'arousal': 'Arousal'}

    """
    columns: dict[str, str] = {}
    for pair in pairs or ():
        name, _, source = pair.partition("=")
        if not name or not source:
            raise ValueError(
                f"--columns takes NAME=COLUMN such as arousal=Arousal, got '{pair}'."
            )
        if name in columns:
            raise ValueError(f"--columns names two columns for '{name}'.")
        columns[name] = source
    return columns


def is_empty(column: pd.Series) -> np.ndarray:
    """Tell which cells are empty: missing, or text of no characters."""
    return (column.isna() | (column == "")).to_numpy(bool)


def as_text(column: pd.Series) -> list[str | None]:
    """Text of cells as they are written, ``None`` where they are empty.

    Examples:
        >>> as_text(pd.Series([1.0, None])), as_text(pd.Series(["NA", "05", ""]))
        (['1', None], ['NA', '05', None])

    """
    empty = is_empty(column)
    if column.dtype.kind == "f" and (column[~empty] % 1 == 0).all():
        # Integers among which a cell is empty
        column = column.astype("Int64")
    cells = column.astype(object)
    return [None if e else str(cell) for cell, e in zip(cells, empty, strict=True)]


def as_numbers(column: pd.Series) -> np.ndarray:
    """Numbers of cells, NaN where they are empty.

    Raises:
        ValueError: if a cell that isn't empty holds no finite number

    Examples:
        >>> as_numbers(pd.Series(["1.5", ""]))
        array([1.5, nan])

    """
    empty = is_empty(column)
    numbers = pd.to_numeric(column.where(~empty), errors="coerce")
    values = numbers.to_numpy(float, na_value=np.nan)
    _refuse(column, ~empty & ~np.isfinite(values), "a number")
    return values


def as_times(column: pd.Series) -> pd.Series:
    """Times of cells: seconds, timedeltas, or either as text; NaT where empty.

    Raises:
        ValueError: if a cell that isn't empty holds no time

    Examples:
        >>> as_times(pd.Series(["1.5", "0 days 00:00:02", ""])).dt.total_seconds()
        0    1.5
        1    2.0
        2    NaN
        dtype: float64

    """
    if column.dtype.kind == "m":
        return column.dt.as_unit("ns")
    empty = is_empty(column)
    seconds = pd.to_numeric(column.where(~empty), errors="coerce").astype(float)
    # pandas before 3 doesn't coerce what is beyond its range
    seconds = seconds.where(seconds.abs() < pd.Timedelta.max / SECOND)
    times = pd.to_timedelta(seconds, unit="s", errors="coerce").dt.as_unit("ns")
    is_text = ~empty & seconds.isna().to_numpy()
    if is_text.any():
        texts = pd.to_timedelta(column[is_text].astype(str), errors="coerce")
        times = times.fillna(texts.dt.as_unit("ns"))
    _refuse(column, ~empty & times.isna().to_numpy(), "a time")
    return times


def _refuse(column: pd.Series, is_wrong: np.ndarray, kind: str) -> None:
    """Raise an error that names the first wrong cell."""
    for row in np.flatnonzero(is_wrong):
        raise ValueError(
            f"column '{column.name}', row {row + 1}: '{column.iloc[row]}' isn't "
            f"{kind}; leave cells empty where it is unknown"
        )


def with_times(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Convert ``start``, and ``end`` or ``duration``; add what is missing.

    Args:
        table: table of a corpus
        where: path of the table, for messages

    Returns:
        table with ``start`` (0 if unknown) and ``end`` (NaT for the end of the file)

    Raises:
        ValueError: if a cell holds no time, or a segment ends before it starts

    Examples:
        >>> table = pd.DataFrame({"start": ["1"], "duration": ["0.5"]})
        >>> with_times(table, "list.csv")["end"].dt.total_seconds().tolist()
        [1.5]

    """
    table = table.reset_index(drop=True)
    unknown = pd.Series(pd.NaT, table.index, dtype="timedelta64[ns]")
    try:
        start = as_times(table.get("start", unknown)).fillna(pd.Timedelta(0))
        end = as_times(table.get("end", unknown))
        if {"start", "duration"} <= set(table) and "end" not in table:
            end = start + as_times(table["duration"])
    except (ValueError, TypeError) as error:
        raise ValueError(f"'{where}', {error}.") from None
    # NaT is neither before nor after anything
    wrong = np.flatnonzero((start < pd.Timedelta(0)) | (end < start))
    if len(wrong):
        first, last = (times[wrong[0]].total_seconds() for times in (start, end))
        raise ValueError(
            f"'{where}', row {wrong[0] + 1}: it starts at {first:g} s and ends at "
            f"{last:g} s."
        )
    return table.assign(start=start, end=end)
