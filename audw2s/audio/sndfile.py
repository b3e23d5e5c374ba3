"""Read files that soundfile reads correctly, sample by sample, as it is fastest."""

import contextlib
import functools
import io
import mmap
import os
from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
import soundfile

from audw2s.audio.chunks import is_chained
from audw2s.audio.chunks import missing_share
from audw2s.audio.chunks import unmoved
from audw2s.audio.container import Container
from audw2s.audio.samples import as_float

MAX_FRAMES = 2**48
"""Number of samples per channel beyond any file; soundfile gives more if unknown."""

SUBTYPES = ("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")
SUBTYPES += ("ULAW", "ALAW", "VORBIS", "OPUS")
"""Codecs that soundfile reads correctly; a WAV may hold others."""


class SndFile:
    """File that is read by soundfile.

    Args:
        file: file opened for reading
        head: first bytes of the file

    Raises:
        soundfile.SoundFileError: if soundfile can't read it, or not correctly

    """

    def __init__(self, file: BinaryIO, head: bytes):
        file.seek(0)
        self.sound = soundfile.SoundFile(handle(file), closefd=False)
        self.file = file
        self.notes: list[str] = []
        self.position = 0
        self.sampling_rate = self.sound.samplerate
        self.num_channels = self.sound.channels
        self.kind = (self.sampling_rate, self.num_channels)
        self.num_samples = self.sound.frames
        kind = self.sound.format
        is_known = self.sound.subtype in SUBTYPES and 0 < self.num_samples < MAX_FRAMES
        if not is_known or (kind == "OGG" and is_chained(file)):
            self.close()
            raise soundfile.SoundFileError("soundfile can't read it correctly")
        self.is_exact = kind not in ("FLAC", "OGG")
        self.declared: int | None = self.num_samples
        if self.is_exact:
            # soundfile corrects the number of samples of a truncated file
            self.declared = round(self.num_samples * missing_share(file, head))
        elif kind == "OGG":
            # A truncated file still ends with a complete page
            self.declared = None

    def close(self) -> None:
        """Close the decoder."""
        self.sound.close()

    def blocks(self, first: int, last: float, size: int) -> Iterator[np.ndarray]:
        """Yield samples ``first`` to ``last - 1`` in blocks of ``size``."""
        self.position, end = first, self.num_samples
        try:
            yield from self._blocks(first, min(last, end), size)
        except soundfile.SoundFileError:
            self.notes.append("damaged, what can't be decoded is left out")
            try:
                rest = Container(self.file, is_damaged=True)
                rest.adapt(*self.kind)
                yield from self._continued(rest, self.position, last, size)
            except (av.FFmpegError, ValueError):
                if self.position == first:
                    raise
        else:
            if last > end and (rest := self._following()):
                yield from self._continued(rest, max(0, first - end), last - end, size)

    def _continued(
        self, rest: "SndFile | Container", first: int, last: float, size: int
    ) -> Iterator[np.ndarray]:
        with contextlib.closing(rest):
            for block in rest.blocks(first, last, size):
                self.position += block.shape[1]
                yield block

    def _following(self) -> "SndFile | Container | None":
        """Open a FLAC that follows the first one in the same file."""
        offset = self._second()
        if offset < 0:
            return None
        with contextlib.suppress(soundfile.SoundFileError, av.FFmpegError, ValueError):
            tail = Tail(self.file, offset)
            rest: SndFile | Container = SndFile(tail, b"")
            if (rest.sampling_rate, rest.num_channels) == self.kind:
                return rest
            rest.close()
            # PyAV adapts sampling rate and channels
            rest = Container(tail)
            rest.adapt(*self.kind)
            return rest
        return None

    def _second(self) -> int:
        """Position of a second FLAC in the file, -1 if there is none."""
        if self.sound.format != "FLAC":
            return -1
        if not isinstance(self.file, io.FileIO):
            return _find(self.file, b"fLaC", 4)
        stat = os.fstat(self.file.fileno())
        return _found(self.file.name, stat.st_size, stat.st_mtime_ns)

    def _blocks(self, first: int, last: int, size: int) -> Iterator[np.ndarray]:
        if first >= last:
            return
        if first and self._second() >= 0:
            # libsndfile would seek in both
            for _ in self._blocks(0, first, size):
                pass
        elif first or not self.is_exact:
            # Also to 0: it then finds FLAC behind damage at its beginning
            self.sound.seek(first)
        self.position = first
        # The same values, but libsndfile converts them four times slower
        dtype = "int16" if self.sound.subtype == "PCM_16" else "float32"
        while self.position < last:
            wanted = min(size, last - self.position)
            block = np.empty((wanted, self.num_channels), dtype)
            # Half the overhead of read()
            count = self.sound.buffer_read_into(block, dtype)
            self.position += count
            if count:
                yield as_float(block[:count].T)
            if count < wanted:
                return


class Tail(io.RawIOBase):
    """Rest of a file from a position on, as a file object."""

    def __init__(self, file: BinaryIO, offset: int):
        self.file, self.offset = file, offset
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
            offset += self.file.seek(0, os.SEEK_END) - self.offset
        elif whence == os.SEEK_CUR:
            offset += self.position
        self.position = max(0, offset)
        return self.position

    def tell(self) -> int:
        """Return the position."""
        return self.position

    def readinto(self, buffer: memoryview) -> int:
        """Read bytes into a buffer."""
        self.file.seek(self.offset + self.position)
        found = self.file.read(len(buffer))
        buffer[: len(found)] = found
        self.position += len(found)
        return len(found)


def handle(file: BinaryIO) -> BinaryIO | int | str:
    """File descriptor or path for soundfile, which reads file objects half as fast."""
    if not isinstance(file, io.FileIO):
        return file
    # On Windows, libraries don't share file descriptors
    return str(file.name) if os.name == "nt" else file.fileno()


@functools.lru_cache(1024)
def _found(name: str, size: int, mtime: int) -> int:
    """Find a second FLAC, once for all segments of a file."""
    with open(name, "rb", buffering=0) as file:
        return _find(file, b"fLaC", 4)


def _find(file: BinaryIO, sign: bytes, start: int) -> int:
    """Find bytes in a file, -1 if they aren't there."""
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        with unmoved(file):
            file.seek(start)
            found = file.read().find(sign)
            return found + start if found >= 0 else -1
    with data:
        return data.find(sign, start)
