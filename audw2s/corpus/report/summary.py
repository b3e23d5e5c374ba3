"""What is said of a corpus in a few lines: statuses, values, agreement of models."""

import collections
import itertools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.lists.folder import LeftOut
from audw2s.corpus.shard import columns
from audw2s.evaluation.ccc import ccc_of_moments
from audw2s.files import unlisted_text
from audw2s.model.registry import DIMENSIONS


class Covariance:
    """Means, variances and covariances of columns that come in pieces."""

    def __init__(self):
        self.count = 0
        self.mean = 0.0
        self.cross = 0.0

    def update(self, values: np.ndarray) -> None:
        """Take note of rows ``(num_rows, num_columns)``, without NaN."""
        if not len(values):
            return
        values = values.astype(np.float64)
        mean = values.mean(axis=0)
        away, total = mean - self.mean, self.count + len(values)
        # Chan's update, as sums of squares would lose digits
        own = (values - mean).T @ (values - mean)
        share = self.count * len(values) / total
        self.cross = self.cross + own + share * np.outer(away, away)
        self.mean = self.mean + away * len(values) / total
        self.count = total

    @property
    def matrix(self) -> np.ndarray:
        """Covariances ``(num_columns, num_columns)``, divided by the count."""
        return self.cross / self.count


def concordance(moments: Covariance, first: int, second: int) -> float:
    """Concordance correlation (CCC) of two columns.

    Examples:
        >>> moments = Covariance()
        >>> moments.update(np.array([[0.0, 0.1], [1.0, 1.1]]))
        >>> round(concordance(moments, 0, 0), 3), round(concordance(moments, 0, 1), 3)
        (1.0, 0.98)

    """
    pair, matrix = [first, second], moments.matrix
    variances = matrix[pair, pair]
    return float(ccc_of_moments(*moments.mean[pair], *variances, matrix[first, second]))


class Summary:
    """Counts and statistics of the rows of a corpus, of which none is kept.

    Args:
        names: of the models
        windows: whether rows are windows
        unlisted: folders that can't be listed, each with its reason
        left_out: what else is in the folder of the corpus

    """

    def __init__(
        self,
        names: Sequence[str],
        windows: bool = False,
        unlisted: Sequence[str] = (),
        left_out: LeftOut | None = None,
    ):
        self.names = list(names)
        self.unlisted = list(unlisted)
        self.left_out = left_out or LeftOut()
        self.windows = windows
        self.statuses: collections.Counter[str] = collections.Counter()
        self.num_inputs = 0
        self.num_failed = 0
        self.moments = Covariance()

    def update(self, numbers: np.ndarray, table: pa.Table) -> None:
        """Take note of rows; all of an input come at once.

        Args:
            numbers: of the rows' inputs
            table: the rows

        """
        statuses = table["status"].to_pylist()
        self.statuses.update(statuses)
        self.num_inputs += len(np.unique(numbers))
        failed = np.isin(statuses, UNUSABLE)
        self.num_failed += len(np.unique(numbers[failed]))
        values = [table[name].to_numpy() for name in columns(self.names)]
        values = np.stack(values, axis=1)
        self.moments.update(values[np.isfinite(values).all(axis=1)])

    def __str__(self) -> str:
        """Give a line for the statuses, and one for each model and pair of models."""
        counts = [f"{count} {status}" for status, count in self.statuses.most_common()]
        what = f"{self.num_inputs} inputs"
        if self.windows:
            what = f"{self.statuses.total()} rows of {what}"
        lines = [f"{what}: {', '.join(counts)}"]
        if self.moments.count:
            lines += [*self._values(), *self._agreement()]
        if self.num_failed:
            lines.append(f"{self.num_failed} of {self.num_inputs} have no values.")
        if self.unlisted:
            lines.append(unlisted_text(self.unlisted))
        if self.left_out:
            lines.append(str(self.left_out))
        return "\n".join(lines)

    def _values(self) -> list[str]:
        stds = np.sqrt(np.diag(self.moments.matrix))
        named = zip(itertools.cycle(DIMENSIONS), self.moments.mean, stds, strict=False)
        texts = [f"{name} {mean:.3f} ± {std:.3f}" for name, mean, std in named]
        return [
            f"{model}: {', '.join(texts[3 * k : 3 * k + 3])}"
            for k, model in enumerate(self.names)
        ]

    def _agreement(self) -> list[str]:
        lines = []
        for first, second in itertools.combinations(range(len(self.names)), 2):
            found = [
                f"{name} {concordance(self.moments, 3 * first + k, 3 * second + k):.3f}"
                for k, name in enumerate(DIMENSIONS)
            ]
            pair = f"{self.names[first]} and {self.names[second]}"
            lines.append(f"CCC of {pair}: {', '.join(found)}")
        return lines
