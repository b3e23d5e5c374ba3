"""Paths in files of settings."""

import os
from typing import Any


def beside(path: str, other: Any) -> Any:
    """Path that is given in a file, relative to the file's folder.

    Args:
        path: path of the file
        other: path, list of paths, or values by path; anything else is returned as it
            is, and so are databases of audb, which have a name

    Examples:
        >>> beside("/settings/a.toml", ["b.csv", "/c.csv"])
        ['/settings/b.csv', '/c.csv']
        >>> beside("/settings/a.toml", {"b.csv": 1.0})
        {'/settings/b.csv': 1.0}
        >>> beside("/settings/a.toml", "audb:emodb==1.4.1")
        'audb:emodb==1.4.1'

    """
    if isinstance(other, list):
        return [beside(path, one) for one in other]
    if isinstance(other, dict):
        return {beside(path, key): value for key, value in other.items()}
    if not isinstance(other, str) or other.startswith("audb:"):
        return other
    folder = os.path.dirname(os.path.abspath(path))
    return os.path.join(folder, os.path.expanduser(other))
