"""All measures of a model on a corpus."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.conformal import calibrate
from audw2s.evaluation.groups import GROUPS
from audw2s.evaluation.groups import by_group
from audw2s.evaluation.groups import by_tenth
from audw2s.evaluation.ranking import rank_emotions
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.speakers import unit
from audw2s.evaluation.tables import INTERVALS
from audw2s.model.registry import DIMENSIONS


def assess(clips: pd.DataFrame, emotions: pd.Series | None = None) -> dict:
    """Measure agreement, errors, and the ranking of emotions.

    Args:
        clips: see :func:`audw2s.evaluation.agreement.summarise`
        emotions: emotion of each clip, ``None`` if they aren't known

    Returns:
        result of :func:`audw2s.evaluation.agreement.summarise`, and
        ``error_by_tenth`` of the reference, see
        :func:`audw2s.evaluation.groups.by_tenth`; with emotions of which some
        have an expected ranking ``ranking``, see
        :func:`audw2s.evaluation.ranking.rank_emotions`

    """
    result = summarise(clips)
    result["error_by_tenth"] = by_tenth(clips)
    if emotions is not None:
        ranking = rank_emotions(clips, emotions)
        result |= {"ranking": ranking} if ranking else {}
    return result


def assess_folds(
    clips: pd.DataFrame,
    folds: Sequence[np.ndarray],
    facts: pd.DataFrame,
) -> dict:
    """Measure models of which each predicted clips of speakers outside its training.

    Args:
        clips: see :func:`audw2s.evaluation.agreement.summarise`
        folds: for each model, a mask of the clips that it predicted
        facts: the same clips with all their columns

    Returns:
        result of :func:`assess` for all clips, the CCCs of each of the ``folds``
        with their mean and standard deviation if there are any, the calibration of
        ``intervals``, see :func:`audw2s.evaluation.conformal.calibrate`, and ``groups``
        and ``speakers``, see :func:`audw2s.evaluation.groups.by_group`

    """
    truth, predicted = clips[REFERENCE].to_numpy(), clips[list(DIMENSIONS)].to_numpy()
    cccs = [ccc_by_dimension(truth[fold], predicted[fold]) for fold in folds]
    # A fold of a single clip has no CCC
    frame = pd.DataFrame(cccs, dtype=float).dropna()
    result = {
        **assess(clips, facts.get("emotion")),
        "groups": by_group(clips, facts, [name for name in GROUPS if name in facts]),
        "speakers": by_group(clips, facts, ["speaker"]),
        "num_folds": len(folds),
        "folds_by": unit(speaker_or_file(clips)),
        "folds": cccs,
        INTERVALS: calibrate(clips),
    }
    if len(frame):
        result["mean_of_folds"] = frame.mean().to_dict()
        result["std_of_folds"] = frame.std(ddof=0).to_dict()
    return result
