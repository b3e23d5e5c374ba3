"""Scores of classes and values, with confidence intervals."""

import numpy as np

from audw2s.evaluation.ccc import ccc
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.ccc import ccc_of_resamples
from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.evaluation.intervals import groups_to_resample
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.intervals import resample
from audw2s.evaluation.recall import recalls
from audw2s.evaluation.recall import uar
from audw2s.evaluation.speakers import count_speakers
from audw2s.model.early_exit import margins


def score(truth: np.ndarray, outputs: np.ndarray) -> float:
    """UAR of classes, or mean CCC of values.

    Args:
        truth: classes ``(num_clips,)``, or values ``(num_clips, dimensions)``
        outputs: logits or values of an exit

    """
    if truth.ndim == 1:
        return uar(truth, outputs.argmax(axis=1))
    return float(ccc(truth, outputs).mean())


def score_of_resamples(
    truth: np.ndarray,
    outputs: np.ndarray,
    speakers: np.ndarray,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """Score of every resample; the same speakers give the same resamples.

    See :func:`score_with_interval` for the arguments.
    """
    _, groups = groups_to_resample(speakers)
    draws = resample(groups, num_resamples, seed)
    if truth.ndim == 1:
        return recalls(truth, outputs.argmax(axis=1), groups, draws)
    pairs = zip(truth.T, outputs.T, strict=True)
    return np.mean([ccc_of_resamples(t, o, groups, draws) for t, o in pairs], axis=0)


def score_with_interval(
    truth: np.ndarray,
    outputs: np.ndarray,
    speakers: np.ndarray,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict:
    """Score of an exit, with a 95 % confidence interval over speakers.

    Args:
        truth: see :func:`score`
        outputs: see :func:`score`
        speakers: name of the speaker of each clip, or its file, see
            :func:`audw2s.evaluation.speakers.speaker_or_file`
        num_resamples: number of resamples of the bootstrap
        seed: seed of the bootstrap

    Returns:
        ``score`` (UAR, or mean CCC) with ``low`` and ``high``, numbers of clips and
        speakers, what was ``resampled``, and of values the CCC by name

    """
    details = {} if truth.ndim == 1 else ccc_by_dimension(truth, outputs)
    resampled, _ = groups_to_resample(speakers)
    low, high = interval(
        score_of_resamples(truth, outputs, speakers, num_resamples, seed)
    )
    return {
        "score": score(truth, outputs),
        "low": low,
        "high": high,
        "num_clips": len(truth),
        **count_speakers(speakers),
        "resampled": resampled,
        **details,
    }


def fused(logits: np.ndarray) -> np.ndarray:
    """Logits of the exit with the largest margin, for each clip.

    Args:
        logits: ``(num_exits, num_clips, classes)``

    Returns:
        ``(num_clips, classes)``

    """
    surest = margins(logits).argmax(axis=0)
    return logits[surest, np.arange(logits.shape[1])]


def adaptive(logits: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits of the first exit with a large enough margin, else the last, per clip.

    Args:
        logits: ``(num_exits, num_clips, classes)``
        margin: least margin, 0 for the first exit

    Returns:
        logits ``(num_clips, classes)``, and the number of the exit from 0

    """
    enough = margins(logits) >= margin
    enough[-1] = True
    first = enough.argmax(axis=0)
    return logits[first, np.arange(logits.shape[1])], first
