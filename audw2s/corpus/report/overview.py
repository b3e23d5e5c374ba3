"""Distribution of values and durations of a corpus: counts, and some examples."""

import collections
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from audw2s.corpus.table import columns
from audw2s.model.registry import DIMENSIONS

NUM_EXAMPLES = 3
"""Number of rows of each status that are kept."""

EDGES = np.linspace(-0.5, 1.5, 81)
"""Edges of bins of values; values beyond are in the outer bins."""

CELLS = np.linspace(-0.5, 1.5, 61)
"""Edges of cells in which pairs of values are counted, in both directions."""

DURATIONS = np.geomspace(0.01, 36000, 60)
"""Edges of bins of durations in seconds; durations beyond are in the outer bins."""


class Example(NamedTuple):
    """Row with a status other than ``ok``."""

    file: str
    start: float
    """Start in seconds, NaN if unknown."""

    message: str


class Overview:
    """Counts of the rows of a corpus, of which only examples are kept.

    Args:
        names: names of the models

    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self.examples: dict[str, list[Example]] = collections.defaultdict(list)
        self.values = np.zeros((len(names), 3, len(EDGES) - 1), np.int64)
        """Number of rows ``(num_models, 3, num_bins)``."""

        self.pairs = {
            pair: np.zeros((3, len(CELLS) - 1, len(CELLS) - 1), np.int64)
            for pair in itertools.combinations(range(len(names)), 2)
        }
        """Number of rows ``(3, num_cells, num_cells)`` by pair of models, the first of
        which is along the first axis of cells."""

        self.durations = np.zeros(len(DURATIONS) - 1, np.int64)
        """Number of inputs ``(num_bins,)``."""

        self.seconds = 0.0
        """Duration of all inputs in seconds, as far as they were analysed."""

    def update(self, numbers: np.ndarray, table: pa.Table) -> None:
        """Add rows; those of an input come in one call.

        Args:
            numbers: number of each row's input
            table: rows

        """
        self._add_examples(table)
        self._add_durations(numbers, table)
        values = np.stack([table[name].to_numpy() for name in columns(self.names)])
        values = values.reshape(len(self.names), len(DIMENSIONS), -1)
        for number, dimension in np.ndindex(values.shape[:2]):
            column = values[number, dimension]
            column = column[np.isfinite(column)]
            self.values[number, dimension] += _counts(column, EDGES)
        for (first, second), cells in self.pairs.items():
            for dimension in range(len(DIMENSIONS)):
                both = values[[first, second], dimension]
                both = both[:, np.isfinite(both).all(axis=0)]
                x, y = np.clip(both, CELLS[0], CELLS[-1])
                counts, _, _ = np.histogram2d(x, y, [CELLS, CELLS])
                cells[dimension] += counts.astype(np.int64)

    def _add_examples(self, table: pa.Table) -> None:
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

    def _add_durations(self, numbers: np.ndarray, table: pa.Table) -> None:
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
