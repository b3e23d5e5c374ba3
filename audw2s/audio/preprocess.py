"""Sources of blocks: files and arrays; a file as a whole."""

from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from audw2s.audio.decode import BLOCK_DUR
from audw2s.audio.decode import Blocks
from audw2s.audio.decode import file_blocks
from audw2s.audio.decode import prepared
from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.samples import as_float
from audw2s.audio.samples import check_sampling_rate
from audw2s.audio.samples import check_shape
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import SECOND
from audw2s.audio.times import to_timedelta

Read = Callable[..., Blocks]
"""Function that reads a source: takes a report, ``start`` and ``end``; yields blocks.

:func:`audw2s.audio.decode.file_blocks` or :func:`array_blocks`, bound to a file or
signal.
"""

Span = tuple[float, float | None]
"""Start and end of a segment in seconds, ``None`` for the end of the source."""


class UnusableSignalError(ValueError):
    """Raised for unusable input, with ``on_error="raise"``.

    Examples:
        >>> import audw2s
        >>> feature = audw2s.Feature(on_error="raise")
        >>> feature.process_file("nowhere.wav")
        Traceback (most recent call last):
        audw2s.audio.preprocess.UnusableSignalError: nowhere.wav: missing...

    """


def array_blocks(
    signal: np.ndarray,
    sampling_rate: int,
    report: Report,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> Blocks:
    """Cut an array into blocks ``(num_channels, num_samples)`` of float32.

    Args:
        signal: signal as :func:`as_float` takes it
        sampling_rate: sampling rate in Hz
        report: report that is filled with sampling rate and duration
        start: start in seconds
        end: end in seconds, ``None`` for the end of the signal

    Raises:
        ValueError: if the array has more than two dimensions, or is transposed, or the
            sampling rate is no positive whole number
        TypeError: if it holds no real numbers

    """
    check_sampling_rate(sampling_rate)
    signal = np.asarray(signal)
    check_shape(signal)
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


def measured(read: Read) -> Report:
    """Report with the number of samples that can be read, as a header may be wrong."""
    report = Report()
    for block in read(report, start=0.0, end=None):
        report.num_samples += block.shape[1]
    return report


def from_the_start(read: Read, spans: Sequence[Span]) -> Sequence[Span]:
    """Replace negative times, which count from the end of a source.

    Times before the start of the source are set to its start.

    Args:
        read: reader of the source, to get its duration
        spans: start and end of each segment in seconds

    Examples:
        >>> from functools import partial
        >>> read = partial(array_blocks, np.zeros((1, 30)), 10)
        >>> from_the_start(read, [(-1.0, None), (-5.0, -0.5), (1.0, 2.0)])
        [(2.0, None), (0.0, 2.5), (1.0, 2.0)]

    """
    report = measured(read)
    rate = report.sampling_rate

    def absolute(time: float) -> float:
        if time >= 0:
            return time
        sample = max(0, report.num_samples + round(time * rate))
        return to_timedelta(sample, rate) / SECOND if rate else 0.0

    return [
        (absolute(start), None if end is None else absolute(end))
        for start, end in spans
    ]


def load(
    file: str,
    sampling_rate: int = SAMPLING_RATE,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> np.ndarray:
    """Read a file, or a segment of it, as mono float32.

    Args:
        file: path of the file
        sampling_rate: target sampling rate in Hz
        start: start in seconds
        end: end in seconds, ``None`` for the end of the file

    Returns:
        signal ``(num_samples,)``

    Raises:
        UnusableSignalError: if nothing can be read from the file, or it holds NaN

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
    sampling_rate: int = SAMPLING_RATE,
    *,
    start: float = 0.0,
    end: float | None = None,
) -> np.ndarray:
    """Read a file as :func:`load` does, and store problems in a report.

    Args:
        file: path of the file
        report: report that is filled
        sampling_rate: target sampling rate in Hz
        start: start in seconds
        end: end in seconds, ``None`` for the end of the file

    Returns:
        signal ``(num_samples,)``, empty if nothing can be read

    """
    blocks = file_blocks(file, report, start=start, end=end)
    parts = prepared(blocks, report, sampling_rate=sampling_rate)
    return np.concatenate([np.zeros((1, 0), np.float32), *parts], axis=1)[0]
