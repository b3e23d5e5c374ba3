"""Write tables as CSV or parquet; the one way of the whole package."""

import json
import os
from collections.abc import Iterable
from collections.abc import Sequence

import audeer
import pandas as pd
import pyarrow as pa

from audw2s.files import replacing

TABLES = ("csv", "parquet")
"""File extensions of tables that can be written."""


def check_table_path(path: str) -> None:
    """Check that a table can be written to a path.

    Raises:
        ValueError: if its extension is unknown or its folder doesn't exist

    """
    if audeer.file_extension(path) not in TABLES:
        raise ValueError(f"'{path}' has to end on .csv or .parquet.")
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise ValueError(f"There is no folder '{os.path.dirname(path)}'.")


def value_columns(names: Sequence[str]) -> list[str]:
    """Columns of a table with ``values_only``: times and values, no text but files.

    This is what :func:`audformat.utils.read_csv` reads, and nkululeko imports.

    Args:
        names: columns of ``predict`` or ``annotate``

    Examples:
        >>> value_columns(["file", "start", "end", "valence", "speech", "status"])
        ['file', 'start', 'end', 'valence']

    """
    last = min(names.index(name) for name in ("duration", "speech") if name in names)
    return list(names[:last])


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write a table as CSV or parquet; the file appears when it is complete.

    Args:
        table: table, whose index isn't written; ``attrs["audw2s"]`` is
        path: path that ends on ``.csv`` or ``.parquet``

    Raises:
        ValueError: if it has another extension

    """
    check_table_path(path)
    rows = pa.Table.from_pandas(table, preserve_index=False)
    with replacing(path) as temporary:
        write_batches([rows], temporary, rows.schema, table.attrs.get("audw2s"))


def write_batches(
    batches: Iterable[pa.Table],
    path: str,
    schema: pa.Schema,
    identity: dict[str, object] | None = None,
) -> None:
    """Write a table in batches, of which one is in memory.

    Args:
        batches: rows of the table
        path: path that ends on ``.csv`` or ``.parquet``
        schema: columns of the table
        identity: what the rows were made by, stored as ``audw2s`` in the metadata of
            parquet, and in ``attrs["audw2s"]`` when pandas reads the file

    """
    from pyarrow import parquet

    if path.endswith(".csv"):
        with open(path, "w", encoding="utf-8", newline="") as file:
            schema.empty_table().to_pandas().to_csv(file, index=False)
            for batch in batches:
                # Integers stay such where some are missing
                rows = batch.to_pandas(integer_object_nulls=True)
                rows.to_csv(file, header=False, index=False)
        return
    if identity is not None:
        attrs = {"audw2s": json.dumps(identity)}
        attrs["PANDAS_ATTRS"] = json.dumps({"audw2s": identity})
        schema = schema.with_metadata({**(schema.metadata or {}), **attrs})
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_table(batch.replace_schema_metadata(schema.metadata))


def stored_identity(schema: pa.Schema) -> dict[str, object] | None:
    """What the rows of a parquet file were made by, ``None`` if it doesn't say.

    Raises:
        pa.ArrowInvalid: if its metadata are damaged

    """
    text = (schema.metadata or {}).get(b"audw2s")
    try:
        return None if text is None else dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise pa.ArrowInvalid(f"metadata 'audw2s': {error}") from None
