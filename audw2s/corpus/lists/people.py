"""Speakers of the clips of a database, which any of its tables may name."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from audw2s.errors import DataWarning

if TYPE_CHECKING:
    import audformat

FACTS = ("speaker", "gender", "age", "language")
"""Facts about speakers, as audformat names schemes and columns."""

SEGMENT = ["file", "start", "end"]


def add_people(table: pd.DataFrame, database: "audformat.Database", name: str) -> None:
    """Add columns of :data:`FACTS` that a table doesn't have, as far as they are known.

    They are taken from columns with such a name or scheme in all tables of the
    database; and for known speakers from the labels of their scheme, and from misc
    tables that have a row per speaker. Where two tables differ, the first one counts,
    and there is a warning.

    Args:
        table: a row per clip with ``file``, and ``start`` and ``end`` if segmented
        database: database of the clips
        name: name of the table of the clips, which comes first

    """
    order = sorted(database.tables, key=lambda other: other != name)
    for fact in FACTS:
        if fact in table:
            continue
        known, first = pd.Series(None, table.index, dtype=object), ""
        for source, labels in _sources(database, order, fact):
            values = _of_clips(labels, table)
            differ = known.notna() & values.notna() & (known != values)
            if differ.any():
                file = table.loc[differ, "file"].iloc[0]
                _warn(
                    f"Tables '{first}' and '{source}' differ in the {fact} of "
                    f"{differ.sum()} clips, such as '{file}': '{first}' is taken."
                )
            known, first = known.where(known.notna(), values), first or source
        if fact != "speaker" and "speaker" in table:
            values = _of_speakers(database, table["speaker"], fact)
            known = known.where(known.notna(), values)
        if known.notna().any():
            table[fact] = known


def _warn(message: str) -> None:
    warnings.warn(message, DataWarning, stacklevel=5)


def _sources(
    database: "audformat.Database",
    order: list[str],
    fact: str,
) -> Iterator[tuple[str, pd.Series]]:
    """Name of each table with a fact, and the fact by file or segment."""
    for name in order:
        columns = database.tables[name].columns
        matching = [c for c in columns if fact in (c, columns[c].scheme_id)]
        if fact in matching:
            matching = [fact]
        if len(matching) > 1:
            _warn(
                f"Table '{name}' has {len(matching)} columns of {fact}, "
                f"{', '.join(matching)}: none of them is taken."
            )
        elif matching:
            yield name, database[name][matching[0]].get().astype(object)


def _of_clips(labels: pd.Series, table: pd.DataFrame) -> pd.Series:
    """Labels of clips: by segment, or else by file where it has a single one."""
    known = labels.rename("label").dropna().reset_index()
    values = pd.Series(None, table.index, dtype=object)
    if set(SEGMENT) <= set(known) & set(table):
        rows = table[SEGMENT].merge(known, how="left", on=SEGMENT)
        values = rows["label"].set_axis(table.index)
    by_file = known.groupby("file")["label"].agg(["first", "nunique"])
    single = by_file.loc[by_file["nunique"] == 1, "first"]
    return values.where(values.notna(), table["file"].map(single))


def _of_speakers(
    database: "audformat.Database", speakers: pd.Series, fact: str
) -> pd.Series:
    """Facts in labels of the scheme of speakers, and in tables with a row for each."""
    labels = database.schemes["speaker"].labels if "speaker" in database.schemes else ()
    sources = [
        misc.get()
        for name, misc in database.misc_tables.items()
        if name == labels or list(misc.levels) == ["speaker"]
    ]
    if isinstance(labels, dict):
        details = {name: d for name, d in labels.items() if isinstance(d, dict)}
        sources.insert(0, pd.DataFrame.from_dict(details, orient="index"))
    names = speakers.where(speakers.isna(), speakers.astype(str))
    values = pd.Series(None, speakers.index, dtype=object)
    for source in filter(lambda source: fact in source, sources):
        known = source[fact].astype(object).set_axis(source.index.astype(str))
        values = values.where(values.notna(), names.map(known))
    return values
