"""What interfaces are given: NumPy's numbers, files, indices."""

import functools
import os
from collections.abc import Callable
from collections.abc import Sequence

import audformat
import numpy as np
import pandas as pd

from audw2s.files import is_url
from audw2s.files import resolve


def plain(value: object) -> object:
    """Turn NumPy's numbers into those of Python, also in lists and arrays.

    Examples:
        >>> plain(np.int64(1)), plain(np.array([0, 1])), plain((np.True_, "a"))
        (1, [0, 1], (True, 'a'))

    """
    if isinstance(value, np.timedelta64):
        return pd.Timedelta(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def plain_arguments(method: Callable) -> Callable:
    """Let a method take NumPy's numbers, and know those of Python only."""

    @functools.wraps(method)
    def call(self: object, *args: object, **kwargs: object) -> object:
        kwargs = {name: plain(value) for name, value in kwargs.items()}
        return method(self, *map(plain, args), **kwargs)

    return call


def check_files(files: Sequence[str]) -> None:
    """Make sure that files are a list.

    Raises:
        ValueError: if they are a string, or a path

    """
    if isinstance(files, str | bytes | os.PathLike):
        raise ValueError(
            f"'files' has to be a list of files, not {files!r}: use process_file for "
            "one, process_folder for a folder, or put it in a list."
        )


def check_index(index: pd.Index) -> None:
    """Make sure that an index is one of files, or of segments of files.

    Raises:
        ValueError: if it isn't

    """
    if not isinstance(index, pd.Index):
        raise ValueError(
            f"'index' has to be an index of audformat, not of type "
            f"'{type(index).__name__}': make one by audformat.filewise_index(files)."
        )
    names = [
        audformat.define.IndexField.FILE,
        audformat.define.IndexField.START,
        audformat.define.IndexField.END,
    ]
    if index.nlevels > 1 and list(index.names) != names:
        raise ValueError(
            f"'index' has to have the levels {', '.join(names)}, or files only; it has "
            f"{', '.join(map(str, index.names))}."
        )
    for file in index.get_level_values(0):
        if not isinstance(file, str):
            raise ValueError(
                f"'index' has to hold paths of files, not {file!r} of type "
                f"'{type(file).__name__}'."
            )


def check_found(index: pd.Index, root: str | None) -> None:
    """Make sure that relative paths aren't all meant to lie elsewhere.

    Raises:
        FileNotFoundError: if none of the files is there

    """
    files = index.get_level_values(0).unique()
    if any(os.path.isabs(file) or is_url(file) for file in files):
        return
    if len(files) and not any(os.path.isfile(resolve(file, root)) for file in files):
        where = os.path.abspath(root or "")
        raise FileNotFoundError(
            f"None of the {len(files)} files is in '{where}', such as '{files[0]}': "
            "say by 'root' in which folder they are, for instance root=db.root."
        )
