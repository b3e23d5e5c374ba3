"""The table of a corpus, written piece by piece."""

import json
from collections.abc import Iterable
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.files import TABLES


def check_format(table_format: str) -> None:
    """Make sure that tables can be written in a format.

    Raises:
        ValueError: if not

    """
    if table_format not in TABLES:
        raise ValueError(f"The format is csv or parquet, not '{table_format}'.")


def write(
    batches: Iterable[pa.Table],
    path: str,
    schema: pa.Schema,
    provenance: dict[str, object],
) -> None:
    """Write a table, of which only a piece is in memory.

    Args:
        batches: its rows
        path: ends on ``.csv`` or ``.parquet``
        schema: its columns
        provenance: is kept in the metadata of parquet, under ``audw2s``, and is in
            ``attrs["audw2s"]`` when pandas reads it

    """
    if path.endswith(".csv"):
        with open(path, "w", encoding="utf-8", newline="") as file:
            for number, batch in enumerate(_or_empty(batches, schema)):
                frame = batch.to_pandas()
                frame.to_csv(file, header=number == 0, index=False)
        return
    about = {
        "audw2s": json.dumps(provenance),
        "PANDAS_ATTRS": json.dumps({"audw2s": provenance}),
    }
    with pq.ParquetWriter(path, schema.with_metadata(about)) as writer:
        for batch in batches:
            writer.write_table(batch.replace_schema_metadata(about))


def _or_empty(batches: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    yield schema.empty_table()
    yield from batches
