"""Ranking: whether a model orders groups of clips as their labels suggest.

Corpora with emotions or intensities instead of ratings don't tell the values of
arousal, dominance and valence, but their order: angry speech is more aroused than sad
speech.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.evaluation.intervals import Bootstrap
from audw2s.evaluation.intervals import bootstrap
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.render import template
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.model.registry import DIMENSIONS


class Pair(NamedTuple):
    """Dimension, the emotion that has more of it, and the one that has less."""

    dimension: str
    above: str
    below: str


EXPECTED = (
    Pair("valence", above="happiness", below="anger"),
    Pair("valence", above="happiness", below="sadness"),
    Pair("valence", above="neutral", below="anger"),
    Pair("arousal", above="anger", below="sadness"),
    Pair("arousal", above="anger", below="neutral"),
)
"""Pairs of emotions whose order is expected."""

ALIASES = {
    **dict.fromkeys(("angry", "ang", "a"), "anger"),
    **dict.fromkeys(("happy", "joy", "hap", "h"), "happiness"),
    **dict.fromkeys(("sad", "s"), "sadness"),
    **dict.fromkeys(("neu", "n"), "neutral"),
}
"""Other names of the emotions, those of IEMOCAP and MSP-Podcast among them."""


def rank_emotions(clips: pd.DataFrame, emotions: pd.Series) -> dict | None:
    """Area under the ROC curve (AUC) of each pair of :data:`EXPECTED`.

    Args:
        clips: see :func:`rank`
        emotions: emotion of each clip, by any name of :data:`ALIASES`

    Returns:
        what was ``resampled``, and ``pairs``: for each whose emotions both occur
        ``dimension``, ``above``, ``below``, and ``auc`` with the ``low`` and ``high``
        end of its interval; ``None`` if there are no such pairs

    """
    names = emotions.astype(object).where(emotions.notna(), None)
    names = names.map(lambda name: name and str(name).strip().lower())
    names = names.replace(ALIASES)
    occurring = set(names[clips[list(DIMENSIONS)].notna().all(axis=1).to_numpy()])
    pairs = [pair for pair in EXPECTED if {pair.above, pair.below} <= occurring]
    if not pairs:
        return None
    wanted = list(dict.fromkeys((pair.above, pair.below) for pair in pairs))
    result = rank(clips, names, wanted)
    areas = dict(zip(wanted, result["pairs"], strict=True))
    return {
        "resampled": result["resampled"],
        "pairs": [
            pair._asdict() | areas[pair.above, pair.below][pair.dimension]
            for pair in pairs
        ],
    }


def rank(
    predictions: pd.DataFrame,
    groups: pd.Series,
    pairs: Sequence[tuple[str, str]],
) -> dict:
    """Means of groups, and the AUC of one over another.

    Args:
        predictions: values of clips, with columns ``speaker``, ``arousal``,
            ``dominance`` and ``valence``; clips with NaN are left out
        groups: group of each clip, such as its emotion
        pairs: pairs of groups, of which the first is expected above the second

    Returns:
        what was ``resampled``, see :class:`audw2s.evaluation.intervals.Bootstrap`;
        ``groups``: for each its ``num_clips`` and the mean of each dimension;
        ``pairs``: for each ``above``, ``below``, and for each dimension ``auc`` with
        the ``low`` and ``high`` end of its 95 % interval

    Raises:
        ValueError: if a group of a pair has no clip

    """
    values = predictions[list(DIMENSIONS)]
    used = values.notna().all(axis=1).to_numpy() & groups.notna().to_numpy()
    values, names = values[used], groups[used].astype(str).to_numpy()
    missing = {name for pair in pairs for name in pair} - set(names)
    if missing:
        raise ValueError(
            f"No clips of {sorted(missing)}, there are {sorted(set(names))}."
        )
    resampling = bootstrap(speaker_or_file(predictions[used]))
    return {
        "resampled": resampling.unit,
        "groups": {
            name: {"num_clips": len(part), **part.mean().to_dict()}
            for name, part in values.groupby(names)
        },
        "pairs": [
            {"above": above, "below": below}
            | {
                name: _area(
                    column.to_numpy(), names == above, names == below, resampling
                )
                for name, column in values.items()
            }
            for above, below in pairs
        ],
    }


def _area(
    values: np.ndarray,
    above: np.ndarray,
    below: np.ndarray,
    resampling: Bootstrap,
) -> dict[str, float]:
    """Area under the ROC curve, and its interval, given masks of two groups."""
    wins = compare_all(values[above], values[below])
    # A clip counts as often as its speaker was drawn
    left, right = (resampling.draws[:, resampling.groups[m]] for m in (above, below))
    totals = left.sum(axis=1) * right.sum(axis=1)
    known = totals > 0
    sums = np.einsum("ri,ij,rj->r", left[known], wins, right[known], optimize=True)
    low, high = interval(sums / totals[known])
    return {"auc": float(wins.mean()), "low": low, "high": high}


def compare_all(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compare each value with each: 1 if the first is larger, 0.5 if they are equal.

    Their mean is the area under the ROC curve (Mann and Whitney, 1947).

    Args:
        first: ``(num_first,)``
        second: ``(num_second,)``

    Returns:
        ``(num_first, num_second)``

    Examples:
        >>> compare_all(np.array([1.0, 3.0]), np.array([1.0, 2.0])).mean()
        np.float64(0.625)

    """
    larger = (first[:, None] > second).astype(float)
    return larger + 0.5 * (first[:, None] == second)


def to_markdown(result: dict, column: str) -> str:
    """Render a ranking as two tables.

    Args:
        result: see :func:`rank`
        column: name of what groups differ in

    """
    return template("ranking.md.jinja").render(**result, column=column).rstrip()
