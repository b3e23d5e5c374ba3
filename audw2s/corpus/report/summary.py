"""Summary of a corpus in a few lines: statuses, values, agreement of models."""

import collections
import itertools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.lists.folder import Listing
from audw2s.corpus.table import columns
from audw2s.evaluation.ccc import ccc_of_moments
from audw2s.model.registry import DIMENSIONS

CENTRE = 0.5
"""About the mean of values; sums of squares around it keep all digits."""


class Summary:
    """Counts and statistics of the rows of a corpus, none of which is kept.

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

    def update(self, numbers: np.ndarray, table: pa.Table) -> None:
        """Add rows; those of an input come in one call.

        Args:
            numbers: number of each row's input
            table: rows

        """
        statuses = table["status"].to_pylist()
        self.statuses.update(statuses)
        self.num_inputs += len(np.unique(numbers))
        failed = np.isin(statuses, UNUSABLE)
        self.num_failed += len(np.unique(numbers[failed]))
        values = np.stack([table[n].to_numpy() for n in columns(self.names)], axis=1)
        values = values[np.isfinite(values).all(axis=1)].astype(np.float64) - CENTRE
        self.count += len(values)
        self.sums += values.sum(axis=0)
        self.products += values.T @ values

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
