"""What follows in the same file: its rest, and where another stream begins."""

import functools
import io
import os
from typing import BinaryIO

from audw2s.files import unmoved

BLOCK = 2**20
"""Number of bytes that are searched at once."""


class Tail(io.RawIOBase):
    """Rest of a file from a position on, as a file object.

    Args:
        file: file opened for reading
        offset: position from which on it is read
        before: bytes that come before

    Examples:
        >>> Tail(io.BytesIO(b"0123"), 2, b"ab").read()
        b'ab23'

    """

    def __init__(self, file: BinaryIO, offset: int, before: bytes = b""):
        self.file, self.offset, self.before = file, offset, before
        self.position = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can seek."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        if whence == os.SEEK_END:
            size = self.file.seek(0, os.SEEK_END) - self.offset
            offset += len(self.before) + size
        elif whence == os.SEEK_CUR:
            offset += self.position
        self.position = max(0, offset)
        return self.position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer."""
        content = self.before[self.position : self.position + len(buffer)]
        if not content:
            self.file.seek(self.offset + self.position - len(self.before))
            content = self.file.read(len(buffer))
        buffer[: len(content)] = content
        self.position += len(content)
        return len(content)


def second_stream(file: BinaryIO, sign: bytes) -> int:
    """Position of a second stream in the same file, -1 if there is none.

    Args:
        file: file opened for reading
        sign: first bytes of a stream

    """
    if isinstance(file, io.FileIO):
        stat = os.fstat(file.fileno())
        return _second_stream(file.name, sign, stat.st_size, stat.st_mtime_ns)
    with unmoved(file):
        return _find(file, sign)


@functools.lru_cache(1024)
def _second_stream(path: str, sign: bytes, size: int, mtime: int) -> int:
    """Search a file, once for all of its segments."""
    with open(path, "rb", buffering=0) as file:
        return _find(file, sign)


def _find(file: BinaryIO, sign: bytes) -> int:
    """Position of bytes in a file behind its first ones, -1 if there are none.

    Examples:
        >>> _find(io.BytesIO(b"OggS..OggS"), b"OggS"), _find(io.BytesIO(b"Ogg"), b"Ogg")
        (6, -1)

    """
    position = file.seek(len(sign))
    window = b""
    while block := file.read(BLOCK):
        window += block
        if (found := window.find(sign)) >= 0:
            return position + found
        # A sign may begin in one block and end in the next
        searched = max(0, len(window) - len(sign) + 1)
        position, window = position + searched, window[searched:]
    return -1
