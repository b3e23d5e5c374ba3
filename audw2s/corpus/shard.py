"""Shard: the rows of finished files, in a file that is complete or doesn't exist."""

import secrets
import time
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.corpus.embeddings import arrays
from audw2s.corpus.embeddings import fields
from audw2s.corpus.embeddings import max_rows
from audw2s.corpus.inputs import OPEN
from audw2s.corpus.inputs import Piece
from audw2s.corpus.paths import printable
from audw2s.corpus.predictor import Prediction
from audw2s.corpus.process import Result
from audw2s.corpus.storage import Storage
from audw2s.model.registry import DIMENSIONS

FOLDER = "parts"
"""Folder of the shards."""

SHARD_DUR = 60.0
"""Seconds after which finished files are written to a shard."""

SHARD_ROWS = 50_000
"""Number of rows after which finished files are written to a shard."""

KEYS = {
    "key.first": pa.bool_(),
    "key.start": pa.int64(),
    "key.end": pa.int64(),
    "key.size": pa.int64(),
    "key.mtime_ns": pa.int64(),
}
"""Columns that identify the input of a row: whether the row is the first of an input,
requested start and end in nanoseconds, size and modification time of the file."""

Finished = tuple[Piece, Result]
"""File and its result."""


class Written(NamedTuple):
    """Shard that was written."""

    name: str
    places: list[tuple[int, int, int]]
    """Position of each input, its first row, and its number of rows."""


def columns(names: Sequence[str]) -> list[str]:
    """Names of the columns of values.

    Examples:
        >>> columns(["wav2small"])
        ['arousal', 'dominance', 'valence']
        >>> columns(["a", "b"])[2:4]
        ['a.valence', 'b.arousal']

    """
    if len(names) == 1:
        return list(DIMENSIONS)
    return [f"{name}.{dimension}" for name in names for dimension in DIMENSIONS]


def table_schema(names: Sequence[str]) -> pa.Schema:
    """Columns of the table."""
    return pa.schema(
        [("file", pa.string())]
        + [(name, pa.duration("ns")) for name in ("start", "end")]
        + [(name, pa.float32()) for name in columns(names)]
        + [("duration", pa.float64())]
        + [(name, pa.string()) for name in ("status", "message")]
    )


def shard_name(number: int) -> str:
    """Unique name of a shard, also among several attempts at the same inputs.

    Args:
        number: number of the shard, which increases

    """
    return f"part-{number:08d}-{secrets.token_hex(4)}.parquet"


def shard_number(name: str) -> int:
    """Return the number in the name of a shard.

    Examples:
        >>> shard_number(shard_name(12))
        12

    """
    return int(name[5:13])


class Buffer:
    """Buffer of finished files that are not written yet.

    Args:
        size: number of inputs of a shard
        sizes: columns of hidden states, see :mod:`audw2s.corpus.embeddings`

    """

    def __init__(self, size: int, sizes: Mapping[str, int]):
        self.size = size
        self.most = max_rows(sizes, SHARD_ROWS)
        self.clear()

    def clear(self) -> None:
        """Clear the buffer."""
        self.finished: list[Finished] = []
        self.inputs = self.rows = 0
        self.last = time.monotonic()

    def add(self, piece: Piece, result: Result) -> None:
        """Add a finished file."""
        self.finished.append((piece, result))
        self.inputs += len(piece.numbers)
        self.rows += sum(map(len, result[1]))

    @property
    def high(self) -> bool:
        """Whether the buffer should be written."""
        late = time.monotonic() - self.last > SHARD_DUR
        return self.inputs >= self.size or self.rows >= self.most or late


class Writer:
    """Writes shards.

    Args:
        storage: storage of the run
        names: names of the models
        windows: whether rows are windows, else whole inputs
        sizes: columns of hidden states, see :mod:`audw2s.corpus.embeddings`

    """

    def __init__(
        self,
        storage: Storage,
        names: Sequence[str],
        windows: bool = False,
        sizes: Mapping[str, int] | None = None,
    ):
        self.storage = storage
        self.windows = windows
        self.sizes = sizes or {}
        self.schema = table_schema(names)
        """Columns of the table."""

        lists = fields(self.sizes)
        self.embeddings = pa.schema([*list(self.schema)[:3], *lists])
        """Columns of the file of embeddings."""

        self.written = pa.schema([*self.schema, *KEYS.items(), *lists])

    def write(self, number: int, finished: Sequence[Finished]) -> Written:
        """Write a shard, which is complete and on disk afterwards.

        Args:
            number: number of the shard
            finished: files and their results

        Raises:
            OSError: if it can't be written; then there is no file

        """
        name = shard_name(number)
        table, places = self._table(finished)
        with self.storage.replacing(f"{FOLDER}/{name}", durable=True) as temporary:
            pq.write_table(table, temporary)
        return Written(name, places)

    def _table(
        self,
        finished: Sequence[Finished],
    ) -> tuple[pa.Table, list[tuple[int, int, int]]]:
        found: dict[str, list] = {name: [] for name in (*self.schema.names, *KEYS)}
        places, size = [], 0
        for piece, (seen, segments) in finished:
            own = zip(piece.numbers, piece.spans, segments, strict=True)
            for number, span, rows in own:
                places.append((number, size, len(rows)))
                size += len(rows)
                for position, row in enumerate(rows):
                    row = {
                        "file": printable(piece.file),
                        **self._cells(span, row),
                        "key.first": position == 0,
                        "key.start": span[0],
                        "key.end": span[1],
                        "key.size": seen.size,
                        "key.mtime_ns": seen.mtime_ns,
                    }
                    for name, value in row.items():
                        found[name].append(value)
        flat = [row for _, result in finished for rows in result[1] for row in rows]
        hidden = zip(self.sizes, arrays(flat, self.sizes), strict=True)
        return pa.table(found | dict(hidden), self.written), places

    def _cells(self, span: tuple[int, int], row: Prediction) -> dict[str, object]:
        start, end = span
        if self.windows or end == OPEN:
            # A requested end is kept, so that rows can be joined with the inputs
            end = None if pd.isna(row.end) else row.end.value
        names = self.schema.names[3:-3]
        return {
            "start": row.start.value if self.windows else start,
            "end": end,
            **dict(zip(names, row.values.ravel().tolist(), strict=True)),
            "duration": row.duration,
            "status": row.status,
            "message": printable(row.message),
        }
