"""Bootstrap over speakers: confidence intervals of figures."""

from typing import NamedTuple

import numpy as np

from audw2s.evaluation.speakers import unit

CONFIDENCE = 0.95
"""Share of resamples that lie in an interval."""

NUM_RESAMPLES = 1000
"""Number of resamples."""

SEED = 0
"""Seed of the draws."""

MIN_SPEAKERS = 5
"""With fewer speakers than these, clips are resampled."""


class Bootstrap(NamedTuple):
    """Resamples of clips, in groups."""

    unit: str
    """Kind of group, see :func:`audw2s.evaluation.speakers.unit`."""

    groups: np.ndarray
    """Number of each clip's group, from 0."""

    draws: np.ndarray
    """Number of times that a group was drawn, ``(num_resamples, num_groups)``."""


def bootstrap(names: np.ndarray) -> Bootstrap:
    """Draw speakers with replacement, as the clips of one resemble each other.

    Clips are drawn if there are fewer than five speakers.

    Args:
        names: name of each clip's speaker, see
            :func:`audw2s.evaluation.speakers.speaker_or_file`

    Examples:
        >>> bootstrap(np.array(["a", "b", "a"]))[:2]
        ('clips', array([0, 1, 2]))

    """
    speakers, groups = np.unique(names, return_inverse=True)
    kind = unit(names)
    if len(speakers) < MIN_SPEAKERS:
        kind, groups = "clips", np.arange(len(names))
    return Bootstrap(kind, groups, resample(groups))


def resample(
    groups: np.ndarray, num_resamples: int = NUM_RESAMPLES, seed: int = SEED
) -> np.ndarray:
    """Draw groups with replacement.

    Args:
        groups: number of each clip's group, from 0
        num_resamples: number of resamples
        seed: seed of the draws

    Returns:
        number of times that a group was drawn, ``(num_resamples, num_groups)``

    """
    count = int(groups.max()) + 1
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), num_resamples)


def means(values: np.ndarray, groups: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Mean of every resample at once, from sums over groups.

    Args:
        values: ``(num_clips,)``
        groups: number of each clip's group, from 0
        draws: see :func:`resample`

    Returns:
        ``(num_resamples,)``

    Examples:
        >>> means(np.array([0.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([[2, 1]]))
        array([1.6])

    """
    sums, counts = np.bincount(groups, values), np.bincount(groups)
    return (draws @ sums) / (draws @ counts)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Give the middle 95 % of resampled values, of those that aren't NaN.

    Examples:
        >>> [round(x, 3) for x in interval(np.linspace(0, 1, 1001))]
        [0.025, 0.975]
        >>> interval(np.array([0.5, np.nan, 0.5])), interval(np.array([np.nan]))
        ((0.5, 0.5), (nan, nan))

    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
