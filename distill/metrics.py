"""How well predictions and references agree, and how sure that is."""

import math

import audmetric
import numpy as np
import pandas as pd

from audw2s.catalogue import DIMENSIONS
from audw2s.corpus.lists.ratings import mean_rating

REFERENCE = [f"reference_{name}" for name in DIMENSIONS]
"""Columns of what predictions are compared with."""

RATERS = "one_rater_against_the_others"
"""Key of what single raters reach."""

CONFIDENCE = 0.95
"""Share of resamples that lie in an interval."""

NUM_RESAMPLES = 1000
"""How often the bootstrap draws by default."""

MIN_SPEAKERS = 5
"""With fewer speakers than these, clips are resampled."""


def summarise(
    clips: pd.DataFrame,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict:
    """Measure the agreement of predictions and references.

    Args:
        clips: with columns ``corpus``, ``speaker``, and those of
            :func:`audw2s.distill.evaluate.compare`
        num_resamples: of the bootstrap
        seed: of the bootstrap

    Returns:
        numbers of clips and speakers, clips ``left_out`` by reason, what was
        ``resampled``, and for each dimension ``ccc`` with the ``low`` and ``high``
        end of its interval, ``bias`` (mean signed error) with ``bias_low`` and
        ``bias_high``, ``pearson`` (``None`` where nothing varies), ``mean`` and
        ``std`` of the predictions, and the same of the references

    Raises:
        ValueError: if there are fewer than two clips to compare

    """
    used = clips[clips["left_out"] == ""]
    left_out = clips.loc[clips["left_out"] != "", "left_out"].value_counts()
    left_out = {reason: int(count) for reason, count in left_out.items()}
    if len(used) < 2:
        raise ValueError(
            f"Of {len(clips)} clips {len(used)} can be compared, at least two are "
            f"needed; left out: {left_out}."
        )
    speakers = (used["corpus"] + "/" + used["speaker"]).to_numpy(str)
    resampled, groups = groups_to_resample(speakers)
    draws = resample(groups, num_resamples, seed)
    return {
        "num_clips": len(used),
        "num_speakers": len(np.unique(speakers)),
        "left_out": left_out,
        "resampled": resampled,
    } | {
        name: _measure(used[reference].to_numpy(), used[name].to_numpy(), groups, draws)
        for name, reference in zip(DIMENSIONS, REFERENCE, strict=True)
    }


def _measure(
    truth: np.ndarray,
    prediction: np.ndarray,
    groups: np.ndarray,
    draws: np.ndarray,
) -> dict[str, float | None]:
    truth, prediction = truth.astype(np.float64), prediction.astype(np.float64)
    low, high = interval(concordance_ccs(truth, prediction, groups, draws))
    error = prediction - truth
    bias_low, bias_high = interval(means(error, groups, draws))
    varies = truth.std() > 0 and prediction.std() > 0
    return {
        "ccc": float(audmetric.concordance_cc(truth, prediction)),
        "low": low,
        "high": high,
        "bias": float(error.mean()),
        "bias_low": bias_low,
        "bias_high": bias_high,
        "pearson": float(audmetric.pearson_cc(truth, prediction)) if varies else None,
        "mean": float(prediction.mean()),
        "std": float(prediction.std()),
        "reference_mean": float(truth.mean()),
        "reference_std": float(truth.std()),
    }


def ccc_by_dimension(
    truth: np.ndarray,
    prediction: np.ndarray,
) -> dict[str, float | None]:
    """CCC of each column of ``(num_clips, 3)`` arrays, by name.

    Clips that have NaN in one of both are left out; ``None`` if fewer than two
    remain.
    """
    values = [
        audmetric.concordance_cc(truth[:, i], prediction[:, i], ignore_nan=True)
        for i in range(len(DIMENSIONS))
    ]
    return {
        name: None if math.isnan(value) else float(value)
        for name, value in zip(DIMENSIONS, values, strict=True)
    }


def rater_agreement(raters: np.ndarray) -> list[dict[str, float | None]]:
    """CCC of each rater with the mean of the others.

    Args:
        raters: ``(num_raters, num_clips, 3)``, NaN where one gave no rating

    Returns:
        an entry per rater, none if there is only one

    """
    if len(raters) < 2:
        return []
    return [
        ccc_by_dimension(mean_rating(np.delete(raters, i, axis=0)), rater)
        for i, rater in enumerate(raters)
    ]


def groups_to_resample(speakers: np.ndarray) -> tuple[str, np.ndarray]:
    """What is drawn: speakers, as the clips of one resemble each other.

    Args:
        speakers: name of the speaker of each clip

    Returns:
        ``"speakers"`` or, if there are fewer than five, ``"clips"``; and the
        number of each clip's group

    Examples:
        >>> groups_to_resample(np.array(["a", "b", "a"]))
        ('clips', array([0, 1, 2]))

    """
    names, numbers = np.unique(speakers, return_inverse=True)
    if len(names) < MIN_SPEAKERS:
        return "clips", np.arange(len(speakers))
    return "speakers", numbers


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


def concordance_ccs(
    truth: np.ndarray,
    prediction: np.ndarray,
    groups: np.ndarray,
    draws: np.ndarray,
) -> np.ndarray:
    """CCC of every resample at once, from sums over groups.

    ``2 (E[tp] - E[t] E[p]) / (E[t²] + E[p²] - 2 E[t] E[p])``, which is
    ``2 cov / (var_t + var_p + (mean_t - mean_p)²)``.

    Args:
        truth: ``(num_clips,)``
        prediction: ``(num_clips,)``
        groups: number of each clip's group, from 0
        draws: see :func:`resample`

    Returns:
        ``(num_resamples,)``, 0 where nothing varies, as in audmetric

    Examples:
        >>> x = np.array([0.0, 1.0, 2.0])
        >>> concordance_ccs(x, np.array([0.0, 1.0, 1.0]), np.arange(3), np.ones((1, 3)))
        array([0.66666667])

    """
    # A common shift changes no CCC and saves digits
    t, p = truth - truth.mean(), prediction - truth.mean()
    moments = [np.ones(len(t)), t, p, t * t, p * p, t * p]
    sums = np.stack([np.bincount(groups, m, draws.shape[1]) for m in moments])
    n, t, p, tt, pp, tp = sums @ draws.T
    t, p = t / n, p / n
    numerator, spread = 2 * (tp / n - t * p), (tt + pp) / n - 2 * t * p
    return np.divide(numerator, spread, out=np.zeros(len(spread)), where=spread > 1e-12)


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
    """Give the middle 95 % of resampled values.

    Examples:
        >>> [round(x, 3) for x in interval(np.linspace(0, 1, 1001))]
        [0.025, 0.975]

    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
