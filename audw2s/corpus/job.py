"""Folder of a run: what it may hold, and that no other run writes."""

import contextlib
from collections.abc import Iterator

from audw2s.corpus.shards import FOLDER
from audw2s.corpus.storage import Storage
from audw2s.corpus.storage import open_storage

NAMES = (
    *(FOLDER, "table.csv", "table.parquet", "embeddings.parquet"),
    *("database", ".lock", "speakers.csv", "speakers.parquet"),
)
"""What a run writes into its folder."""


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
    """Keep other runs out, and delete what killed runs have left half written.

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
        for folder in ("", f"{FOLDER}/"):
            for name in filter(is_temporary, storage.names(folder)):
                storage.remove(f"{folder}{name}")
        yield


def restart(storage: Storage) -> None:
    """Delete what earlier runs have written."""
    for name in NAMES:
        if name != ".lock":
            storage.remove(name)


def is_temporary(name: str) -> bool:
    """Whether a file was left by a run that was killed while it wrote.

    Examples:
        >>> is_temporary("tmp123.table.csv"), is_temporary("tmp.csv")
        (True, False)

    """
    first, _, rest = name.partition(".")
    return first.startswith("tmp") and (rest in NAMES or rest.startswith("part-"))
