"""Shards of a run, and which of them holds which input."""

import functools
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.corpus.inputs import Inputs
from audw2s.corpus.inputs import Unit
from audw2s.corpus.paths import printable
from audw2s.corpus.paths import stamp
from audw2s.corpus.shard import FOLDER
from audw2s.corpus.shard import KEYS
from audw2s.corpus.shard import Finished
from audw2s.corpus.shard import Writer
from audw2s.corpus.shard import Written
from audw2s.corpus.shard import shard_number
from audw2s.corpus.storage import RemovedError
from audw2s.corpus.storage import Storage

RETRIED = ("unreadable", "missing", "empty", "truncated")
"""Statuses of inputs that may have values the next time."""

CACHED = 64
"""Number of shards kept in memory while the table is written."""


class Shards:
    """Shards of a run, and which of them holds which input.

    Args:
        storage: storage of the run
        names: names of the models
        inputs: inputs of the run
        windows: whether rows are windows, else whole inputs
        sizes: columns of hidden states, see :mod:`audw2s.corpus.embeddings`

    """

    def __init__(
        self,
        storage: Storage,
        names: Sequence[str],
        inputs: Inputs,
        windows: bool = False,
        sizes: Mapping[str, int] | None = None,
    ):
        self.storage = storage
        self.inputs = inputs
        self.writer = Writer(storage, names, windows, sizes)
        self.schema = self.writer.schema
        self.embeddings = self.writer.embeddings
        self.files: list[str] = []
        self.next = 0
        """Number of the next shard."""

        self.places = np.full((len(inputs), 3), -1, np.int64)
        """Shard of each input, its first row there, and its number of rows."""

        self._load = functools.lru_cache(CACHED)(self._read)

    def find(self, *, retry: bool = False) -> list[str]:
        """Find inputs that are finished and unchanged.

        Args:
            retry: leave out inputs that may have values the next time

        Returns:
            damaged shards, which are removed

        """
        damaged: list[str] = []
        found = self.storage.names(FOLDER)
        if not found:
            return damaged
        known: dict[tuple[str, int, int], list[int]] = {}
        for number, file in enumerate(self.inputs.files):
            key = (printable(file), *self.inputs.span(number))
            known.setdefault(key, []).append(number)
        current = functools.lru_cache(1024)(lambda f: stamp(self.inputs.path(f)))
        for name in found:
            if name.startswith("tmp") and ".part-" in name:
                # Left by a run that was killed while it wrote
                self.storage.remove(f"{FOLDER}/{name}")
            if not name.startswith("part-"):
                continue
            data = self.storage.read(f"{FOLDER}/{name}")
            try:
                table = _parsed(data, ["file", "status", *KEYS])
            except (pa.ArrowException, OSError):
                damaged.append(self.storage.path(f"{FOLDER}/{name}"))
                self.storage.remove(f"{FOLDER}/{name}")
                continue
            self._append(name)
            for key, seen, first, count, failed in _runs(table):
                numbers = known.get(key, ())
                done = len(numbers) and seen == current(self.inputs.files[numbers[0]])
                here = (len(self.files) - 1, first, count)
                for number in numbers:
                    # A later shard replaces the rows of this one
                    good = done and not (retry and failed)
                    self.places[number] = here if good else -1
        return damaged

    def unfinished(self) -> list[Unit]:
        """Files with an unfinished input.

        All segments of a file are processed together, so that values don't depend on
        where a run was interrupted.
        """
        done = self.places[:, 0] >= 0
        units = self.inputs.units()
        return [unit for unit in units if not done[unit.numbers].all()]

    def _append(self, name: str) -> None:
        self.files.append(name)
        self.next = max(self.next, shard_number(name) + 1)

    def write(self, finished: Sequence[Finished]) -> None:
        """Write a shard, see :class:`audw2s.corpus.shard.Writer`.

        Raises:
            OSError: if it can't be written; then there is no file

        """
        self.add(self.writer.write(self.next, finished))

    def add(self, written: Written) -> None:
        """Add a shard that was written."""
        self._append(written.name)
        for number, first, count in written.places:
            self.places[number] = (len(self.files) - 1, first, count)

    def remove_unknown(self) -> None:
        """Delete shards of lost attempts, whose inputs are in others as well."""
        for name in set(self.storage.names(FOLDER)) - set(self.files):
            self.storage.remove(f"{FOLDER}/{name}")

    def _read(self, number: int, names: Sequence[str] | None = None) -> pa.Table:
        name = f"{FOLDER}/{self.files[number]}"
        try:
            data = self.storage.read(name)
        except FileNotFoundError:
            raise RemovedError(self.storage.path(name)) from None
        return _parsed(data, names or self.schema.names)

    def rows(
        self,
        size: int = 5000,
        names: Sequence[str] | None = None,
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
            own = first + np.flatnonzero(places[:, 0] >= 0)
            places = self.places[own]
            if not len(places):
                continue
            counts = places[:, 2]
            within = np.arange(counts.sum()) - np.repeat(
                np.cumsum(counts) - counts, counts
            )
            rows = np.repeat(places[:, 1], counts) + within
            part = np.repeat(places[:, 0], counts)
            yield np.repeat(own, counts), self._taken(part, rows, names)

    def _taken(
        self,
        part: np.ndarray,
        rows: np.ndarray,
        names: Sequence[str] | None,
    ) -> pa.Table:
        """Select rows of several shards."""
        order = np.argsort(part, kind="stable")
        needed, begins = np.unique(part[order], return_index=True)
        tables = []
        for number, own in zip(needed, np.split(order, begins[1:]), strict=True):
            found = self._read(number, names) if names else self._load(number)
            tables.append(found.take(rows[own]))
        return pa.concat_tables(tables).take(np.argsort(order))


def _parsed(data: bytes, columns: list[str]) -> pa.Table:
    # In this thread, as a thread of Arrow that releases bytes while Python ends aborts
    # the process
    file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
    return file.read(columns=columns, use_threads=False)


def _runs(table: pa.Table) -> Iterator[tuple]:
    """Key, stamp, first row, number of rows and failure of each input of a shard."""
    begins = np.flatnonzero(table["key.first"].to_numpy())
    ends = [*begins[1:], len(table)]
    failed = np.isin(table["status"].to_numpy(), RETRIED)
    names = ["file", "key.start", "key.end", "key.size", "key.mtime_ns"]
    firsts = table.select(names).take(begins).to_pydict()
    for begin, end, *key in zip(begins, ends, *firsts.values(), strict=True):
        is_failed = bool(failed[begin:end].any())
        yield tuple(key[:3]), tuple(key[3:]), begin, end - begin, is_failed
