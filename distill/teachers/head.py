"""Linear heads of teachers: fitted to ratings, and weakly to categories."""

import dataclasses
import functools
from collections.abc import Collection
from collections.abc import Sequence

import numpy as np

from audw2s.corpus.evaluate import corpus_name
from audw2s.distill.fit_head import match_std
from audw2s.distill.teachers.categories import Categories
from audw2s.distill.teachers.categories import category_means
from audw2s.distill.teachers.ridge import NO_CLIPS
from audw2s.distill.teachers.ridge import RidgeSums
from audw2s.distill.teachers.ridge import per_form
from audw2s.model.registry import DIMENSIONS

Head = tuple[np.ndarray, np.ndarray]
"""Weight ``(3, num_features)`` and bias ``(3,)``."""

NO_FOLD = -1
"""Number in place of a fold for clips whose speaker is in none."""


@dataclasses.dataclass(eq=False)
class Heads:
    """Heads that are fitted to all folds of rated clips, or to all except some.

    Least squares shrinks the deviations of uncertain values, so a head is scaled until
    its values have the standard deviation of the ratings. Where valence is uncertain,
    it follows arousal, so a share of arousal is taken off it, see
    :func:`without_arousal`. Factor and share are estimated on held-out folds.
    """

    features: np.ndarray
    """Features of the rated clips, ``(num_clips, num_forms, num_features)``."""

    targets: np.ndarray
    """Ratings ``(num_clips, 3)``."""

    folds: list[np.ndarray]
    """For each fold, a mask of the clips in it."""

    penalty: float
    """Penalty, see :func:`audw2s.distill.teachers.ridge.fit_ridge`."""

    weak: "WeakLabels | None" = None
    """Clips with categories, to which some dimensions are fitted as well."""

    def __post_init__(self) -> None:
        """Sum up the clips of each fold."""
        self.sums = [
            RidgeSums.of(*per_form(self.features[fold], self.targets[fold]))
            for fold in self.folds
        ]
        # Each head is fitted once
        self._fit = functools.cache(self._solve)

    def fit(self, left_out: Sequence[int] = ()) -> Head:
        """Fit a head to all clips except those of some folds."""
        head = self._fit(frozenset(left_out))
        others = [n for n in range(len(self.folds)) if n not in left_out]
        if len(others) < 2:
            return head
        values = np.concatenate([self._held_out(n, left_out) for n in others])
        targets = np.concatenate([self.targets[self.folds[n]] for n in others])
        rest, shift = without_arousal(targets, values)
        head = rest @ head[0], rest @ head[1] + shift
        return match_std(targets, values @ rest.T + shift, *head)

    def cross_validate(self) -> np.ndarray:
        """Predict every clip with a head that was fitted without its fold.

        Returns:
            predictions ``(num_clips, num_forms, 3)``

        """
        shape = (*self.features.shape[:2], self.targets.shape[1])
        predictions = np.full(shape, np.nan)
        for number, fold in enumerate(self.folds):
            weight, bias = self.fit([number])
            predictions[fold] = self.features[fold] @ weight.T + bias
        return predictions

    def _held_out(self, number: int, left_out: Sequence[int]) -> np.ndarray:
        """Predict the unchanged clips of a fold by a head fitted without it."""
        weight, bias = self._fit(frozenset([*left_out, number]))
        return self.features[self.folds[number], 0] @ weight.T + bias

    def _solve(self, left_out: frozenset[int]) -> Head:
        used = [n for n in range(len(self.folds)) if n not in left_out]
        total = sum((self.sums[n] for n in used), NO_CLIPS)
        weight, bias = total.fit(self.penalty)
        if self.weak is not None:
            clips = np.any([self.folds[n] for n in used], axis=0)
            weak = self.weak.sums(self.targets, clips, left_out)
            both = (total + weak).fit(self.penalty)
            columns = [DIMENSIONS.index(d) for d in self.weak.settings.dimensions]
            weight[columns], bias[columns] = both[0][columns], both[1][columns]
        return weight, bias


def without_arousal(
    targets: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take a share of arousal off valence, so that they correlate as the ratings do.

    Args:
        targets: ratings ``(num_clips, 3)``
        values: values ``(num_clips, 3)`` of heads for other clips

    Returns:
        matrix ``(3, 3)`` and shift ``(3,)`` for values: ``values @ matrix.T + shift``;
        their means stay. Nothing changes where less than a fifth of the standard
        deviation of valence would be left, or more than five times as much

    Examples:
        >>> values = np.random.default_rng(0).random((50, 3))
        >>> targets = values[:, [0, 1, 0]] + values
        >>> matrix, shift = without_arousal(targets, values)
        >>> changed = values @ matrix.T + shift
        >>> for table in (targets, values, changed):
        ...     print(np.corrcoef(table.T)[0, 2].round(3))
        0.634
        -0.074
        0.634

    """
    arousal, valence = DIMENSIONS.index("arousal"), DIMENSIONS.index("valence")
    same = np.eye(len(DIMENSIONS))
    covariance = np.cov(values.T, bias=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        goal = np.corrcoef(targets.T)
        share = covariance[arousal, valence] / covariance[arousal, arousal]
        left = covariance[valence, valence] / covariance[arousal, arousal] - share**2
        rise = goal[arousal, valence] / np.sqrt(1 - goal[arousal, valence] ** 2)
        variance = covariance[valence, valence] / covariance[arousal, arousal]
        kept = left * (1 + rise**2) / variance
    if not 0.04 <= kept <= 25:
        # Few clips, whose ratings or values hardly differ, or only together
        return same, np.zeros(len(DIMENSIONS))
    matrix = same.copy()
    matrix[valence, arousal] = rise * np.sqrt(left) - share
    return matrix, values.mean(axis=0) @ (same - matrix).T


@dataclasses.dataclass(eq=False)
class WeakLabels:
    """Clips with categories, summed by category; mean ratings depend on a fold."""

    settings: Categories
    """Settings with the dimensions and the weight of a clip."""

    features: np.ndarray
    """Features of these clips, ``(num_clips, num_forms, num_features)``."""

    categories: np.ndarray
    """Categories of these clips."""

    rated: np.ndarray
    """Categories of the rated clips."""

    folds: np.ndarray
    """Number of the fold that has the speaker of each of these clips, or
    :data:`NO_FOLD`."""

    def __post_init__(self) -> None:
        """Sum up the clips of each category."""
        names = sorted({c for c in self.categories if isinstance(c, str)})
        self.by_category = {k: self._sum_up(self.categories == k) for k in names}

    def _sum_up(self, mask: np.ndarray) -> RidgeSums:
        """Sum up some clips, as if their ratings were 1."""
        clips = self.features[mask]
        ones = np.ones((len(clips), len(DIMENSIONS)))
        return RidgeSums.of(*per_form(clips, ones))

    def _without(self, name: str, left_out: Collection[int]) -> RidgeSums:
        """Sums of the clips of a category, without those of some folds."""
        mask = (self.categories == name) & np.isin(self.folds, list(left_out))
        whole = self.by_category[name]
        return whole + self._sum_up(mask) * -1 if mask.any() else whole

    def means(
        self, targets: np.ndarray, clips: np.ndarray | slice = slice(None)
    ) -> dict[str, np.ndarray]:
        """Mean rating of each category.

        Args:
            targets: ratings of all rated clips
            clips: mask of the rated clips to take mean ratings from

        """
        # Means of dimensions that aren't fitted to categories aren't used
        given = {
            name: np.array([means.get(d, 0.0) for d in DIMENSIONS])
            for name, means in self.settings.means.items()
        }
        return given | category_means(self.rated[clips], targets[clips])

    def sums(
        self, targets: np.ndarray, clips: np.ndarray, left_out: Collection[int] = ()
    ) -> RidgeSums:
        """Sums of clips with the mean rating of their category.

        Args:
            targets: see :meth:`means`
            clips: see :meth:`means`
            left_out: folds whose speakers are left out

        """
        means = self.means(targets, clips)
        sums = {k: self._without(k, left_out) for k in self.by_category if k in means}
        parts = (
            RidgeSums(s.count, s.x, s.y * means[name], s.xx, s.xy * means[name])
            for name, s in sums.items()
        )
        return sum(parts, NO_CLIPS) * self.settings.weight

    def describe(self, targets: np.ndarray) -> dict:
        """Settings, and the number of clips whose category has a mean rating."""
        known = np.isin(self.categories, sorted(self.means(targets)))
        settings = self.settings
        return {
            "corpora": [corpus_name(path) for path in settings.corpora],
            "num_clips": int(known.sum()),
            "dimensions": list(settings.dimensions),
            "weight": settings.weight,
            "means": settings.means,
            "source": settings.source,
        }
