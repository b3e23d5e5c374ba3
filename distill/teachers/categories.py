"""Clips with categories instead of ratings: weak supervision of a teacher's head.

This method isn't from the paper. Few corpora have ratings, many have acted emotions:
each of their clips gets the mean rating of its category in the rated corpus. That adds
speakers, rooms and languages, without information on single clips.
"""

import warnings
from collections.abc import Collection
from collections.abc import Iterable
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.paths import beside
from audw2s.distill.settings import Names
from audw2s.distill.settings import Paths
from audw2s.distill.settings import Rate
from audw2s.distill.settings import checked
from audw2s.distill.settings import each_of
from audw2s.distill.settings import read_toml
from audw2s.distill.settings import settings
from audw2s.errors import DataWarning
from audw2s.model.registry import DIMENSIONS

NUM_NAMED = 10
"""Largest number of categories that a message names."""


@settings
class Categories:
    """Corpora with categories, and the weight of their clips."""

    corpora: Annotated[Paths, Field(min_length=1)]
    """Corpora whose clips have categories."""

    column: str = "emotion"
    """Column of the categories, in these corpora and in the rated one."""

    dimensions: Annotated[Names, each_of(DIMENSIONS)] = ("valence",)
    """Dimensions that are fitted to categories, too; the others to ratings alone."""

    weight: Rate = 1.0
    """Weight of a clip; a rated clip has weight 1."""

    means: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Mean ratings, 0 to 1, by category and dimension, of categories that the rated
    corpus doesn't have. Clips of others are left out."""

    source: str = ""
    """Source of ``means``."""

    @classmethod
    def from_toml(cls, path: str) -> "Categories":
        """Read settings; paths in them are relative to the file.

        Raises:
            OSError: if the file can't be read
            ValueError: if it is no TOML, or a key or a value isn't what it has to be

        """
        values = read_toml(path)
        corpora = beside(path, values.get("corpora"))
        made = checked(cls, path, {**values, "corpora": corpora})
        if made.means and not made.source:
            raise ValueError(f"{path}: 'means' need a 'source'.")
        for category, means in made.means.items():
            if set(means) != set(made.dimensions):
                raise ValueError(
                    f"{path}: means of '{category}' are of {list(means)}, those of "
                    f"{list(made.dimensions)} are needed."
                )
        return made

    def read(self) -> pd.DataFrame:
        """Read the corpora as one table.

        Raises:
            ValueError: if a corpus doesn't have the column

        """
        tables = [read_corpus(path) for path in self.corpora]
        for path, table in zip(self.corpora, tables, strict=True):
            check_column(table, self.column, path)
            table[self.column] = as_text(table[self.column])
        return pd.concat(tables, ignore_index=True)


def check_column(table: pd.DataFrame, column: str, path: str) -> None:
    """Check that a table has a column of categories.

    Raises:
        ValueError: if it has none

    """
    if column not in table:
        raise ValueError(
            f"'{path}' has no column '{column}' of categories, it has {list(table)}."
        )


def check_categories(given: Iterable[object], known: Collection[str]) -> None:
    """Warn of clips that are left out, as their category has no mean rating.

    Args:
        given: category of each clip; other values than strings are none
        known: categories with a mean rating

    Raises:
        ValueError: if that are all

    """
    names = [name for name in given if isinstance(name, str)]
    others = [name for name in names if name not in known]
    if not others:
        return
    message = (
        f"{len(others)} of {len(names)} clips with a category are left out, as these "
        f"have no mean rating: {', '.join(sorted(set(others))[:NUM_NAMED])}. There are "
        f"ratings of {', '.join(sorted(known)[:NUM_NAMED]) or 'none'}."
    )
    if len(others) == len(names):
        raise ValueError(message)
    warnings.warn(message, DataWarning, stacklevel=2)


def category_means(
    categories: np.ndarray, targets: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean rating of each category.

    Args:
        categories: category of each clip; other values than strings are none
        targets: ratings ``(num_clips, 3)``

    Examples:
        >>> names = np.array(["joy", "joy", "fear"], object)
        >>> category_means(names, np.array([[0.5], [1.0], [0.0]]))
        {'fear': array([0.]), 'joy': array([0.75])}

    """
    names = sorted({name for name in categories if isinstance(name, str)})
    return {name: targets[categories == name].mean(axis=0) for name in names}
