"""Where a run keeps its files: a folder here, or a place in an object store.

Both have the same methods. What is written appears whole or not at all: in a folder
files replace others, into a store objects are put in one go.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator

import filelock
import pyarrow as pa
from pyarrow import fs

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


class Folder:
    """A folder of this machine, or of a file system that it has mounted.

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
        """Make it, if it isn't there."""
        os.makedirs(self.root, exist_ok=True)

    def path(self, name: str = "") -> str:
        """Where a file is."""
        return os.path.join(self.root, name)

    def names(self, name: str = "") -> list[str]:
        """List what is in a folder, sorted; nothing if there is none."""
        path = self.path(name)
        return sorted(os.listdir(path)) if os.path.isdir(path) else []

    def read(self, name: str) -> bytes:
        """Read a file."""
        with open(self.path(name), "rb") as file:
            return file.read()

    @contextlib.contextmanager
    def replacing(self, name: str, *, durable: bool = False) -> Iterator[str]:
        """Give a path to write a file to, see :func:`audw2s.files.replacing`."""
        # Made again, it would seem as if what was finished were still there
        if not os.path.isdir(self.root):
            raise RemovedError(self.root)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with replacing(self.path(name), durable=durable) as temporary:
            yield temporary

    @contextlib.contextmanager
    def replacing_folder(self, name: str) -> Iterator[str]:
        """Give a path of a folder, which replaces another one at the end."""
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
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

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
        try:
            yield
        finally:
            lock.release()


class Store:
    """A place in an object store, or in whatever else fsspec knows.

    S3 and Google's store are spoken to by pyarrow, with the credentials that their own
    tools use.

    Args:
        url: such as ``s3://bucket/results``

    Raises:
        ValueError: if nothing is installed that knows it
        OSError: if the store doesn't answer

    Examples:
        >>> store = Store("memory://results")
        >>> with store.replacing("a/b.txt") as path, open(path, "w") as file:
        ...     _ = file.write("whole")
        >>> store.names(), store.names("a"), store.read("a/b.txt")
        (['a'], ['b.txt'], b'whole')

    """

    def __init__(self, url: str):
        self.url = url
        # Options of the connection aren't shown
        self.root = url.partition("?")[0].rstrip("/")
        with _told():
            self.files, self.folder = _file_system(url)
        self.folder = self.folder.rstrip("/")

    def make(self) -> None:
        """There is nothing to be made: folders are names only."""

    def path(self, name: str = "") -> str:
        """Where a file is."""
        return f"{self.root}/{name}"

    def _key(self, name: str) -> str:
        return f"{self.folder}/{name}".rstrip("/")

    def names(self, name: str = "") -> list[str]:
        """List what is in a folder, sorted; nothing if there is none."""
        wanted = fs.FileSelector(self._key(name), allow_not_found=True)
        with _told():
            return sorted(info.base_name for info in self.files.get_file_info(wanted))

    def read(self, name: str) -> bytes:
        """Read a file."""
        with _told(), self.files.open_input_file(self._key(name)) as file:
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the store."""
        key = self._key(name)
        with _told():
            if isinstance(self.files, fs.PyFileSystem):
                self.files.create_dir(os.path.dirname(key))
            with self.files.open_output_stream(key, compression=None) as file:
                file.write(data)

    @contextlib.contextmanager
    def replacing(self, name: str, *, durable: bool = False) -> Iterator[str]:
        """Give a path to write a file to, which is put into the store at the end.

        Args:
            name: of the file
            durable: makes no difference: a store answers when it has stored

        """
        with tempfile.TemporaryDirectory() as folder:
            temporary = os.path.join(folder, os.path.basename(name))
            yield temporary
            self._put(temporary, name)

    @contextlib.contextmanager
    def replacing_folder(self, name: str) -> Iterator[str]:
        """Give a path of a folder, whose files are put into the store at the end.

        Stores know no folders: for a moment a part of it is there.
        """
        with tempfile.TemporaryDirectory() as folder:
            yield folder
            self.remove(name)
            for root, _, files in os.walk(folder):
                for file in files:
                    path = os.path.join(root, file)
                    relative = os.path.relpath(path, folder).replace(os.sep, "/")
                    self._put(path, f"{name}/{relative}")

    def _put(self, path: str, name: str) -> None:
        with pa.memory_map(path) as file:
            self.write(name, file.read_buffer())

    def remove(self, name: str) -> None:
        """Delete a file or a folder, if it is there."""
        key = self._key(name)
        with _told():
            found = self.files.get_file_info(key).type
            if found == fs.FileType.Directory:
                self.files.delete_dir(key)
            elif found != fs.FileType.NotFound:
                self.files.delete_file(key)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, see :class:`audw2s.corpus.lease.Lease`.

        Raises:
            BlockingIOError: if there is one

        """
        lease = Lease(self)
        try:
            yield
        finally:
            lease.end()
        if lease.lost:
            raise OSError(
                f"Another run has taken over '{self.root}', as this one couldn't "
                "renew its lock: run the same command when that has ended."
            )


def _file_system(url: str) -> tuple[fs.FileSystem, str]:
    """Open a store, and give the path in it."""
    with contextlib.suppress(pa.ArrowInvalid):
        return fs.FileSystem.from_uri(url)
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise ValueError(f"'{url}' needs another package: {error}") from None
    return fs.PyFileSystem(fs.FSSpecHandler(files)), path


Storage = Folder | Store
"""What can keep the files of a run."""


def open_storage(out: str) -> Storage:
    """Open a folder, or a place in a store.

    Args:
        out: path, or address such as ``s3://bucket/results``

    Examples:
        >>> open_storage("memory://results").path("table.parquet")
        'memory://results/table.parquet'

    """
    if is_url(out) and not out.startswith("file://"):
        return Store(out)
    return Folder(out.removeprefix("file://"))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn what the packages of stores raise into an OSError."""
    try:
        yield
    except (OSError, ModuleNotFoundError):
        raise
    except Exception as error:
        if isinstance(error, ValueError) and not isinstance(error, pa.ArrowException):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise OSError(reason) from error
