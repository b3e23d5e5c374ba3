"""Lists of files: texts, or tables in CSV and parquet."""

import csv
import json
import os
from collections.abc import Callable
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from audw2s.corpus.lists.columns import hint
from audw2s.corpus.lists.columns import is_empty
from audw2s.corpus.lists.columns import rename
from audw2s.corpus.lists.manifests import read_jsonl
from audw2s.corpus.lists.manifests import read_paths
from audw2s.corpus.lists.manifests import read_rttm
from audw2s.corpus.lists.manifests import read_scp
from audw2s.errors import one_line


def read_list(path: str, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a list that has a row per file, or per segment of a file.

    Cells of CSV are text as it is written, and missing only where they are empty:
    ``05`` stays ``05`` and a speaker may be called ``NA``.

    Args:
        path: path of the list, its extension is one of :data:`READERS`
        columns: names in the list by names in this package, such as
            ``{"arousal": "Arousal"}``

    Raises:
        ValueError: if it has another extension, is malformed, has two columns of one
            name, or has no column ``file`` of text without gaps

    """
    reader = READERS.get(os.path.splitext(path)[1])
    if reader is None:
        raise ValueError(f"'{path}' has to end on {', '.join(READERS)}.")
    try:
        table = rename(reader(path), columns, path)
    except UnicodeError as error:
        raise ValueError(f"'{path}' has to be a text in UTF-8: {error}.") from None
    except (csv.Error, pa.ArrowException) as error:
        reason = one_line(error)
        raise ValueError(f"'{path}' can't be read as a table: {reason}") from None
    if "file" not in table:
        near = hint(["file"], table.columns)
        raise ValueError(
            f"'{path}' needs a column 'file', it has {list(table.columns)}.{near}"
        )
    empty = is_empty(table["file"]).nonzero()[0]
    if len(empty):
        raise ValueError(f"'{path}', row {empty[0] + 1}: there is no file.")
    for cell in table["file"]:
        if not isinstance(cell, str):
            kind = type(cell).__name__
            raise ValueError(f"'{path}': column 'file' has to hold text, not {kind}.")
    return table


def read_csv(path: str) -> pd.DataFrame:
    """Read CSV; all cells are text."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        # Arrow passes over empty lines, too
        names = next(filter(None, csv.reader(file)), [])
    _check_names(names, path)
    table = pyarrow.csv.read_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return table.to_pandas()


def read_parquet(path: str) -> pd.DataFrame:
    """Read parquet, and the attributes that pandas stores."""
    try:
        # Not read_table, which takes folders called NAME=VALUE for columns
        table = pq.ParquetFile(path).read()
        for name, column in zip(table.column_names, table.columns, strict=True):
            try:
                column.validate(full=True)
            except pa.ArrowException as error:
                raise ValueError(f"column '{name}': {one_line(error)}") from None
        frame = table.to_pandas()
        attributes = (table.schema.metadata or {}).get(b"PANDAS_ATTRS", "{}")
        frame.attrs = dict(json.loads(attributes))
    except FileNotFoundError:
        raise
    except Exception as error:  # Arrow, pandas and JSON have no common one
        reason = one_line(error)
        raise ValueError(f"'{path}' can't be read as a table: {reason}") from None
    _check_names(table.column_names, path)
    is_index = "file" not in frame and any(frame.index.names)
    return frame.reset_index() if is_index else frame


def _check_names(names: list[str], path: str) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"'{path}' has two columns '{twice[0]}': which is meant?")


READERS: dict[str, Callable[[str], pd.DataFrame]] = {
    ".txt": read_paths,
    ".csv": read_csv,
    ".parquet": read_parquet,
    ".jsonl": read_jsonl,
    ".scp": read_scp,
    ".rttm": read_rttm,
}
"""Reader of a list by its extension."""
