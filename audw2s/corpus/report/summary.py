"""Summary of a corpus: statuses, values, agreement of models, durations, examples."""

import collections
import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.lists.folder import Listing
from audw2s.corpus.table import columns
from audw2s.evaluation.ccc import ccc_of_moments
from audw2s.model.registry import DIMENSIONS

CENTRE = 0.5
"""About the mean of values; sums of squares around it keep all digits."""

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


class Summary:
    """Counts and statistics of the rows of a corpus, of which only examples are kept.

    Args:
        names: names of the models
        windows: whether rows are windows
        listing: what else is in the folder of the corpus

    """

    def __init__(
        self,
        names: Sequence[str],
        windows: bool = False,
        listing: Listing | None = None,
    ):
        self.names = list(names)
        self.listing = listing or Listing()
        self.windows = windows
        self.statuses: collections.Counter[str] = collections.Counter()
        self.num_inputs = 0
        self.num_failed = 0
        size = len(DIMENSIONS) * len(self.names)
        self.count = 0
        """Number of rows with values."""

        self.sums = np.zeros(size)
        self.products = np.zeros((size, size))
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
        statuses = table["status"].to_numpy()
        self.statuses.update(statuses.tolist())
        self.num_inputs += len(np.unique(numbers))
        failed = np.isin(statuses, UNUSABLE)
        self.num_failed += len(np.unique(numbers[failed]))
        values = np.stack([table[n].to_numpy() for n in columns(self.names)], axis=1)
        known = values[np.isfinite(values).all(axis=1)].astype(np.float64) - CENTRE
        self.count += len(known)
        self.sums += known.sum(axis=0)
        self.products += known.T @ known
        self._add_values(values.T.reshape(len(self.names), len(DIMENSIONS), -1))
        self._add_examples(statuses, table)
        self._add_durations(numbers, table)

    def _add_values(self, values: np.ndarray) -> None:
        """Count values ``(num_models, 3, num_rows)``."""
        for number, dimension in np.ndindex(values.shape[:2]):
            column = values[number, dimension]
            self.values[number, dimension] += _counts(column, EDGES)
        for (first, second), cells in self.pairs.items():
            for dimension in range(len(DIMENSIONS)):
                both = values[[first, second], dimension]
                both = both[:, np.isfinite(both).all(axis=0)]
                x, y = np.clip(both, CELLS[0], CELLS[-1])
                counts, _, _ = np.histogram2d(x, y, [CELLS, CELLS])
                cells[dimension] += counts.astype(np.int64)

    def _add_examples(self, statuses: np.ndarray, table: pa.Table) -> None:
        for status in np.unique(statuses[statuses != "ok"]):
            missing = NUM_EXAMPLES - len(self.examples[status])
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
        # Windows overlap
        durations = np.maximum.reduceat(ends, begins) - starts[begins]
        durations = durations[durations > 0]
        self.seconds += float(durations.sum())
        self.durations += _counts(durations, DURATIONS)

    def __str__(self) -> str:
        """Give a line for the statuses, and one for each model and pair of models."""
        counts = [f"{count} {status}" for status, count in self.statuses.most_common()]
        what = f"{self.num_inputs} inputs"
        if self.windows:
            what = f"{self.statuses.total()} rows of {what}"
        lines = [f"{what}: {', '.join(counts)}"]
        if self.count:
            lines += self._values()
        if self.num_failed:
            lines.append(f"{self.num_failed} of {self.num_inputs} have no values.")
        return "\n".join([*lines, *self.listing.notes()])

    def statistics(self) -> Iterator[tuple[str, list[tuple[float, float]]]]:
        """Name of each model, with mean and standard deviation of A/D/V."""
        means, matrix = self._moments()
        stds = np.sqrt(np.maximum(np.diag(matrix), 0))
        pairs = list(zip(means, stds, strict=True))
        for number, name in enumerate(self.names):
            yield name, pairs[3 * number : 3 * number + 3]

    def agreement(self) -> Iterator[tuple[tuple[int, int], str, list[float]]]:
        """Numbers of each pair of models, their names, and the CCC of A/D/V."""
        means, matrix = self._moments()
        for first, second in itertools.combinations(range(len(self.names)), 2):
            x, y = (3 * model + np.arange(len(DIMENSIONS)) for model in (first, second))
            covariances = (matrix[x, x], matrix[y, y], matrix[x, y])
            cccs = ccc_of_moments(means[x], means[y], *covariances).tolist()
            names = f"{self.names[first]} and {self.names[second]}"
            yield (first, second), names, cccs

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and covariances of all columns."""
        means = self.sums / self.count
        return means + CENTRE, self.products / self.count - np.outer(means, means)

    def _values(self) -> Iterator[str]:
        for model, statistics in self.statistics():
            texts = [f"{mean:.3f} ± {std:.3f}" for mean, std in statistics]
            yield f"{model}: {_named(texts)}"
        for _, names, cccs in self.agreement():
            yield f"CCC of {names}: {_named(f'{ccc:.3f}' for ccc in cccs)}"


def _named(texts: Iterable[str]) -> str:
    pairs = zip(DIMENSIONS, texts, strict=True)
    return ", ".join(f"{name} {text}" for name, text in pairs)


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number of values in bins, those beyond in the outer ones; NaN is in none."""
    return np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]


def _seconds(times: pa.ChunkedArray) -> np.ndarray:
    """Seconds of times in nanoseconds, NaN where they are missing."""
    return times.cast(pa.int64()).to_numpy().astype(np.float64) / 1e9
