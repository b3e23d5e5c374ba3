"""Folder of a run: its identity, what it may hold, and that no other run writes."""

import contextlib
import json
from collections.abc import Iterator

from audw2s.corpus.storage import open_storage
from audw2s.version import changes

FOLDER = "parts"
"""Folder of the shards."""

NAMES = (
    *("job.json", FOLDER, "table.csv", "table.parquet", "embeddings.parquet"),
    *("database", ".lock", "speakers.csv", "speakers.parquet"),
)
"""What a run writes into its folder."""


class Job:
    """Folder of a run.

    Args:
        folder: path, is created; or address in a store, such as ``s3://…``
        identity: what values depend on, see :func:`audw2s.version.identity`

    Raises:
        ValueError: if the folder holds other things, or its store isn't known

    """

    def __init__(self, folder: str, identity: dict[str, object]):
        self.folder = folder
        self.identity = identity
        self.is_written = False
        self.storage = open_storage(folder)
        self.storage.make()
        names = self.storage.names()
        others = [n for n in names if n not in NAMES and not is_temporary(n)]
        if others and "job.json" not in names:
            raise ValueError(
                f"'{folder}' holds other things, such as '{sorted(others)[0]}': "
                "--out takes a new or empty folder, or one of an earlier run."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, and delete what killed runs have left half written.

        Raises:
            ValueError: if there is another run

        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.storage.locked())
            except BlockingIOError as error:
                raise ValueError(
                    f"Another run is writing to '{self.folder}'{error}: wait for its "
                    "end, or choose another folder."
                ) from None
            for folder in ("", f"{FOLDER}/"):
                for name in self.storage.names(folder):
                    if is_temporary(name):
                        self.storage.remove(f"{folder}{name}")
            yield

    def restart(self) -> None:
        """Delete what earlier runs have written."""
        for name in NAMES:
            if name != ".lock":
                self.storage.remove(name)

    def check(self) -> None:
        """Make sure that what is there has the identity of this run.

        Raises:
            ValueError: if not, it says what differs

        """
        try:
            stored = json.loads(self.storage.read("job.json"))
            if not isinstance(stored, dict):
                raise ValueError("it isn't of a run")
        except FileNotFoundError:
            if any(n.startswith("part-") for n in self.storage.names(FOLDER)):
                raise ValueError(
                    f"'{self.folder}' doesn't say by what its parts were made, as "
                    "job.json is missing: --restart starts anew."
                ) from None
            return
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"'{self.storage.path('job.json')}' is damaged ({error}): "
                "--restart starts anew."
            ) from None
        if changed := changes(stored, self.identity):
            raise ValueError(
                f"'{self.folder}' was made with other settings: {changed}. "
                "Choose another folder, or delete this one (annotate: --restart)."
            )

    def write_identity(self) -> None:
        """Write the identity, once; without it shards can't be used."""
        if not self.is_written:
            text = json.dumps(self.identity, indent=1, ensure_ascii=False)
            with self.storage.replacing("job.json", durable=True) as path:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"{text}\n")
            self.is_written = True


def is_temporary(name: str) -> bool:
    """Whether a file was left by a run that was killed while it wrote.

    Examples:
        >>> is_temporary("tmp123.table.csv"), is_temporary("tmp.csv")
        (True, False)

    """
    first, _, rest = name.partition(".")
    is_ours = rest in NAMES or rest.startswith("part-")
    return first.startswith("tmp") and is_ours
