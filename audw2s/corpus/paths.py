"""Paths of files as text, and what of a file tells that it has changed."""

import os
from typing import NamedTuple


class Stamp(NamedTuple):
    """Tells whether a file is the one that was heard."""

    size: int
    """Bytes, -1 if there is no such file."""

    mtime_ns: int
    """When it was last changed, -1 if there is no such file."""


def stamp(path: str) -> Stamp:
    """Size and time of a file.

    Examples:
        >>> stamp("not_there.wav")
        Stamp(size=-1, mtime_ns=-1)

    """
    try:
        stat = os.stat(path)
    except (OSError, ValueError):
        return Stamp(-1, -1)
    return Stamp(stat.st_size, stat.st_mtime_ns)


def printable(text: str) -> str:
    r"""Text that can be written, of names of files that hold any bytes.

    Examples:
        >>> printable("gr\udcfcn.wav")
        'gr\\xfcn.wav'

    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        encoded = text.encode("utf-8", "surrogateescape")
        return encoded.decode("utf-8", "backslashreplace")
    return text
