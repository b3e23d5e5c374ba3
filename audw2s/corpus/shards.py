"""Shards of a run: rows of finished files, in files that are complete or not there."""

import contextlib
import functools
import json
import re
import secrets
import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from audw2s.corpus.inputs import Inputs
from audw2s.corpus.options import Options
from audw2s.corpus.storage import FOLDER
from audw2s.corpus.storage import Storage
from audw2s.corpus.storage import removed
from audw2s.corpus.table import columns
from audw2s.corpus.table import table_schema
from audw2s.corpus.task import OPEN
from audw2s.corpus.task import Prediction
from audw2s.corpus.task import Result
from audw2s.corpus.task import Task
from audw2s.errors import one_line
from audw2s.files import printable
from audw2s.files import stamp
from audw2s.model.find import num_hidden_states
from audw2s.model.registry import DIMENSIONS
from audw2s.tables import stored_identity
from audw2s.version import changes

NAME = re.compile(r"part-(\d{8})-.*\.parquet")
"""Names of shards; the number is that of the run."""

SHARD_DUR = 60.0
"""Seconds after which finished files are written to a shard."""

SHARD_ROWS = 50_000
"""Number of rows after which finished files are written to a shard."""

BATCH_ROWS = 5_000
"""Number of rows of the table that are in memory while it is written."""

MAX_BYTES = 16e6
"""Bytes of hidden states after which finished files are written to a shard."""

KEYS = {
    "key.first": pa.bool_(),
    "key.start": pa.int64(),
    "key.end": pa.int64(),
    "key.size": pa.int64(),
    "key.mtime_ns": pa.int64(),
}
"""Columns that identify the input of a row: whether the row is the first of an input,
requested start and end in nanoseconds, size and modification time of the file."""

KEY = ["file", "key.start", "key.end"]
"""Columns that tell inputs apart."""

KEY_COLUMNS = ["file", "status", *KEYS]
"""Columns that are read to resume a run."""

PLACE = ["shard", "first", "count"]
"""Where the rows of an input are: shard, first row there, number of rows."""

RETRIED = ("unreadable", "missing", "empty", "truncated")
"""Statuses of inputs that may have values the next time."""

CACHED = 8
"""Number of shards kept in memory while the table is written, whose rows stand in the
order of the inputs but for what workers finish out of turn."""


class Writer:
    """Writes finished files to shards, many at a time.

    Args:
        storage: folder of the run
        options: options of the run
        identity: what the rows are made by, which each shard says
        prefix: start of the names of its shards, see :attr:`Shards.prefix`

    """

    def __init__(
        self,
        storage: Storage,
        options: Options,
        identity: Mapping[str, object],
        prefix: str,
    ):
        self.storage = storage
        self.options = options
        self.prefix = prefix
        self.values = columns(options.names)
        """Columns of values."""

        self.hidden = [f"{name}.hidden_states" for name in options.names]
        """Columns of hidden states."""

        sizes = map(num_hidden_states, options.models if options.embeddings else ())
        lists = [
            pa.field(name, pa.list_(pa.float32(), size))
            for name, size in zip(self.hidden, sizes, strict=False)
        ]
        row_bytes = 4 * sum(field.type.list_size for field in lists)
        self.max_rows = max(1, min(SHARD_ROWS, int(MAX_BYTES / max(1, row_bytes))))
        """Number of rows that are held at a time."""

        has_channels = options.channels is not None
        self.schema = table_schema(options.names, has_channels)
        """Columns of the table."""

        self.embeddings = pa.schema([*list(self.schema)[: 3 + has_channels], *lists])
        """Columns of the file of embeddings."""

        self.written = pa.schema(
            [*self.schema, *KEYS.items(), *lists], {"audw2s": json.dumps(identity)}
        )
        self._clear()

    def _clear(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.inputs = 0
        self.last = time.monotonic()

    def add(self, task: Task, result: Result) -> None:
        """Add a finished file; write a shard if there is enough for one."""
        for span, rows in zip(task.spans, result.rows, strict=True):
            keys = (*span, *result.stamp)
            for position, one in enumerate(rows):
                key = dict(zip(KEYS, (position == 0, *keys), strict=True))
                self.rows.append(self._cells(task.file, span, one) | key)
        self.inputs += len(task.spans)
        if (
            self.inputs >= self.options.shard_size
            or len(self.rows) >= self.max_rows
            or time.monotonic() - self.last > SHARD_DUR
        ):
            self.flush()

    def flush(self) -> None:
        """Write what is left to a shard, which is complete and on disk afterwards.

        Raises:
            OSError: if it can't be written; then there is no file

        """
        if not self.rows:
            return
        # Unique also among several attempts at the same inputs
        name = f"{FOLDER}/{self.prefix}-{secrets.token_hex(4)}.parquet"
        table = pa.Table.from_pylist(self.rows, self.written)
        with self.storage.replacing(name) as path:
            # What is damaged on the disk is then noticed, and processed again
            parquet.write_table(table, path, write_page_checksum=True)
        self._clear()

    def _cells(
        self, file: str, span: tuple[int, int], one: Prediction
    ) -> dict[str, object]:
        """Cells of a row, but for its keys."""
        (start, end), row, size = span, one.row, len(DIMENSIONS)
        values = np.concatenate([values[:size] for values in one.values])
        if self.options.has_parts:
            start = row.start.value
        if self.options.has_parts or end == OPEN:
            # A requested end is kept, so that rows can be joined with the inputs
            end = None if pd.isna(row.end) else row.end.value
        return {
            "file": printable(file),
            "channel": one.channel,
            "start": start,
            "end": end,
            **dict(zip(self.values, values.tolist(), strict=True)),
            "duration": row.duration,
            "speech": row.speech,
            "status": row.status,
            "message": printable(row.message),
            **dict(
                zip(self.hidden, (_finite(v[size:]) for v in one.values), strict=True)
            ),
        }


def _begins(counts: Sequence[int] | np.ndarray) -> np.ndarray:
    """First row of each part of a table, by their numbers of rows."""
    return np.cumsum(counts) - counts


def _finite(values: np.ndarray) -> np.ndarray | None:
    """Hidden states, ``None`` if there are none, or they aren't finite."""
    return values if values.size and np.isfinite(values).all() else None


class Shards:
    """Shards of a run, and which of them holds which input.

    Args:
        storage: folder of the run
        options: options of the run
        inputs: inputs of the run
        identity: what the rows are made by

    """

    def __init__(
        self,
        storage: Storage,
        options: Options,
        inputs: Inputs,
        identity: Mapping[str, object],
    ):
        self.storage = storage
        self.inputs = inputs
        self.identity = identity
        number = max(map(int, self._names().values()), default=-1) + 1
        self.prefix = f"part-{number:08d}-{secrets.token_hex(4)}"
        """Start of the names of the shards of this run: its number, which is larger
        than those of earlier runs, and what no other run has."""

        self.writer = Writer(storage, options, identity, self.prefix)
        self.places = np.zeros((0, 3), np.int64)
        """Shard of each input, its first row there, and its number of rows; negative
        if it isn't finished."""

        self.names: list[str] = []
        self._load = functools.lru_cache(CACHED)(self._read)

    def _names(self) -> dict[str, str]:
        """Number of the run of each shard, by its name."""
        matches = map(NAME.fullmatch, self.storage.names(FOLDER))
        return {f"{FOLDER}/{match[0]}": match[1] for match in matches if match}

    def find(self, *, changed: bool = True, retry: bool = False) -> list[str]:
        """Find inputs that are finished; of several rows of an input, the latest.

        Args:
            changed: leave out inputs whose files have changed since
            retry: leave out inputs that may have values the next time

        Returns:
            files that can't be used: they are damaged, or no shards

        Raises:
            ValueError: if a shard was made by another model, or with other settings

        """
        self.names, found, unused = [], [], []
        for name in self._names():
            try:
                found.append(self._keys(name).assign(shard=len(self.names)))
                self.names.append(name)
            except pa.ArrowException:
                unused.append(self.storage.path(name))
        self.places = np.full((len(self.inputs), len(PLACE)), -1)
        if found:
            done = self._latest(pd.concat(found))
            if retry:
                done = done[done["failed"].eq(False)]
            if changed:
                done = done[self._unchanged(done)]
            self.places[done.index] = done[PLACE]
        return unused

    def _keys(self, name: str) -> pd.DataFrame:
        """Keys and places of the inputs of a shard."""
        with self._opened(name) as shard:
            stored = stored_identity(shard.schema_arrow)
            if changed := stored is not None and changes(stored, self.identity):
                raise ValueError(
                    f"'{self.storage.root}' was made with other settings: {changed}. "
                    "Choose another folder, or delete this one (annotate: --restart)."
                )
            if stored is None or not shard.schema_arrow.equals(self.writer.written):
                raise pa.ArrowInvalid("not written by a run like this one")
            table = shard.read(KEY_COLUMNS, use_threads=False)
        begins = np.flatnonzero(table["key.first"])
        failed = np.isin(table["status"], RETRIED)
        return (
            table.take(begins)
            .drop(["status"])
            .to_pandas()
            .assign(first=begins, count=np.diff([*begins, len(table)]))
            .assign(failed=np.logical_or.reduceat(failed, begins))
        )

    def _latest(self, found: pd.DataFrame) -> pd.DataFrame:
        """The latest row of each input that has one, by its position."""
        keys = pd.DataFrame(self.inputs.times, columns=KEY[1:])
        keys["file"] = list(map(printable, self.inputs.files))
        latest = found.drop_duplicates(KEY, keep="last")
        # An outer join would turn times of files into floats, which round them
        return (
            keys.reset_index(names="position")
            .merge(latest, on=KEY)
            .set_index("position")
        )

    def _unchanged(self, rows: pd.DataFrame) -> np.ndarray:
        """Whether the files of inputs are those that were processed."""
        current = functools.cache(lambda file: stamp(self.inputs.path(file)))
        stamps = zip(rows["key.size"], rows["key.mtime_ns"], strict=True)
        files = map(self.inputs.files.__getitem__, rows.index)
        same = (current(file) == seen for file, seen in zip(files, stamps, strict=True))
        # An empty list would select no columns, instead of no rows
        return np.fromiter(same, bool)

    def unfinished(self) -> list[list[int]]:
        """Positions of the inputs of each file with an unfinished one.

        All segments of a file are processed together, so that values don't depend on
        where a run was interrupted.
        """
        done = self.places[:, 0] >= 0
        return [numbers for numbers in self.inputs.by_file() if not done[numbers].all()]

    def rows(
        self, names: Sequence[str] | None = None
    ) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield the rows of all inputs in their order, in batches.

        Args:
            names: names of columns, ``None`` for those of the table

        Yields:
            position of the input of each row, and the rows

        """
        limits = np.cumsum(self.places[:, 2]) // min(BATCH_ROWS, self.writer.max_rows)
        begins = np.flatnonzero(np.diff(limits)) + 1
        for numbers in np.split(np.arange(len(limits)), begins):
            shards, firsts, counts = self.places[numbers].T
            needed, which = np.unique(shards, return_inverse=True)
            tables = [self._read(n, names) if names else self._load(n) for n in needed]
            # First row of each input in all these shards, less that in the batch
            shifts = firsts + _begins(list(map(len, tables)))[which] - _begins(counts)
            rows = np.arange(counts.sum()) + np.repeat(shifts, counts)
            yield np.repeat(numbers, counts), pa.concat_tables(tables).take(rows)

    def _read(self, number: int, names: Sequence[str] | None = None) -> pa.Table:
        name = self.names[number]
        try:
            with self._opened(name) as shard:
                columns = list(names or self.writer.schema.names)
                return shard.read(columns, use_threads=False)
        except pa.ArrowException as error:
            raise ValueError(
                f"'{self.storage.path(name)}' is damaged ({one_line(error)}): delete "
                "it, and run the same command again, which makes its rows anew."
            ) from None

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[parquet.ParquetFile]:
        """Open a shard; damage is an exception of Arrow."""
        try:
            # Read in this thread, as a thread of Arrow that releases bytes while Python
            # ends aborts the process
            with self.storage.open(name) as file:
                yield parquet.ParquetFile(
                    file, pre_buffer=False, page_checksum_verification=True
                )
        except FileNotFoundError:
            raise removed(self.storage.path(name)) from None
        except UnicodeDecodeError as error:
            raise pa.ArrowInvalid(f"a name of a column: {error}") from None
        except OSError as error:
            # Arrow raises it for damaged pages, too, but then it isn't of the system
            if error.errno is not None:
                raise
            raise pa.ArrowInvalid(str(error)) from None
