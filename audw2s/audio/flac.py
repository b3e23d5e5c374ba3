"""Read FLAC: the header names neither the last frame nor a second stream."""

import contextlib
import functools
import io
from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
import soundfile

from audw2s.audio.container import Container
from audw2s.audio.content import HEAD
from audw2s.audio.following import Tail
from audw2s.audio.following import second_stream
from audw2s.audio.sndfile import SndFile
from audw2s.files import file_size

SIGN = b"fLaC"
"""First bytes of a stream."""

SIZES = (0, 192, 576, 1152, 2304, 4608, -1, -2, *(1 << k for k in range(8, 16)))
"""Number of samples of a frame by its code; negative if coded in so many bytes."""

READ_AHEAD = 2**15
"""Number of bytes that libsndfile reads ahead, and more."""


class FlacFile(SndFile):
    """FLAC that is read by soundfile, and what follows it in the same file.

    Args:
        file: file opened for reading
        head: first bytes of the file

    Raises:
        soundfile.SoundFileError: if soundfile can't read it, or not correctly

    """

    def __init__(self, file: BinaryIO, head: bytes):
        self.last_frame_end = num_samples(file, head)
        super().__init__(file, head)
        # The header may declare too few samples
        if self.last_frame_end > self.num_samples and second_stream(file, SIGN) < 0:
            self.close()
            raise soundfile.SoundFileError("soundfile can't read it correctly")

    def blocks(self, first: int, last: float, size: int) -> Iterator[np.ndarray]:
        """Yield samples ``first`` to ``last - 1`` in blocks of ``size``."""
        yield from super().blocks(first, last, size)
        end = self.num_samples
        if last > end and not self.notes and (rest := self._following()):
            yield from self._continued(rest, max(0, first - end), last - end, size)

    def _following(self) -> SndFile | Container | None:
        """Open a FLAC that follows the first one in the same file."""
        is_all_read = self.file.tell() == file_size(self.file) > READ_AHEAD
        if is_all_read and self.last_frame_end == self.num_samples:
            return None
        offset = second_stream(self.file, SIGN)
        if offset < 0:
            return None
        with contextlib.suppress(soundfile.SoundFileError, av.FFmpegError, ValueError):
            tail = io.BufferedReader(Tail(self.file, offset))
            rest = FlacFile(tail, tail.read(HEAD))
            kind = self.sampling_rate, self.num_channels
            if (rest.sampling_rate, rest.num_channels) == kind:
                return rest
            rest.close()
            # PyAV adapts sampling rate and channels
            adapted = Container(tail)
            adapted.adapt(*kind)
            return adapted
        return None

    def _go_to(self, first: int, size: int) -> None:
        """Go to a sample."""
        if second_stream(self.file, SIGN) < 0:
            self.sound.seek(first)
            return
        # libsndfile would seek in both
        for self.position in range(0, first, size):
            self._read(min(size, first - self.position))
        self.position = first

    def _read(self, size: int) -> np.ndarray:
        """Read samples, also behind damage at the beginning."""
        try:
            return super()._read(size)
        except soundfile.SoundFileError:
            if self.position:
                raise
            # libsndfile finds the first frame after a seek only
            self.close()
            self._open()
            self.sound.seek(0)
            return super()._read(size)


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
