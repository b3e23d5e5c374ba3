"""Decode any audio file; the decoder is chosen here.

The content of a file decides, never its name. soundfile reads PCM, FLAC and Ogg whose
header and content agree, as it is fastest. PyAV reads all other files, and those at
which soundfile fails. No other program is called, and no file is written.
"""

import contextlib
import math
import os
from collections.abc import Iterator
from typing import BinaryIO
from typing import NamedTuple

import av
import numpy as np
import soundfile

from audw2s.audio.chunks import is_oversized
from audw2s.audio.container import Container
from audw2s.audio.container import NoAudioError
from audw2s.audio.container import error_text
from audw2s.audio.container import holds_media
from audw2s.audio.content import HEAD
from audw2s.audio.content import is_for_soundfile
from audw2s.audio.content import no_audio
from audw2s.audio.mp3 import is_free_format
from audw2s.audio.quality import Report
from audw2s.audio.sndfile import SndFile
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

File = str | os.PathLike | BinaryIO
"""Path, or binary file object that can seek."""


class Facts(NamedTuple):
    """Facts from the header of a file."""

    sampling_rate: int
    """Sampling rate in Hz."""

    num_channels: int

    duration: float | None
    """Duration in seconds, ``None`` if the header has none, or it can't be trusted."""


def file_blocks(
    file: File,
    report: Report,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[np.ndarray]:
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
    with _faults_in(report), _audio(file) as audio:
        yield from _read(audio, report, start, end)


def facts(file: File) -> Facts:
    """Read the header of a file.

    Raises:
        ValueError: if it can't be read; the message names the reason

    """
    report = Report()
    with _faults_in(report), _audio(file) as audio:
        _check_limits(audio, report)
    if report.problem:
        raise ValueError(report.problem[1])
    seconds = None
    if audio.num_samples is not None:
        seconds = audio.num_samples / audio.sampling_rate
    return Facts(audio.sampling_rate, audio.num_channels, seconds)


def duration(file: File, limit: float = math.inf) -> float:
    """Duration of a file in seconds, counted, as headers may be wrong.

    Args:
        file: path or binary file object
        limit: duration in seconds after which counting stops

    Returns:
        duration in seconds, above the limit for longer files, 0 for a file that can't
        be read

    """
    report, count = Report(), 0
    with _faults_in(report), _audio(file) as audio:
        if audio.is_exact and audio.num_samples is not None:
            return audio.num_samples / audio.sampling_rate
        for block in _read(audio, report, 0.0, None):
            count += block.shape[1]
            if count > limit * audio.sampling_rate:
                return max(count, audio.num_samples or 0) / audio.sampling_rate
    return count / max(1, report.sampling_rate)


def is_media(file: File) -> bool:
    """Whether a file holds audio or video, whatever its name.

    Examples:
        >>> import io
        >>> is_media(io.BytesIO(b"RIFF----WAVE")), is_media(io.BytesIO(b"text"))
        (True, False)

    """
    try:
        with _opened(file) as opened:
            head = opened.read(HEAD)
            if _is_for_soundfile(opened, head):
                return True
            return not no_audio(head) and holds_media(opened)
    except ERRORS:
        return False


@contextlib.contextmanager
def _audio(file: File) -> Iterator[SndFile | Container]:
    """Choose a decoder by the content of a file, and open it."""
    with _opened(file) as opened:
        audio = _decoder(opened)
        try:
            yield audio
        finally:
            audio.close()


def _decoder(opened: BinaryIO) -> SndFile | Container:
    head = opened.read(HEAD)
    if isinstance(head, str):
        raise ValueError("opened as text: open it with mode 'rb'")
    if _is_for_soundfile(opened, head):
        try:
            return SndFile(opened, head)
        except soundfile.SoundFileError:
            # PyAV reads it
            pass
    if reason := no_audio(head):
        raise NoAudioError(reason)
    if is_oversized(opened, head):
        raise NoAudioError("a chunk of its header is larger than the file")
    return Container(opened)


def _is_for_soundfile(opened: BinaryIO, head: bytes) -> bool:
    return is_for_soundfile(head) or is_free_format(opened, head)


@contextlib.contextmanager
def _opened(file: File) -> Iterator[BinaryIO]:
    if not isinstance(file, str | os.PathLike):
        if not file.seekable():
            raise ValueError("it can't seek: read it into io.BytesIO")
        file.seek(0)
        yield file
        return
    path = os.fspath(file)
    if not os.path.isfile(path):
        path = resolve(file, None)
        if not os.path.isfile(path):
            raise FileNotFoundError(_why_missing(path))
    # Decoders have buffers of their own
    with open(path, "rb", buffering=0) as opened:
        yield opened


def _why_missing(path: str) -> str:
    if is_url(path):
        return "a URL, no file: mount or copy it"
    if os.path.isdir(path):
        return "a folder, no file"
    return "no regular file" if os.path.exists(path) else "no such file"


@contextlib.contextmanager
def _faults_in(report: Report) -> Iterator[None]:
    """Store exceptions of decoders as a problem of the report."""
    try:
        yield
    except NoAudioError as error:
        report.problem = ("unreadable", str(error))
    except FileNotFoundError as error:
        report.problem = ("missing", str(error))
    except av.FFmpegError as error:
        text = f"no audio that can be decoded ({error_text(error)})"
        report.problem = ("unreadable", text)
    except ERRORS as error:
        report.problem = ("unreadable", " ".join(error_text(error).split()))


def _check_limits(audio: SndFile | Container, report: Report) -> None:
    """Refuse values that only a damaged header has."""
    rate, channels = audio.sampling_rate, audio.num_channels
    if not MIN_RATE <= rate <= MAX_RATE:
        # A minute might become days, or seconds might become gigabytes
        limits = f"speech has {MIN_RATE:,} to {MAX_RATE:,} Hz"
        report.problem = ("sampling_rate", f"a sampling rate of {rate} Hz, {limits}")
    elif not 1 <= channels <= MAX_CHANNELS:
        text = f"{channels} channels, a file may have {MAX_CHANNELS}"
        report.problem = ("channels", text)


def _read(
    audio: SndFile | Container, report: Report, start: float, end: float | None
) -> Iterator[np.ndarray]:
    _check_limits(audio, report)
    if report.problem:
        return
    rate = report.sampling_rate = audio.sampling_rate
    first = round(start * rate)
    last = math.inf if end is None else round(end * rate)
    if audio.num_samples is not None:
        report.total = audio.num_samples / rate
    size = max(1, min(int(BLOCK_DUR * rate), BLOCK_SIZE // 4 // audio.num_channels))
    try:
        yield from audio.blocks(first, last, size)
    finally:
        report.promised = audio.declared
        if end is not None:
            report.declared = round(end * rate) - first
        elif audio.declared is not None:
            report.declared = max(0, audio.declared - first)
        report.notes += audio.notes
        report.total = report.total or audio.position / rate
