"""Where a run keeps its files: a local folder, or a folder in an object store.

Both have the same methods. What is written appears whole or not at all.
"""

import contextlib
import importlib.util
import os
import pathlib
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import filelock
import pyarrow as pa
from pyarrow import parquet

from audw2s.corpus.lease import Lease
from audw2s.files import is_url
from audw2s.files import replacing


class RemovedError(FileNotFoundError):
    """What a run had written was removed while it went on."""

    def __init__(self, path: str):
        super().__init__(
            f"'{path}' was removed while this ran, and what it held is lost: start "
            "anew with --restart."
        )


def read_columns(file: pa.NativeFile, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a parquet file.

    Raises:
        pa.ArrowInvalid: if it is damaged

    """
    try:
        # In this thread, as a thread of Arrow that releases bytes while Python ends
        # aborts the process
        shard = parquet.ParquetFile(file, pre_buffer=False)
        return shard.read(columns, use_threads=False)
    except OSError as error:
        # Arrow raises it for damaged pages, too, but then it isn't of the system
        if error.errno is not None:
            raise
        raise pa.ArrowInvalid(str(error)) from None


class Folder:
    """Local folder.

    Args:
        root: path

    Examples:
        >>> with tempfile.TemporaryDirectory() as root:
        ...     folder = Folder(root)
        ...     with folder.replacing("a/b.txt") as path, open(path, "w") as file:
        ...         _ = file.write("whole")
        ...     folder.names("a"), folder.read("a/b.txt"), folder.names("c")
        (['b.txt'], b'whole', [])

    """

    def __init__(self, root: str):
        self.root = self.url = os.path.abspath(root)

    def make(self) -> None:
        """Make the folder, if it isn't there."""
        os.makedirs(self.root, exist_ok=True)

    def path(self, name: str = "") -> str:
        """Path of a file."""
        return os.path.join(self.root, name)

    def names(self, name: str = "") -> list[str]:
        """Names in a folder, sorted; none if it isn't there."""
        path = self.path(name)
        return sorted(os.listdir(path)) if os.path.isdir(path) else []

    def read(self, name: str) -> bytes:
        """Read a file."""
        return pathlib.Path(self.path(name)).read_bytes()

    def table(self, name: str, columns: Sequence[str]) -> pa.Table:
        """Read some columns of a parquet file, see :func:`read_columns`."""
        with pa.OSFile(self.path(name)) as file:
            return read_columns(file, columns)

    @contextlib.contextmanager
    def replacing(self, name: str, *, durable: bool = False) -> Iterator[str]:
        """Yield a path to write a file to, see :func:`audw2s.files.replacing`."""
        # Made again, it would seem as if what was finished were still there
        if not os.path.isdir(self.root):
            raise RemovedError(self.root)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with replacing(self.path(name), durable=durable) as temporary:
            yield temporary

    @contextlib.contextmanager
    def replacing_folder(self, name: str) -> Iterator[str]:
        """Yield a path of a folder, which replaces another one at the end."""
        temporary = self.path(f"tmp{os.getpid()}.{name}")
        try:
            yield temporary
            self.remove(name)
            os.replace(temporary, self.path(name))
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

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
            BlockingIOError: if there is one

        """
        lock = filelock.FileLock(self.path(".lock"), blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise BlockingIOError("") from None
        with contextlib.closing(contextlib.ExitStack()) as stack:
            stack.callback(lock.release)
            yield


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
        >>> store.names(), store.names("a"), store.read("a/b.txt")
        (['a'], ['b.txt'], b'whole')

    """

    def __init__(self, url: str):
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        self.root = self.url = url.rstrip("/")
        options: dict[str, Any] = {}
        try:
            if url.startswith("s3://") and importlib.util.find_spec("boto3"):
                from obstore.auth.boto3 import Boto3CredentialProvider

                options["credential_provider"] = Boto3CredentialProvider()
            self.store = from_url(self.url, **options)
        except (BaseError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"'{url}' can't be written to: {reason}") from None

    def make(self) -> None:
        """Do nothing: folders are names only."""

    def path(self, name: str = "") -> str:
        """Address of a file."""
        return f"{self.root}/{name}"

    def names(self, name: str = "") -> list[str]:
        """Names in a folder, sorted; none if it isn't there."""
        with _explained(self.root):
            listing = self.store.list_with_delimiter(name.rstrip("/") or None)
        files = [file["path"] for file in listing["objects"]]
        return sorted(map(os.path.basename, [*files, *listing["common_prefixes"]]))

    def read(self, name: str) -> bytes:
        """Read a file."""
        with _explained(self.root):
            return bytes(self.store.get(name).bytes())

    def table(self, name: str, columns: Sequence[str]) -> pa.Table:
        """Read some columns of a parquet file, see :func:`read_columns`."""
        return read_columns(pa.BufferReader(self.read(name)), columns)

    @contextlib.contextmanager
    def replacing(self, name: str, *, durable: bool = False) -> Iterator[str]:
        """Yield a path to write a file to, which is put into the store at the end.

        Args:
            name: name of the file
            durable: makes no difference: a store answers when it has stored

        """
        with tempfile.TemporaryDirectory() as folder:
            temporary = pathlib.Path(folder, os.path.basename(name))
            yield str(temporary)
            with _explained(self.root):
                self.store.put(name, temporary)

    @contextlib.contextmanager
    def replacing_folder(self, name: str) -> Iterator[str]:
        """Yield a path of a folder, whose files are put into the store at the end.

        Stores know no folders: for a moment a part of it is there.
        """
        with tempfile.TemporaryDirectory() as folder:
            yield folder
            self.remove(name)
            with _explained(self.root):
                for path in pathlib.Path(folder).rglob("*"):
                    if path.is_file():
                        relative = path.relative_to(folder).as_posix()
                        self.store.put(f"{name}/{relative}", path)

    def remove(self, name: str) -> None:
        """Delete a file or a folder, if it is there."""
        with _explained(self.root):
            files = [file["path"] for files in self.store.list(name) for file in files]
            for path in [name, *files]:
                with contextlib.suppress(FileNotFoundError):
                    self.store.delete(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, see :class:`audw2s.corpus.lease.Lease`.

        Raises:
            BlockingIOError: if there is one

        """
        with _explained(self.root):
            lease = Lease(self.store)
        with contextlib.closing(lease):
            yield
        if lease.lost:
            raise OSError(
                f"Another run has taken over '{self.root}', as this one couldn't "
                "renew its lock: run the same command when that has ended."
            )


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


@contextlib.contextmanager
def _explained(root: str) -> Iterator[None]:
    """Turn errors of a store into an OSError of one line."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        if "NoSuchBucket" in str(error):
            bucket = urllib.parse.urlsplit(root).netloc
            raise OSError(
                f"There is no bucket '{bucket}': create it, or correct the address."
            ) from None
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else OSError
        raise kind(str(error).partition("\n")[0]) from error
