"""Folder of a run: what it may hold, and that no other run writes."""

import contextlib
from collections.abc import Iterator

from audw2s.corpus.storage import FOLDER
from audw2s.corpus.storage import NAMES
from audw2s.corpus.storage import Storage
from audw2s.corpus.storage import is_temporary
from audw2s.corpus.storage import open_storage


def open_folder(folder: str) -> Storage:
    """Open the folder of a run.

    Args:
        folder: path, is created; or address in a store, such as ``s3://…``

    Raises:
        ValueError: if the folder holds other things, or its store isn't known

    """
    storage = open_storage(folder)
    storage.make()
    names = storage.names()
    others = [n for n in names if n not in NAMES and not is_temporary(n)]
    if others and FOLDER not in names:
        raise ValueError(
            f"'{folder}' holds other things, such as '{others[0]}': --out takes a new "
            "or empty folder, or one of an earlier run."
        )
    return storage


@contextlib.contextmanager
def locked(storage: Storage) -> Iterator[None]:
    """Keep other runs out.

    Raises:
        ValueError: if there is another run

    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(storage.locked())
        except BlockingIOError as error:
            raise ValueError(
                f"Another run is writing to '{storage.root}'{error}: wait for its "
                "end, or choose another folder."
            ) from None
        yield


def restart(storage: Storage) -> None:
    """Delete what earlier runs have written."""
    for name in NAMES:
        if name != ".lock":
            storage.remove(name)
