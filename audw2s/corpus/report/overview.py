"""How values and durations of a corpus are distributed: counts, and some examples."""

import collections
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from audw2s.corpus.shard import columns
from audw2s.model.registry import DIMENSIONS

NUM_EXAMPLES = 3
"""Rows of each status that are kept."""

EDGES = np.linspace(-0.5, 1.5, 81)
"""Of the bins of values; what lies beyond is in the outer ones."""

CELLS = np.linspace(-0.5, 1.5, 61)
"""Of the cells in which pairs of values are counted, in both directions."""

DURATIONS = np.geomspace(0.01, 36000, 60)
"""Of the bins of durations, in seconds; what lies beyond is in the outer ones."""


class Example(NamedTuple):
    """A row that isn't as it should be."""

    file: str
    start: float
    """In seconds, NaN if unknown."""

    message: str


class Overview:
    """Counts of what is in the rows of a corpus, of which only examples are kept.

    Args:
        names: of the models

    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self.examples: dict[str, list[Example]] = collections.defaultdict(list)
        self.values = np.zeros((len(names), 3, len(EDGES) - 1), np.int64)
        """Of each model and dimension how many rows are in which bin."""

        self.pairs = {
            pair: np.zeros((3, len(CELLS) - 1, len(CELLS) - 1), np.int64)
            for pair in itertools.combinations(range(len(names)), 2)
        }
        """Of each pair of models and each dimension how many rows are in which cell,
        the first model along the first axis."""

        self.durations = np.zeros(len(DURATIONS) - 1, np.int64)
        """How many inputs are in which bin."""

        self.seconds = 0.0
        """Of all inputs, as far as they were heard."""

    def update(self, numbers: np.ndarray, table: pa.Table) -> None:
        """Take note of rows; all of an input come at once.

        Args:
            numbers: of the rows' inputs
            table: the rows

        """
        self._see_statuses(table)
        self._see_durations(numbers, table)
        values = [table[name].to_numpy() for name in columns(self.names)]
        values = np.reshape(values, (len(self.names), len(DIMENSIONS), -1))
        for number, dimension in np.ndindex(values.shape[:2]):
            own = values[number, dimension]
            own = own[np.isfinite(own)]
            self.values[number, dimension] += _counts(own, EDGES)
        for (first, second), cells in self.pairs.items():
            for dimension in range(len(DIMENSIONS)):
                both = values[[first, second], dimension]
                both = both[:, np.isfinite(both).all(axis=0)]
                found = [np.clip(v, CELLS[0], CELLS[-1]) for v in both]
                cells[dimension] += np.histogram2d(*found, CELLS)[0].astype(np.int64)

    def _see_statuses(self, table: pa.Table) -> None:
        statuses = table["status"].to_numpy()
        for status in np.unique(statuses):
            missing = NUM_EXAMPLES - len(self.examples[status])
            if status == "ok" or missing <= 0:
                continue
            rows = table.take(np.flatnonzero(statuses == status)[:missing])
            self.examples[status] += map(
                Example,
                rows["file"].to_pylist(),
                _seconds(rows["start"]),
                rows["message"].to_pylist(),
            )

    def _see_durations(self, numbers: np.ndarray, table: pa.Table) -> None:
        starts = _seconds(table["start"])
        ends = starts + table["duration"].to_numpy()
        begins = np.flatnonzero(np.diff(numbers, prepend=-1))
        if not len(begins):
            return
        # Windows overlap
        durations = np.maximum.reduceat(ends, begins) - starts[begins]
        durations = durations[durations > 0]
        self.seconds += float(durations.sum())
        self.durations += _counts(durations, DURATIONS)


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]


def _seconds(times: pa.ChunkedArray) -> np.ndarray:
    """Seconds of times in nanoseconds, NaN where they are missing."""
    return times.cast(pa.int64()).to_numpy().astype(np.float64) / 1e9
