"""Names of models: those of the catalogue, and those of folders."""

import os

from audw2s.model import early_exit as exits
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import Entry

PREFIX = "catalogue:"
"""Before a name: what is in the catalogue is meant, whatever folders are here."""


class AmbiguousModelError(ValueError):
    """Raised if a name is one of the catalogue, and a folder's."""


class MissingModelError(ValueError):
    """Raised if there is no such model, or its weights aren't here."""


def entry_of(name: str, folder: str = "") -> Entry | None:
    """Entry of the catalogue that a name means, ``None`` if it means a folder.

    Args:
        name: name in the catalogue, maybe after :data:`PREFIX`, or anything else
        folder: that names of folders are relative to, the current one by default

    Raises:
        AmbiguousModelError: if a name in the catalogue is a folder as well

    Examples:
        >>> entry_of("wav2small").name, entry_of("catalogue:wav2small").name
        ('wav2small', 'wav2small')
        >>> entry_of("./wav2small") is None
        True

    """
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
        # Defaults are among these: only a model is in their way
        files = (os.path.join(folder, file) for file in ("model.onnx", exits.INDEX))
        return any(map(os.path.isfile, files))
    return os.path.isdir(folder)


def exact(name: str) -> str:
    """Name in the catalogue that is no folder's, whatever is here.

    Examples:
        >>> exact("wav2small")
        'wav2small'

    """
    try:
        entry_of(name)
    except AmbiguousModelError:
        return PREFIX + name
    return name
