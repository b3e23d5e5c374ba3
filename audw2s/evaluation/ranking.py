"""Whether a model orders groups of clips as their labels suggest.

Corpora that have no ratings, but emotions or intensities, say little of the values of
arousal, dominance and valence, but something of their order: angry speech is more
aroused than sad speech.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.evaluation.intervals import groups_to_resample
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.intervals import resample
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.tables import markdown_table
from audw2s.model.registry import DIMENSIONS

EXPECTED = (
    ("valence", "happiness", "anger"),
    ("valence", "happiness", "sadness"),
    ("valence", "neutral", "anger"),
    ("arousal", "anger", "sadness"),
    ("arousal", "anger", "neutral"),
)
"""Dimension, the emotion that has more of it, and the one that has less."""

ALIASES = {
    **dict.fromkeys(("angry", "ang", "a"), "anger"),
    **dict.fromkeys(("happy", "joy", "hap", "h"), "happiness"),
    **dict.fromkeys(("sad", "s"), "sadness"),
    **dict.fromkeys(("neu", "n"), "neutral"),
}
"""Other names of the emotions, those of IEMOCAP and MSP-Podcast among them."""


def rank_emotions(
    clips: pd.DataFrame,
    emotions: pd.Series,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict | None:
    """How surely the pairs of :data:`EXPECTED` are ranked as expected.

    Args:
        clips: see :func:`rank`
        emotions: of each clip, by any name of :data:`ALIASES`
        num_resamples: of the bootstrap
        seed: of the bootstrap

    Returns:
        what was ``resampled``, and ``pairs``: for each whose emotions both occur
        ``dimension``, ``above``, ``below``, and ``auc`` with the ``low`` and ``high``
        end of its interval; ``None`` if there are no such pairs

    """
    names = emotions.astype(object).where(emotions.notna(), None)
    names = names.map(lambda name: name and str(name).strip().lower())
    names = names.replace(ALIASES)
    found = set(names[clips[list(DIMENSIONS)].notna().all(axis=1).to_numpy()])
    pairs = [pair for pair in EXPECTED if {*pair[1:]} <= found]
    if not pairs:
        return None
    wanted = list(dict.fromkeys(pair[1:] for pair in pairs))
    result = rank(clips, names, wanted, num_resamples, seed)
    areas = dict(zip(wanted, result["pairs"], strict=True))
    return {
        "resampled": result["resampled"],
        "pairs": [
            {"dimension": name, "above": above, "below": below}
            | areas[above, below][name]
            for name, above, below in pairs
        ],
    }


def rank(
    heard: pd.DataFrame,
    groups: pd.Series,
    pairs: Sequence[tuple[str, str]],
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict:
    """Means of groups, and how surely one lies above another.

    Args:
        heard: what a model says of clips, with columns ``speaker``, ``arousal``,
            ``dominance`` and ``valence``; clips with NaN are left out
        groups: of each clip, such as its emotion
        pairs: of groups, of which the first is expected above the second
        num_resamples: of the bootstrap
        seed: of the bootstrap

    Returns:
        what was ``resampled``, see
        :func:`audw2s.evaluation.intervals.groups_to_resample`;
        ``groups``: for each its ``num_clips`` and the mean of each dimension;
        ``pairs``: for each ``above``, ``below``, and for each dimension ``auc`` with
        the ``low`` and ``high`` end of its 95 % interval

    Raises:
        ValueError: if a group of a pair has no clip

    """
    values = heard[list(DIMENSIONS)]
    used = values.notna().all(axis=1).to_numpy() & groups.notna().to_numpy()
    values, names = values[used], groups[used].astype(str).to_numpy()
    resampled, speakers = groups_to_resample(speaker_or_file(heard[used]))
    missing = {name for pair in pairs for name in pair} - set(names)
    if missing:
        raise ValueError(
            f"No clips of {sorted(missing)}, there are {sorted(set(names))}."
        )
    draws = resample(speakers, num_resamples, seed)
    means = values.groupby(names).mean()
    counts = pd.Series(names).value_counts()
    return {
        "resampled": resampled,
        "groups": {
            name: {"num_clips": int(counts[name]), **means.loc[name].to_dict()}
            for name in means.index
        },
        "pairs": [
            {"above": above, "below": below}
            | {
                name: _compared(
                    values[name].to_numpy(), names, above, below, speakers, draws
                )
                for name in DIMENSIONS
            }
            for above, below in pairs
        ],
    }


def _compared(
    values: np.ndarray,
    names: np.ndarray,
    above: str,
    below: str,
    speakers: np.ndarray,
    draws: np.ndarray,
) -> dict[str, float]:
    first, second = names == above, names == below
    wins = compare_all(values[first], values[second])
    # A clip counts as often as its speaker was drawn
    left, right = draws[:, speakers[first]], draws[:, speakers[second]]
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
    """Render an order as two tables.

    Args:
        result: see :func:`rank`
        column: by which groups are told apart

    """
    rows = []
    for name, group in result["groups"].items():
        means = [f"{group[dimension]:.2f}" for dimension in DIMENSIONS]
        rows.append([name, str(group["num_clips"]), *means])
    tables = [markdown_table([column, "clips", *DIMENSIONS], rows)]
    if result["pairs"]:
        header = [f"AUC, 95 % interval over {result['resampled']}", *DIMENSIONS]
        rows = []
        for pair in result["pairs"]:
            areas = [pair[dimension] for dimension in DIMENSIONS]
            texts = [f"{a['auc']:.2f} [{a['low']:.2f}, {a['high']:.2f}]" for a in areas]
            rows.append([f"{pair['above']} above {pair['below']}", *texts])
        tables.append(markdown_table(header, rows))
    return "\n\n".join(tables)
