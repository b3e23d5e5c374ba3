"""Where a run keeps its files: a local folder, or a folder in an object store.

Both have the same methods. What is written appears whole or not at all.
"""

import contextlib
import importlib.util
import os
import pathlib
import shutil
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import Any

import filelock
import pyarrow as pa

from audw2s.corpus.lease import Lease
from audw2s.files import is_url
from audw2s.files import replacing

FOLDER = "parts"
"""Folder of the shards."""

NAMES = (
    *(FOLDER, "table.csv", "table.parquet", "embeddings.parquet"),
    *("database", ".lock", "speakers.csv", "speakers.parquet"),
)
"""What a run writes into its folder."""

ABANDONED = 3600.0
"""Seconds after which nobody writes on at a half-written file."""


class LostError(OSError):
    """The folder of a run isn't its any more: it was removed, or taken over."""


def removed(path: str) -> LostError:
    """Error if what a run had written was removed while it went on."""
    return LostError(
        f"'{path}' was removed while this ran, and what it held is lost: start anew "
        "with --restart."
    )


def in_use(root: str, lock: object = "") -> ValueError:
    """Error if another run writes to a folder; the lock may say which."""
    return ValueError(
        f"Another run is writing to '{root}'{lock}: wait for its end, or choose "
        "another folder."
    )


class Folder:
    """Local folder.

    Args:
        root: path

    Examples:
        >>> with tempfile.TemporaryDirectory() as root:
        ...     folder = Folder(root)
        ...     with folder.replacing("a/b.txt") as path, open(path, "w") as file:
        ...         _ = file.write("whole")
        ...     folder.names("a"), folder.open("a/b.txt").read(), folder.names("c")
        (['b.txt'], b'whole', [])

    """

    def __init__(self, root: str):
        self.root = os.path.abspath(root)

    def make(self) -> None:
        """Make the folder, if it isn't there."""
        os.makedirs(self.root, exist_ok=True)

    def path(self, name: str) -> str:
        """Path of a file."""
        return os.path.join(self.root, name)

    def names(self, name: str = "") -> list[str]:
        """Names in a folder, sorted; none if it isn't there."""
        # It may be removed at any time
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return sorted(os.listdir(self.path(name)))
        return []

    def open(self, name: str) -> pa.NativeFile:
        """Open a file to read it."""
        return pa.OSFile(self.path(name))

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[str]:
        """Yield a path to write a file to, see :func:`audw2s.files.replacing`.

        Raises:
            LostError: if the folder is removed before, or meanwhile

        """
        # Made again, it would seem as if what was finished were still there
        if not os.path.isdir(self.root):
            raise removed(self.root)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with self._watched(), replacing(self.path(name), durable=True) as temporary:
            yield temporary

    @contextlib.contextmanager
    def replacing_folder(self, name: str) -> Iterator[str]:
        """Yield a path of a folder, which replaces another one at the end."""
        # Not by the number of the process: in containers all runs may have the same
        temporary = self.path(f"tmp{uuid.uuid4().hex}.{name}")
        try:
            yield temporary
            with self._watched():
                self.remove(name)
                os.replace(temporary, self.path(name))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Write; what isn't there any more was removed meanwhile."""
        try:
            yield
        except FileNotFoundError:
            raise removed(self.root) from None

    def remove(self, name: str) -> None:
        """Delete a file or a folder, if it is there."""
        path = self.path(name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            pathlib.Path(path).unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, until the end of this process at the latest.

        Raises:
            ValueError: if there is one

        """
        lock = filelock.FileLock(self.path(".lock"), blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise in_use(self.root) from None
        try:
            self._clean()
            yield
        finally:
            lock.release()

    def _clean(self) -> None:
        """Delete what killed runs have left half written."""
        for name in [*self.names(), *(f"{FOLDER}/{n}" for n in self.names(FOLDER))]:
            # Machines of a cluster may still write for a run that was killed
            with contextlib.suppress(FileNotFoundError):
                age = time.time() - os.path.getmtime(self.path(name))
                if is_temporary(os.path.basename(name)) and age > ABANDONED:
                    self.remove(name)


class Store:
    """Folder in an object store.

    Credentials, region and so on come from the machine (roles, service accounts) and
    from environment variables such as ``AWS_ACCESS_KEY_ID`` and ``AWS_ENDPOINT_URL``;
    profiles of ``~/.aws`` are found if boto3 is installed.

    Args:
        url: address such as ``s3://bucket/results``

    Raises:
        ModuleNotFoundError: if the extra ``s3`` isn't installed
        ValueError: if the address is none of a store
        OSError: if the store doesn't answer

    Examples:
        >>> store = Store("memory:///results")
        >>> with store.replacing("a/b.txt") as path, open(path, "w") as file:
        ...     _ = file.write("whole")
        >>> store.names(), store.names("a"), store.open("a/b.txt").read()
        (['a'], ['b.txt'], b'whole')

    """

    def __init__(self, url: str):
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        self.root = url.rstrip("/")
        self.lease: Lease | None = None
        options: dict[str, Any] = {}
        try:
            if url.startswith("s3://") and importlib.util.find_spec("boto3"):
                from obstore.auth.boto3 import Boto3CredentialProvider

                options["credential_provider"] = Boto3CredentialProvider()
            self.store = from_url(self.root, **options)
        except (BaseError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"'{url}' can't be written to: {reason}") from None

    def make(self) -> None:
        """Do nothing: folders are names only."""

    def path(self, name: str) -> str:
        """Address of a file."""
        return f"{self.root}/{name}"

    def names(self, name: str = "") -> list[str]:
        """Names in a folder, sorted; none if it isn't there."""
        with self._explained():
            listing = self.store.list_with_delimiter(name or None)
        files = [file["path"] for file in listing["objects"]]
        return sorted(map(os.path.basename, [*files, *listing["common_prefixes"]]))

    def open(self, name: str) -> pa.NativeFile:
        """Read a file."""
        with self._explained():
            return pa.BufferReader(bytes(self.store.get(name).bytes()))

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[str]:
        """Yield a path to write a file to, which is put into the store at the end."""
        with tempfile.TemporaryDirectory() as folder:
            temporary = pathlib.Path(folder, os.path.basename(name))
            yield str(temporary)
            with self._changed():
                self.store.put(name, temporary)

    @contextlib.contextmanager
    def replacing_folder(self, name: str) -> Iterator[str]:
        """Yield a path of a folder, whose files are put into the store at the end.

        Stores know no folders: for a moment a part of it is there.
        """
        with tempfile.TemporaryDirectory() as folder:
            yield folder
            self.remove(name)
            with self._changed():
                for path in pathlib.Path(folder).rglob("*"):
                    if path.is_file():
                        relative = path.relative_to(folder).as_posix()
                        self.store.put(f"{name}/{relative}", path)

    def remove(self, name: str) -> None:
        """Delete a file or a folder, if it is there."""
        with self._changed():
            files = [file["path"] for files in self.store.list(name) for file in files]
            for path in [name, *files]:
                with contextlib.suppress(FileNotFoundError):
                    self.store.delete(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, see :class:`audw2s.corpus.lease.Lease`.

        Raises:
            ValueError: if there is one

        """
        try:
            with self._explained():
                self.lease = Lease(self.store)
        except BlockingIOError as error:
            raise in_use(self.root, error) from None
        with contextlib.closing(self.lease):
            yield
        with self._changed():
            self.lease = None

    @contextlib.contextmanager
    def _changed(self) -> Iterator[None]:
        """Change the folder, if no other run has taken it over."""
        if self.lease is not None and self.lease.lost:
            raise LostError(
                f"Another run has taken over '{self.root}', as this one couldn't "
                "renew its lock: run the same command when that has ended."
            )
        with self._explained():
            yield

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the store into an OSError of one line."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            if "NoSuchBucket" in str(error):
                bucket = urllib.parse.urlsplit(self.root).netloc
                raise OSError(
                    f"There is no bucket '{bucket}': create it, or correct the address."
                ) from None
            is_missing = isinstance(error, FileNotFoundError)
            kind = FileNotFoundError if is_missing else OSError
            raise kind(str(error).partition("\n")[0]) from error


Storage = Folder | Store
"""What can keep the files of a run."""


def open_storage(out: str) -> Storage:
    """Open a local folder, or a folder in a store.

    Args:
        out: path, or address such as ``s3://bucket/results``

    Examples:
        >>> open_storage("memory:///results").path("table.parquet")
        'memory:///results/table.parquet'

    """
    if is_url(out) and not out.startswith("file://"):
        return Store(out)
    return Folder(out.removeprefix("file://"))


def is_temporary(name: str) -> bool:
    """Whether a file was left by a run that was killed while it wrote.

    Examples:
        >>> is_temporary("tmp123.table.csv"), is_temporary("tmp.csv")
        (True, False)

    """
    first, _, rest = name.partition(".")
    return first.startswith("tmp") and (rest in NAMES or rest.startswith("part-"))


def open_folder(out: str) -> Storage:
    """Open the folder of a run; a local one is created.

    Args:
        out: see :func:`open_storage`

    Raises:
        ValueError: if the folder holds other things, or its store isn't known

    """
    storage = open_storage(out)
    storage.make()
    names = storage.names()
    others = [n for n in names if n not in NAMES and not is_temporary(n)]
    if others and FOLDER not in names:
        raise ValueError(
            f"'{out}' holds other things, such as '{others[0]}': --out takes a new or "
            "empty folder, or one of an earlier run."
        )
    return storage


def clear(storage: Storage) -> None:
    """Delete what earlier runs have written."""
    for name in NAMES:
        if name != ".lock":
            storage.remove(name)
