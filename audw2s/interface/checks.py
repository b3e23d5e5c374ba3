"""Check and convert arguments of interfaces: numbers, files, indices."""

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
    """Convert NumPy's numbers to Python's, also in lists and arrays.

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
    """Convert NumPy's numbers in the arguments of a method, see :func:`plain`."""

    @functools.wraps(method)
    def call(self: object, *args: object, **kwargs: object) -> object:
        kwargs = {name: plain(value) for name, value in kwargs.items()}
        return method(self, *map(plain, args), **kwargs)

    return call


def check_files(files: Sequence[str]) -> None:
    """Check that files are given as a list.

    Raises:
        ValueError: if they are given as a string or a path

    """
    if isinstance(files, str | bytes | os.PathLike):
        raise ValueError(
            f"'files' has to be a list of files, not {files!r}: use process_file for "
            "one, process_folder for a folder, or put it in a list."
        )


def check_index(index: pd.Index) -> None:
    """Check that an index is a filewise or segmented index of audformat.

    Raises:
        ValueError: if it is neither

    """
    if not isinstance(index, pd.Index):
        raise ValueError(
            f"'index' has to be an index of audformat, not of type "
            f"'{type(index).__name__}': create one with "
            "audformat.filewise_index(files)."
        )
    names = [
        audformat.define.IndexField.FILE,
        audformat.define.IndexField.START,
        audformat.define.IndexField.END,
    ]
    if index.nlevels > 1 and list(index.names) != names:
        raise ValueError(
            f"'index' has to have the levels {', '.join(names)}, or a single level of "
            f"files; it has {', '.join(map(str, index.names))}."
        )
    for file in index.get_level_values(0):
        if not isinstance(file, str):
            raise ValueError(
                f"'index' has to hold paths of files, not {file!r} of type "
                f"'{type(file).__name__}'."
            )


def check_found(index: pd.Index, root: str | None) -> None:
    """Check that at least one file exists, in case the root folder is wrong.

    Raises:
        FileNotFoundError: if all paths are relative and none of the files exists

    """
    files = index.get_level_values(0).unique()
    if any(os.path.isabs(file) or is_url(file) for file in files):
        return
    if len(files) and not any(os.path.isfile(resolve(file, root)) for file in files):
        where = os.path.abspath(root or "")
        raise FileNotFoundError(
            f"None of the {len(files)} files is in '{where}', such as '{files[0]}': "
            "set 'root' to the folder of the files, for instance root=db.root."
        )
