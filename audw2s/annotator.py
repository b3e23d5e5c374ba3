"""From a file or a signal to rows: the one way that all entry points go.

read → check → mono → resample → windows → model → rows.
"""

import math
import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import NamedTuple

import numpy as np

from audw2s.catalogue import DIMENSIONS
from audw2s.catalogue import SAMPLING_RATE
from audw2s.network import Network
from audw2s.report import SHORT_DUR
from audw2s.report import UNUSABLE
from audw2s.report import Report
from audw2s.signal import MIN_SAMPLES
from audw2s.signal import array_blocks
from audw2s.signal import file_blocks
from audw2s.signal import mono
from audw2s.signal import prepared
from audw2s.version import __version__
from audw2s.windows import windows

if TYPE_CHECKING:
    import audonnx

MIN_DUR = MIN_SAMPLES / SAMPLING_RATE

Tap = Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]


class Row(NamedTuple):
    """A/D/V of one stretch of a recording."""

    start: float
    """In seconds."""

    end: float
    """In seconds, NaN if unknown."""

    values: np.ndarray
    """``(num_channels, 3)``, float32, NaN where no value is honest."""

    status: str
    """See :class:`audw2s.report.Report`."""

    message: str
    """The reason for the status, in words."""


class Annotator:
    """Gives rows of A/D/V for files and signals; bad input is a row, no exception.

    A recording longer than the model takes at once is heard in blocks of that
    length, its value is their mean, weighted by duration.

    Args:
        model: name, folder or model, see :class:`audw2s.network.Network`
        win_dur: duration of windows in seconds, ``None`` for one row per input
        hop_dur: seconds between starts of windows, half a window by default
        min_signal_dur: shorter input is followed by zeros up to this duration
        max_signal_dur: longer input is cut
        channels: channels that are heard, ``None`` for all
        mixdown: hear the mean of the channels, else each on its own
        resample: resample input that isn't at 16 kHz, else it is unusable
        device: see :func:`audw2s.load`

    Raises:
        ValueError: if ``win_dur`` or ``hop_dur`` isn't positive

    Examples:
        >>> annotator = Annotator("wav2small")
        >>> (row,) = annotator.signal(np.zeros(10), 16000)
        >>> row.status, row.message
        ('too_short', '10 samples at 16000 Hz, at least 4 ms are needed')

    """

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        win_dur: float | None = None,
        hop_dur: float | None = None,
        min_signal_dur: float | None = None,
        max_signal_dur: float | None = None,
        channels: int | Sequence[int] | None = None,
        mixdown: bool = True,
        resample: bool = True,
        device: str = "cpu",
    ):
        self.network = Network(model, device)
        self.win_dur = win_dur
        self.hop_dur = win_dur / 2 if win_dur and hop_dur is None else hop_dur
        for name in ("win_dur", "hop_dur"):
            duration = getattr(self, name)
            if duration is not None and not MIN_DUR <= duration < math.inf:
                raise ValueError(
                    f"'{name}' has to be at least {MIN_DUR} s, got {duration} s."
                )
        self.min_signal_dur = min_signal_dur
        self.max_signal_dur = max_signal_dur
        self.channels = channels
        self.mixdown = mixdown
        self.resample = resample

    def file(
        self,
        path: str,
        start: float = 0.0,
        end: float | None = None,
        *,
        tap: Tap | None = None,
    ) -> list[Row]:
        """Annotate a file, or a stretch of it.

        Args:
            path: audio file
            start: first second
            end: last second, ``None`` for the end of the file
            tap: is handed the stream of blocks at 16 kHz, returns what is heard

        Returns:
            one row, or one per window; at least one

        """
        report = Report()
        last = self._last(start, end)
        blocks = file_blocks(path, report, start=start, end=last)
        return self._rows(blocks, report, start, end, tap)

    def signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        start: float = 0.0,
        end: float | None = None,
        *,
        tap: Tap | None = None,
    ) -> list[Row]:
        """Annotate a signal, or a stretch of it.

        Args:
            signal: ``(num_channels, num_samples)`` or ``(num_samples,)``, float
                or integer; it is not changed
            sampling_rate: in Hz
            start: first second
            end: last second, ``None`` for the end of the signal
            tap: is handed the stream of blocks at 16 kHz, returns what is heard

        Raises:
            ValueError: if the array has more than two dimensions
            TypeError: if it holds no real numbers

        """
        report = Report()
        last = self._last(start, end)
        stop = None if last is None else round(last * sampling_rate)
        part = np.atleast_2d(signal)[..., round(start * sampling_rate) : stop]
        blocks = array_blocks(part, sampling_rate, report)
        return self._rows(blocks, report, start, end, tap)

    def _last(self, start: float, end: float | None) -> float | None:
        if self.max_signal_dur is None:
            return end
        return min(start + self.max_signal_dur, math.inf if end is None else end)

    def _rows(
        self,
        blocks: Iterator[np.ndarray],
        report: Report,
        start: float,
        end: float | None,
        tap: Tap | None,
    ) -> list[Row]:
        blocks = prepared(self._heard(blocks, report), report, SAMPLING_RATE)
        if tap is not None:
            blocks = tap(blocks)
        if self.min_signal_dur is not None:
            blocks = padded(blocks, round(self.min_signal_dur * SAMPLING_RATE))
        if self.win_dur is None:
            return [self._whole(blocks, report, start, end)]
        return self._windowed(blocks, report, start, end)

    def _heard(
        self,
        blocks: Iterator[np.ndarray],
        report: Report,
    ) -> Iterator[np.ndarray]:
        """Check blocks and make them mono."""
        for block in blocks:
            if not block.size:
                return
            if report.sampling_rate != SAMPLING_RATE and not self.resample:
                rate = f"{report.sampling_rate} Hz, the model takes {SAMPLING_RATE} Hz"
                report.problem = ("sampling_rate", f"{rate} and resample is off")
                return
            block = report.see(block)
            try:
                block = mono(block, self.channels, self.mixdown)
            except ValueError as error:
                report.problem = ("channels", str(error).rstrip("."))
                return
            yield block

    def _whole(
        self,
        blocks: Iterable[np.ndarray],
        report: Report,
        start: float,
        end: float | None,
    ) -> Row:
        size = self.network.max_dur
        values, weights = [], []
        for _, window in windows(blocks, SAMPLING_RATE, size, size):
            if window.shape[1] >= MIN_SAMPLES and not report.bad:
                values.append(self._run(window))
                weights.append(window.shape[1])
        status, message = report.status(0.0 if values else MIN_DUR)
        if status in UNUSABLE or not values:
            # NaN may come up after the first blocks were heard
            return self._no_row(report, start, end, status, message)
        if end is None:
            end = start + report.duration
        mean = values[0] if len(values) == 1 else np.average(values, 0, weights)
        return Row(start, end, mean.astype(np.float32), status, message)

    def _windowed(
        self,
        blocks: Iterable[np.ndarray],
        report: Report,
        start: float,
        end: float | None,
    ) -> list[Row]:
        rows = []
        cut = windows(
            blocks,
            SAMPLING_RATE,
            self.win_dur,
            self.hop_dur,
            min_samples=MIN_SAMPLES,
        )
        for first, window in cut:
            last = first + self.win_dur
            rows.append(self._window(window, report, first, last))
        usable = any(row.status not in UNUSABLE for row in rows)
        status, message = report.status(0.0 if usable else MIN_DUR)
        if len(rows) < 2 and status in UNUSABLE:
            return [self._no_row(report, start, end, status, message)]
        if status in ("truncated", "clipped"):
            rows = [_with_status(row, status, message) for row in rows]
        return [
            row._replace(
                start=start + row.start,
                end=start + min(row.end, max(report.duration, row.start)),
            )
            for row in rows
        ]

    def _no_row(
        self,
        report: Report,
        start: float,
        end: float | None,
        status: str,
        message: str,
    ) -> Row:
        if end is None:
            end = start + report.duration if report.sampling_rate else math.nan
        return Row(start, end, self.no_values(), status, message)

    def _window(
        self,
        window: np.ndarray,
        report: Report,
        first: float,
        last: float,
    ) -> Row:
        if window.shape[1] < MIN_SAMPLES:
            return Row(first, last, self.no_values(), "too_short", "")
        if report.bad and report.is_bad(first, last):
            text = "holds NaN or inf samples"
            return Row(first, last, self.no_values(), "not_finite", text)
        status, message = "ok", ""
        if window.min() == window.max():
            status, message = "silent", "all samples are equal"
        elif window.shape[1] < SHORT_DUR * SAMPLING_RATE:
            status, message = "short", f"{window.shape[1] / SAMPLING_RATE:.3f} s"
        return Row(first, last, self._run(window), status, message)

    def _run(self, window: np.ndarray) -> np.ndarray:
        """Run the network on each channel."""
        return np.stack([self.network(np.ascontiguousarray(row)) for row in window])

    @property
    def num_channels(self) -> int:
        """Channels that a row has values for."""
        if self.mixdown or self.channels is None or isinstance(self.channels, int):
            return 1
        return len(self.channels)

    def no_values(self) -> np.ndarray:
        """Values of unusable input."""
        return np.full((self.num_channels, len(DIMENSIONS)), np.nan, np.float32)

    @property
    def provenance(self) -> dict[str, object]:
        """What results have to carry: by what they were made."""
        return {
            "model": self.network.name,
            "sha256": self.network.sha256,
            "version": __version__,
            "win_dur": self.win_dur,
            "hop_dur": self.hop_dur,
        }


def _with_status(row: Row, status: str, message: str) -> Row:
    """Say of a window what holds for the whole file, unless it has its own reason."""
    return row._replace(status=status, message=message) if row.status == "ok" else row


def padded(blocks: Iterable[np.ndarray], num_samples: int) -> Iterator[np.ndarray]:
    """Append zeros to a stream that is shorter than ``num_samples``."""
    total, block = 0, None
    for block in blocks:
        total += block.shape[1]
        yield block
    if block is not None and total < num_samples:
        yield np.zeros((len(block), num_samples - total), np.float32)


def resolve(file: str, root: str | None) -> str:
    """Path of a file that may be relative to a root folder."""
    return file if root is None else os.path.join(root, file)
