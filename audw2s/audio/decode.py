"""Decode any audio file, check its samples, mix its channels, and resample it.

A recording is processed in blocks, so that memory depends on the size of a block only.
All entry points (interfaces, commands, training) use these functions.

The content of a file decides, never its name. soundfile reads PCM, FLAC and Ogg whose
header and content agree, as it is fastest. PyAV reads all other files, and those at
which soundfile fails. No other program is called, and no file is written.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from collections.abc import Sequence
from typing import BinaryIO
from typing import NamedTuple

import av
import numpy as np
import soundfile
import soxr

from audw2s.audio.container import Container
from audw2s.audio.container import NoAudioError
from audw2s.audio.container import error_text
from audw2s.audio.container import holds_media
from audw2s.audio.content import HEAD
from audw2s.audio.content import no_audio
from audw2s.audio.flac import FlacFile
from audw2s.audio.mp3 import is_free_format
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.sndfile import SndFile
from audw2s.audio.sndfile import is_for_soundfile
from audw2s.audio.sndfile import is_oversized
from audw2s.audio.sndfile import missing_share
from audw2s.files import is_url
from audw2s.files import resolve

BLOCK_DUR = 30.0
"""Duration in seconds of a block that is kept in memory."""

BLOCK_SIZE = 2**24
"""Largest size of a block in bytes."""

MIN_RATE = 1000
"""Lowest sampling rate of a file in Hz; below, it can't hold speech."""

MAX_RATE = 768_000
"""Highest sampling rate of a file in Hz; no converter exceeds it."""

MAX_CHANNELS = 64
"""Largest number of channels of a file; with more, its header is damaged."""

ERRORS = (soundfile.SoundFileError, av.FFmpegError, OSError, ValueError)
"""Exceptions that decoders may raise."""

Blocks = Iterator[np.ndarray]
"""Blocks ``(num_channels, num_samples)`` of float32, one after the other."""

File = str | os.PathLike | BinaryIO
"""Path, or binary file object that can seek."""


class Facts(NamedTuple):
    """Facts from the header of a file."""

    sampling_rate: int
    """Sampling rate in Hz."""

    num_channels: int

    duration: float | None
    """Duration in seconds, ``None`` if the header has none, or it can't be trusted."""

    is_exact: bool
    """Whether as many samples can be read."""


class LimitError(ValueError):
    """Raised at values that only a damaged header has.

    Args:
        sampling_rate: sampling rate in Hz
        num_channels: number of channels

    """

    def __init__(self, sampling_rate: int, num_channels: int):
        self.status = "channels"
        text = f"{num_channels} channels, a file may have {MAX_CHANNELS}"
        if not MIN_RATE <= sampling_rate <= MAX_RATE:
            # A minute might become days, or seconds might become gigabytes
            limits = f"speech has {MIN_RATE:,} to {MAX_RATE:,} Hz"
            self.status = "sampling_rate"
            text = f"a sampling rate of {sampling_rate} Hz, {limits}"
        super().__init__(text)


def file_blocks(
    file: File,
    report: Report,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> Blocks:
    """Read a file in blocks ``(num_channels, num_samples)`` of float32.

    Problems with the file are stored in the report; no exception is raised.

    Args:
        file: path or binary file object, read from its beginning
        report: report that is filled with sampling rate, duration and problems
        start: start in seconds
        end: end in seconds, ``None`` for the end of the file

    Examples:
        >>> import io
        >>> report = Report()
        >>> list(file_blocks(io.BytesIO(b"<html>404</html>"), report))
        []
        >>> report.problem
        ('unreadable', 'an HTML page, no audio: a download may have failed')

    """
    try:
        with opened(file) as source, contextlib.closing(decoder(source)) as audio:
            rate = report.sampling_rate = audio.sampling_rate
            first = round(start * rate)
            last = math.inf if end is None else round(end * rate)
            if audio.num_samples is not None:
                report.total = audio.num_samples / rate
            most = BLOCK_SIZE // 4 // audio.num_channels
            try:
                size = max(1, min(int(BLOCK_DUR * rate), most))
                yield from audio.blocks(first, last, size)
            finally:
                report.promised = audio.declared
                if end is not None:
                    report.declared = round(end * rate) - first
                elif audio.declared is not None:
                    report.declared = max(0, audio.declared - first)
                report.notes += audio.notes
                report.total = report.total or audio.position / rate
    except ERRORS as error:
        report.problem = problem(error)


def mono(
    block: np.ndarray,
    channels: int | Sequence[int] | None = None,
    mixdown: bool = True,
) -> np.ndarray:
    """Select channels and average them.

    Args:
        block: block ``(num_channels, num_samples)``
        channels: channel or channels to select, ``None`` for all
        mixdown: average the selected channels

    Returns:
        ``(1, num_samples)`` with mixdown, else one row per selected channel

    Raises:
        ValueError: if a selected channel does not exist

    Examples:
        >>> mono(np.array([[0.0, 1.0], [1.0, 0.0]]))
        array([[0.5, 0.5]])

    """
    if channels is not None:
        wanted = np.atleast_1d(channels).tolist()
        if not all(-len(block) <= channel < len(block) for channel in wanted):
            raise ValueError(
                f"Channels {wanted} were selected, the signal has {len(block)}."
            )
        block = block[wanted]
    if not mixdown or len(block) == 1:
        return block
    if len(block) == 2:
        # 20 times faster than mean() over the short axis
        return (block[:1] + block[1:]) * block.dtype.type(0.5)
    return block.mean(axis=0, keepdims=True)


def prepared(
    blocks: Blocks,
    report: Report,
    channels: int | Sequence[int] | None = None,
    mixdown: bool = True,
    *,
    sampling_rate: int = SAMPLING_RATE,
    resample: bool = True,
) -> Blocks:
    """Select channels, check the samples, convert to mono and resample.

    Blocks are resampled as if they were one signal (soxr, high quality).

    Args:
        blocks: blocks ``(num_channels, num_samples)``
        report: report that is updated; it has the sampling rate of the source after
            the first block
        channels: channel or channels to select, ``None`` for all
        mixdown: average the selected channels
        sampling_rate: target sampling rate in Hz
        resample: ``False`` makes a source at another rate unusable

    """
    stream = None
    for block in blocks:
        if not block.size:
            break
        rate = report.sampling_rate
        if not resample and rate != sampling_rate:
            text = f"{rate} Hz, the model takes {sampling_rate} Hz and resample is off"
            report.problem = ("sampling_rate", text)
            break
        report.num_channels = len(block)
        try:
            block = mono(block, channels, mixdown=False)
        except ValueError as error:
            report.problem = ("channels", str(error).rstrip("."))
            break
        block = report.checked(block)
        mix = mono(block, None, mixdown)
        report.update(block, mix)
        if rate == sampling_rate:
            yield mix
            continue
        if stream is None:
            stream = soxr.ResampleStream(rate, sampling_rate, len(mix))
        chunk = stream.resample_chunk(np.ascontiguousarray(mix.T, np.float32))
        if len(chunk):
            yield chunk.T
    if stream is not None:
        rest = np.zeros((0, len(mix)), np.float32)
        yield stream.resample_chunk(rest, last=True).T


def facts(file: File) -> Facts:
    """Read the header of a file.

    Raises:
        ValueError: if it can't be read; the message names the reason

    """
    try:
        with opened(file) as source, contextlib.closing(decoder(source)) as audio:
            rate, seconds = audio.sampling_rate, None
            if audio.num_samples is not None:
                seconds = audio.num_samples / rate
            return Facts(rate, audio.num_channels, seconds, audio.is_exact)
    except ERRORS as error:
        raise ValueError(problem(error)[1]) from None


def duration(file: File, limit: float = math.inf) -> float:
    """Duration of a file in seconds, counted, as headers may be wrong.

    Args:
        file: path or binary file object
        limit: duration in seconds after which counting stops

    Returns:
        duration in seconds, above the limit for longer files, 0 for a file that can't
        be read

    """
    try:
        header = facts(file)
    except ValueError:
        return 0.0
    if header.is_exact and header.duration is not None:
        return header.duration
    report = Report()
    for block in file_blocks(file, report):
        report.num_samples += block.shape[1]
        if report.duration > limit:
            return max(report.duration, header.duration or 0.0)
    return report.duration


def is_media(file: File) -> bool:
    """Whether a file holds audio or video, whatever its name.

    Examples:
        >>> import io
        >>> is_media(io.BytesIO(b"RIFF----WAVE")), is_media(io.BytesIO(b"text"))
        (True, False)

    """
    try:
        with opened(file) as source:
            head = source.read(HEAD)
            if is_for_soundfile(head) or is_free_format(source, head):
                return True
            return not no_audio(head) and holds_media(source)
    except ERRORS:
        return False


@contextlib.contextmanager
def opened(file: File) -> Iterator[BinaryIO]:
    """Open a path; a file object is read from its beginning, and stays open."""
    if not isinstance(file, str | os.PathLike):
        if not file.seekable():
            raise ValueError("it can't seek: read it into io.BytesIO")
        file.seek(0)
        yield file
        return
    path = os.fspath(file)
    if not os.path.isfile(path):
        path = resolve(path, None)
        if not os.path.isfile(path):
            raise FileNotFoundError(_why_missing(path))
    # Decoders have buffers of their own
    with open(path, "rb", buffering=0) as source:
        yield source


def decoder(source: BinaryIO) -> SndFile | Container:
    """Choose a decoder by the content of a file.

    Args:
        source: file opened for reading, at its beginning

    Raises:
        LimitError: if it has a sampling rate or channels of a damaged header
        NoAudioError: if it holds no audio

    """
    head = source.read(HEAD)
    if isinstance(head, str):
        raise ValueError("opened as text: open it with mode 'rb'")
    audio: SndFile | Container | None = None
    if is_for_soundfile(head) or is_free_format(source, head):
        # What soundfile can't read is left to PyAV
        with contextlib.suppress(soundfile.SoundFileError):
            kind = FlacFile if head.startswith(b"fLaC") else SndFile
            audio = kind(source, head)
    audio = audio or _container(source, head)
    is_rate = MIN_RATE <= audio.sampling_rate <= MAX_RATE
    if not is_rate or not 1 <= audio.num_channels <= MAX_CHANNELS:
        audio.close()
        raise LimitError(audio.sampling_rate, audio.num_channels)
    return audio


def _container(source: BinaryIO, head: bytes) -> Container:
    """Open a file by PyAV."""
    if reason := no_audio(head):
        raise NoAudioError(reason)
    if is_oversized(source, head):
        raise NoAudioError("a chunk of its header is larger than the file")
    return Container(source, share=missing_share(source, head))


def problem(error: Exception) -> tuple[str, str]:
    """Status and reason of a file at which a decoder raises an error."""
    if isinstance(error, LimitError):
        return error.status, str(error)
    if isinstance(error, FileNotFoundError):
        return "missing", str(error)
    reason = " ".join(error_text(error).split())
    if isinstance(error, av.FFmpegError):
        reason = f"no audio that can be decoded ({reason})"
    return "unreadable", reason


def _why_missing(path: str) -> str:
    if is_url(path):
        return "a URL, no file: mount or copy it"
    if os.path.isdir(path):
        return "a folder, no file"
    return "no regular file" if os.path.exists(path) else "no such file"
