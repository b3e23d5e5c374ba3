"""Agreement of predictions and references, with confidence intervals."""

import numpy as np
import pandas as pd

from audw2s.evaluation.ccc import MIN_SPREAD
from audw2s.evaluation.ccc import Moments
from audw2s.evaluation.ccc import ccc
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.ccc import ccc_of_moments
from audw2s.evaluation.ccc import moments_of_resamples
from audw2s.evaluation.intervals import Bootstrap
from audw2s.evaluation.intervals import bootstrap
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.intervals import means
from audw2s.evaluation.speakers import count_speakers
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.model.registry import DIMENSIONS

REFERENCE = [f"reference_{name}" for name in DIMENSIONS]
"""Columns of references, with which predictions are compared."""

HUMANS = "humans"
"""Value of ``against`` for human ratings."""

RATERS = "one_rater_against_the_others"
"""Key of the agreement of single raters."""


def summarise(clips: pd.DataFrame) -> dict:
    """Measure the agreement of predictions and references.

    Args:
        clips: table with columns ``corpus``, ``speaker`` (missing where it isn't
            known), ``file``, and those of
            :func:`audw2s.corpus.evaluate.join_references`

    Returns:
        numbers of clips, of speakers and of clips whose speaker isn't known
        (``num_unknown``), clips ``left_out`` by reason, what was
        ``resampled``, and for each dimension ``ccc`` with the ``low`` and ``high``
        end of its interval, ``bias`` (mean signed error), ``mean_absolute_error`` and
        ``pearson`` (``None`` where nothing varies), each with its interval, such as
        ``bias_low`` and ``bias_high``, ``mean`` and ``std`` of the predictions, and the
        same of the references; ``None`` for a dimension without references. In
        ``arousal_with_valence`` the Pearson correlation of both, ``predicted`` and
        of the ``reference``

    Raises:
        ValueError: if there are fewer than two clips to compare

    """
    used = clips[clips["left_out"] == ""]
    reasons = clips.loc[clips["left_out"] != "", "left_out"].value_counts()
    left_out = {reason: int(count) for reason, count in reasons.items()}
    if len(used) < 2:
        raise ValueError(
            f"Of {len(clips)} clips {len(used)} can be compared, at least two are "
            f"needed; left out: {left_out}."
        )
    names = speaker_or_file(used)
    resampling = bootstrap(names)
    return {
        "num_clips": len(used),
        **count_speakers(names),
        "left_out": left_out,
        "resampled": resampling.unit,
        "arousal_with_valence": {
            "predicted": pearson(used["arousal"], used["valence"]),
            "reference": pearson(used["reference_arousal"], used["reference_valence"]),
        },
    } | {
        name: _measure(used[reference].to_numpy(), used[name].to_numpy(), resampling)
        if used[[reference, name]].notna().all(axis=None)
        else None
        for name, reference in zip(DIMENSIONS, REFERENCE, strict=True)
    }


def pearson(
    first: np.ndarray | pd.Series, second: np.ndarray | pd.Series
) -> float | None:
    """Pearson correlation, ``None`` where one doesn't vary or isn't known.

    Examples:
        >>> pearson(np.arange(3), -np.arange(3)), pearson(np.arange(3), np.ones(3))
        (-1.0, None)

    """
    pair = np.array([first, second], np.float64)
    if not (pair.std(axis=1) > 0).all():
        return None
    return float(np.asarray(np.corrcoef(pair))[0, 1])


def _measure(
    truth: np.ndarray, prediction: np.ndarray, resampling: Bootstrap
) -> dict[str, float | None]:
    _, groups, draws = resampling
    truth, prediction = truth.astype(np.float64), prediction.astype(np.float64)
    error = prediction - truth
    moments = moments_of_resamples(truth, prediction, groups, draws)
    resampled = {
        "": ccc_of_moments(*moments),
        "bias_": means(error, groups, draws),
        "mean_absolute_error_": means(np.abs(error), groups, draws),
        "pearson_": _correlations(moments),
    }
    ends: dict[str, float | None] = {}
    for name, values in resampled.items():
        for end, value in zip(("low", "high"), interval(values), strict=True):
            ends[f"{name}{end}"] = None if np.isnan(value) else value
    return ends | {
        "ccc": float(ccc(truth, prediction)),
        "bias": float(error.mean()),
        "mean_absolute_error": float(np.abs(error).mean()),
        "pearson": pearson(truth, prediction),
        "mean": float(prediction.mean()),
        "std": float(prediction.std()),
        "reference_mean": float(truth.mean()),
        "reference_std": float(truth.std()),
    }


def _correlations(moments: Moments) -> np.ndarray:
    """Pearson correlation of every resample, NaN where one doesn't vary."""
    product = np.maximum(moments.var_t, 0) * np.maximum(moments.var_p, 0)
    varies = product > MIN_SPREAD**2
    root = np.sqrt(product, where=varies, out=np.full(product.shape, np.nan))
    return moments.covariance / root


def rater_agreement(raters: np.ndarray) -> list[dict[str, float | None]]:
    """CCC of each rater with the mean of the others.

    Args:
        raters: ``(num_raters, num_clips, 3)``, NaN where one gave no rating

    Returns:
        an entry per rater, none if there is only one

    """
    if len(raters) < 2:
        return []
    others = [np.delete(raters, i, axis=0) for i in range(len(raters))]
    means = [np.ma.masked_invalid(o).mean(axis=0).filled(np.nan) for o in others]
    return [ccc_by_dimension(*pair) for pair in zip(means, raters, strict=True)]
