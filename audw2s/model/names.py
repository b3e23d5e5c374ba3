"""Names of models: those of the catalogue, and of folders."""

import os

from audw2s.model import early_exit as exits
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import Entry

PREFIX = "catalogue:"
"""Prefix of a name that refers to the catalogue, even if a folder has that name."""


class AmbiguousModelError(ValueError):
    """Raised if a model of the catalogue and a folder have the same name.

    ``"./teacher"`` names the folder, ``"catalogue:teacher"`` the model.

    Examples:
        >>> import contextlib, os, shutil, tempfile
        >>> import audw2s
        >>> packaged = os.path.dirname(audw2s.load().path)
        >>> with contextlib.chdir(tempfile.mkdtemp()):
        ...     _ = shutil.copytree(packaged, "wav2small")
        ...     audw2s.load("wav2small")
        Traceback (most recent call last):
        audw2s.model.names.AmbiguousModelError: ...

    """


class MissingModelError(ValueError):
    """Raised if there is no such model, or it isn't installed.

    Examples:
        >>> import audw2s
        >>> audw2s.load("nowhere")
        Traceback (most recent call last):
        audw2s.model.names.MissingModelError: ...

    """


def entry_of(name: str, folder: str = "") -> Entry | None:
    """Entry of the catalogue for a name, ``None`` for a folder.

    Args:
        name: name in the catalogue, with or without :data:`PREFIX`, or folder
        folder: folder that relative paths refer to, the current one by default

    Raises:
        AmbiguousModelError: if a folder has the same name as a model of the catalogue
        TypeError: if the name is no text

    Examples:
        >>> entry_of("wav2small").name, entry_of("catalogue:wav2small").name
        ('wav2small', 'wav2small')
        >>> entry_of("./wav2small") is None
        True

    """
    if not isinstance(name, str):
        raise TypeError(f"A model is a name or a folder as text, got {name!r}.")
    if name.startswith(PREFIX):
        name = name.removeprefix(PREFIX)
        if name not in CATALOGUE:
            known = ", ".join(CATALOGUE)
            raise MissingModelError(f"The catalogue has no '{name}', it has {known}.")
        return CATALOGUE[name]
    entry = CATALOGUE.get(name)
    if entry is not None and _is_model_too(os.path.join(folder, name), entry):
        raise AmbiguousModelError(
            f"'{name}' is a model of the catalogue, and a folder is called so as well: "
            f"write './{name}' for the folder, or '{PREFIX}{name}' for the catalogue's."
        )
    return entry


def _is_model_too(folder: str, entry: Entry) -> bool:
    """Whether a folder may be meant by the name of an entry."""
    if entry.packaged:
        # As these are defaults, other folders of that name are ignored
        files = (os.path.join(folder, file) for file in ("model.onnx", exits.INDEX))
        return any(map(os.path.isfile, files))
    return os.path.isdir(folder)


def exact(name: str) -> str:
    """Unambiguous name of a model of the catalogue, with :data:`PREFIX` if needed.

    Examples:
        >>> exact("wav2small")
        'wav2small'

    """
    try:
        entry_of(name)
    except AmbiguousModelError:
        return PREFIX + name
    return name
