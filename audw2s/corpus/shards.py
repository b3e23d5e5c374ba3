"""Shards of a run: rows of finished files, in files that are complete or not there."""

import functools
import secrets
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from audw2s.corpus.embeddings import arrays
from audw2s.corpus.embeddings import fields
from audw2s.corpus.embeddings import hidden_sizes
from audw2s.corpus.embeddings import max_rows
from audw2s.corpus.inputs import Inputs
from audw2s.corpus.job import FOLDER
from audw2s.corpus.job import Job
from audw2s.corpus.options import Options
from audw2s.corpus.storage import RemovedError
from audw2s.corpus.task import OPEN
from audw2s.corpus.task import Prediction
from audw2s.corpus.task import Result
from audw2s.corpus.task import Task
from audw2s.files import printable
from audw2s.files import stamp
from audw2s.model.registry import DIMENSIONS

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

KEY_COLUMNS = ["file", "status", *KEYS]
"""Columns that are read to resume a run."""

RETRIED = ("unreadable", "missing", "empty", "truncated")
"""Statuses of inputs that may have values the next time."""

CACHED = 64
"""Number of shards kept in memory while the table is written."""


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


def table_schema(names: Sequence[str], has_channels: bool = False) -> pa.Schema:
    """Columns of the table.

    Args:
        names: names of the models
        has_channels: whether each channel has rows of its own

    """
    return pa.schema(
        [("file", pa.string())]
        + [("channel", pa.int64())] * has_channels
        + [(name, pa.duration("ns")) for name in ("start", "end")]
        + [(name, pa.float32()) for name in columns(names)]
        + [(name, pa.float64()) for name in ("duration", "speech")]
        + [(name, pa.string()) for name in ("status", "message")]
    )


class Writer:
    """Writes finished files to shards, many at a time.

    Args:
        job: folder of the run
        options: options of the run
        prefix: start of the names of its shards, see :meth:`Shards.prefix`

    """

    def __init__(self, job: Job, options: Options, prefix: str):
        self.job = job
        self.options = options
        self.prefix = prefix
        self.sizes: dict[str, int] = {}
        """Columns of hidden states, see :mod:`audw2s.corpus.embeddings`."""

        if options.embeddings:
            self.sizes = hidden_sizes(options.names, options.models)
        lists = fields(self.sizes)
        has_channels = options.channels is not None
        self.schema = table_schema(options.names, has_channels)
        """Columns of the table."""

        self.embeddings = pa.schema([*list(self.schema)[: 3 + has_channels], *lists])
        """Columns of the file of embeddings."""

        self.written = pa.schema([*self.schema, *KEYS.items(), *lists])
        self._clear()

    def _clear(self) -> None:
        self.finished: list[tuple[Task, Result]] = []
        self.inputs = self.rows = 0
        self.last = time.monotonic()

    def add(self, task: Task, result: Result) -> list[Written]:
        """Add a finished file; write a shard if there is enough for one."""
        self.finished.append((task, result))
        self.inputs += len(task.numbers)
        self.rows += sum(map(len, result.rows))
        enough = (
            self.inputs >= self.options.shard_size
            or self.rows >= max_rows(self.sizes, SHARD_ROWS)
            or time.monotonic() - self.last > SHARD_DUR
        )
        return self.flush() if enough else []

    def flush(self) -> list[Written]:
        """Write what is left to a shard, which is complete and on disk afterwards.

        Raises:
            OSError: if it can't be written; then there is no file

        """
        if not self.finished:
            return []
        self.job.write_identity()
        # Unique also among several attempts at the same inputs
        name = f"{self.prefix}-{secrets.token_hex(4)}.parquet"
        table, places = self._table()
        with self.job.storage.replacing(f"{FOLDER}/{name}", durable=True) as path:
            parquet.write_table(table, path)
        self._clear()
        return [Written(name, places)]

    def _table(self) -> tuple[pa.Table, list[tuple[int, int, int]]]:
        cells: dict[str, list] = {name: [] for name in (*self.schema.names, *KEYS)}
        places, flat = [], []
        for task, (seen, segments) in self.finished:
            inputs = zip(task.numbers, task.spans, segments, strict=True)
            for number, span, rows in inputs:
                places.append((number, len(flat), len(rows)))
                flat += rows
                for position, row in enumerate(rows):
                    keys = (position == 0, *span, *seen)
                    values = (printable(task.file), *self._values(span, row), *keys)
                    for column, value in zip(cells.values(), values, strict=True):
                        column.append(value)
        hidden = zip(self.sizes, arrays(flat, self.sizes), strict=True)
        return pa.table(cells | dict(hidden), self.written), places

    def _values(self, span: tuple[int, int], row: Prediction) -> tuple:
        """Values of a row from its channel or start to its message."""
        start, end = span
        if self.options.has_parts:
            start = row.start.value
        if self.options.has_parts or end == OPEN:
            # A requested end is kept, so that rows can be joined with the inputs
            end = None if pd.isna(row.end) else row.end.value
        values = row.values.ravel().tolist()
        channel = [row.channel] * (self.options.channels is not None)
        facts = (row.duration, row.speech, row.status, printable(row.message))
        return *channel, start, end, *values, *facts


class Shards:
    """Shards of a run, and which of them holds which input.

    Args:
        job: folder of the run
        options: options of the run
        inputs: inputs of the run

    """

    def __init__(self, job: Job, options: Options, inputs: Inputs):
        self.storage = job.storage
        self.inputs = inputs
        numbers = [int(name[5:13]) for name in self._names()]
        self.prefix = f"part-{max(numbers, default=-1) + 1:08d}-{secrets.token_hex(4)}"
        """Start of the names of the shards of this run: its number, which is larger
        than those of earlier runs, and what no other run has."""

        self.writer = Writer(job, options, self.prefix)
        self.names: list[str] = []
        self.places = np.full((len(inputs), 3), -1, np.int64)
        """Shard of each input, its first row there, and its number of rows."""

        self._load = functools.lru_cache(CACHED)(self._read)

    def _names(self) -> list[str]:
        names = self.storage.names(FOLDER)
        return [name for name in names if name.startswith("part-")]

    def find(self, *, retry: bool = False) -> list[str]:
        """Find inputs that are finished and unchanged.

        Args:
            retry: leave out inputs that may have values the next time

        Returns:
            damaged shards, which are removed

        """
        damaged: list[str] = []
        if not (names := self._names()):
            return damaged
        known: dict[tuple[str, int, int], list[int]] = {}
        for number, file in enumerate(self.inputs.files):
            key = (printable(file), *self.inputs.span(number))
            known.setdefault(key, []).append(number)
        current = functools.lru_cache(1024)(lambda f: stamp(self.inputs.path(f)))
        for name in names:
            try:
                table = self.storage.table(f"{FOLDER}/{name}", KEY_COLUMNS)
            except pa.ArrowException:
                damaged.append(self.storage.path(f"{FOLDER}/{name}"))
                self.storage.remove(f"{FOLDER}/{name}")
                continue
            self.names.append(name)
            for key, seen, first, count, failed in _inputs_of(table):
                numbers = known.get(key, ())
                done = len(numbers) and seen == current(self.inputs.files[numbers[0]])
                # A later shard replaces the rows of this one
                good = done and not (retry and failed)
                place = (len(self.names) - 1, first, count) if good else -1
                for number in numbers:
                    self.places[number] = place
        return damaged

    def unfinished(self) -> list[list[int]]:
        """Positions of the inputs of each file with an unfinished one.

        All segments of a file are processed together, so that values don't depend on
        where a run was interrupted.
        """
        done = self.places[:, 0] >= 0
        return [numbers for numbers in self.inputs.by_file() if not done[numbers].all()]

    def add(self, shards: Sequence[Written]) -> None:
        """Add shards that were written."""
        for shard in shards:
            self.names.append(shard.name)
            for number, first, count in shard.places:
                self.places[number] = (len(self.names) - 1, first, count)

    def remove_lost(self) -> None:
        """Delete shards of this run's lost attempts, whose inputs are in others."""
        for name in set(self._names()) - set(self.names):
            if name.startswith(self.prefix):
                self.storage.remove(f"{FOLDER}/{name}")

    def rows(
        self, size: int = 5000, names: Sequence[str] | None = None
    ) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Yield the rows of all finished inputs, in the order of the inputs.

        Args:
            size: number of inputs that are read at once
            names: names of columns, ``None`` for those of the table

        Yields:
            position of the input of each row, and the rows

        """
        for first in range(0, len(self.places), size):
            places = self.places[first : first + size]
            numbers = first + np.flatnonzero(places[:, 0] >= 0)
            if not len(numbers):
                continue
            shards, begins, counts = self.places[numbers].T
            ends = np.cumsum(counts)
            rows = np.arange(ends[-1]) + np.repeat(begins - ends + counts, counts)
            taken = self._taken(np.repeat(shards, counts), rows, names)
            yield np.repeat(numbers, counts), taken

    def _taken(
        self, shards: np.ndarray, rows: np.ndarray, names: Sequence[str] | None
    ) -> pa.Table:
        """Select rows of several shards."""
        order = np.argsort(shards, kind="stable")
        needed, begins = np.unique(shards[order], return_index=True)
        tables = [
            (self._read(number, names) if names else self._load(number)).take(rows[own])
            for number, own in zip(needed, np.split(order, begins[1:]), strict=True)
        ]
        return pa.concat_tables(tables).take(np.argsort(order))

    def _read(self, number: int, names: Sequence[str] | None = None) -> pa.Table:
        name = f"{FOLDER}/{self.names[number]}"
        try:
            return self.storage.table(name, names or self.writer.schema.names)
        except FileNotFoundError:
            raise RemovedError(self.storage.path(name)) from None


def _inputs_of(table: pa.Table) -> Iterator[tuple]:
    """Key, stamp, first row, number of rows and failure of each input of a shard."""
    begins = np.flatnonzero(table["key.first"].to_numpy())
    counts = np.diff([*begins, len(table)])
    failed = np.isin(table["status"].to_numpy(), RETRIED)
    any_failed = np.maximum.reduceat(failed, begins) if len(begins) else []
    names = ["file", "key.start", "key.end", "key.size", "key.mtime_ns"]
    keys = zip(*table.select(names).take(begins).to_pydict().values(), strict=True)
    for key, *facts in zip(keys, begins, counts, any_failed, strict=True):
        yield key[:3], key[3:], *facts
