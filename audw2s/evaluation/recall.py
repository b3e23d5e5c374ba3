"""Unweighted average recall (UAR), the one of the whole package."""

import numpy as np


def recalls(
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    draws: np.ndarray,
) -> np.ndarray:
    """UAR of every resample, from counts over groups.

    The mean of the recalls of all classes. NaN where one has no clip in the resample:
    without it the mean is another measure, far higher if that class is a hard one.

    Args:
        truth: class of each clip, from 0
        predicted: class of each clip
        groups: number of each clip's group, from 0
        draws: see :func:`audw2s.evaluation.intervals.resample`

    Returns:
        ``(num_resamples,)``

    Examples:
        >>> truth, one = np.array([0, 0, 1]), np.ones((1, 3))
        >>> recalls(truth, np.array([0, 1, 1]), np.arange(3), one)
        array([0.75])

    """
    shape = (draws.shape[1], truth.max() + 1)
    total, right = np.zeros(shape), np.zeros(shape)
    np.add.at(total, (groups, truth), 1)
    np.add.at(right, (groups, truth), predicted == truth)
    known = total.sum(axis=0) > 0
    total, right = draws @ total[:, known], draws @ right[:, known]
    recall = np.divide(right, total, out=np.full(total.shape, np.nan), where=total > 0)
    return recall.mean(axis=1)


def uar(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Unweighted average recall.

    Examples:
        >>> uar(np.array([0, 0, 1]), np.array([0, 1, 1]))
        0.75

    """
    groups = np.zeros(len(truth), int)
    return float(recalls(truth, predicted, groups, np.ones((1, 1)))[0])
