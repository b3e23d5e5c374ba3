"""Scores of classes and values, with confidence intervals."""

import numpy as np

from audw2s.evaluation.ccc import ccc
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.ccc import ccc_of_resamples
from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.evaluation.intervals import groups_to_resample
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.intervals import resample
from audw2s.evaluation.speakers import count_speakers
from audw2s.model.scores import margins


def recalls(
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    draws: np.ndarray,
) -> np.ndarray:
    """Unweighted average recall of every resample, from counts over groups.

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


def score(truth: np.ndarray, outputs: np.ndarray) -> float:
    """UAR of classes, or mean CCC of values.

    Args:
        truth: classes ``(num_clips,)``, or values ``(num_clips, dimensions)``
        outputs: logits or values of an exit

    """
    if truth.ndim == 1:
        return uar(truth, outputs.argmax(axis=1))
    return float(ccc(truth, outputs).mean())


def drawn(
    truth: np.ndarray,
    outputs: np.ndarray,
    speakers: np.ndarray,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """Score of every resample; the same speakers give the same resamples.

    See :func:`summarise` for the arguments.
    """
    _, groups = groups_to_resample(speakers)
    draws = resample(groups, num_resamples, seed)
    if truth.ndim == 1:
        return recalls(truth, outputs.argmax(axis=1), groups, draws)
    pairs = zip(truth.T, outputs.T, strict=True)
    return np.mean([ccc_of_resamples(t, o, groups, draws) for t, o in pairs], axis=0)


def summarise(
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
    low, high = interval(drawn(truth, outputs, speakers, num_resamples, seed))
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
