"""Read files that soundfile reads correctly, sample by sample, as it is fastest."""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
import soundfile

from audw2s.audio import flac
from audw2s.audio.chunks import file_size
from audw2s.audio.chunks import is_chained
from audw2s.audio.chunks import missing_share
from audw2s.audio.container import Container
from audw2s.audio.content import HEAD
from audw2s.audio.mp3 import promised_samples

MAX_FRAMES = 2**48
"""Number of samples per channel beyond any file; soundfile gives more if unknown."""

READ_AHEAD = 2**15
"""Number of bytes that libsndfile reads ahead, and more."""

SUBTYPES = (
    *("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"),
    *("ULAW", "ALAW", "VORBIS", "OPUS", "MPEG_LAYER_III"),
)
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
        is_flac = head.startswith(b"fLaC")
        self.last_frame_end = flac.num_samples(file, head) if is_flac else 0
        self.sound = open_sound(file)
        self.file = file
        self.notes: list[str] = []
        self.position = 0
        self.sampling_rate = self.sound.samplerate
        self.num_channels = self.sound.channels
        self.kind = (self.sampling_rate, self.num_channels)
        self.num_samples = self.sound.frames
        self.format, self.subtype = self.sound.format, self.sound.subtype
        self.is_exact = self.format not in ("FLAC", "OGG", "MP3")
        self.declared = self._declared(head)
        if not self._is_read_correctly():
            self.close()
            raise soundfile.SoundFileError("soundfile can't read it correctly")

    def _is_read_correctly(self) -> bool:
        if not 0 < self.num_samples < MAX_FRAMES or self.subtype not in SUBTYPES:
            return False
        if self.format == "OGG":
            return not is_chained(self.file)
        # The header of a FLAC may declare too few samples
        is_more = self.last_frame_end > self.num_samples
        return not is_more or flac.second_stream(self.file) >= 0

    def _declared(self, head: bytes) -> int | None:
        """Number of samples per channel by the header, if it can be trusted."""
        if self.is_exact:
            # soundfile corrects the number of samples of a truncated file
            return round(self.num_samples * missing_share(self.file, head))
        if self.format == "MP3":
            frame_size = 1152 if self.sampling_rate >= 32000 else 576
            return promised_samples(self.file, frame_size)
        # A truncated Ogg still ends with a complete page
        return None if self.format == "OGG" else self.num_samples

    def close(self) -> None:
        """Close the decoder."""
        self.sound.close()

    def blocks(self, first: int, last: float, size: int) -> Iterator[np.ndarray]:
        """Yield samples ``first`` to ``last - 1`` in blocks of ``size``."""
        self.position, end = first, self.num_samples
        try:
            yield from self._blocks(first, int(min(last, end)), size)
        except soundfile.SoundFileError:
            self.notes.append("damaged, what can't be decoded is left out")
            try:
                whole = Container(self.file, is_damaged=True)
                whole.adapt(*self.kind)
                yield from self._continued(whole, self.position, last, size)
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
        if self.format != "FLAC":
            return None
        is_all_read = self.file.tell() == file_size(self.file) > READ_AHEAD
        if is_all_read and self.last_frame_end == self.num_samples:
            return None
        offset = flac.second_stream(self.file)
        if offset < 0:
            return None
        with contextlib.suppress(soundfile.SoundFileError, av.FFmpegError, ValueError):
            tail = io.BufferedReader(Tail(self.file, offset))
            rest: SndFile | Container = SndFile(tail, tail.read(HEAD))
            if (rest.sampling_rate, rest.num_channels) == self.kind:
                return rest
            rest.close()
            # PyAV adapts sampling rate and channels
            rest = Container(tail)
            rest.adapt(*self.kind)
            return rest
        return None

    def _blocks(self, first: int, last: int, size: int) -> Iterator[np.ndarray]:
        if first >= last:
            return
        if first and self.format == "FLAC" and flac.second_stream(self.file) >= 0:
            # libsndfile would seek in both
            for _ in self._blocks(0, first, size):
                pass
        elif first:
            self.sound.seek(first)
        self.position = first
        while self.position < last:
            wanted = min(size, last - self.position)
            block = self._read(wanted)
            count = block.shape[1]
            self.position += count
            if count:
                yield block
            if count < wanted:
                return

    def _read(self, size: int) -> np.ndarray:
        """Read samples as soundfile's ``read()`` does, with half its overhead."""
        # The same values, but libsndfile converts them four times slower
        dtype = "int16" if self.subtype == "PCM_16" else "float32"
        block = np.empty((size, self.num_channels), dtype)
        try:
            count = self.sound.buffer_read_into(block, dtype)
        except soundfile.SoundFileError:
            if self.position:
                raise
            # Behind damage at the beginning, libsndfile finds FLAC after a seek only
            self.sound.close()
            self.sound = open_sound(self.file)
            self.sound.seek(0)
            count = self.sound.buffer_read_into(block, dtype)
        samples = block[:count].T
        return samples * np.float32(2**-15) if dtype == "int16" else samples


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

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer."""
        self.file.seek(self.offset + self.position)
        content = self.file.read(len(buffer))
        buffer[: len(content)] = content
        self.position += len(content)
        return len(content)


def open_sound(file: BinaryIO) -> soundfile.SoundFile:
    """Open a file by its descriptor, as soundfile reads file objects half as fast."""
    file.seek(0)
    if not isinstance(file, io.FileIO):
        return soundfile.SoundFile(file)
    # On Windows, libraries don't share file descriptors
    source = str(file.name) if os.name == "nt" else file.fileno()
    return soundfile.SoundFile(source, closefd=False)
