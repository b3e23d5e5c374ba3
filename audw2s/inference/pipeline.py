"""From a file or a signal to rows; all entry points use this pipeline.

read → check → mono → resample → normalise → tokens → windows → rows, or, with models
without tokens, read → check → mono → resample → windows → model → rows.
"""

import copy
import heapq
import math
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING
from typing import Self

import numpy as np

from audw2s.audio.decode import Blocks
from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.decode import prepared
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.preprocess import from_the_start
from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import Grid
from audw2s.audio.times import default_hop_dur
from audw2s.inference.exact import each_window
from audw2s.inference.exact import mean_of_windows
from audw2s.inference.exact import padded
from audw2s.inference.exact import read_twice
from audw2s.inference.frames import SlidingNormaliser
from audw2s.inference.frames import Tokens
from audw2s.inference.network import Network
from audw2s.inference.pooling import LEVEL_DUR
from audw2s.inference.pooling import SegmentPooler
from audw2s.inference.pooling import grouped
from audw2s.inference.pooling import window_ranges
from audw2s.inference.row import MIN_DUR
from audw2s.inference.row import Row
from audw2s.inference.row import RowMaker
from audw2s.inference.row import Segment
from audw2s.inference.speech_pooler import sliding_speech_pooler
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice

if TYPE_CHECKING:
    import audonnx

Callback = Callable[[Blocks], Blocks]
"""Function that takes an iterator of blocks and returns the one to process."""


class Predictor:
    """Predicts rows of A/D/V for files and signals; unusable input has a row as well.

    Students of this package process a recording in a single pass: windows and segments
    are pooled from the same tokens, so they depend on their surroundings. With
    ``exact``, and with other models, each window or segment is processed on its own.

    Students process a whole recording in a single pass. Other models process a
    recording that exceeds their longest signal in blocks of that length; its value is
    the mean of the blocks, weighted by duration.

    Args:
        model: name of a model, model folder or loaded model, see
            :class:`audw2s.inference.network.Network`
        win_dur: duration of windows in seconds, ``None`` for one row per input
        hop_dur: duration between the starts of windows in seconds, half a window by
            default
        exact: process each window and segment on its own
        vad: process speech only, see :mod:`audw2s.audio.speech`
        min_signal_dur: shorter input is padded with zeros up to this duration in
            seconds; each window and segment is then processed on its own
        max_signal_dur: longer input is cut, in seconds
        channels: channels to process, ``None`` for all
        mixdown: process the mean of the channels, else each channel on its own
        resample: resample input that isn't at 16 kHz, else it is unusable
        device: device of the model, see :func:`audw2s.load`
        exit: early exit of the model, see :func:`audw2s.load`
        classes: whether the model may give scores of classes in place of A/D/V
        hidden_states: append hidden states to the values of rows

    Raises:
        ValueError: if a duration is shorter than 64 samples at 16 kHz, or infinite

    Examples:
        >>> predictor = Predictor("wav2small")
        >>> (row,) = predictor.signal(np.zeros(10), 16000)
        >>> row.status, row.message
        ('too_short', '10 samples at 16000 Hz, at least 4 ms are needed')

    """

    at_once = 1
    """Number of windows that :meth:`run` processes in one call."""

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        win_dur: float | None = None,
        hop_dur: float | None = None,
        exact: bool = False,
        vad: bool = False,
        min_signal_dur: float | None = None,
        max_signal_dur: float | None = None,
        channels: int | Sequence[int] | None = None,
        mixdown: bool = True,
        resample: bool = True,
        device: Device = "cpu",
        hidden_states: bool = False,
        exit: Choice = None,
        classes: bool = False,
    ):
        self.network = Network(
            model, device, exit=exit, classes=classes, hidden_states=hidden_states
        )
        self.win_dur = win_dur
        self.hop_dur = default_hop_dur(win_dur, hop_dur)
        self.level_dur = win_dur or LEVEL_DUR
        """Duration in seconds over which a signal is normalised, in a single pass."""

        self.min_signal_dur = min_signal_dur
        self.max_signal_dur = max_signal_dur
        for name in ("win_dur", "hop_dur", "min_signal_dur", "max_signal_dur"):
            duration = getattr(self, name)
            if duration is not None and not MIN_DUR <= duration < math.inf:
                raise ValueError(
                    f"'{name}' has to be at least {MIN_DUR} s, got {duration} s."
                )
        self.grid = None
        if win_dur is not None and self.hop_dur is not None:
            self.grid = Grid(win_dur, self.hop_dur)
        self.exact = exact
        self.vad = vad
        self.channels = channels
        self.mixdown = mixdown
        self.resample = resample
        num_channels = 1 if mixdown or channels is None else np.size(channels)
        self.no_values = np.full(
            (num_channels, self.network.num_values), np.nan, np.float32
        )
        """Values of unusable input."""

        self.provenance: dict[str, object] = self.network.provenance | {
            "win_dur": win_dur,
            "hop_dur": self.hop_dur,
            "exact": exact,
            "vad": vad,
        }
        """Model, version and settings that results are stored with."""

    def of_channel(self, channel: int | None) -> Self:
        """Return a copy that processes one channel; ``None`` for this object."""
        if channel is None:
            return self
        other = copy.copy(self)
        other.channels, other.no_values = channel, self.no_values[:1]
        return other

    def file(
        self,
        path: File,
        start: float = 0.0,
        end: float | None = None,
        *,
        callback: Callback | None = None,
    ) -> list[Row]:
        """Predict a file, or a segment of it.

        Args:
            path: path of an audio file, or a binary file object
            start: start in seconds; if negative, it counts from the end of the file
            end: end in seconds; if negative, it counts from the end of the file. If
                ``None``, or beyond the end of the file, it is that end
            callback: function that takes the iterator of blocks at 16 kHz and returns
                the one to process. The surroundings of a segment are not processed
                then

        Returns:
            one row, or one row per window; at least one

        """
        return self.segments(partial(file_blocks, path), [(start, end)], callback)[0]

    def signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        start: float = 0.0,
        end: float | None = None,
        *,
        callback: Callback | None = None,
    ) -> list[Row]:
        """Predict a signal, or a segment of it.

        Args:
            signal: signal ``(num_channels, num_samples)`` or ``(num_samples,)``, float
                or integer; it is not changed
            sampling_rate: sampling rate in Hz
            start: start in seconds, see :meth:`file`
            end: end in seconds, see :meth:`file`
            callback: see :meth:`file`

        Raises:
            ValueError: if the array has more than two dimensions
            TypeError: if it holds no real numbers

        """
        read = partial(array_blocks, signal, sampling_rate)
        return self.segments(read, [(start, end)], callback)[0]

    def segments(
        self,
        read: Read,
        spans: Sequence[Span],
        callback: Callback | None = None,
    ) -> list[list[Row]]:
        """Predict segments of a source, in a single pass where possible.

        Args:
            read: :func:`audw2s.audio.decode.file_blocks` or
                :func:`audw2s.audio.preprocess.array_blocks`, bound to a source
            spans: start and end of each segment in seconds, in any order
            callback: see :meth:`file`

        Returns:
            rows of each segment

        """
        if any(start < 0 or (end or 0) < 0 for start, end in spans):
            spans = from_the_start(read, spans)
        segments = []
        for start, end in spans:
            stop = end
            if self.max_signal_dur is not None:
                longest = start + self.max_signal_dur
                stop = longest if end is None else min(longest, end)
            segments.append(Segment(start, end, stop))
        in_pass, tokens = {}, None
        if not self.exact and self.min_signal_dur is None:
            # A recording as a whole is normalised as a whole
            in_pass = {
                number: segment
                for number, segment in enumerate(segments)
                if self.grid is not None or segment[:2] != (0.0, None)
            }
            tokens = self.network.tokens if in_pass else None
        rows: dict[int, list[Row]] = {}
        if tokens is not None:
            # Seconds around a segment that its tokens depend on; whole seconds are
            # whole samples at any sampling rate
            margin = math.ceil(self.level_dur + (tokens.context + 1) / tokens.rate)
            passes = [([k], (s.start, s.stop)) for k, s in in_pass.items()]
            if callback is None:
                passes = grouped(in_pass, margin)
            for numbers, span in passes:
                group = [segments[number] for number in numbers]
                of_group = self._one_pass(read, group, span, tokens, callback)
                rows.update(zip(numbers, of_group, strict=True))
        for number, segment in enumerate(segments):
            if number not in rows:
                rows[number] = self._exact(read, segment, callback)
        return [rows[number] for number in range(len(segments))]

    def blocks(
        self,
        read: Read,
        report: Report,
        span: Span,
        callback: Callback | None = None,
    ) -> Blocks:
        """Read, check, convert to mono and resample; blocks at 16 kHz."""
        report.start, end = span
        blocks = read(report, start=report.start, end=end)
        blocks = prepared(
            blocks, report, self.channels, self.mixdown, resample=self.resample
        )
        return blocks if callback is None else callback(blocks)

    def run(self, windows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network on each channel of each window."""
        return [
            np.array([self.network(np.ascontiguousarray(c), self.vad) for c in window])
            for window in windows
        ]

    def _exact(
        self, read: Read, segment: Segment, callback: Callback | None
    ) -> list[Row]:
        """Process a segment as if it were a recording of its own."""
        report, span = Report(), (segment.start, segment.stop)
        blocks = self.blocks(read, report, span, callback)
        if self.min_signal_dur is not None:
            blocks = padded(blocks, round(self.min_signal_dur * SAMPLING_RATE))
        if self.grid is not None:
            values = each_window(self.grid.cut(blocks), self.run, self.at_once)
        else:
            values = [self._whole(blocks, partial(self.blocks, read, Report(), span))]
        settings = self.no_values, self.grid, self.min_signal_dur, self.vad
        return RowMaker(report, segment, *settings).rows(values)

    def _whole(self, blocks: Blocks, again: Callable[[], Blocks]) -> np.ndarray | None:
        """Values ``(num_channels, num_values + 1)`` of a recording.

        Args:
            blocks: blocks ``(num_channels, num_samples)`` at 16 kHz
            again: function that reads the blocks a second time

        Returns:
            values, ``None`` if the recording is too short

        """
        held, size, longest = [], 0, self.network.max_dur
        for block in blocks:
            held.append(block)
            size += block.shape[1]
            if size > longest * SAMPLING_RATE:
                break
        else:
            if size < MIN_SAMPLES:
                return None
            (values,) = self.run(held if len(held) == 1 else [np.hstack(held)])
            return values
        # Each block is released when it was processed
        blocks = chain((held.pop(0) for _ in range(len(held))), blocks)
        if self.network.tokens is not None:
            return read_twice(blocks, again, self.network.tokens, self.vad)
        windows = Grid(longest, longest).cut(blocks)
        return mean_of_windows(windows, self.run, self.at_once)

    def _one_pass(
        self,
        read: Read,
        segments: Sequence[Segment],
        span: Span,
        tokens: Tokens,
        callback: Callback | None,
    ) -> list[list[Row]]:
        """Pool segments, or their windows, in a single pass over a span of a source."""
        report = Report()
        poolers: list[SegmentPooler] = []
        for block in self.blocks(read, report, span, callback):
            while len(poolers) < len(block):
                ranges = heapq.merge(
                    *(
                        window_ranges(report, segment, number, self.grid, tokens.hop)
                        for number, segment in enumerate(segments)
                    )
                )
                pooler: SegmentPooler
                if self.vad:
                    pooler = sliding_speech_pooler(tokens, self.level_dur, ranges)
                else:
                    level = SlidingNormaliser(self.level_dur, epsilon=tokens.epsilon)
                    pooler = SegmentPooler(tokens, level, ranges)
                poolers.append(pooler)
            for pooler, channel in zip(poolers, block, strict=True):
                pooler.push(channel)
        values: list[list[np.ndarray]] = [[] for _ in segments]
        pooled = zip(*(pooler.finish() for pooler in poolers), strict=True)
        for number, channels in enumerate(pooled):
            values[poolers[0].ranges[number][2]].append(np.stack(channels))
        settings = self.no_values, self.grid, None, self.vad
        return [
            RowMaker(report, segment, *settings).rows(of_segment)
            for segment, of_segment in zip(segments, values, strict=True)
        ]
