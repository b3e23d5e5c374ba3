"""Scores of exits, with confidence intervals, and of adaptive exits."""

from collections.abc import Sequence

import numpy as np

from audw2s.evaluation.ccc import ccc
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.ccc import ccc_of_resamples
from audw2s.evaluation.intervals import bootstrap
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.recall import recalls
from audw2s.evaluation.recall import uar
from audw2s.evaluation.speakers import count_speakers
from audw2s.model.early_exit import margins

MARGINS = np.linspace(0, 1, 41)
"""Margins of the curves of adaptive exits."""


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
    truth: np.ndarray, outputs: np.ndarray, speakers: np.ndarray
) -> np.ndarray:
    """Score of every resample; the same speakers give the same resamples.

    See :func:`score_with_interval` for the arguments.
    """
    _, groups, draws = bootstrap(speakers)
    if truth.ndim == 1:
        return recalls(truth, outputs.argmax(axis=1), groups, draws)
    pairs = zip(truth.T, outputs.T, strict=True)
    return np.mean([ccc_of_resamples(t, o, groups, draws) for t, o in pairs], axis=0)


def score_with_interval(
    truth: np.ndarray, outputs: np.ndarray, speakers: np.ndarray
) -> dict:
    """Score of an exit, with a 95 % confidence interval over speakers.

    Args:
        truth: see :func:`score`
        outputs: see :func:`score`
        speakers: name of the speaker of each clip, or its file, see
            :func:`audw2s.evaluation.speakers.speaker_or_file`

    Returns:
        ``score`` (UAR, or mean CCC) with ``low`` and ``high``, numbers of clips and
        speakers, what was ``resampled``, and of values the CCC by name

    """
    low, high = interval(score_of_resamples(truth, outputs, speakers))
    return {
        "score": score(truth, outputs),
        "low": low,
        "high": high,
        "num_clips": len(truth),
        **count_speakers(speakers),
        "resampled": bootstrap(speakers).unit,
        **({} if truth.ndim == 1 else ccc_by_dimension(truth, outputs)),
    }


def as_text(score: float, measure: str, sign: str = "") -> str:
    """Write a score: UAR in percent, and CCC.

    Args:
        score: score, or a difference of scores
        measure: ``"UAR"`` or ``"CCC"``
        sign: ``"+"`` to write the sign of positive values

    Examples:
        >>> as_text(0.625, "UAR", "+"), as_text(0.625, "CCC")
        ('+62.5', '0.625')

    """
    return f"{100 * score:{sign}.1f}" if measure == "UAR" else f"{score:{sign}.3f}"


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


def adaptive_curve(
    truth: np.ndarray, logits: np.ndarray, **costs: Sequence[float]
) -> list[dict[str, float]]:
    """Score and cost of adaptive exits by margin.

    Args:
        truth: class of each clip
        logits: ``(num_exits, num_clips, classes)``
        costs: cost of each exit, such as its layer, by name

    Returns:
        for each of :data:`MARGINS` ``margin``, ``score``, and the mean of each cost

    """
    points = []
    for margin in MARGINS:
        outputs, chosen = adaptive(logits, margin)
        point = {"margin": round(float(margin), 3), "score": score(truth, outputs)}
        means = {k: float(np.take(cost, chosen).mean()) for k, cost in costs.items()}
        points.append(point | means)
    return points


def good_margin(truth: np.ndarray, logits: np.ndarray) -> float:
    """Smallest margin that costs at most 0.01 of the deepest exit's score.

    Args:
        truth: class of each clip
        logits: ``(num_exits, num_clips, classes)``

    """
    wanted = score(truth, logits[-1]) - 0.01
    curve = adaptive_curve(truth, logits)
    return next((p["margin"] for p in curve if p["score"] >= wanted), 1.0)
