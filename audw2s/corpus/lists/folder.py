"""List the audio and video in folders, whatever the names of files."""

import dataclasses
import glob
import os
from collections.abc import Iterable

import audeer

from audw2s.files import unlisted_text

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
class Listing:
    """Contents of folders.

    Args:
        files: paths of audio and video
        hidden: paths of files and folders whose names begin with a dot; without a row
        others: paths of files that hold neither audio nor video; without a row
        unlisted: folders that can't be listed, each with its reason

    Examples:
        >>> listing = Listing(hidden=["a/._b.wav"], others=["a/c.txt", "a/d.csv"])
        >>> listing.notes()
        ['Left out: 1 hidden, 2 without audio or video.']
        >>> Listing().notes()
        []

    """

    files: list[str] = dataclasses.field(default_factory=list)
    hidden: list[str] = dataclasses.field(default_factory=list)
    others: list[str] = dataclasses.field(default_factory=list)
    unlisted: list[str] = dataclasses.field(default_factory=list)

    def notes(self) -> list[str]:
        """Sentences on what has no row."""
        kinds = [(self.hidden, "hidden"), (self.others, "without audio or video")]
        counts = [f"{len(paths):,} {text}" for paths, text in kinds if paths]
        notes = [unlisted_text(self.unlisted)] if self.unlisted else []
        return [*notes, f"Left out: {', '.join(counts)}."] if counts else notes

    def left_out(self) -> list[str]:
        """Each file or folder that is left out on purpose, with its reason."""
        return [
            *(f"left out, hidden: {path}" for path in self.hidden),
            *(f"left out, no audio or video: {path}" for path in self.others),
        ]


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
    folders = [folder]
    visited: set[tuple[int, int]] = set()
    while folders or links:
        # Links last, so that files in the folder itself keep their own path
        path = folders.pop() if folders else links.pop(0)
        try:
            contents = _contents(path, visited)
        except OSError as error:
            if path == folder:
                text = f"'{folder}' can't be listed: {error.strerror}."
                raise type(error)(text) from None
            listing.unlisted.append(f"'{path}': {error.strerror}")
            continue
        for entry in contents:
            if entry.name.startswith("."):
                listing.hidden.append(entry.path)
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(entry.path)
            elif has_row(entry.path):
                files.append(entry.path)
            else:
                listing.others.append(entry.path)
    listing.files += sorted(files)
    return listing


def _contents(path: str, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted; nothing if it was visited."""
    state = os.stat(path)
    key = (state.st_dev, state.st_ino)
    if key in visited:
        return []
    visited.add(key)
    with os.scandir(path) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def has_row(path: str) -> bool:
    """Whether a file in a folder has a row."""
    if audeer.file_extension(path).lower() in MEDIA:
        return True
    # Most runs need no decoder in the process that lists their files
    from audw2s.audio.decode import is_media

    return is_media(path)
