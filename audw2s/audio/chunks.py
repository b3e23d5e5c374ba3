"""Read the chunks or pages of a file: missing bytes, further streams."""

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO
from typing import Literal
from typing import NamedTuple

W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
"""First bytes of a W64 file; all names of its chunks have 16 bytes."""

UNKNOWN = (2**31, 2**32, 2**63, 2**64)
"""Sizes that mean "unknown": programs that write to a pipe use the largest size."""

ROOM = 2**25
"""Number of bytes by which such a size may be lower, to leave room for the header."""


class Chunk(NamedTuple):
    """Part of a file."""

    name: bytes
    size: int
    """Number of bytes that its header declares."""

    position: int
    """Position behind its header."""


def missing_share(file: BinaryIO, head: bytes) -> float:
    """Declared bytes of samples, relative to those in the file; 1 if none is missing.

    Sizes that mean "unknown" are ignored.

    Args:
        file: file opened for reading
        head: first bytes of the file, as many as are known

    Examples:
        >>> import io
        >>> header = b"RIFF----WAVEdata" + (200).to_bytes(4, "little")
        >>> missing_share(io.BytesIO(header + bytes(50)), header)
        4.0
        >>> missing_share(io.BytesIO(header + bytes(200)), header)
        1.0

    """
    end = file_size(file)
    for chunk in _chunks(file, head, end):
        if chunk.name in (b"data", b"SSND"):
            there = end - chunk.position
            if chunk.size <= there or there <= 0:
                return 1.0
            is_known = not any(top - ROOM <= chunk.size <= top for top in UNKNOWN)
            return chunk.size / there if is_known else 1.0
    return 1.0


def is_oversized(file: BinaryIO, head: bytes) -> bool:
    """Whether a chunk of metadata declares far more bytes than the file has.

    FFmpeg would allocate that amount of memory.
    """
    end = file_size(file)
    return any(
        chunk.name == b"LIST" and chunk.size > end + ROOM
        for chunk in _chunks(file, head, end)
    )


def file_size(file: BinaryIO) -> int:
    """Size of a file in bytes."""
    try:
        return os.fstat(file.fileno()).st_size
    except (AttributeError, OSError):
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


def _chunks(file: BinaryIO, head: bytes, end: int) -> Iterator[Chunk]:
    """Chunks of a file; nothing for other formats."""
    if head.startswith(W64):
        return _long_chunks(file, head, end)
    if head.startswith((b"RIFF", b"RIFX", b"RF64", b"FORM")):
        return _short_chunks(file, head, end)
    return iter(())


def _short_chunks(file: BinaryIO, head: bytes, end: int) -> Iterator[Chunk]:
    is_little = head.startswith((b"RIFF", b"RF64"))
    order: Literal["little", "big"] = "little" if is_little else "big"
    position, long_size = 12, 0
    while position + 8 <= end:
        header = _bytes_at(file, head, position)
        name, size = header[:4], int.from_bytes(header[4:8], order)
        position += 8
        if name == b"ds64":
            long_size = int.from_bytes(header[16:24], "little")
        if name == b"data" and head.startswith(b"RF64") and size == 2**32 - 1:
            size = long_size
        yield Chunk(name, size, position)
        position += size + size % 2


def _long_chunks(file: BinaryIO, head: bytes, end: int) -> Iterator[Chunk]:
    position = 40
    while position + 24 <= end:
        header = _bytes_at(file, head, position)
        # Sizes of W64 count the header, and chunks begin at multiples of 8
        size = max(0, int.from_bytes(header[16:], "little") - 24)
        position += 24
        yield Chunk(header[:4], size, position)
        position += -(-size // 8) * 8


def _bytes_at(file: BinaryIO, head: bytes, position: int) -> bytes:
    """Read 24 bytes, if possible from the first bytes."""
    if position + 24 <= len(head):
        return head[position : position + 24]
    with unmoved(file):
        file.seek(position)
        return file.read(24)


def is_chained(file: BinaryIO) -> bool:
    """Whether an Ogg holds several streams, one after the other or side by side."""
    with unmoved(file):
        file.seek(0)
        first = file.read(18)[14:]
        file.seek(max(0, file_size(file) - 2**17))
        tail = file.read()
    last = tail.rfind(b"OggS")
    return last < 0 or tail[last + 14 : last + 18] != first
