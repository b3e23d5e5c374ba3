"""Read, check, mono, resample: from a file or an array to blocks a model can hear.

Everything flows in blocks, so memory is bounded by the block and not by the
recording. Every entry point (interfaces, command, training) reads through here.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from numbers import Integral

import audiofile
import numpy as np
import soundfile
import soxr

from audw2s.files import is_url
from audw2s.report import UNUSABLE
from audw2s.report import Report

BLOCK_DUR = 30.0
"""Seconds of a recording that are held in memory at a time."""

MIN_RATE = 1000
"""Lowest sampling rate of a file in Hz: there's no speech in one below."""

MIN_SAMPLES = 64
"""Fewest samples at the model's sampling rate from which a value can be made."""


# TypeError is that of a headerless .raw file, of which nobody knows what is in it
UNREADABLE = (soundfile.SoundFileError, OSError, RuntimeError, TypeError, ValueError)
"""What may be raised by readers, whatever is in a file."""


class UnusableSignalError(ValueError):
    """Raised for unusable input where the caller asked for errors."""


def as_float(signal: np.ndarray) -> np.ndarray:
    """Convert an array to 2D float32 in -1…1, without touching the caller's.

    Args:
        signal: ``(num_samples,)`` or ``(num_channels, num_samples)``,
            floating point in -1…1 or integers at full scale

    Returns:
        ``(num_channels, num_samples)``, float32

    Raises:
        ValueError: if the array has more than two dimensions
        TypeError: if it holds no real numbers

    Examples:
        >>> as_float(np.array([-32768, 0, 16384], dtype="int16"))
        array([[-1. ,  0. ,  0.5]], dtype=float32)

    """
    signal = np.asarray(signal)
    if signal.ndim > 2:
        raise ValueError(
            f"A signal has shape (num_channels, num_samples) or (num_samples,), "
            f"not {signal.shape}."
        )
    signal = np.atleast_2d(signal)
    if signal.dtype.kind == "f":
        # Values beyond float32 become inf and are reported as such
        with np.errstate(over="ignore"):
            return signal.astype(np.float32, copy=False)
    if signal.dtype.kind in "iu":
        bits = 8 * signal.dtype.itemsize
        # Up to 16 bits are exact in float32
        values = signal.astype(np.float32 if bits <= 16 else np.float64)
        if signal.dtype.kind == "u":
            values -= 2.0 ** (bits - 1)
        values *= 0.5 ** (bits - 1)
        return values.astype(np.float32, copy=False)
    raise TypeError(f"A signal holds real numbers, not {signal.dtype}.")


def array_blocks(
    signal: np.ndarray,
    sampling_rate: int,
    report: Report,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[np.ndarray]:
    """Cut an array into blocks ``(num_channels, num_samples)`` of float32.

    Args:
        signal: see :func:`as_float`
        sampling_rate: in Hz
        report: is told the sampling rate and the length
        start: first second
        end: last second, ``None`` for all

    Raises:
        ValueError: if the array has more than two dimensions
        TypeError: if it holds no real numbers

    """
    signal = np.atleast_2d(signal)
    # Checked here, as an empty array has no blocks
    as_float(signal[..., :0])
    report.sampling_rate = int(sampling_rate)
    report.total = signal.shape[1] / sampling_rate
    report.promised = signal.shape[1]
    first, size = round(start * sampling_rate), max(1, int(BLOCK_DUR * sampling_rate))
    last = signal.shape[1] if end is None else round(end * sampling_rate)
    if end is not None:
        report.declared = last - first
    last = min(last, signal.shape[1])
    for position in range(first, last, size):
        yield as_float(signal[:, position : min(position + size, last)])


def file_blocks(
    file: str,
    report: Report,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[np.ndarray]:
    """Read a file in blocks ``(num_channels, num_samples)`` of float32.

    Whatever is wrong with the file ends in the report, not in an exception.

    Args:
        file: path
        report: is told the sampling rate, the length, what is declared, and problems
        start: first second to read
        end: last second to read, ``None`` for all

    """
    if not os.path.isfile(file):
        reason = "a URL, no file: mount or copy it" if is_url(file) else "no such file"
        report.problem = ("missing", reason)
        return
    try:
        with _open(file) as sound:
            yield from _read(sound, report, start, end)
    except UNREADABLE as error:
        if not report.num_samples:
            report.problem = ("unreadable", _one_line(error, file))
        # Otherwise decoding broke off: fewer samples than declared tell it


@contextlib.contextmanager
def _open(file: str) -> Iterator[soundfile.SoundFile]:
    """Open a file, through audiofile's converters if soundfile can't."""
    try:
        sound = soundfile.SoundFile(_encoded(file))
    except soundfile.SoundFileError:
        extension = os.path.splitext(file)[1][1:].lower()
        if extension.upper() in soundfile.available_formats() or extension == "mp3":
            raise
        with tempfile.TemporaryDirectory() as folder:
            converted = os.path.join(folder, "converted.wav")
            audiofile.convert_to_wav(file, converted)
            with soundfile.SoundFile(converted) as sound:
                yield sound
        return
    with sound:
        yield sound


def _encoded(file: str) -> str | bytes:
    """Name of a file for soundfile, which can't encode those that aren't UTF-8."""
    try:
        file.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(file)
    return file


def _read(
    sound: soundfile.SoundFile,
    report: Report,
    start: float,
    end: float | None,
) -> Iterator[np.ndarray]:
    rate = report.sampling_rate = sound.samplerate
    if rate < MIN_RATE:
        # Else a damaged header makes days of a minute
        text = f"a sampling rate of {rate} Hz, speech has {MIN_RATE} Hz or more"
        report.problem = ("sampling_rate", text)
        return
    report.total = sound.frames / rate
    report.promised = _promised(sound)
    first = round(start * rate)
    last = sound.frames if end is None else round(end * rate)
    if first >= sound.frames:
        return
    report.declared = (report.promised if end is None else last) - first
    if first:
        sound.seek(first)
    size = max(1, int(BLOCK_DUR * rate))
    while first < last:
        wanted = min(size, last - first)
        block = _read_block(sound, first, wanted)
        if block.shape[1]:
            yield block
        if block.shape[1] < wanted:
            return
        first += wanted


def _read_block(sound: soundfile.SoundFile, first: int, size: int) -> np.ndarray:
    """Read ``(num_channels, num_samples)``; of a damaged block what comes before."""
    try:
        return _samples(sound, size)
    except soundfile.SoundFileError:
        # Once it has failed, a decoder may not even go back
        with soundfile.SoundFile(sound.name) as again:
            parts = list(_until_damage(again, first, size))
        if not parts:
            raise
        return np.concatenate(parts, axis=1)


def _until_damage(
    sound: soundfile.SoundFile, first: int, size: int
) -> Iterator[np.ndarray]:
    position, last = 0, first + size
    with contextlib.suppress(soundfile.SoundFileError):
        # Read up to there, as seeking may look at what is damaged
        while position < last:
            # Frames of FLAC and MP3 are about so long
            wanted = min(1024, last - position)
            part = _samples(sound, wanted)
            read = part.shape[1]
            position += read
            if position > first:
                yield part[:, max(0, first - position + read) :]
            if read < wanted:
                return


def _samples(sound: soundfile.SoundFile, size: int) -> np.ndarray:
    """Read ``(num_channels, num_samples)``, float32."""
    # The same values; libsndfile takes four times longer to convert them
    dtype = "int16" if sound.subtype == "PCM_16" else "float32"
    return as_float(sound.read(size, dtype, always_2d=True).T)


def _promised(sound: soundfile.SoundFile) -> int:
    """Frames that the header promises, where a WAV was cut and frames are fewer.

    soundfile corrects the length of a WAV that was cut, and tells it in its log
    only. Sizes from 2 GB on are what programs write that stream.
    """
    found = re.search(r"^data : (\d+) \(should be (\d+)\)", sound.extra_info, re.M)
    if not found or int(found[1]) >= 2**31 - 1 or int(found[1]) <= int(found[2]):
        return sound.frames
    return round(sound.frames * int(found[1]) / max(1, int(found[2])))


def _one_line(error: Exception, file: str) -> str:
    text = str(error)
    for name in {repr(file), repr(_encoded(file)), repr(os.fsencode(file))}:
        text = text.replace(name, "it")
    text = " ".join(text.split()).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def mono(
    block: np.ndarray,
    channels: int | Sequence[int] | None = None,
    mixdown: bool = True,
) -> np.ndarray:
    """Select channels and average them.

    Args:
        block: ``(num_channels, num_samples)``
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
    block = selected(block, channels)
    if not mixdown or len(block) == 1:
        return block
    if len(block) == 2:
        # 20 times faster than mean() over the short axis
        return (block[:1] + block[1:]) * block.dtype.type(0.5)
    return block.mean(axis=0, keepdims=True)


def selected(
    block: np.ndarray,
    channels: int | Sequence[int] | None = None,
) -> np.ndarray:
    """Select channels, ``None`` for all.

    Raises:
        ValueError: if a selected channel does not exist

    """
    if channels is None:
        return block
    wanted = [channels] if isinstance(channels, Integral) else list(channels)
    if not all(-len(block) <= channel < len(block) for channel in wanted):
        raise ValueError(
            f"Channels {wanted} were selected, the signal has {len(block)}."
        )
    return block[wanted]


def resampled(
    blocks: Iterable[np.ndarray],
    original_rate: int,
    target_rate: int,
) -> Iterator[np.ndarray]:
    """Resample blocks as if they were one signal (soxr, high quality).

    Args:
        blocks: arrays ``(num_channels, num_samples)``
        original_rate: sampling rate of the blocks in Hz
        target_rate: wanted sampling rate in Hz

    """
    if original_rate == target_rate:
        yield from blocks
        return
    stream = None
    for block in blocks:
        if stream is None:
            stream = soxr.ResampleStream(original_rate, target_rate, len(block))
        out = stream.resample_chunk(np.ascontiguousarray(block.T, np.float32))
        if len(out):
            yield out.T
    if stream is not None:
        empty = np.zeros((0, len(block)), np.float32)
        yield stream.resample_chunk(empty, last=True).T


def load(
    file: str,
    sampling_rate: int = 16000,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> np.ndarray:
    """Read a file, or a stretch of it in seconds, as mono float32.

    Returns:
        ``(num_samples,)``

    Raises:
        UnusableSignalError: if nothing can be read from the file, or NaN is in it

    """
    report = Report()
    signal = load_as_found(file, report, sampling_rate, start=start, end=end)
    status, message = report.status(MIN_SAMPLES / sampling_rate)
    if status in UNUSABLE:
        raise UnusableSignalError(f"{file}: {status}: {message}.")
    return signal


def load_as_found(
    file: str,
    report: Report,
    sampling_rate: int = 16000,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> np.ndarray:
    """Read a file as :func:`load` does; what is wrong with it ends in the report.

    Args:
        file: path
        report: is told all that is found
        sampling_rate: wanted sampling rate in Hz
        start: first second
        end: last second, ``None`` for all

    Returns:
        ``(num_samples,)``, without samples if nothing can be read

    """
    blocks = file_blocks(file, report, start=start, end=end)
    blocks = (mono(report.see(block)) for block in blocks)
    parts = list(prepared(blocks, report, sampling_rate))
    return np.concatenate([np.zeros((1, 0), np.float32), *parts], axis=1)[0]


def prepared(
    blocks: Iterator[np.ndarray],
    report: Report,
    sampling_rate: int,
) -> Iterator[np.ndarray]:
    """Resample blocks whose rate is known once the first one was read."""
    first = next(blocks, None)
    if first is None:
        return

    def chained() -> Iterator[np.ndarray]:
        yield first
        yield from blocks

    yield from resampled(chained(), report.sampling_rate, sampling_rate)
