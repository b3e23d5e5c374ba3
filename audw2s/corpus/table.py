"""Write the table of a corpus in batches."""

import json
from collections.abc import Iterable
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.files import TABLES


def check_format(table_format: str) -> None:
    """Check the format of a table.

    Raises:
        ValueError: if it is unknown

    """
    if table_format not in TABLES:
        raise ValueError(f"The format is csv or parquet, not '{table_format}'.")


def write(
    batches: Iterable[pa.Table],
    path: str,
    schema: pa.Schema,
    provenance: dict[str, object],
) -> None:
    """Write a table in batches, of which one is in memory.

    Args:
        batches: rows of the table
        path: path that ends on ``.csv`` or ``.parquet``
        schema: columns of the table
        provenance: provenance, stored as ``audw2s`` in the metadata of parquet, and in
            ``attrs["audw2s"]`` when pandas reads the file

    """
    if path.endswith(".csv"):
        with open(path, "w", encoding="utf-8", newline="") as file:
            for number, batch in enumerate(_or_empty(batches, schema)):
                frame = batch.to_pandas()
                frame.to_csv(file, header=number == 0, index=False)
        return
    metadata = {
        "audw2s": json.dumps(provenance),
        "PANDAS_ATTRS": json.dumps({"audw2s": provenance}),
    }
    with pq.ParquetWriter(path, schema.with_metadata(metadata)) as writer:
        for batch in batches:
            writer.write_table(batch.replace_schema_metadata(metadata))


def _or_empty(batches: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    yield schema.empty_table()
    yield from batches
