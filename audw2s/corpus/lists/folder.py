"""List the audio and video in folders, whatever the names of files."""

import dataclasses
import glob
import os
from collections.abc import Iterable
from collections.abc import Iterator

import audeer

from audw2s.audio.decode import is_media

MEDIA = (
    *("3gp", "aac", "ac3", "aif", "aifc", "aiff", "amr", "ape", "au", "avi", "caf"),
    *("flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4", "mpeg"),
    *("mpg", "oga", "ogg", "opus", "snd", "sph", "w64", "wav", "wave", "webm", "wma"),
    *("wmv", "wv"),
)
"""Extensions of files that have a row whatever is in them, as it may be damaged.

Others are looked into.
"""


@dataclasses.dataclass
class LeftOut:
    """Files and folders without a row, which aren't missed.

    Args:
        hidden: paths of files and folders whose names begin with a dot
        others: paths of files that hold neither audio nor video

    Examples:
        >>> print(LeftOut(["a/._b.wav"], ["a/c.txt", "a/d.csv"]))
        Left out: 1 hidden, 2 without audio or video.
        >>> print(LeftOut())
        Left out: nothing.

    """

    hidden: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.hidden or self.others)

    def __str__(self) -> str:
        """Count it."""
        counts = [(self.hidden, "hidden"), (self.others, "without audio or video")]
        texts = [f"{len(paths):,} {text}" for paths, text in counts if paths]
        return f"Left out: {', '.join(texts) or 'nothing'}."

    def lines(self) -> Iterator[str]:
        """Name it, a path and its reason a line."""
        yield from (f"left out, hidden: {path}" for path in self.hidden)
        yield from (f"left out, no audio or video: {path}" for path in self.others)


@dataclasses.dataclass
class Listing:
    """Contents of folders.

    Args:
        files: paths of audio and video
        left_out: files and folders without a row
        unlisted: folders that can't be listed, each with its reason

    """

    files: list[str] = dataclasses.field(default_factory=list)
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)
    unlisted: list[str] = dataclasses.field(default_factory=list)


def find_media(paths: Iterable[str]) -> Listing:
    """List the files that are meant by paths, each once, in their order.

    Args:
        paths: files of any kind, folders (see :func:`read_folder`), patterns such as
            ``"data/**/*.wav"``. Missing files are listed as well, they have a row

    Examples:
        >>> find_media(["missing.wav", "missing.wav"]).files
        ['missing.wav']

    """
    listing = Listing()
    for path in map(os.path.expanduser, paths):
        if os.path.isdir(path):
            read_folder(path, listing)
        elif not os.path.exists(path) and glob.has_magic(path):
            matches = sorted(glob.glob(path, recursive=True))
            listing.files += [m for m in matches if os.path.isfile(m)] or [path]
        else:
            listing.files.append(path)
    listing.files = list(dict.fromkeys(listing.files))
    return listing


def read_folder(folder: str, listing: Listing | None = None) -> Listing:
    """List the audio and video in a folder and its subfolders, sorted.

    Folders that are linked are followed, once: also if they are linked in a circle, or
    lie in the folder themselves.

    Args:
        folder: folder that is searched
        listing: listing that is extended, ``None`` for a new one

    Raises:
        OSError: if the folder itself can't be listed

    """
    listing = listing or Listing()
    files: list[str] = []
    links: list[str] = []
    folders, visited = [folder], set()
    while folders or links:
        # Links last, so that files in the folder itself keep their own path
        path = folders.pop() if folders else links.pop(0)
        try:
            state = os.stat(path)
            if (state.st_dev, state.st_ino) in visited:
                continue
            visited.add((state.st_dev, state.st_ino))
            with os.scandir(path) as entries:
                contents = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if path == folder:
                text = f"'{folder}' can't be listed: {error.strerror}."
                raise type(error)(text) from None
            listing.unlisted.append(f"'{path}': {error.strerror}")
            continue
        for entry in contents:
            if entry.name.startswith("."):
                listing.left_out.hidden.append(entry.path)
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(entry.path)
            elif has_row(entry.path):
                files.append(entry.path)
            else:
                listing.left_out.others.append(entry.path)
    listing.files += sorted(files)
    return listing


def has_row(path: str) -> bool:
    """Whether a file in a folder has a row."""
    return audeer.file_extension(path).lower() in MEDIA or is_media(path)
