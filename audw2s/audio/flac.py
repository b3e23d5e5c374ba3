"""Find the last frame and a second stream of a FLAC, which its header doesn't name."""

import functools
import io
import mmap
import os
from typing import BinaryIO

from audw2s.audio.chunks import file_size
from audw2s.audio.chunks import unmoved

SIZES = (0, 192, 576, 1152, 2304, 4608, -1, -2, *(1 << k for k in range(8, 16)))
"""Number of samples of a frame by its code; negative if coded in so many bytes."""


def second_stream(file: BinaryIO) -> int:
    """Position of a second stream in the same file, -1 if there is none."""
    if isinstance(file, io.FileIO):
        stat = os.fstat(file.fileno())
        return _second_stream(file.name, stat.st_size, stat.st_mtime_ns)
    with unmoved(file):
        file.seek(0)
        return file.read().find(b"fLaC", 4)


@functools.lru_cache(1024)
def _second_stream(path: str, size: int, mtime: int) -> int:
    """Search a file, once for all of its segments."""
    with open(path, "rb", buffering=0) as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(b"fLaC", 4)


def num_samples(file: BinaryIO, head: bytes) -> int:
    """Number of samples per channel by the last frame, 0 if unknown.

    Args:
        file: file opened for reading; its position changes
        head: first bytes of the file

    """
    # The longest frame, and metadata that may follow
    size = (int.from_bytes(head[15:18], "big") or 2**17) + 2**10
    file.seek(max(0, file_size(file) - size))
    tail = file.read(size)
    place = len(tail)
    # Streams whose frames have the same number of samples, except for the last one
    while (place := tail.rfind(b"\xff\xf8", 0, place)) >= 0:
        header = tail[place : place + 20].ljust(20)
        if end := frame_end(header, int.from_bytes(head[8:10], "big")):
            return end
    return 0


def frame_end(header: bytes, size: int) -> int:
    r"""Number of samples per channel up to the end of a frame.

    Args:
        header: first 20 bytes of the frame
        size: number of samples of all frames but the last one

    Returns:
        0 if these bytes aren't the header of a frame

    Examples:
        >>> frame_end(b"\xff\xf8\x75\x08\x03\x03\xff\x86" + bytes(12), 4096)
        13312

    """
    # The number is coded as UTF-8 codes characters
    ones = 8 - (header[4] ^ 0xFF).bit_length()
    number, end = header[4] & 0xFF >> ones + 1, 4 + max(1, ones)
    for byte in header[5:end]:
        number = number << 6 | byte & 0x3F
    count = SIZES[header[2] >> 4]
    if count < 0:
        num_bytes, end = -count, end - count
        count = int.from_bytes(header[end - num_bytes : end], "big") + 1
    end += {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    return number * size + count if _checksum(header[:end]) == header[end] else 0


def _checksum(data: bytes) -> int:
    """CRC-8 of a header."""
    return functools.reduce(lambda value, byte: CHECKSUMS[value ^ byte], data, 0)


def _shifted(value: int) -> int:
    for _ in range(8):
        value = value << 1 ^ (0x107 if value & 0x80 else 0)
    return value


CHECKSUMS = [_shifted(byte) for byte in range(256)]
"""CRC-8 of each byte, with the polynomial of FLAC."""
