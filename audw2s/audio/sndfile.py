"""Read files that soundfile reads correctly, sample by sample, as it is fastest.

Chunks of WAV, AIFF and W64 tell how many samples are missing, which soundfile doesn't.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import BinaryIO
from typing import Literal
from typing import NamedTuple

import av
import numpy as np
import soundfile

from audw2s.audio.container import Container
from audw2s.audio.following import Tail
from audw2s.audio.following import second_stream
from audw2s.audio.mp3 import promised_samples
from audw2s.files import file_size
from audw2s.files import unmoved

MAX_FRAMES = 2**48
"""Number of samples per channel beyond any file; soundfile gives more if unknown."""

SUBTYPES = (
    *("PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"),
    *("ULAW", "ALAW", "VORBIS", "OPUS", "MPEG_LAYER_III"),
)
"""Codecs that soundfile reads correctly; a WAV may hold others."""


W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
"""First bytes of a W64 file; all names of its chunks have 16 bytes."""

UNKNOWN = (2**31, 2**32, 2**63, 2**64)
"""Sizes that mean "unknown": programs that write to a pipe use the largest size."""

ROOM = 2**25
"""Number of bytes by which such a size may be lower, to leave room for the header."""

OGG_STREAM = b"OggS\x00\x02"
"""First bytes of the first page of a stream in an Ogg."""


class Chunk(NamedTuple):
    """Part of a file."""

    name: bytes
    size: int
    """Number of bytes that its header declares."""

    num_bytes: int
    """Number of bytes in the file behind its header."""


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
        is_long = file.seek(0, os.SEEK_END) >= UNKNOWN[0] - ROOM
        self.rf64 = as_rf64(file, head) if is_long else None
        self._open()
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

    def _open(self) -> None:
        """Open the file by its descriptor; file objects are read half as fast."""
        self.file.seek(0)
        source: BinaryIO | str | int = self.file
        if self.rf64 is not None:
            source = self.rf64
            source.seek(0)
        elif isinstance(self.file, io.FileIO):
            # On Windows, libraries don't share file descriptors
            source = self.file.name if os.name == "nt" else self.file.fileno()
        self.sound = soundfile.SoundFile(source, closefd=False)
        self.close = self.sound.close

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
            is_missing = size > num_bytes > 0 and not is_unknown(size)
            return size / num_bytes if is_missing else 1.0
    return 1.0


def is_unknown(size: int) -> bool:
    """Whether a size means "unknown".

    Examples:
        >>> is_unknown(2**31 - 4096), is_unknown(2**30)
        (True, False)

    """
    return any(top - ROOM <= size <= top for top in UNKNOWN)


def as_rf64(file: BinaryIO, head: bytes) -> BinaryIO | None:
    """WAV whose samples go on behind the end that its header names, as RF64.

    Sizes in the header have 32 bits. That of longer samples is written without the bits
    above, or, into a pipe, as one that means "unknown".

    Args:
        file: file opened for reading; its position changes
        head: first bytes of the file, as many as are known

    Returns:
        ``None`` for other files

    """
    if not head.startswith(b"RIFF"):
        return None
    parts = (chunk for chunk in chunks(file, head) if chunk.name == b"data")
    if (samples := next(parts, None)) is None:
        return None
    _, size, num_bytes = samples
    begin, rest = file_size(file) - num_bytes, num_bytes - size
    if is_unknown(size) and rest > 0 and not _is_chunk(file, begin + size):
        size = num_bytes
    elif rest >= 2**32 and rest % 2**32 < ROOM:
        size += rest - rest % 2**32
    else:
        return None
    file.seek(0)
    header = file.read(begin)
    fields = (begin + 28 + size, 8), (size, 8), (0, 8), (0, 4)
    ds64 = b"ds64" + b"".join(n.to_bytes(k, "little") for n, k in ((28, 4), *fields))
    unknown = b"\xff" * 4
    before = b"RF64" + unknown + b"WAVE" + ds64 + header[12:-4] + unknown
    return io.BufferedReader(Tail(file, begin, before))


def _is_chunk(file: BinaryIO, position: int) -> bool:
    """Whether a chunk begins at a position, or behind a byte that fills up to it."""
    file.seek(position + position % 2)
    name, size = file.read(4), int.from_bytes(file.read(4), "little")
    is_name = name.isascii() and name.decode().isprintable()
    return is_name and file.tell() + size <= file_size(file) + 1


def is_oversized(file: BinaryIO, head: bytes) -> bool:
    """Whether a chunk of metadata declares far more bytes than the file has.

    FFmpeg would allocate that amount of memory.
    """
    end = file_size(file)
    return any(
        name == b"LIST" and size > end + ROOM for name, size, _ in chunks(file, head)
    )


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
        if name == b"data" and not size:
            # Of a recorder that died: its samples aren't chunks
            return
        position += -(-size // step) * step


def is_chained(file: BinaryIO) -> bool:
    """Whether an Ogg holds several streams, one after the other or side by side.

    Programs give streams numbers, some of them always the same one.
    """
    with unmoved(file):
        file.seek(0)
        first = file.read(18)[14:]
        file.seek(max(0, file_size(file) - 2**17))
        tail = file.read()
    last = tail.rfind(b"OggS")
    is_single = last >= 0 and tail[last + 14 : last + 18] == first
    return not is_single or second_stream(file, OGG_STREAM) >= 0
