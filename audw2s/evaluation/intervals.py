"""Bootstrap over speakers: how sure a figure is."""

import numpy as np

from audw2s.evaluation.speakers import unit

CONFIDENCE = 0.95
"""Share of resamples that lie in an interval."""

NUM_RESAMPLES = 1000
"""How often the bootstrap draws by default."""

MIN_SPEAKERS = 5
"""With fewer speakers than these, clips are resampled."""


def groups_to_resample(names: np.ndarray) -> tuple[str, np.ndarray]:
    """What is drawn: speakers, as the clips of one resemble each other.

    Args:
        names: of each clip, see :func:`audw2s.evaluation.speakers.speaker_or_file`

    Returns:
        what is drawn, see :func:`audw2s.evaluation.speakers.unit`, but ``"clips"``
        if there are fewer than five; and the number of each clip's group

    Examples:
        >>> groups_to_resample(np.array(["a", "b", "a"]))
        ('clips', array([0, 1, 2]))

    """
    groups, numbers = np.unique(names, return_inverse=True)
    if len(groups) < MIN_SPEAKERS:
        return "clips", np.arange(len(names))
    return unit(names), numbers


def resample(groups: np.ndarray, num_resamples: int, seed: int) -> np.ndarray:
    """Draw groups with replacement.

    Args:
        groups: number of each clip's group, from 0
        num_resamples: how often all groups are drawn anew
        seed: of the draws

    Returns:
        how often each group was drawn, ``(num_resamples, num_groups)``

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
