"""One kind of table for every corpus: a row per clip.

Columns: ``file`` (absolute path), ``start`` and ``end`` (timedeltas, the end NaT
for "to the end of the file"), ``speaker`` (a string, missing where it isn't
known), and whatever labels the corpus has. ``attrs["scale"]`` is the lowest and
highest human rating, where the corpus declares it; it isn't kept when tables of several
corpora are joined.
"""

import contextlib
import os
import warnings
from collections.abc import Mapping

import pandas as pd

from audw2s.corpus.lists.columns import as_numbers
from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.entries import read_entries
from audw2s.corpus.lists.ratings import is_rating
from audw2s.errors import DataWarning
from audw2s.files import printable


def read_corpus(
    path: str,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read a corpus of any supported layout.

    Args:
        path: path of the corpus, see :func:`audw2s.corpus.lists.entries.read_entries`
        columns: names of the corpus' columns by names in this package, such as
            ``{"arousal": "Arousal"}``

    Returns:
        table as described in this module

    Raises:
        FileNotFoundError: if there is nothing at this path
        ValueError: if the table has no column ``file``, or no row, a name of a file
            isn't UTF-8, or a corpus isn't as its publishers lay it out

    """
    entries = read_entries(path, columns)
    for folder in entries.unlisted:
        warnings.warn(
            f"A folder can't be listed, its files are left out: {folder}.",
            DataWarning,
            stacklevel=2,
        )
    folder, table = os.path.abspath(entries.root or ""), entries.table
    files = [os.path.join(folder, file) for file in table["file"]]
    try:
        table["file"] = files
    except UnicodeEncodeError as error:
        raise ValueError(
            f"'{path}': the name of '{printable(str(error.object))}' isn't UTF-8. Only "
            "predict and annotate take such names; rename the file."
        ) from None
    for name in filter(is_rating, table):
        # Where they are no numbers, it is said once they are needed
        with contextlib.suppress(ValueError):
            table[name] = as_numbers(table[name])
    if "speaker" not in table:
        table["speaker"] = None
    table["speaker"] = as_text(table["speaker"])
    return table
