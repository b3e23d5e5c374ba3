"""Match the rows of two tables of clips, by file, start and end."""

import itertools
import os
import unicodedata
import warnings
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.audio.times import SECOND
from audw2s.errors import DataWarning


def matching_rows(rows: pd.DataFrame, clips: pd.DataFrame, name: str) -> np.ndarray:
    """Find the row of each clip.

    A clip with an end has the row of this file with the same start and end, to the
    millisecond; one without has the only row of the file, or the only row with its
    start.

    Args:
        rows: table with ``file``, ``start`` and ``end``
        clips: table with ``file``, ``start`` and ``end``
        name: name of the first table, for messages

    Returns:
        position of the row of each clip, -1 if there is none, ``(num_clips,)``

    Raises:
        ValueError: if a clip has several rows, or none has one, or there are no rows

    Examples:
        >>> second = pd.Timedelta(1, "s")
        >>> rows = pd.DataFrame({"file": ["b.wav"], "start": 0 * second, "end": second})
        >>> clips = pd.DataFrame({"file": ["/x/a.wav", "/x/b.wav"]})
        >>> clips = clips.assign(start=0 * second, end=pd.to_timedelta([None, None]))
        >>> matching_rows(rows, clips, "predictions").tolist()
        [-1, 0]

    """
    if rows.empty:
        raise ValueError(f"'{name}' has no rows.")
    # Letters with accents have two forms
    files, rated = (
        [unicodedata.normalize("NFC", file) for file in table["file"]]
        for table in (rows, clips)
    )
    names, wanted = shared_names(files, rated)
    known: dict[tuple, list[int]] = {}
    for number, key in enumerate(_keys(names, rows)):
        for length in (1, 2, 3):
            known.setdefault(key[:length], []).append(number)
    found = np.full(len(clips), -1)
    for number, key in enumerate(_keys(wanted, clips)):
        # Without an end that is unknown, and without the start of a whole file
        length = 3 if key[2] >= 0 else 2 if key[1] else 1
        of_clip = known.get(key[:length], [])
        if length == len(key) and not of_clip:
            # Half a millisecond may be rounded up in one table, and down in the other
            near = itertools.product([key[0]], *((t, t - 1, t + 1) for t in key[1:]))
            of_clip = next(filter(None, map(known.get, near)), [])
        if len(of_clip) > 1:
            raise ValueError(
                f"'{name}' has {len(of_clip)} rows of '{clips['file'].iloc[number]}', "
                "and one is needed: predict without windows, segments and channels, "
                "or give ratings with the same start and end."
            )
        found[number] = of_clip[0] if of_clip else -1
    if (found < 0).all():
        reason = (
            f"its files are called '{files[0]}' and so on, the rated ones '{rated[0]}'"
        )
        for number, file in enumerate(wanted):
            if of_file := known.get((file,)):
                row, clip = rows.iloc[of_file[0]], clips.iloc[number]
                reason = (
                    f"it has '{row['file']}' {_times(row)}, and the rated clip is "
                    f"{_times(clip)}"
                )
                break
        raise ValueError(f"'{name}' has no row of any rated clip: {reason}.")
    if names != files and not any(os.sep in str(n) for n in wanted):
        text = f"'{name}' has other folders than the ratings: files are matched by "
        warnings.warn(f"{text}their names alone.", DataWarning, stacklevel=4)
    return found


def _times(clip: pd.Series) -> str:
    """Start and end of a clip, in words."""
    start, end = (
        "the end" if pd.isna(time) else f"{time / SECOND:g} s"
        for time in (clip["start"], clip["end"])
    )
    return f"from {start} to {end}"


def _keys(
    names: Sequence[Hashable], table: pd.DataFrame
) -> Iterator[tuple[Hashable, int, int]]:
    """Name of the file, start and end in milliseconds, -1 for an unknown end."""
    times = (table[name].dt.total_seconds().fillna(-0.001) for name in ("start", "end"))
    starts, ends = (np.round(1000 * time).astype(int).tolist() for time in times)
    return zip(names, starts, ends, strict=True)


def shared_names(
    first: Sequence[str], second: Sequence[str]
) -> tuple[list[Hashable], list[Hashable]]:
    """Name files of two lists by as much of the ends of their paths as both share.

    Args:
        first: paths, relative ones from the current folder
        second: paths

    Returns:
        names of the files of both lists; where a name would stand for several files,
        the number of the file, negative in the second list

    Examples:
        >>> shared_names(["calls/a.wav"], ["/data/calls/a.wav", "/data/b/a.wav"])
        (['calls/a.wav'], ['calls/a.wav', 'b/a.wav'])

    """
    lists = [[os.path.abspath(path) for path in paths] for paths in (first, second)]
    parts = [[path.split(os.sep) for path in paths] for paths in lists]
    longest = max((len(path) for paths in parts for path in paths), default=1)
    for depth in range(longest, 0, -1):
        names = [[os.sep.join(path[-depth:]) for path in paths] for paths in parts]
        if not set(names[0]).isdisjoint(names[1]):
            break
    unique = [_unique(n, paths) for n, paths in zip(names, lists, strict=True)]
    return unique[0], [-1 - n if isinstance(n, int) else n for n in unique[1]]


def _unique(names: Sequence[str], paths: Sequence[str]) -> list[Hashable]:
    """Names of files, numbers in place of those that several files have."""
    files: dict[str, set[str]] = {}
    for name, path in zip(names, paths, strict=True):
        files.setdefault(name, set()).add(path)
    return [k if len(files[name]) > 1 else name for k, name in enumerate(names)]
