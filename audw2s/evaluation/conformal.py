"""Prediction intervals by split conformal prediction, from residuals of held-out clips.

An interval is the prediction plus and minus the residual that a share of the clips of
held-out speakers doesn't exceed (Lei et al., Distribution-free predictive inference for
regression, 2018). The calibration is a part of the evaluation of a model on
speakers outside its training, and kept in its ``evaluation.json``.
"""

import itertools
import math
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.card import measured
from audw2s.evaluation.groups import compared
from audw2s.evaluation.speakers import folds_by_speaker
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.tables import INTERVALS
from audw2s.model.early_exit import Choice
from audw2s.model.registry import DIMENSIONS

LEVELS = 99
"""Number of coverages, from .01 to .99, for which a calibration has a residual."""

CHECKED = 0.9
"""Coverage whose intervals are checked by folds."""


def residual(residuals: np.ndarray, coverage: float) -> float:
    """Residual that a share of further clips doesn't exceed.

    Args:
        residuals: absolute residuals ``(num_clips,)``
        coverage: share of clips

    Examples:
        >>> residual(np.arange(1.0, 100.0), 0.9), residual(np.array([1.0, 2.0]), 0.9)
        (90.0, 2.0)

    """
    rank = math.ceil((len(residuals) + 1) * coverage - 1e-9)
    return float(np.sort(residuals)[min(rank, len(residuals)) - 1])


def calibrate(clips: pd.DataFrame, num_folds: int = 5) -> dict | None:
    """Calibrate intervals on clips of held-out speakers.

    Args:
        clips: predictions of models that never had the clip's speaker, see
            :func:`audw2s.corpus.evaluate.join_references`
        num_folds: highest number of folds of speakers, on which intervals are checked

    Returns:
        for each dimension with references ``residuals``, a value for each of
        :data:`LEVELS` coverages, and ``coverage``: that of intervals of .9 for each of
        the folds, calibrated on the others; ``None`` for fewer than three speakers or
        files

    """
    used = compared(clips)
    speakers = speaker_or_file(used)
    num_folds = min(num_folds, len(np.unique(speakers)))
    if num_folds < 3:
        return None
    folds = folds_by_speaker(speakers, num_folds)
    result = {}
    for name, reference in zip(DIMENSIONS, REFERENCE, strict=True):
        errors = (used[name] - used[reference]).abs().to_numpy(float)
        if np.isnan(errors).any():
            continue
        levels = np.arange(1, LEVELS + 1) / (LEVELS + 1)
        result[name] = {
            "residuals": [round(residual(errors, level), 4) for level in levels],
            "coverage": [
                float((errors[fold] <= residual(errors[~fold], CHECKED)).mean())
                for fold in folds
            ],
        }
    return result


def half_widths(model: str, coverage: float, exit: Choice = None) -> dict[str, float]:
    """Half the width of the intervals of each dimension.

    Args:
        model: name or folder, see :func:`audw2s.load`
        coverage: share of clips whose rating lies in the interval, .01 to .99; between
            two hundredths the larger one is taken
        exit: exit of a model with early exits

    Returns:
        half the width by dimension, NaN for a dimension without ratings

    Raises:
        ValueError: if the coverage is another one, or the model has no calibration

    """
    level = math.ceil((LEVELS + 1) * coverage - 1e-9)
    if not 1 <= level <= LEVELS:
        raise ValueError(f"Intervals cover .01 to .99 of the clips, not {coverage:g}.")
    results = [r for e in measured(model, exit) for r in e["corpora"].values()]
    # Of the model itself, rather than of trainings by folds
    for result in sorted(results, key=lambda result: "folds" in result):
        if known := result.get(INTERVALS):
            levels = {name: known[name]["residuals"] for name in known}
            unknown = [math.nan] * LEVELS
            return {d: levels.get(d, unknown)[level - 1] for d in DIMENSIONS}
    raise ValueError(
        f"'{model}' has no calibrated intervals: they are a part of its evaluation on "
        "speakers outside its training, which 'teacher', 'folds' and 'evaluate "
        "--trained-on' of 'audw2s distill' write."
    )


def interval_columns(
    table: pd.DataFrame | pa.Table, names: Sequence[str], widths: Mapping[str, float]
) -> Iterator[tuple[int, str, np.ndarray]]:
    """Ends of intervals, as columns ``arousal_low``, ``arousal_high`` and so on.

    Args:
        table: table with values
        names: names of its columns
        widths: half the widths by name of the column, see :func:`half_widths`

    Yields:
        position in the table, behind the values, name, and values of each column

    Examples:
        >>> table = pd.DataFrame({"valence": np.float32([0.5]), "status": "ok"})
        >>> list(interval_columns(table, list(table), {"valence": 0.25}))
        [(1, 'valence_low', array([0.25], ...)),
        (2, 'valence_high', array([0.75], ...))]

    """
    places = itertools.count(1 + max(map(list(names).index, widths)))
    for name, width in widths.items():
        for end, sign in (("low", -1), ("high", 1)):
            values = np.asarray(table[name]) + np.float32(sign * width)
            yield next(places), f"{name}_{end}", values
