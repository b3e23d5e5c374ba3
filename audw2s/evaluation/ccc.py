"""Concordance correlation coefficient (CCC), the one of the whole package."""

import math
from typing import NamedTuple

import numpy as np

from audw2s.model.registry import DIMENSIONS

MIN_SPREAD = 1e-12
"""Values with a smaller spread are constant and equal: their CCC isn't defined."""


def ccc_of_moments(mean_t, mean_p, var_t, var_p, covariance):
    """CCC from population moments (Lin, 1989), 0 where nothing varies.

    ``2 cov / (var_t + var_p + (mean_t - mean_p)²)``. Moments are numbers, arrays of
    numpy or tensors of torch, and so is the result.

    Examples:
        >>> round(ccc_of_moments(0.5, 0.6, 0.25, 0.25, 0.25), 3)
        0.98

    """
    spread = var_t + var_p + (mean_t - mean_p) ** 2
    varies, constant = spread >= MIN_SPREAD, spread < MIN_SPREAD
    return 2 * covariance * varies / (spread + constant)


def ccc(truth, prediction):
    """CCC of each column.

    Args:
        truth: array or tensor ``(num_clips, ...)``
        prediction: array or tensor of the same shape

    Returns:
        array or tensor ``(...)``, with a gradient if it is a tensor

    Examples:
        >>> ccc(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0])).round(3)
        np.float64(0.667)

    """
    mean_t, mean_p = truth.mean(axis=0), prediction.mean(axis=0)
    t, p = truth - mean_t, prediction - mean_p
    moments = [(x * y).mean(axis=0) for x, y in ((t, t), (p, p), (t, p))]
    return ccc_of_moments(mean_t, mean_p, *moments)


class Moments(NamedTuple):
    """Population moments of truth and prediction, each ``(num_resamples,)``."""

    mean_t: np.ndarray
    mean_p: np.ndarray
    var_t: np.ndarray
    var_p: np.ndarray
    covariance: np.ndarray


def moments_of_resamples(
    truth: np.ndarray,
    prediction: np.ndarray,
    groups: np.ndarray,
    draws: np.ndarray,
) -> Moments:
    """Moments of every resample at once, from sums over groups.

    Args:
        truth: ``(num_clips,)``
        prediction: ``(num_clips,)``
        groups: number of each clip's group, from 0
        draws: number of times that a group was drawn, see
            :func:`audw2s.evaluation.intervals.resample`

    Examples:
        >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0])
        >>> moments = moments_of_resamples(x, y, np.arange(3), np.ones((1, 3)))
        >>> ccc_of_moments(*moments).round(3)
        array([0.667])

    """
    # A common shift changes no agreement and saves digits
    t, p = truth - truth.mean(), prediction - truth.mean()
    values = [np.ones(len(t)), t, p, t * t, p * p, t * p]
    sums = np.stack([np.bincount(groups, v, draws.shape[1]) for v in values])
    n, *totals = sums @ draws.T
    t, p, tt, pp, tp = (total / n for total in totals)
    return Moments(t, p, tt - t * t, pp - p * p, tp - t * p)


def ccc_of_resamples(
    truth: np.ndarray,
    prediction: np.ndarray,
    groups: np.ndarray,
    draws: np.ndarray,
) -> np.ndarray:
    """CCC of every resample, ``(num_resamples,)``; see :func:`moments_of_resamples`."""
    return ccc_of_moments(*moments_of_resamples(truth, prediction, groups, draws))


def ccc_by_dimension(
    truth: np.ndarray,
    prediction: np.ndarray,
) -> dict[str, float | None]:
    """CCC of each column of ``(num_clips, 3)`` arrays, by name.

    Clips that have NaN in one of both are left out of a column; ``None`` if fewer
    than two remain.
    """
    cccs = {}
    for name, t, p in zip(DIMENSIONS, truth.T, prediction.T, strict=True):
        known = ~np.isnan(t + p)
        value = ccc(t[known], p[known]) if known.sum() > 1 else math.nan
        cccs[name] = None if math.isnan(value) else float(value)
    return cccs
