"""Databases in audformat, on disk or published with audb."""

import contextlib
import os
from collections.abc import Iterator
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import yaml

from audw2s.corpus.lists.columns import rename
from audw2s.corpus.lists.people import add_people
from audw2s.corpus.lists.ratings import is_rating
from audw2s.errors import one_line

if TYPE_CHECKING:
    import audformat

SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Loader of YAML that runs no code, in C where it is built."""


def is_database(root: str) -> bool:
    """Whether a folder holds a database."""
    return os.path.isfile(os.path.join(root, "db.yaml"))


def read_database(
    root: str,
    name: str,
    columns: Mapping[str, str] | None = None,
    *,
    people: bool = True,
) -> pd.DataFrame:
    """Read a table of a database, or its files.

    Args:
        root: folder of the database
        name: name of a table, empty for all files of the database
        columns: names in the table by names in this package
        people: add the facts of :func:`audw2s.corpus.lists.people.add_people`, and the
            licence

    Returns:
        a row per file or segment with its labels

    Raises:
        ValueError: if there is no such table, or it can't be read

    """
    database = open_database(root)
    if name and name not in database.tables:
        known = ", ".join(database.tables) or "none"
        raise ValueError(f"'{root}' has no table '{name}', it has: {known}.")
    with _readable(root):
        labels = database[name].get() if name else pd.DataFrame(index=database.files)
    table = rename(_as_objects(labels.reset_index()), columns, f"{root}:{name}")
    if name:
        names = columns or {}
        rated = [str(column) for column in table if is_rating(column)]
        with _readable(root):
            schemes = {c: database[name][names.get(c, c)].scheme for c in rated}
            _add_scale(table, schemes)
    if people:
        with _readable(root):
            add_people(table, database, name)
        if database.license and "licence" not in table:
            table["licence"] = str(database.license)
    return table


def open_database(root: str | None, *, load_data: bool = False) -> "audformat.Database":
    """Open a database; its header is read as data.

    Args:
        root: folder of the database
        load_data: load all tables

    Raises:
        ValueError: if there is none, it can't be read, or its header names code

    """
    if root is None:
        raise ValueError("The inputs are of no database.")
    # Not at the start of each run: it takes as long as files of some seconds
    import audformat

    with _readable(root):
        with open(os.path.join(root, "db.yaml"), encoding="utf-8") as file:
            # audformat would run code that a tag names
            yaml.load(file, Loader=SAFE)
        return audformat.Database.load(root, load_data=load_data)


@contextlib.contextmanager
def _readable(root: str) -> Iterator[None]:
    """Explain in one sentence why audformat can't read damaged files."""
    try:
        yield
    except Exception as error:
        # A damaged header ends in any kind of error
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(
            f"'{root}' can't be read as an audformat database: {reason}"
        ) from error


def _as_objects(table: pd.DataFrame) -> pd.DataFrame:
    """Labels in place of categories."""
    categories = table.select_dtypes("category").columns
    return table.astype(dict.fromkeys(categories, object))


def _add_scale(
    table: pd.DataFrame, schemes: "Mapping[str, audformat.Scheme | None]"
) -> None:
    """Take the scale of ratings from the schemes of their columns."""
    scales = [_scale(scheme) for scheme in schemes.values()]
    known = [scale for scale in scales if scale is not None]
    if known and len(known) == len(scales):
        pairs = zip(schemes, known, strict=True)
        texts = [f"{name} {low:g} to {high:g}" for name, (low, high) in pairs]
        is_one = len(set(known)) == 1
        table.attrs |= {"scale": known[0]} if is_one else {"scales": ", ".join(texts)}


def _scale(scheme: "audformat.Scheme | None") -> tuple[float, float] | None:
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
        name: name and version, such as ``"emodb==1.4.1"``

    Returns:
        root folder of the database

    Raises:
        ValueError: if it doesn't exist, or audb isn't installed

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
        # Exceptions of audb's backends have no class in common
        versions = None
        with contextlib.suppress(Exception):
            versions = ", ".join(audb.versions(name))
        known = f" It has the versions {versions}." if versions else ""
        raise ValueError(
            f"audb can't load '{name}' in version '{version}': {one_line(error)}{known}"
        ) from error
