"""Lists of files: paths in a text, or tables in CSV and parquet."""

import csv
import json
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from audw2s.corpus.lists.columns import hint
from audw2s.corpus.lists.columns import is_empty
from audw2s.corpus.lists.columns import rename


def read_paths(path: str) -> list[str]:
    """Read a text with a path a line; empty lines are left out."""
    # Names of files may hold any bytes
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
        lines = [line.rstrip("\r\n") for line in file]
    return [line for line in lines if line.strip()]


def read_table(path: str, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table that has a row per file, or per segment of a file.

    Cells of CSV are text as it is written, and missing only where they are empty:
    ``05`` stays ``05`` and a speaker may be called ``NA``.

    Args:
        path: ends on ``.csv`` or ``.parquet``
        columns: names in the table by names in this package, such as
            ``{"arousal": "Arousal"}``

    Raises:
        ValueError: if it has another ending, can't be read as a table, has two
            columns of one name, or has no column ``file`` of text without gaps

    """
    if path.endswith(".parquet"):
        table = _read_parquet(path)
    elif path.endswith(".csv"):
        table = _read_csv(path)
    else:
        raise ValueError(f"'{path}' has to end on .txt, .csv or .parquet.")
    if not set(table.columns).issuperset({"file"}) and any(table.index.names):
        table = table.reset_index()
    table = rename(table, columns, path)
    if "file" not in table.columns:
        near = hint(["file"], table.columns)
        raise ValueError(
            f"'{path}' needs a column 'file', it has {list(table.columns)}.{near}"
        )
    empty = is_empty(table["file"]).nonzero()[0]
    if len(empty):
        raise ValueError(f"'{path}', row {empty[0] + 1}: there is no file.")
    wrong = [cell for cell in table["file"] if not isinstance(cell, str)]
    if wrong:
        kind = type(wrong[0]).__name__
        raise ValueError(f"'{path}': column 'file' has to hold text, not {kind}.")
    return table


def _read_csv(path: str) -> pd.DataFrame:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
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
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' has to be a text in UTF-8: {error}.") from None
    except (csv.Error, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"'{path}' can't be read as a table: {reason}") from None
    return table.to_pandas()


def _read_parquet(path: str) -> pd.DataFrame:
    try:
        # Not read_table, which takes folders called NAME=VALUE for columns
        table = pq.ParquetFile(path).read()
        _check_names(table.column_names, path)
        for name, column in zip(table.column_names, table.columns, strict=True):
            try:
                column.validate(full=True)
            except pa.ArrowException as error:
                reason = " ".join(str(error).split())
                raise ValueError(f"'{path}', column '{name}': {reason}") from None
        frame = table.to_pandas()
        attrs = (table.schema.metadata or {}).get(b"PANDAS_ATTRS", "{}")
        frame.attrs = json.loads(attrs)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"'{path}' can't be read as a table: {reason}") from None
    return frame


def _check_names(names: list[str], path: str) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"'{path}' has two columns '{twice[0]}': which is meant?")
