"""Finished inputs on disk: parts that are there whole or not at all."""

import functools
import os
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.catalogue import DIMENSIONS
from audw2s.corpus.crew import Result
from audw2s.corpus.inputs import OPEN
from audw2s.corpus.inputs import Inputs
from audw2s.corpus.inputs import Unit
from audw2s.corpus.paths import printable
from audw2s.corpus.paths import stamp
from audw2s.files import replacing

RETRIED = ("unreadable", "missing", "empty", "truncated")
"""Statuses that may be another one the next time."""

KEYS = {
    "key.first": pa.bool_(),
    "key.start": pa.int64(),
    "key.end": pa.int64(),
    "key.size": pa.int64(),
    "key.mtime_ns": pa.int64(),
}
"""Columns that tell which input rows are of: whether a row is the first of an input,
what was asked for, in nanoseconds, and what the file was when it was heard."""

CACHED = 64
"""Parts that are held while the table is written, where inputs aren't in order."""


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
    """Columns of the table that is made of the parts."""
    return pa.schema(
        [("file", pa.string())]
        + [(name, pa.duration("ns")) for name in ("start", "end")]
        + [(name, pa.float32()) for name in columns(names)]
        + [("duration", pa.float64())]
        + [(name, pa.string()) for name in ("status", "message")]
    )


class Parts:
    """The parts in a folder, and which of them has which input.

    Args:
        folder: is created
        names: of the models
        inputs: of which the parts hold rows
        windows: whether rows are windows, else inputs as a whole

    """

    def __init__(
        self,
        folder: str,
        names: Sequence[str],
        inputs: Inputs,
        windows: bool = False,
    ):
        self.folder = folder
        self.windows = windows
        self.inputs = inputs
        self.schema = table_schema(names)
        self.written = pa.schema([*self.schema, *KEYS.items()])
        os.makedirs(folder, exist_ok=True)
        self.files: list[str] = []
        self.places = np.full((len(inputs), 3), -1, np.int64)
        """Of each input its part, its first row there, and its number of rows."""

        self._load = functools.lru_cache(CACHED)(self._read)

    def find(self, *, retry: bool = False) -> list[str]:
        """Look which inputs are done and haven't changed since.

        Args:
            retry: leave out those that might have a value the next time

        Returns:
            parts that can't be read, which are removed

        """
        damaged: list[str] = []
        found = sorted(os.listdir(self.folder))
        if not found:
            return damaged
        known: dict[tuple[str, int, int], list[int]] = {}
        for number, file in enumerate(self.inputs.files):
            key = (printable(file), *self.inputs.span(number))
            known.setdefault(key, []).append(number)
        current = functools.lru_cache(1024)(lambda f: stamp(self.inputs.path(f)))
        for name in found:
            path = os.path.join(self.folder, name)
            if name.startswith("tmp") and ".part-" in name:
                # Of a run that was killed while it wrote
                os.remove(path)
            if not name.startswith("part-"):
                continue
            try:
                table = pq.read_table(path, columns=["file", "status", *KEYS])
            except (pa.ArrowException, OSError):
                damaged.append(path)
                os.remove(path)
                continue
            self.files.append(path)
            for key, seen, first, count, failed in _runs(table):
                numbers = known.get(key, ())
                done = len(numbers) and seen == current(self.inputs.files[numbers[0]])
                here = (len(self.files) - 1, first, count)
                for number in numbers:
                    # What is in a later part was computed because this wasn't enough
                    good = done and not (retry and failed)
                    self.places[number] = here if good else -1
        return damaged

    def unfinished(self) -> list[Unit]:
        """Files that have an input that isn't done.

        All stretches of a file are heard together, so that values don't depend on
        where a run was interrupted.
        """
        done = self.places[:, 0] >= 0
        units = self.inputs.units()
        return [unit for unit in units if not done[unit.numbers].all()]

    def write(self, finished: Sequence[tuple[Unit, Result]]) -> None:
        """Write a part, which is on disk and whole when this returns.

        Args:
            finished: files and their results

        Raises:
            OSError: if that isn't possible; then nothing is there

        """
        last = os.path.basename(self.files[-1])[5:-8] if self.files else -1
        name = f"part-{int(last) + 1:08d}.parquet"
        path = os.path.join(self.folder, name)
        table, places = self._table(finished)
        with replacing(path, durable=True) as temporary:
            pq.write_table(table, temporary)
        self.files.append(path)
        for number, first, count in places:
            self.places[number] = (len(self.files) - 1, first, count)

    def _table(
        self,
        finished: Sequence[tuple[Unit, Result]],
    ) -> tuple[pa.Table, list[tuple[int, int, int]]]:
        found: dict[str, list] = {name: [] for name in self.written.names}
        names = self.schema.names[3:-3]
        places, size = [], 0
        for unit, (seen, stretches) in finished:
            for number, rows in zip(unit.numbers, stretches, strict=True):
                start, end = self.inputs.span(number)
                places.append((number, size, len(rows)))
                size += len(rows)
                # Exactly what was asked for, not what seconds make of it
                exact_start = None if self.windows else start
                exact_end = None if self.windows or end == OPEN else end
                for position, row in enumerate(rows):
                    values = dict(zip(names, row.values.ravel().tolist(), strict=True))
                    row = {
                        "file": printable(unit.file),
                        "start": _nanoseconds(row.start, exact_start),
                        "end": _nanoseconds(row.end, exact_end),
                        **values,
                        "duration": row.duration,
                        "status": row.status,
                        "message": printable(row.message),
                        "key.first": position == 0,
                        "key.start": start,
                        "key.end": end,
                        "key.size": seen.size,
                        "key.mtime_ns": seen.mtime_ns,
                    }
                    for name, value in row.items():
                        found[name].append(value)
        return pa.table(found, self.written), places

    def _read(self, number: int) -> pa.Table:
        return pq.read_table(self.files[number], columns=self.schema.names)

    def rows(self, size: int = 5000) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Give the rows of all inputs that are done, in the order of the inputs.

        Args:
            size: inputs at a time

        Yields:
            for each row the number of its input, and the rows

        """
        for first in range(0, len(self.places), size):
            places = self.places[first : first + size]
            own = first + np.flatnonzero(places[:, 0] >= 0)
            places = self.places[own]
            if not len(places):
                continue
            needed, which = np.unique(places[:, 0], return_inverse=True)
            tables = [self._load(int(number)) for number in needed]
            offsets = np.cumsum([0, *map(len, tables)])
            begins = offsets[which] + places[:, 1]
            counts = places[:, 2]
            within = np.arange(counts.sum()) - np.repeat(
                np.cumsum(counts) - counts, counts
            )
            rows = np.repeat(begins, counts) + within
            yield np.repeat(own, counts), pa.concat_tables(tables).take(rows)


def _runs(table: pa.Table) -> Iterator[tuple]:
    """Key, stamp, first row, number of rows and failure of each input of a part."""
    begins = np.flatnonzero(table["key.first"].to_numpy())
    ends = [*begins[1:], len(table)]
    failed = np.isin(table["status"].to_numpy(), RETRIED)
    names = ["file", "key.start", "key.end", "key.size", "key.mtime_ns"]
    firsts = table.select(names).take(begins).to_pydict()
    for begin, end, *key in zip(begins, ends, *firsts.values(), strict=True):
        is_failed = bool(failed[begin:end].any())
        yield tuple(key[:3]), tuple(key[3:]), begin, end - begin, is_failed


def _nanoseconds(seconds: float, exact: int | None) -> int | None:
    """Nanoseconds, to the microsecond unless known exactly; missing if unknown."""
    if exact is not None:
        return exact
    return None if np.isnan(seconds) else round(seconds * 1e6) * 1000
