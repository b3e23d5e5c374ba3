"""Read files with PyAV: compressed audio in any container."""

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
from av.stream import Discard

from audw2s.audio.mp3 import promised_samples
from audw2s.audio.samples import as_float

OPTIONS = {"protocol_whitelist": "none"}
"""Options of FFmpeg, so that it doesn't open files that a playlist names."""

IMAGES = ("gif", "image2", "apng", "ico", "tty", "txd", "webp")
"""Formats of pictures and text that FFmpeg treats as video."""

MP4 = "mov,mp4,m4a,3gp,3g2,mj2"

MATROSKA = "matroska,webm"

DECLARING = (MP4, MATROSKA, "flac", "aiff", "caf", "w64")
"""Containers whose duration can be trusted; in others it may be an estimate."""

SEEKABLE = (MP4, "mp3", "aac", "amr", "caf", MATROSKA)
"""Containers with exact seeking; Matroska if frames have the same length."""

FRAMES = ("opus", "aac", "mp3", "mp3float", "flac", "ac3")
"""Codecs whose frames usually have the same number of samples."""

SEEK_DUR = 10.0
"""Start in seconds from which on seeking is faster than decoding all before."""

WARM_UP_DUR = 1.0
"""Duration in seconds that is decoded before a start, as decoders have a state."""

PADDING = 4096
"""Largest number of samples that encoders append to fill their last frame."""

Pieces = Iterator[tuple[int, np.ndarray]]
"""Index of the first sample, and samples ``(num_channels, num_samples)``."""


class NoAudioError(ValueError):
    """Raised if a file can be read, but holds no audio."""


class Nameless:
    """File without its name, as FFmpeg would guess the format from a name."""

    def __init__(self, file: BinaryIO):
        self.file = file
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position; -1 if it doesn't exist, as in damaged headers."""
        try:
            return self.file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def open_nameless(file: BinaryIO) -> av.container.InputContainer:
    """Open a file by its content.

    Raises:
        av.FFmpegError: if FFmpeg doesn't recognise its format

    """
    nameless = Nameless(file)
    return av.open(nameless, "r", metadata_errors="ignore", options=OPTIONS)


class Container:
    """File whose first audio stream is decoded by PyAV.

    Args:
        file: file opened for reading
        is_damaged: whether to check checksums
        share: declared bytes of samples, relative to those in the file

    Raises:
        NoAudioError: if it has no audio stream that can be decoded
        av.FFmpegError: if it can't be opened

    """

    def __init__(self, file: BinaryIO, *, is_damaged: bool = False, share: float = 1.0):
        self.file = file
        self.is_damaged = is_damaged
        self.share = share
        self.num_bad = 0
        self.position = 0
        self.broke_off = ""
        self.adapters: dict[tuple[int, int], av.AudioResampler] = {}
        self._open()
        self.format = self.opened.format.name
        source = self.stream.codec_context if self.first is None else self.first
        self.sampling_rate = source.sample_rate or 0
        self.num_channels = source.layout.nb_channels
        self.layout = source.layout.name
        self.num_streams = len(self.opened.streams.audio)
        self.num_samples = self.declared = self._declared()
        if self.format in ("mp3", "flac"):
            # The header of joined MP3s declares the first one only; what is wrong with
            # a FLAC that soundfile can't read may be its header
            self.num_samples = None
        elif self.format == MATROSKA and self.declared:
            # Includes samples that encoders add at start and end
            frame = self.stream.codec_context.frame_size
            self.declared = max(0, self.declared - 2 * frame)

    is_exact = False

    def _open(self) -> None:
        """Open the file, and decode the first frame."""
        self.file.seek(0)
        self.opened = open_nameless(self.file)
        try:
            self.stream = self._first_stream()
            self.frames = self._decoded()
            self.first = next(self.frames, None)
            if self.first is None and self.num_bad:
                raise NoAudioError(f"none of its {self.num_bad} packets can be decoded")
        except BaseException:
            self.close()
            raise

    def _first_stream(self) -> av.AudioStream:
        streams = [s for s in self.opened.streams.audio if s.codec_context is not None]
        if not streams:
            types = " and ".join(sorted({s.type for s in self.opened.streams}))
            raise NoAudioError(f"no audio stream in it, only {types or 'a header'}")
        for stream in self.opened.streams:
            if stream is not streams[0]:
                stream.discard = Discard.all
        context = streams[0].codec_context
        context.thread_count = 1
        if self.is_damaged:
            # Frames with a wrong checksum would become noise
            context.options = {"err_detect": "crccheck+explode"}
        return streams[0]

    def adapt(self, sampling_rate: int, num_channels: int) -> None:
        """Set another sampling rate and number of channels."""
        self.sampling_rate = sampling_rate
        if num_channels != self.num_channels:
            names = {1: "mono", 2: "stereo"}
            self.layout = names.get(num_channels, f"{num_channels} channels")
            self.num_channels = num_channels

    def close(self) -> None:
        """Close the decoder."""
        self.opened.close()

    @property
    def notes(self) -> list[str]:
        """Messages on the file, as far as it was read."""
        notes = []
        if self.num_streams > 1:
            notes.append(f"the first of {self.num_streams} audio streams")
        if self.num_bad:
            packets = "packet" if self.num_bad == 1 else "packets"
            notes.append(f"{self.num_bad} {packets} can't be decoded, left out")
        if self.broke_off:
            notes.append(f"reading broke off ({self.broke_off})")
        return notes

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """Decode all packets that can be decoded, and count the others."""
        packets = self.opened.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self.broke_off = error_text(error)
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError):
                self.num_bad += 1
                continue
            yield from (frame for frame in frames if frame.samples)

    def _declared(self) -> int | None:
        """Number of samples per channel by the header, if it can be trusted."""
        if self.format == "mp3":
            return promised_samples(self.file, self.stream.codec_context.frame_size)
        if self.format not in DECLARING:
            return None
        seconds = (self.opened.duration or 0) / av.time_base
        if self.stream.duration and self.stream.time_base:
            seconds = float(self.stream.duration * self.stream.time_base)
        return round(seconds * self.sampling_rate) or None

    def blocks(self, first: int, last: float, size: int) -> Iterator[np.ndarray]:
        """Yield samples ``first`` to ``last - 1`` in blocks of at least ``size``."""
        pieces = self._pieces(first)
        if self.format == MP4 and self.declared:
            pieces = without_padding(pieces, self.declared)
        held: list[np.ndarray] = []
        count = 0
        for position, piece in pieces:
            if position >= last:
                break
            stop = min(last - position, piece.shape[1])
            piece = piece[:, max(0, first - position) : int(stop)]
            # Skipped samples are not kept
            if piece.shape[1]:
                held.append(piece)
                count += piece.shape[1]
            if count >= size:
                yield np.concatenate(held, axis=1)
                held, count = [], 0
        if count:
            yield np.concatenate(held, axis=1)
        if self.format == "wav" and self.position < last:
            self.declared = round(self.position * self.share)

    def _pieces(self, first: int) -> Pieces:
        """Decode from a frame at or before a sample."""
        self.position = self._sought(first)
        frame = self.first
        while frame is not None:
            for piece in self._samples(frame):
                position = self.position
                self.position += piece.shape[1]
                yield position, piece
            frame = next(self.frames, None)

    def _sought(self, first: int) -> int:
        """Go to a frame at or before a sample; return its position."""
        start, base = self.first, self.stream.time_base
        is_near = first < SEEK_DUR * self.sampling_rate
        if is_near or self.format not in SEEKABLE or start is None or base is None:
            return 0
        if (origin := self._time_stamp(start)) is None:
            return 0
        wanted = (origin + first) / self.sampling_rate - WARM_UP_DUR
        try:
            self.opened.seek(int(wanted / base), stream=self.stream)
            self.frames = self._decoded()
            self.first = next(self.frames, None)
            position = self._position(origin, start.samples)
            if position is not None and 0 <= position <= first:
                return position
        except av.FFmpegError:
            pass
        self.close()
        self._open()
        return 0

    def _time_stamp(self, frame: av.AudioFrame | None) -> float | None:
        """Time stamp of a frame in samples, ``None`` without."""
        if frame is None or frame.pts is None or frame.time_base is None:
            return None
        return float(frame.pts * frame.time_base * self.sampling_rate)

    def _position(self, origin: float, num_samples: int) -> int | None:
        """Position after seeking.

        Args:
            origin: time stamp of the first frame in samples
            num_samples: number of samples of the first frame

        """
        if self.format == MATROSKA:
            # Decoders may leave out a part of the first frame
            self.first = next(self.frames, None)
        time_stamp = self._time_stamp(self.first)
        if self.first is None or time_stamp is None:
            return None
        passed = time_stamp - origin
        if self.format != MATROSKA:
            return round(passed)
        if self.stream.codec_context.name not in FRAMES:
            return None
        # Time stamps are rounded to milliseconds
        size = self.first.samples
        position = num_samples + round((passed - num_samples) / size) * size
        return position if abs(position - passed) <= self.sampling_rate / 1000 else None

    def _samples(self, frame: av.AudioFrame) -> Iterator[np.ndarray]:
        """Samples of a frame, converted to sampling rate and channels of the file."""
        kind = (frame.sample_rate, frame.layout.nb_channels)
        is_known = not frame.format.name.startswith("s64")
        if kind == (self.sampling_rate, self.num_channels) and is_known:
            yield planes(frame)
            return
        # Chained streams may differ; PyAV can't convert s64 to NumPy arrays
        if kind not in self.adapters:
            target = (self.layout, self.sampling_rate)
            self.adapters[kind] = av.AudioResampler("fltp", *target)
        frame.pts = None
        yield from map(planes, self.adapters[kind].resample(frame))


def holds_media(file: BinaryIO) -> bool:
    """Whether a file holds audio that FFmpeg can decode, or video."""
    try:
        with contextlib.closing(Container(file)) as audio:
            return audio.first is not None
    except NoAudioError:
        file.seek(0)
    with open_nameless(file) as opened:
        is_image = opened.format.name.endswith("_pipe") or opened.format.name in IMAGES
        return bool(opened.streams.video) and not is_image


def planes(frame: av.AudioFrame) -> np.ndarray:
    """Samples ``(num_channels, num_samples)`` of a frame, float32."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    return as_float(samples)


def without_padding(pieces: Pieces, declared: int) -> Pieces:
    """Drop samples that an encoder appended to fill its last frame."""
    held: list[tuple[int, np.ndarray]] = []
    for position, piece in pieces:
        held.append((position, piece))
        end = position + piece.shape[1]
        if not declared < end <= declared + PADDING:
            # Padding is never that long
            yield from held
            held = []
    for position, piece in held:
        if position < declared:
            yield position, piece[:, : declared - position]


def error_text(error: Exception) -> str:
    """Message of an error, without number and file name."""
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
