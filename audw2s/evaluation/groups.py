"""Agreement of parts of the clips: groups, speakers, durations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.catalogue import DIMENSIONS
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.intervals import NUM_RESAMPLES

MAX_BINS = 5
"""Quantile bins of durations, at most."""

MIN_CLIPS = 10
"""Clips in a bin of durations, at least."""


def by_group(
    clips: pd.DataFrame,
    facts: pd.DataFrame,
    columns: Sequence[str],
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> list[dict]:
    """Agreement and bias of groups of clips.

    Args:
        clips: of all corpora, see :func:`audw2s.distill.evaluate.compare`
        facts: the same clips with all their columns
        columns: whose values are told apart, within each corpus
        num_resamples: of the bootstrap
        seed: of the bootstrap

    Returns:
        for each ``corpus``, ``column`` and ``group`` (the value) what
        :func:`audw2s.evaluation.agreement.summarise` gives; where fewer than two clips
        can be compared, their number, and ``None`` for each dimension

    """
    rows = []
    for column in columns:
        values = [facts["corpus"], facts[column]]
        for (corpus, value), part in clips.groupby(values, observed=True):
            used = int(part["left_out"].eq("").sum())
            result = {"num_clips": used, **dict.fromkeys(DIMENSIONS)}
            if used > 1:
                result = summarise(part, num_resamples, seed)
            rows.append(
                {"corpus": corpus, "column": column, "group": str(value), **result}
            )
    return rows


def by_speaker(clips: pd.DataFrame) -> list[dict]:
    """Mean absolute error of each speaker who is known; of the others none."""
    known = clips[clips["speaker"].notna()]
    speakers = known[known["left_out"] == ""].groupby(["corpus", "speaker"])
    return [
        {"corpus": corpus, "speaker": speaker, "num_clips": len(part), **_errors(part)}
        for (corpus, speaker), part in speakers
    ]


def duration_edges(clips: pd.DataFrame) -> np.ndarray:
    """Durations in seconds between which about equally many clips lie.

    Returns:
        ``(num_bins + 1,)``; at most :data:`MAX_BINS` bins, each of at least
        :data:`MIN_CLIPS` clips if there are as many

    """
    durations = clips.loc[clips["left_out"] == "", "duration"]
    num_bins = max(1, min(MAX_BINS, len(durations) // MIN_CLIPS))
    return np.unique(np.quantile(durations, np.linspace(0, 1, num_bins + 1)))


def by_duration(clips: pd.DataFrame, edges: np.ndarray) -> list[dict]:
    """Agreement within bins of durations, over all corpora.

    Args:
        clips: of all corpora
        edges: of the bins in seconds, see :func:`duration_edges`

    Returns:
        for each bin that has clips ``num_clips``, the ``shortest``, ``median`` and
        ``longest`` duration in seconds, and for each dimension ``ccc`` (``None``
        for a single clip) and ``mean_absolute_error``

    """
    used = clips[clips["left_out"] == ""]
    number = np.searchsorted(edges[1:-1], used["duration"], side="right")
    rows = []
    for _, part in used.groupby(number):
        times = part["duration"]
        pair = part[REFERENCE].to_numpy(float), part[list(DIMENSIONS)].to_numpy(float)
        errors, cccs = _errors(part), ccc_by_dimension(*pair)
        rows.append(
            {
                "num_clips": len(part),
                "shortest": float(times.min()),
                "median": float(times.median()),
                "longest": float(times.max()),
            }
            | {name: {**errors[name], "ccc": cccs[name]} for name in DIMENSIONS}
        )
    return rows


def _errors(clips: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean absolute error of each dimension."""
    return {
        name: {
            "mean_absolute_error": float((clips[name] - clips[reference]).abs().mean())
        }
        for name, reference in zip(DIMENSIONS, REFERENCE, strict=True)
    }
