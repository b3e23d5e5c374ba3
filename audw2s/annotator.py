"""From a file or a signal to rows: the one way that all entry points go.

read → check → mono → resample → level → tokens → windows → rows, or, with models
that don't give tokens, windows → model → rows.
"""

import math
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from audw2s.alone import alone
from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.windows import Grid
from audw2s.audio.windows import default_hop_dur
from audw2s.catalogue import SAMPLING_RATE
from audw2s.device import Device
from audw2s.exits import Choice
from audw2s.network import Network
from audw2s.report import Report
from audw2s.row import MIN_DUR
from audw2s.row import Row
from audw2s.signal import array_blocks
from audw2s.signal import mixed
from audw2s.signal import prepared
from audw2s.signal import selected
from audw2s.source import Read
from audw2s.source import Span
from audw2s.source import Tap
from audw2s.source import from_the_start
from audw2s.together import margin
from audw2s.together import parts
from audw2s.together import together
from audw2s.tokens import BLOCK_DUR

if TYPE_CHECKING:
    import audonnx


class Annotator:
    """Gives rows of A/D/V for files and signals; bad input is a row, no exception.

    Students of this package hear a recording once: windows and stretches are pooled
    from the same tokens, heard in their surroundings. With ``exact``, and with other
    models, each is heard alone, as if nothing else were there.

    A recording as a whole is heard in one pass by students. By other models, beyond
    what they take at once, it is heard in blocks of that length, and its value is
    their mean, weighted by duration.

    Args:
        model: name, folder or model, see :class:`audw2s.network.Network`
        win_dur: duration of windows in seconds, ``None`` for one row per input
        hop_dur: seconds between starts of windows, half a window by default
        exact: hear each window and stretch alone
        min_signal_dur: shorter input is followed by zeros up to this duration, and
            then each window and stretch is heard alone
        max_signal_dur: longer input is cut
        channels: channels that are heard, ``None`` for all
        mixdown: hear the mean of the channels, else each on its own
        resample: resample input that isn't at 16 kHz, else it is unusable
        device: see :func:`audw2s.load`
        exit: see :func:`audw2s.load`
        classes: whether the model may give scores of classes in place of A/D/V
        hidden_states: see :class:`audw2s.network.Network`; they follow A/D/V in the
            values of rows
        block_dur: see :class:`audw2s.network.Network`

    Raises:
        ValueError: if ``win_dur`` or ``hop_dur`` isn't positive

    Examples:
        >>> annotator = Annotator("wav2small")
        >>> (row,) = annotator.signal(np.zeros(10), 16000)
        >>> row.status, row.message
        ('too_short', '10 samples at 16000 Hz, at least 4 ms are needed')

    """

    at_once = 1
    """Windows of a recording that :meth:`run` is given together."""

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        win_dur: float | None = None,
        hop_dur: float | None = None,
        exact: bool = False,
        min_signal_dur: float | None = None,
        max_signal_dur: float | None = None,
        channels: int | Sequence[int] | None = None,
        mixdown: bool = True,
        resample: bool = True,
        device: Device = "cpu",
        hidden_states: bool = False,
        exit: Choice = None,
        classes: bool = False,
        block_dur: float = BLOCK_DUR,
    ):
        self.network = Network(
            model,
            device,
            exit=exit,
            classes=classes,
            hidden_states=hidden_states,
            block_dur=block_dur,
        )
        self.win_dur = win_dur
        self.hop_dur = default_hop_dur(win_dur, hop_dur)
        self.min_signal_dur = min_signal_dur
        self.max_signal_dur = max_signal_dur
        for name in ("win_dur", "hop_dur", "min_signal_dur", "max_signal_dur"):
            duration = getattr(self, name)
            if duration is not None and not MIN_DUR <= duration < math.inf:
                raise ValueError(
                    f"'{name}' has to be at least {MIN_DUR} s, got {duration} s."
                )
        self.grid = None if win_dur is None else Grid(win_dur, self.hop_dur)
        self.exact = exact
        self.channels = channels
        self.mixdown = mixdown
        self.resample = resample

    def file(
        self,
        path: File,
        start: float = 0.0,
        end: float | None = None,
        *,
        tap: Tap | None = None,
    ) -> list[Row]:
        """Annotate a file, or a stretch of it.

        Args:
            path: audio file, or a file object of one
            start: first second; a negative one counts from the end of the file
            end: last second; a negative one counts from the end of the file, ``None``,
                or one that lies beyond it, is that end
            tap: is handed the stream of blocks at 16 kHz, returns what is heard;
                nothing around the stretch is heard then

        Returns:
            one row, or one per window; at least one

        """
        return self.stretches(partial(file_blocks, path), [(start, end)], tap)[0]

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
            start: see :meth:`file`
            end: see :meth:`file`
            tap: see :meth:`file`

        Raises:
            ValueError: if the array has more than two dimensions
            TypeError: if it holds no real numbers

        """
        read = partial(array_blocks, signal, sampling_rate)
        return self.stretches(read, [(start, end)], tap)[0]

    def stretches(
        self,
        read: Read,
        spans: Sequence[Span],
        tap: Tap | None = None,
    ) -> list[list[Row]]:
        """Annotate stretches of a source, which is read and heard once where it can.

        Args:
            read: :func:`audw2s.audio.decode.file_blocks` or
                :func:`audw2s.signal.array_blocks`, given the source
            spans: in any order
            tap: see :meth:`file`

        Returns:
            rows of each stretch

        """
        spans = from_the_start(read, spans)
        cut = [(start, self._last(start, end)) for start, end in spans]
        if self.exact or self.min_signal_dur is not None or not self.network.tokens:
            return [
                alone(self, read, span, end, tap)
                for span, (_, end) in zip(cut, spans, strict=True)
            ]
        found: list[list[Row]] = [[]] * len(spans)
        pooled = []
        for number, span in enumerate(spans):
            if self.win_dur is None and span == (0.0, None):
                found[number] = alone(self, read, cut[number], None, tap)
            else:
                pooled.append(number)
        around = None if tap else margin(self)
        for part in parts([cut[number] for number in pooled], around):
            own = [pooled[k] for k in part]
            ends = [spans[number][1] for number in own]
            rows = together(self, read, [cut[number] for number in own], ends, tap)
            for number, rows_of_stretch in zip(own, rows, strict=True):
                found[number] = rows_of_stretch
        return found

    def _last(self, start: float, end: float | None) -> float | None:
        if self.max_signal_dur is None:
            return end
        return min(start + self.max_signal_dur, math.inf if end is None else end)

    def blocks(
        self,
        read: Read,
        report: Report,
        span: Span,
        tap: Tap | None = None,
    ) -> Iterator[np.ndarray]:
        """Give blocks ``(num_channels, num_samples)`` at 16 kHz."""
        start, end = span
        report.start = start
        blocks = self._heard(read(report, start=start, end=end), report)
        blocks = prepared(blocks, report, SAMPLING_RATE)
        return blocks if tap is None else tap(blocks)

    def _heard(
        self,
        blocks: Iterator[np.ndarray],
        report: Report,
    ) -> Iterator[np.ndarray]:
        """Check blocks in the selected channels and make them mono."""
        for block in blocks:
            if not block.size:
                return
            if report.sampling_rate != SAMPLING_RATE and not self.resample:
                rate = f"{report.sampling_rate} Hz, the model takes {SAMPLING_RATE} Hz"
                report.problem = ("sampling_rate", f"{rate} and resample is off")
                return
            report.num_channels = len(block)
            try:
                block = selected(block, self.channels)
            except ValueError as error:
                report.problem = ("channels", str(error).rstrip("."))
                return
            yield mixed(block, report, self.mixdown)

    def run(self, windows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network on each channel of each window."""
        return [
            np.stack([self.network(np.ascontiguousarray(row)) for row in window])
            for window in windows
        ]

    @property
    def num_channels(self) -> int:
        """Channels that a row has values for."""
        if self.mixdown or self.channels is None or isinstance(self.channels, Integral):
            return 1
        return len(self.channels)

    def no_values(self) -> np.ndarray:
        """Values of unusable input."""
        shape = (self.num_channels, self.network.num_values)
        return np.full(shape, np.nan, np.float32)

    @property
    def provenance(self) -> dict[str, object]:
        """What results have to carry: by what they were made."""
        return self.network.provenance | {
            "win_dur": self.win_dur,
            "hop_dur": self.hop_dur,
            "exact": self.exact,
        }
