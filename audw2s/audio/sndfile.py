"""Read files that soundfile reads correctly, sample by sample, as it is fastest."""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
import soundfile

from audw2s.audio.chunks import W64
from audw2s.audio.chunks import is_chained
from audw2s.audio.chunks import missing_share
from audw2s.audio.container import Container
from audw2s.audio.mp3 import promised_samples

MAX_FRAMES = 2**48
"""Number of samples per channel beyond any file; soundfile gives more if unknown."""

SUBTYPES = (
    *("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"),
    *("ULAW", "ALAW", "VORBIS", "OPUS", "MPEG_LAYER_III"),
)
"""Codecs that soundfile reads correctly; a WAV may hold others."""


def is_for_soundfile(head: bytes) -> bool:
    r"""Whether a file has a format that soundfile reads correctly, and fastest.

    Examples:
        >>> is_for_soundfile(b"fLaC\x00\x00\x00\x22"), is_for_soundfile(b"ID3")
        (True, False)

    """
    if head.startswith((b"RIFF", b"RIFX", b"RF64")):
        return head[8:12] == b"WAVE"
    if head.startswith(b"FORM"):
        return head[8:12] in (b"AIFF", b"AIFC")
    return head.startswith((b"fLaC", b"OggS", W64))


class SndFile:
    """File that is read by soundfile.

    Args:
        file: file opened for reading
        head: first bytes of the file

    Raises:
        soundfile.SoundFileError: if soundfile can't read it, or not correctly

    """

    def __init__(self, file: BinaryIO, head: bytes):
        self.file = file
        self.share = missing_share(file, head)
        self.sound = open_sound(file)
        self.notes: list[str] = []
        self.position = 0
        self.sampling_rate = self.sound.samplerate
        self.num_channels = self.sound.channels
        self.num_samples = self.sound.frames
        form, subtype = self.sound.format, self.sound.subtype
        is_known = 0 < self.num_samples < MAX_FRAMES and subtype in SUBTYPES
        if not is_known or form == "OGG" and is_chained(file):
            self.close()
            raise soundfile.SoundFileError("soundfile can't read it correctly")
        self.is_exact = form not in ("FLAC", "OGG", "MP3")
        # soundfile corrects the number of samples of a truncated file
        self.declared: int | None = round(self.num_samples * self.share)
        if form == "OGG":
            # A truncated Ogg still ends with a complete page
            self.declared = None
        elif form == "MP3":
            frame_size = 1152 if self.sampling_rate >= 32000 else 576
            self.declared = promised_samples(file, frame_size)
        # The same values, but libsndfile converts them four times slower
        self.dtype = "int16" if subtype == "PCM_16" else "float32"

    def close(self) -> None:
        """Close the decoder."""
        self.sound.close()

    def blocks(self, first: int, last: float, size: int) -> Iterator[np.ndarray]:
        """Yield samples ``first`` to ``last - 1`` in blocks of ``size``."""
        self.position, end = first, int(min(last, self.num_samples))
        try:
            if 0 < first < end:
                self._go_to(first, size)
            while self.position < end:
                wanted = min(size, end - self.position)
                block = self._read(wanted)
                self.position += block.shape[1]
                if block.shape[1]:
                    yield block
                if block.shape[1] < wanted:
                    break
        except soundfile.SoundFileError:
            self.notes.append("damaged, what can't be decoded is left out")
            try:
                whole = Container(self.file, is_damaged=True, share=self.share)
                whole.adapt(self.sampling_rate, self.num_channels)
                yield from self._continued(whole, self.position, last, size)
            except (av.FFmpegError, ValueError):
                if self.position == first:
                    raise

    def _continued(
        self, rest: "SndFile | Container", first: int, last: float, size: int
    ) -> Iterator[np.ndarray]:
        with contextlib.closing(rest):
            for block in rest.blocks(first, last, size):
                self.position += block.shape[1]
                yield block

    def _go_to(self, first: int, size: int) -> None:
        """Go to a sample; a file that can't seek is read in blocks of a size."""
        self.sound.seek(first)

    def _read(self, size: int) -> np.ndarray:
        """Read samples as soundfile's ``read()`` does, with half its overhead."""
        block = np.empty((size, self.num_channels), self.dtype)
        count = self.sound.buffer_read_into(block, self.dtype)
        samples = block[:count].T
        return samples * np.float32(2**-15) if self.dtype == "int16" else samples


def open_sound(file: BinaryIO) -> soundfile.SoundFile:
    """Open a file by its descriptor, as soundfile reads file objects half as fast."""
    file.seek(0)
    if not isinstance(file, io.FileIO):
        return soundfile.SoundFile(file)
    # On Windows, libraries don't share file descriptors
    source = str(file.name) if os.name == "nt" else file.fileno()
    return soundfile.SoundFile(source, closefd=False)
