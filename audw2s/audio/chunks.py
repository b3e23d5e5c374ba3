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

    num_bytes: int
    """Number of bytes in the file behind its header."""


def missing_share(file: BinaryIO, head: bytes) -> float:
    """Declared bytes of samples, relative to those in the file; 1 if none is missing.

    Sizes that mean "unknown" are ignored.

    Args:
        file: file opened for reading; its position changes
        head: first bytes of the file, as many as are known

    Examples:
        >>> import io
        >>> header = b"RIFF----WAVEdata" + (200).to_bytes(4, "little")
        >>> missing_share(io.BytesIO(header + bytes(50)), header)
        4.0
        >>> missing_share(io.BytesIO(header + bytes(200)), header)
        1.0

    """
    for name, size, num_bytes in chunks(file, head):
        if name in (b"data", b"SSND"):
            is_unknown = any(top - ROOM <= size <= top for top in UNKNOWN)
            return 1.0 if is_unknown or not num_bytes else max(1.0, size / num_bytes)
    return 1.0


def is_oversized(file: BinaryIO, head: bytes) -> bool:
    """Whether a chunk of metadata declares far more bytes than the file has.

    FFmpeg would allocate that amount of memory.
    """
    end = file_size(file)
    return any(
        name == b"LIST" and size > end + ROOM for name, size, _ in chunks(file, head)
    )


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


def chunks(file: BinaryIO, head: bytes) -> Iterator[Chunk]:
    """Chunks of a RIFF, AIFF or W64 file; none of other formats.

    Args:
        file: file opened for reading; its position changes
        head: first bytes of the file, as many as are known

    """
    is_long = head.startswith(W64)
    if not is_long and not head.startswith((b"RIFF", b"RIFX", b"RF64", b"FORM")):
        return
    is_big = head.startswith((b"RIFX", b"FORM"))
    order: Literal["little", "big"] = "big" if is_big else "little"
    # Begin of the first chunk, sizes of a name and a header, multiples where they begin
    position, name_size, header_size, step = (
        (40, 16, 24, 8) if is_long else (12, 4, 8, 2)
    )
    end, long_size = file.seek(0, os.SEEK_END), 0
    while position + header_size <= end:
        header = head[position : position + 24]
        if len(header) < 24:
            file.seek(position)
            header = file.read(24)
        name, size = header[:4], int.from_bytes(header[name_size:header_size], order)
        position += header_size
        if is_long:
            # Sizes of W64 count the header
            size = max(0, size - header_size)
        elif name == b"ds64":
            long_size = int.from_bytes(header[16:24], "little")
        elif name == b"data" and head.startswith(b"RF64") and size == 2**32 - 1:
            size = long_size
        yield Chunk(name, size, end - position)
        position += -(-size // step) * step


def is_chained(file: BinaryIO) -> bool:
    """Whether an Ogg holds several streams, one after the other or side by side."""
    with unmoved(file):
        file.seek(0)
        first = file.read(18)[14:]
        file.seek(max(0, file_size(file) - 2**17))
        tail = file.read()
    last = tail.rfind(b"OggS")
    return last < 0 or tail[last + 14 : last + 18] != first
