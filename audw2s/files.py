"""Paths of files, what tells that a file has changed, writing of complete files."""

import contextlib
import json
import os
import unicodedata
import uuid
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import BinaryIO
from typing import NamedTuple
from typing import TypeVar
from typing import overload

if TYPE_CHECKING:
    import jinja2


def clips_folder() -> str:
    """Folder of the example clips: in the installed package, or in a checkout.

    Examples:
        >>> "emodb-03a05Wa-anger.flac" in os.listdir(clips_folder())
        True

    """
    here = os.path.dirname(os.path.abspath(__file__))
    folders = os.path.join("demo", "clips"), os.path.join("..", "examples", "speech")
    return next(filter(os.path.isdir, (os.path.join(here, f) for f in folders)))


def unlisted_text(unlisted: Sequence[str]) -> str:
    """Message on folders that couldn't be listed, with the names of the first three.

    Examples:
        >>> unlisted_text(["'a': Permission denied"])
        "1 folder can't be listed, what is in it has no row: 'a': Permission denied."

    """
    count, names = len(unlisted), "; ".join(unlisted[:3])
    more = "; …" if count > 3 else ""
    folders = "1 folder" if count == 1 else f"{count} folders"
    them = "it" if count == 1 else "them"
    return f"{folders} can't be listed, what is in {them} has no row: {names}{more}."


Source = TypeVar("Source")


@overload
def resolve(file: str | os.PathLike, root: str | None) -> str: ...
@overload
def resolve(file: Source, root: str | None) -> str | Source: ...
def resolve(file: Any, root: str | None) -> Any:
    """Path of a file, which may begin with ``~`` or be relative to a root folder.

    Args:
        file: path of the file; file objects are returned unchanged
        root: root folder, ``None`` for the current one

    Examples:
        >>> resolve("a.wav", "folder"), resolve("/a.wav", "folder")
        ('folder/a.wav', '/a.wav')

    """
    if not isinstance(file, str | os.PathLike):
        return file
    path = os.path.expanduser(os.fspath(file))
    if root is not None:
        path = os.path.join(os.path.expanduser(root), path)
    return path if path.isascii() else _spelt(path)


def _spelt(path: str) -> str:
    """Path as spelt by the file system, as letters with accents have two forms.

    Each folder may have another form.
    """
    folder, name = os.path.split(path)
    if folder == path or path.isascii() or os.path.exists(path):
        return path
    folder = _spelt(folder)
    for form in ("NFC", "NFD"):
        known = os.path.join(folder, unicodedata.normalize(form, name))
        if os.path.exists(known):
            return known
    return path


def label(file: "str | os.PathLike | object") -> str:
    """Name of a file in tables.

    Examples:
        >>> import io
        >>> label("a.wav"), label(io.BytesIO())
        ('a.wav', '<BytesIO>')

    """
    if isinstance(file, str | os.PathLike):
        return os.fspath(file)
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"


def is_url(path: str) -> bool:
    """Whether a path is a URL.

    Examples:
        >>> is_url("s3://bucket/a.wav"), is_url("folder/a.wav")
        (True, False)

    """
    return "://" in path


@contextlib.contextmanager
def replacing(path: str, *, durable: bool = False) -> Iterator[str]:
    """Yield a temporary path, whose file replaces ``path`` at the end.

    After an error ``path`` is unchanged. The temporary file has the same extension, as
    many libraries choose the format by it.

    Args:
        path: path of the file
        durable: flush the file to disk

    Examples:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> path = os.path.join(folder, "a.txt")
        >>> with replacing(path) as temporary, open(temporary, "w") as file:
        ...     _ = file.write("whole")
        >>> os.listdir(folder)
        ['a.txt']

    """
    folder, name = os.path.split(path)
    # Processes on other machines may have the same id and use the same folder
    temporary = os.path.join(folder, f"tmp{uuid.uuid4().hex}.{name}")
    try:
        # Some libraries write files that only the user may read: set the usual mode
        with open(temporary, "w") as file:
            mode = os.stat(file.fileno()).st_mode
        yield temporary
        os.chmod(temporary, mode)
        if durable:
            _sync(temporary)
        os.replace(temporary, path)
        if durable and os.name != "nt":
            # The folder holds the new name
            _sync(folder or ".")
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


def _sync(path: str) -> None:
    """Flush a file, or the names in a folder, to disk."""
    number = os.open(path, os.O_RDONLY if os.path.isdir(path) else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write_json(value: object, path: str, *, durable: bool = False) -> None:
    """Write a value as JSON.

    Args:
        value: value of types that JSON supports
        path: path of the file
        durable: flush the file to disk, see :func:`replacing`

    Raises:
        ValueError: if it holds NaN or infinity, which JSON doesn't support

    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(f"{text}\n", path, durable=durable)


def templates(
    module: str, *, strict: bool = True, **options: Any
) -> "jinja2.Environment":
    """Templates in the folder of a module.

    Args:
        module: ``__file__`` of the module
        strict: whether names that aren't known are errors, not empty
        options: further options of the environment

    """
    import jinja2

    folder = os.path.dirname(os.path.abspath(module))
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined if strict else jinja2.Undefined,
        **options,
    )


def write_text(text: str, path: str, *, durable: bool = False) -> None:
    """Write a text file, in UTF-8; it appears when it is complete.

    Args:
        text: content of the file
        path: path of the file
        durable: flush the file to disk, see :func:`replacing`

    """
    with replacing(path, durable=durable) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)


def write_files(folder: str, contents: Mapping[str, bytes]) -> dict[str, int]:
    """Write files by their names in a folder; each appears when it is complete.

    Args:
        folder: folder that is created; existing files are replaced
        contents: content of each file by its name, which may have folders

    Returns:
        size of each file in bytes

    """
    for name, content in contents.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            file.write(content)
    return {name: len(content) for name, content in contents.items()}


def file_size(file: BinaryIO) -> int:
    """Size of a file in bytes."""
    with unmoved(file):
        return file.seek(0, os.SEEK_END)


@contextlib.contextmanager
def unmoved(file: BinaryIO) -> Iterator[None]:
    """Restore the position of a file at the end."""
    position = file.tell()
    try:
        yield
    finally:
        file.seek(position)


class Stamp(NamedTuple):
    """Tells whether a file is the one that was processed."""

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
