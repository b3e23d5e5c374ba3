"""Cache on disk for the values of an index."""

import contextlib
import hashlib
import os
import pickle
from collections.abc import Callable
from collections.abc import Sequence

import audeer
import audformat
import numpy as np
import pandas as pd

from audw2s.files import replacing
from audw2s.files import resolve
from audw2s.files import stamp


def cache_path(
    cache_root: str,
    settings: dict[str, object],
    index: pd.MultiIndex,
    root: str | None,
) -> str:
    """Path of the cache file for the values of an index.

    The key of audinterface's cache is the index only. Here, model, settings, version,
    root, and size and modification time of each file belong to the key.

    Args:
        cache_root: folder of the cache
        settings: model and settings that values depend on
        index: segmented index
        root: root folder of the files

    """
    key = {**settings, "root": os.path.abspath(root or "")}
    folder = audeer.mkdir(cache_root, audeer.uid(from_string=repr(key)))
    files = index.get_level_values("file").unique()
    states = [tuple(stamp(resolve(file, root))) for file in files]
    name = f"{audformat.utils.hash(index, strict=True)} {states}"
    return os.path.join(folder, audeer.uid(from_string=name) + ".pkl")


def kept_series(
    path: str,
    index: pd.MultiIndex,
    compute: Callable[[pd.MultiIndex], pd.Series],
) -> pd.Series:
    """Read the values of a segmented index from the cache, and compute missing ones.

    Files without values are never cached: they are read again each time.

    Args:
        path: path of the cache file
        index: segmented index
        compute: function that computes the rows of an index, in its order

    """
    kept, again = _read(path) or (None, [])
    if kept is None:
        series = compute(index)
    elif again:
        rows = compute(index[index.get_level_values("file").isin(again)])
        series = _ordered(pd.concat([kept, rows]), index)
    else:
        return kept
    failed = _failed(series)
    if not failed or _is_grouped(index):
        _write(path, series[~series.index.isin(failed, level="file")], failed)
    return series


def _failed(series: pd.Series) -> list[str]:
    """Files with rows that have no values."""
    ends = series.index.get_level_values("end")
    usable = [
        # The end of a file that can't be read is unknown
        pd.notna(end) if isinstance(item, pd.Index) else _is_finite(item)
        for item, end in zip(series, ends, strict=True)
    ]
    files = series.index.get_level_values("file")
    return files[~np.array(usable, bool)].unique().tolist()


def _is_finite(item: np.ndarray | dict | Sequence[dict]) -> bool:
    if isinstance(item, np.ndarray):
        return bool(np.isfinite(item).all())
    channels = [item] if isinstance(item, dict) else item
    return all(np.isfinite([*channel.values()]).all() for channel in channels)


def _is_grouped(index: pd.MultiIndex) -> bool:
    """Whether all segments of a file follow one another."""
    numbers, _ = pd.factorize(index.get_level_values("file"))
    return bool((np.diff(numbers) >= 0).all())


def _ordered(series: pd.Series, index: pd.MultiIndex) -> pd.Series:
    """Rows in the order of the files of an index."""
    files = index.get_level_values("file").unique()
    numbers = files.get_indexer(series.index.get_level_values("file"))
    return series.iloc[np.argsort(numbers, kind="stable")]


def _write(path: str, series: pd.Series, failed: list[str]) -> None:
    content = pickle.dumps((series, failed))
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(hashlib.sha256(content).digest() + content)


def _read(path: str) -> tuple[pd.Series, list[str]] | None:
    """Read a cache file; ``None`` if it doesn't exist or is damaged."""
    # Another version of pandas may have written it
    with contextlib.suppress(Exception), open(path, "rb") as file:
        digest, content = file.read(32), file.read()
        if hashlib.sha256(content).digest() == digest:
            return pickle.loads(content)
    return None
