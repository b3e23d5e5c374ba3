"""Agreement of parts of the clips: groups, speakers, tenths, durations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.model.registry import DIMENSIONS

GROUPS = ("gender", "language")
"""Columns to group clips by, by default, where a corpus has them."""

MAX_BINS = 5
"""Largest number of bins of durations."""

MIN_CLIPS = 10
"""Smallest number of clips in a bin of durations."""


def by_group(
    clips: pd.DataFrame,
    facts: pd.DataFrame,
    columns: Sequence[str],
) -> list[dict]:
    """Agreement and bias of groups of clips.

    Args:
        clips: clips of all corpora, see
            :func:`audw2s.corpus.evaluate.join_references`
        facts: the same clips with all their columns
        columns: columns to group clips by, within each corpus

    Returns:
        for each ``corpus``, ``column`` and ``group`` (the value) the result of
        :func:`audw2s.evaluation.agreement.summarise`; where fewer than two clips can be
        compared, their number, and ``None`` for each dimension. Corpora without
        references have no entry

    """
    rows = []
    clips = clips[
        clips[REFERENCE].notna().any(axis=1).groupby(clips["corpus"]).transform("any")
    ]
    for column in columns:
        values = [facts["corpus"], facts[column]]
        for (corpus, value), part in clips.groupby(values, observed=True):
            used = int(part["left_out"].eq("").sum())
            result = {"num_clips": used, **dict.fromkeys(DIMENSIONS)}
            if used > 1:
                result = summarise(part)
            key = {"corpus": corpus, "column": column, "group": str(value)}
            rows.append(key | result)
    return rows


def compared(clips: pd.DataFrame) -> pd.DataFrame:
    """Clips that can be compared with a reference."""
    return clips[clips["left_out"].eq("") & clips[REFERENCE].notna().any(axis=1)]


def by_tenth(clips: pd.DataFrame) -> dict[str, list[dict]]:
    """Error of each dimension by tenth of the reference.

    Returns:
        for each dimension with references, and each tenth of 0…1 in which there are
        any, its ``low`` end, ``num_clips``, ``bias`` (mean signed error) and
        ``mean_absolute_error``; references beyond 0…1 are in the outermost tenths

    Examples:
        >>> clips = pd.DataFrame(0.5, index=range(2), columns=[*DIMENSIONS, *REFERENCE])
        >>> clips["reference_valence"] = [0.2, 1.0]
        >>> rows = by_tenth(clips.assign(left_out=""))["valence"]
        >>> [(row["low"], round(row["bias"], 1)) for row in rows]
        [(0.2, 0.3), (0.9, -0.5)]

    """
    used = compared(clips)
    tables = {}
    for name, reference in zip(DIMENSIONS, REFERENCE, strict=True):
        known = used[used[reference].notna()]
        # 0.3 belongs to the tenth from 0.3, though 10 * 0.3 may be less than 3
        tenths = np.floor(10 * known[reference] + 1e-6).clip(0, 9)
        errors = (known[name] - known[reference]).groupby(tenths)
        tables[name] = [
            {
                "low": tenth / 10,
                "num_clips": len(error),
                "bias": float(error.mean()),
                "mean_absolute_error": float(error.abs().mean()),
            }
            for tenth, error in errors
        ]
    return {name: rows for name, rows in tables.items() if rows}


def duration_edges(clips: pd.DataFrame) -> np.ndarray:
    """Durations in seconds between which about equally many clips lie.

    Returns:
        ``(num_bins + 1,)``; at most :data:`MAX_BINS` bins, each of at least
        :data:`MIN_CLIPS` clips if there are as many; none without a clip

    """
    durations = compared(clips)["duration"]
    if durations.empty:
        return np.array([])
    num_bins = max(1, min(MAX_BINS, len(durations) // MIN_CLIPS))
    return np.unique(np.quantile(durations, np.linspace(0, 1, num_bins + 1)))


def by_duration(clips: pd.DataFrame, edges: np.ndarray) -> list[dict]:
    """Agreement within bins of durations, over all corpora.

    Args:
        clips: clips of all corpora
        edges: edges of the bins in seconds, see :func:`duration_edges`

    Returns:
        for each bin that has clips ``num_clips``, the ``shortest``, ``median`` and
        ``longest`` duration in seconds, and for each dimension ``ccc`` (``None``
        for a single clip) and ``mean_absolute_error``

    """
    used = compared(clips)
    number = np.searchsorted(edges[1:-1], used["duration"], side="right")
    rows = []
    for _, part in used.groupby(number):
        times = part["duration"]
        pair = part[REFERENCE].to_numpy(float), part[list(DIMENSIONS)].to_numpy(float)
        errors = pd.DataFrame(np.abs(pair[1] - pair[0]), columns=DIMENSIONS).mean()
        cccs = ccc_by_dimension(*pair)
        rows.append(
            {
                "num_clips": len(part),
                "shortest": float(times.min()),
                "median": float(times.median()),
                "longest": float(times.max()),
            }
            | {
                name: {"mean_absolute_error": errors[name], "ccc": cccs[name]}
                for name in errors.dropna().index
            }
        )
    return rows
