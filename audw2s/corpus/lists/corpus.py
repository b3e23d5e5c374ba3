"""One kind of table for every corpus: a row per clip.

Columns: ``file`` (absolute path), ``start`` and ``end`` (timedeltas, the end NaT
for "to the end of the file"), ``speaker`` (a string, missing where it isn't
known), ``licence`` if the corpus names it, and whatever labels the corpus has.
``attrs["scale"]`` is the lowest and highest human rating, where the corpus declares it;
it isn't kept when tables of several corpora are joined.
"""

import contextlib
import os
from collections.abc import Mapping

import pandas as pd

from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.lists.columns import as_numbers
from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.ratings import is_rating
from audw2s.files import printable
from audw2s.files import resolve


def read_corpus(
    path: str,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Read a corpus of any supported layout.

    Args:
        path: path of the corpus, see :func:`audw2s.corpus.inputs.read_inputs`
        columns: names of the corpus' columns by names in this package, such as
            ``{"arousal": "Arousal"}``

    Returns:
        table as described in this module

    Raises:
        FileNotFoundError: if there is nothing at this path
        ValueError: if the table has no column ``file``, or no row, a name of a file
            isn't UTF-8, or a corpus isn't as its publishers lay it out

    """
    inputs = read_inputs(path, columns, people=True)
    inputs.warn_unlisted()
    folder, table = os.path.abspath(inputs.root or ""), inputs.table
    try:
        table["file"] = [resolve(file, folder) for file in inputs.files]
        table["speaker"] = as_text(table["speaker"]) if "speaker" in table else None
    except UnicodeEncodeError as error:
        raise ValueError(
            f"'{path}': the name of '{printable(str(error.object))}' isn't UTF-8. Only "
            "predict and annotate take such names of files; change it."
        ) from None
    for name in filter(is_rating, list(table)):
        # Where they are no numbers, it is said once they are needed
        with contextlib.suppress(ValueError):
            table[name] = as_numbers(table[name])
    if "license" in table and "licence" not in table:
        table = table.rename(columns={"license": "licence"})
    return table
