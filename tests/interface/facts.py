"""What is compared of the results of two packages."""

import os

import numpy as np
import pandas as pd


def in_words(result: object) -> str:
    """Say what a result is as the table of expectations does."""
    if isinstance(result, Exception):
        return type(result).__name__
    if isinstance(result, np.ndarray):
        return str(result.shape)
    index = result if isinstance(result, pd.Index) else result.index
    return " ".join(map(_row, index))


def _row(entry: str | tuple) -> str:
    if isinstance(entry, str):
        return os.path.basename(entry)
    *file, start, end = entry
    times = "-".join(map(_seconds, (start, end)))
    return " ".join([*map(os.path.basename, file), times])


def _seconds(time: pd.Timedelta) -> str:
    if pd.isna(time):
        return "?"
    sign = "-" if time.value < 0 else ""
    seconds, rest = divmod(abs(time.value), 10**9)
    return f"{sign}{seconds}.{rest:09d}".rstrip("0").rstrip(".")


def facts(result: object) -> dict[str, object]:
    """Type, shape, index, columns, dtype and error of a result."""
    if isinstance(result, Exception):
        return {"error": type(result).__name__}
    return types(result) | {"words": in_words(result)}


def types(result: object) -> dict[str, object]:
    """Type of a result and of all that is in it, without its rows."""
    kinds: dict[str, object] = {"type": type(result).__name__}
    if isinstance(result, np.ndarray):
        return kinds | {"dtype": str(result.dtype)}
    index = result if isinstance(result, pd.Index) else result.index
    levels = range(index.nlevels)
    kinds |= {
        "names": list(index.names),
        "index": [str(index.get_level_values(level).dtype) for level in levels],
    }
    if isinstance(result, pd.Series):
        kinds |= {"dtype": str(result.dtype), "name": result.name}
        kinds |= {"items": {type(item).__name__ for item in result}}
    if isinstance(result, pd.DataFrame):
        kinds |= {
            "columns": list(result.columns),
            "dtype": [str(dtype) for dtype in result.dtypes],
        }
    return kinds


def with_defaults(kind: str, given: dict[str, object]) -> dict[str, object]:
    """Arguments of an interface of audinterface, with the defaults of audw2s."""
    given = {"sampling_rate": 16000, "resample": True, "mixdown": True} | given
    return {"channels": None} | given if kind == "Feature" else given
