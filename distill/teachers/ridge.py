"""Linear regression with a penalty on the weights, for heads of teachers."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class RidgeSums:
    """Sums over clips that a ridge regression needs; they can be added.

    Heads for all folds of a corpus come from the sums of its parts, and a corpus
    counts for less when its sums are scaled.

    Attributes:
        count: number of clips
        x: sum of the features, ``(num_features,)``
        y: sum of the targets, ``(num_targets,)``
        xx: sum of the products of two features, ``(num_features, num_features)``
        xy: sum of the products of a feature and a target

    """

    count: float
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, targets: np.ndarray) -> "RidgeSums":
        """Sum up clips.

        Args:
            features: ``(num_clips, num_features)``
            targets: ``(num_clips, num_targets)``

        """
        return cls(
            len(features),
            features.sum(axis=0),
            targets.sum(axis=0),
            features.T @ features,
            features.T @ targets,
        )

    def __add__(self, other: "RidgeSums") -> "RidgeSums":
        """Sums over the clips of both."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return RidgeSums(*(one + another for one, another in pairs))

    def __mul__(self, weight: float) -> "RidgeSums":
        """Sums in which each clip counts as much as ``weight`` clips."""
        return RidgeSums(*(weight * value for value in vars(self).values()))

    def fit(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Fit a linear head on standardised features, see :func:`fit_ridge`."""
        mean, centre = self.x / self.count, self.y / self.count
        covariance = self.xx - np.outer(self.x, mean)
        std = np.sqrt(np.maximum(covariance.diagonal(), 0) / self.count) + 1e-8
        penalised = covariance + penalty * np.diag(np.square(std))
        weight = np.linalg.solve(penalised, self.xy - np.outer(mean, self.y))
        weight = np.ascontiguousarray(weight.T)
        return weight, centre - weight @ mean


NO_CLIPS = RidgeSums(0, *np.zeros((4, 1)))
"""Sums over no clips, to begin with."""


def fit_ridge(
    features: np.ndarray, targets: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a linear head on standardised features.

    Minimises ``|targets - features @ weight.T - bias|² + penalty |weight|²``
    (the penalty on the weights of standardised features).

    Args:
        features: ``(num_clips, num_features)``
        targets: ``(num_clips, num_targets)``
        penalty: strength, in units of the squared deviation of one feature

    Returns:
        weight ``(num_targets, num_features)`` and bias ``(num_targets,)`` that
        apply to the features as they are

    Examples:
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> weight, bias = fit_ridge(x, 3 * x + 1, 1e-9)
        >>> weight.round(3), bias.round(3)
        (array([[3.]]), array([1.]))

    """
    return RidgeSums.of(features, targets).fit(penalty)


def per_form(
    features: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Make a row of each form of a clip, with the clip's targets.

    Args:
        features: ``(num_clips, num_forms, num_features)``
        targets: ``(num_clips, num_targets)``

    Returns:
        ``(num_clips * num_forms, num_features)`` and as many targets

    """
    rows = features.reshape(-1, features.shape[-1])
    return rows, np.repeat(targets, features.shape[1], axis=0)
