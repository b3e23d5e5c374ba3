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
from audw2s.corpus.shards import columns
from audw2s.evaluation.ccc import ccc_of_moments
from audw2s.model.registry import DIMENSIONS


class Covariance:
    """Means, variances and covariances of columns, updated block by block."""

    def __init__(self):
        self.count = 0
        self.mean = 0.0
        self.cross = 0.0

    def update(self, values: np.ndarray) -> None:
        """Add rows ``(num_rows, num_columns)``, without NaN."""
        if not len(values):
            return
        values = values.astype(np.float64)
        mean = values.mean(axis=0)
        difference, total = mean - self.mean, self.count + len(values)
        # Chan's update, as sums of squares would lose digits
        cross = (values - mean).T @ (values - mean)
        share = self.count * len(values) / total
        self.cross = self.cross + cross + share * np.outer(difference, difference)
        self.mean = self.mean + difference * len(values) / total
        self.count = total

    def ccc(self, first: int, second: int) -> float:
        """Concordance correlation coefficient (CCC) of two columns.

        Examples:
            >>> moments = Covariance()
            >>> moments.update(np.array([[0.0, 0.1], [1.0, 1.1]]))
            >>> round(moments.ccc(0, 0), 3), round(moments.ccc(0, 1), 3)
            (1.0, 0.98)

        """
        matrix, (mean_t, mean_p) = self.matrix, self.mean[[first, second]]
        var_t, var_p = matrix[[first, second], [first, second]]
        covariance = matrix[first, second]
        return float(ccc_of_moments(mean_t, mean_p, var_t, var_p, covariance))

    @property
    def matrix(self) -> np.ndarray:
        """Covariances ``(num_columns, num_columns)``, divided by the count."""
        return self.cross / self.count


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
        self.moments = Covariance()

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
        self.moments.update(values[np.isfinite(values).all(axis=1)])

    def __str__(self) -> str:
        """Give a line for the statuses, and one for each model and pair of models."""
        counts = [f"{count} {status}" for status, count in self.statuses.most_common()]
        what = f"{self.num_inputs} inputs"
        if self.windows:
            what = f"{self.statuses.total()} rows of {what}"
        lines = [f"{what}: {', '.join(counts)}"]
        if self.moments.count:
            lines += self._values()
        if self.num_failed:
            lines.append(f"{self.num_failed} of {self.num_inputs} have no values.")
        return "\n".join([*lines, *self.listing.notes()])

    def statistics(self) -> Iterator[tuple[str, list[tuple[float, float]]]]:
        """Name of each model, with mean and standard deviation of A/D/V."""
        stds = np.sqrt(np.diag(self.moments.matrix))
        pairs = list(zip(self.moments.mean, stds, strict=True))
        for number, name in enumerate(self.names):
            yield name, pairs[3 * number : 3 * number + 3]

    def agreement(self) -> Iterator[tuple[tuple[int, int], str, list[float]]]:
        """Numbers of each pair of models, their names, and the CCC of A/D/V."""
        for first, second in itertools.combinations(range(len(self.names)), 2):
            columns = [(3 * first + k, 3 * second + k) for k in range(len(DIMENSIONS))]
            cccs = [self.moments.ccc(*pair) for pair in columns]
            names = f"{self.names[first]} and {self.names[second]}"
            yield (first, second), names, cccs

    def _values(self) -> Iterator[str]:
        for model, statistics in self.statistics():
            texts = [f"{mean:.3f} ± {std:.3f}" for mean, std in statistics]
            yield f"{model}: {_named(texts)}"
        for _, names, cccs in self.agreement():
            yield f"CCC of {names}: {_named(f'{ccc:.3f}' for ccc in cccs)}"


def _named(texts: Iterable[str]) -> str:
    pairs = zip(DIMENSIONS, texts, strict=True)
    return ", ".join(f"{name} {text}" for name, text in pairs)
