"""Interfaces of both packages with one model, and their results as rows."""

from typing import Any

import audinterface
import numpy as np
import pandas as pd
from facts import types
from facts import with_defaults

import audw2s

NAMES = ["arousal", "dominance", "valence"]
STEADY = {"tolerance": 0.02, "min_dur": 0.2, "win_dur": 0.25, "hop_dur": 0.125}
MODEL_OF_BOTH = audw2s.load("wav2small")


def predicted(signal, sampling_rate) -> np.ndarray:
    """Values ``(num_channels, 3)`` by audonnx."""
    channels = np.asarray(signal, np.float32)[:, None]
    return np.vstack(
        [
            MODEL_OF_BOTH(channel, sampling_rate, outputs="logits")
            for channel in channels
        ]
    )


def dictionaries(signal, sampling_rate) -> dict | list[dict]:
    """Values by name, of each channel."""
    rows = [
        dict(zip(NAMES, map(float, row), strict=True))
        for row in predicted(signal, sampling_rate)
    ]
    return rows[0] if len(rows) == 1 else rows


def theirs(kind: str, **given) -> Any:
    """Interface of audinterface with the model, and with the defaults of audw2s."""
    given = with_defaults(kind, given)
    if kind == "Feature":
        return audinterface.Feature(NAMES, process_func=predicted, **given)
    if kind == "Process":
        return audinterface.Process(process_func=dictionaries, **given)
    steady = audw2s.Segment(exact=True, mixdown=given["mixdown"], **STEADY)
    return audinterface.Segment(process_func=steady, **given)


def ours(kind: str, **given) -> Any:
    """Interface of audw2s that processes each window on its own, as theirs."""
    given = STEADY | given if kind == "Segment" else given
    return getattr(audw2s, kind)(exact=True, **given)


Rows = list[tuple[str | None, pd.Timedelta, pd.Timedelta, np.ndarray]]


def rows_of(result: object) -> Rows:
    """Files, starts, ends and values; an index has no values."""
    index = result if isinstance(result, pd.Index) else result.index
    entries = index if index.nlevels == 3 else [(None, *entry) for entry in index]
    pairs = zip(entries, values_of(result), strict=True)
    return [(*entry, values) for entry, values in pairs]


def values_of(result: object) -> list[np.ndarray]:
    """Values of each row, flat, and none of an index."""
    if isinstance(result, pd.Index):
        return [np.zeros(0)] * len(result)
    if isinstance(result, pd.DataFrame):
        return [*result.to_numpy(float)]
    return [np.array(flat(item), float) for item in result]


def flat(item: object) -> list[float]:
    """Values of what a call returns, or of an item of a series."""
    if isinstance(item, np.ndarray):
        return np.ravel(np.moveaxis(item, -1, 0)).tolist()
    if isinstance(item, list):
        return [value for part in item for value in flat(part)]
    return [*item.values()]


def agree(expected: object, result: object) -> bool:
    """Whether two results are the same, with equal types, rows and values."""
    if isinstance(expected, Exception) or isinstance(result, Exception):
        return type(expected) is type(result)
    if isinstance(expected, dict | list | np.ndarray):
        return equal(np.array(flat(expected)), np.array(flat(result)))
    if types(expected) != types(result):
        return False
    pairs = zip(values_of(expected), values_of(result), strict=False)
    if isinstance(expected, pd.DataFrame | pd.Series):
        expected, result = expected.index, result.index
    if isinstance(expected, pd.Index) and not expected.equals(result):
        return False
    return all(equal(*pair) for pair in pairs)


def equal(first: np.ndarray, second: np.ndarray, atol: float = 1e-4) -> bool:
    return first.shape == second.shape and np.allclose(
        first, second, rtol=0, atol=atol, equal_nan=True
    )
