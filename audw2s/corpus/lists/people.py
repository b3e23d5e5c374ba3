"""Who speaks in the clips of a database: any of its tables may tell."""

import warnings
from collections.abc import Iterator

import audformat
import numpy as np
import pandas as pd

from audw2s.errors import DataWarning

FACTS = ("speaker", "gender", "age", "language")
"""What is looked for, as audformat names schemes and columns."""

SEGMENT = ["file", "start", "end"]


def add_people(table: pd.DataFrame, database: audformat.Database, name: str) -> None:
    """Add columns of :data:`FACTS` that a table doesn't have, as far as they are known.

    Looked through are columns with such a name or scheme in all tables of the
    database, and of misc tables those that schemes of speakers refer to, or that have
    a row per speaker. Where two tables differ, the first one counts, and there is a
    warning.

    Args:
        table: a row per clip with ``file``, and ``start`` and ``end`` if segmented
        database: that the clips are of
        name: of the table that the clips are of, which is asked first

    """
    order = sorted(database.tables, key=lambda other: other != name)
    for fact in FACTS:
        if fact in table:
            continue
        found = None
        first = ""
        for source, values in _sources(database, order, fact):
            told = _of_clips(values, table)
            if found is not None:
                _warn_of_differences(fact, (first, source), (found, told), table)
                told = found.where(found.notna(), told)
            found, first = told, first or source
        if fact != "speaker" and "speaker" in table:
            told = _of_speakers(database, table["speaker"], fact)
            found = told if found is None else found.where(found.notna(), told)
        if found is not None and found.notna().any():
            table[fact] = found


def _sources(
    database: audformat.Database,
    order: list[str],
    fact: str,
) -> Iterator[tuple[str, pd.Series]]:
    """Name of each table that tells a fact, and what it tells by file or segment."""
    for name in order:
        columns = database.tables[name].columns
        own = [c for c in columns if fact in (c, columns[c].scheme_id)]
        if fact in own:
            own = [fact]
        if len(own) > 1:
            warnings.warn(
                f"Table '{name}' has {len(own)} columns of {fact}, {', '.join(own)}: "
                "none of them is taken.",
                DataWarning,
                stacklevel=4,
            )
        elif own:
            yield name, database[name][own[0]].get().astype(object)
        elif fact != "speaker":
            for column in columns:
                if fact in _known_of(database, columns[column]):
                    told = database[name][column].get(map=fact)
                    yield name, told.astype(object)


def _known_of(database: audformat.Database, column: audformat.Column) -> set[str]:
    """Give what is known of the speakers in a column, by its scheme's labels."""
    if column.scheme_id != "speaker":
        return set()
    labels = database.schemes["speaker"].labels
    if isinstance(labels, str):
        return set(database.misc_tables[labels].columns)
    if isinstance(labels, dict):
        return {k for v in labels.values() if isinstance(v, dict) for k in v}
    return set()


def _of_clips(values: pd.Series, table: pd.DataFrame) -> pd.Series:
    """What is told of clips: by segment, or else by file where it is one value."""
    told = values.rename("told").dropna().reset_index()
    found = pd.Series(None, table.index, dtype=object)
    if set(SEGMENT) <= set(told) and set(SEGMENT) <= set(table):
        rows = table[SEGMENT].merge(told, how="left", on=SEGMENT)
        found = rows["told"].set_axis(table.index)
    by_file = told.groupby("file")["told"].agg(["first", "nunique"])
    single = by_file.loc[by_file["nunique"] == 1, "first"]
    return found.where(found.notna(), table["file"].map(single))


def _of_speakers(
    database: audformat.Database,
    speakers: pd.Series,
    fact: str,
) -> pd.Series:
    """What misc tables with a row per speaker tell."""
    found = pd.Series(None, speakers.index, dtype=object)
    for table in database.misc_tables.values():
        if list(table.levels) == ["speaker"] and fact in table.columns:
            told = table[fact].get().astype(object)
            told.index = told.index.astype(str)
            names = speakers.where(speakers.isna(), speakers.astype(str))
            found = found.where(found.notna(), names.map(told))
    return found


def _warn_of_differences(
    fact: str,
    names: tuple[str, str],
    told: tuple[pd.Series, pd.Series],
    table: pd.DataFrame,
) -> None:
    first, second = told
    differ = first.notna() & second.notna() & (first != second)
    if differ.any():
        example = table["file"][np.flatnonzero(differ)[0]]
        warnings.warn(
            f"Tables '{names[0]}' and '{names[1]}' differ in the {fact} of "
            f"{differ.sum()} clips, such as '{example}': '{names[0]}' is taken.",
            DataWarning,
            stacklevel=4,
        )
