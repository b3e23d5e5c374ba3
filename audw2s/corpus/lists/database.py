"""Databases in audformat, on disk or published with audb."""

import contextlib
import os
from collections.abc import Iterator
from collections.abc import Mapping
from types import ModuleType

import audformat
import pandas as pd

from audw2s.corpus.lists.columns import rename
from audw2s.corpus.lists.people import add_people
from audw2s.corpus.lists.ratings import is_rating


def is_database(root: str) -> bool:
    """Whether a folder holds a database."""
    return os.path.isfile(os.path.join(root, "db.yaml"))


def read_database(
    root: str,
    name: str,
    columns: Mapping[str, str] | None = None,
    *,
    people: bool = True,
) -> tuple[pd.DataFrame, bool]:
    """Read a table of a database, or which files it has.

    Args:
        root: folder of the database
        name: of a table, empty for all files of the database
        columns: names in the table by names in this package
        people: see :func:`audw2s.corpus.lists.entries.read_entries`

    Returns:
        a row per file or segment with its labels, and whether these are files

    Raises:
        ValueError: if there is no such table, or it can't be read

    """
    with _readable(root):
        database = audformat.Database.load(root)
    if name and name not in database.tables:
        known = ", ".join(database.tables) or "none"
        raise ValueError(f"'{root}' has no table '{name}', it has: {known}.")
    with _readable(root):
        labels = database[name].get() if name else pd.DataFrame(index=database.files)
    filewise = audformat.is_filewise_index(labels.index)
    table = rename(_plain(labels.reset_index()), columns, f"{root}:{name}")
    if name:
        _add_scale(table, database, name, columns or {})
    if people:
        with _readable(root):
            add_people(table, database, name)
    return table, filewise


@contextlib.contextmanager
def _readable(root: str) -> Iterator[None]:
    """Say in one sentence what audformat makes of damaged files."""
    try:
        yield
    except Exception as error:
        # A damaged header ends in any kind of error
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(
            f"'{root}' can't be read as an audformat database: {reason}"
        ) from error


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Labels as they are written, and not as categories."""
    for name in table:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            table[name] = table[name].astype(object)
    return table


def _add_scale(
    table: pd.DataFrame,
    database: audformat.Database,
    name: str,
    columns: Mapping[str, str],
) -> None:
    """Take the scale of ratings from the schemes of their columns."""
    scales = {}
    for column in filter(is_rating, table):
        scale = _scale(database[name][columns.get(column, column)].scheme)
        if scale is None:
            return
        scales[column] = scale
    texts = [f"{name} {low:g} to {high:g}" for name, (low, high) in scales.items()]
    if len(set(scales.values())) == 1:
        table.attrs["scale"] = list(scales.popitem()[1])
    elif scales:
        table.attrs["scales"] = ", ".join(texts)


def _scale(scheme: audformat.Scheme | None) -> tuple[float, float] | None:
    """Lowest and highest value of a scheme of numbers, where it has both."""
    if scheme is None or not scheme.is_numeric:
        return None
    low, high = scheme.minimum, scheme.maximum
    if scheme.labels is not None and not isinstance(scheme.labels, str):
        low, high = min(scheme.labels), max(scheme.labels)
    return None if low is None or high is None else (float(low), float(high))


def load_published(name: str) -> str:
    """Get a database with audb.

    Args:
        name: such as ``"emodb==1.4.1"``

    Returns:
        its root

    Raises:
        ValueError: if it isn't there, or audb isn't installed

    """
    name, _, version = name.partition("==")
    if not name or not version:
        raise ValueError("A database of audb is named audb:NAME==VERSION.")
    try:
        import audb
    except ModuleNotFoundError:
        raise ValueError(
            f"To get '{name}', audb is missing: pip install audb"
        ) from None
    try:
        # Paths relative to the root, as the database has them
        return audb.load(name, version=version, full_path=False).root
    except Exception as error:
        # What backends of audb raise has no kind in common
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"audb can't load '{name}' in version '{version}': {reason}"
            f"{_versions(audb, name)}"
        ) from error


def _versions(audb: ModuleType, name: str) -> str:
    """Say which versions there are, if audb knows."""
    with contextlib.suppress(Exception):
        if versions := audb.versions(name):
            return f" It has the versions {', '.join(versions)}."
    return ""
