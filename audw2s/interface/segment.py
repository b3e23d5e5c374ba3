"""Segment: segments of steady A/D/V without silence."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import audformat
import audinterface
import audobject
import numpy as np
import pandas as pd

from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import Duration
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_limit
from audw2s.audio.times import to_seconds
from audw2s.files import label
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.interface.activity import Activity
from audw2s.interface.activity import LevelActivity
from audw2s.interface.activity import SpeechActivity
from audw2s.interface.base import BORROWED
from audw2s.interface.base import RESOLVERS
from audw2s.interface.base import RUNTIME
from audw2s.interface.base import Plugin
from audw2s.interface.base import by_name
from audw2s.interface.base import make_predictor
from audw2s.interface.checks import plain_arguments
from audw2s.interface.condition import Condition
from audw2s.interface.rows import Items
from audw2s.interface.rows import Limits
from audw2s.interface.rows import RowProcess
from audw2s.interface.steady import Span
from audw2s.interface.steady import inverted
from audw2s.interface.steady import to_spans
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice

if TYPE_CHECKING:
    import audonnx


class Segment(audinterface.Segment, Plugin):
    """Cut recordings into segments in which A/D/V stays about the same.

    Silence is left out: at least ``min_silence`` in which the level lies
    ``silence_threshold`` below that of the loud frames. Between silences a new
    segment starts where a window differs from the mean of the segment so far by more
    than ``tolerance`` in arousal, dominance or valence.

    Methods are those of :class:`audinterface.Segment`. Unusable input (see
    :class:`audw2s.Process`) is returned as one segment, so that a
    :class:`audw2s.Feature` that processes the segments still has a row for it. With
    ``where`` it is left out, as no condition holds for it.

    Args:
        model: name of a model, model folder or :class:`audonnx.Model`, see
            :class:`audw2s.Process`; for a model of classes the scores of its classes
            take the place of arousal, dominance and valence
        exit: layer of an exit, or ``"auto"``, for a model with early exits; see
            :func:`audw2s.load`
        where: condition over arousal, dominance, valence, such as
            ``"arousal > 0.6 and valence < 0.4"``. Only segments are returned whose
            values, as given by :class:`audw2s.Feature`, fulfil it
        tolerance: largest difference within a segment, A/D/V being roughly 0…1
        min_dur: duration of the shortest segment, unless the speech between two
            silences is shorter; seconds, or whatever
            :func:`audinterface.utils.to_timedelta` reads
        win_dur: duration of the windows that are compared
        hop_dur: duration between the starts of windows
        exact: process each window on its own, see :class:`audw2s.Process`
        vad: what a voice activity detector finds is speech, and the rest is silence;
            ``silence_threshold`` isn't used then
        silence_threshold: level of silence in dB, relative to the loud frames;
            negative
        min_silence: duration of the shortest silence
        invert: return what lies between the segments
        sampling_rate: sampling rate of the models in Hz; other input is resampled
        resample: ``False`` makes input at another rate unusable
        channels: channels to process, ``None`` for all
        mixdown: process the mean of the channels, else use the mean of the values of
            all channels
        min_signal_dur: shorter input is padded with zeros up to this duration
        max_signal_dur: longer input is cut
        keep_nat: if no end is given, leave it as NaT
        on_error: ``"nan"``, or ``"raise"`` to raise an exception on unusable input
        device: see :func:`audw2s.load`
        num_workers: workers over files, ``None`` for five per core
        multiprocessing: use processes instead of threads
        verbose: show a progress bar

    Raises:
        ValueError: if there is no such model, or ``where`` is no condition

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> noise = 0.1 * rng.standard_normal((1, 32000))
        >>> signal = np.concatenate([noise, np.zeros((1, 16000)), noise], axis=1)
        >>> segment = Segment("wav2small", tolerance=1)
        >>> index = segment.process_signal(signal, 16000)
        >>> index.get_level_values("end").total_seconds().tolist()
        [2.0, 5.0]

    """

    @plain_arguments
    @audobject.init_decorator(
        borrow={name: of for name, of in BORROWED.items() if name != "vad"},
        hide=RUNTIME,
        resolvers={
            **RESOLVERS,
            "min_dur": RESOLVERS["win_dur"],
            "min_silence": RESOLVERS["win_dur"],
        },
    )
    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        exit: Choice = None,
        where: str | None = None,
        tolerance: float = 0.15,
        min_dur: Duration = 1.0,
        win_dur: Duration = 2.0,
        hop_dur: Duration = 0.5,
        exact: bool = False,
        vad: bool = False,
        silence_threshold: float = -40.0,
        min_silence: Duration = 0.3,
        invert: bool = False,
        sampling_rate: int = SAMPLING_RATE,
        resample: bool = True,
        channels: int | Sequence[int] | None = None,
        mixdown: bool = True,
        min_signal_dur: Duration | None = None,
        max_signal_dur: Duration | None = None,
        keep_nat: bool = False,
        on_error: str = "nan",
        device: Device = "cpu",
        num_workers: int | None = 1,
        multiprocessing: bool = False,
        verbose: bool = False,
    ):
        input_args = {
            "resample": resample,
            "channels": channels,
            "mixdown": mixdown,
            "min_signal_dur": min_signal_dur,
            "max_signal_dur": max_signal_dur,
        }
        runtime = {
            "keep_nat": keep_nat,
            "num_workers": num_workers,
            "multiprocessing": multiprocessing,
            "verbose": verbose,
        }
        super().__init__(sampling_rate=sampling_rate, **input_args, **runtime)
        self.where = where
        self.tolerance = tolerance
        self.min_dur = min_dur
        self.win_dur = win_dur
        self.hop_dur = hop_dur
        self.vad = vad
        self.silence_threshold = silence_threshold
        self.min_silence = min_silence
        self.invert = invert
        self.predictor = make_predictor(
            model,
            exit=exit,
            sampling_rate=sampling_rate,
            device=device,
            win_dur=win_dur,
            hop_dur=hop_dur,
            exact=exact,
            **input_args,
        )
        self.network = self.predictor.network
        whole = make_predictor(
            model, exit=exit, exact=exact, device=device, **input_args
        )
        self.process = SegmentProcess(
            self, Cutter(self, whole), on_error=on_error, **input_args, **runtime
        )

    def process_file(
        self,
        file: str,
        *,
        start: Duration | None = None,
        end: Duration | None = None,
        root: str | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Index:
        """Segment a file, as :meth:`audinterface.Segment.process_file` does."""
        y = self.process.process_file(
            file,
            start=start,
            end=end,
            root=root,
            process_func_args=process_func_args,
        )
        starts, ends = _absolute(y)
        return audformat.segmented_index([label(file)] * len(starts), starts, ends)

    def process_signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        *,
        file: str | None = None,
        start: Duration | None = None,
        end: Duration | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Index:
        """Segment a signal, as :meth:`audinterface.Segment.process_signal` does."""
        y = self.process.process_signal(
            signal,
            sampling_rate,
            file=file,
            start=start,
            end=end,
            process_func_args=process_func_args,
        )
        starts, ends = _absolute(y)
        if file is None:
            return audinterface.utils.signal_index(starts, ends)
        return audformat.segmented_index([file] * len(starts), starts, ends)


def _absolute(y: pd.Series) -> tuple[pd.Index, pd.Index]:
    """Starts and ends of the segments that were found in one input."""
    # Start of the input; it may have been given as a time from the end
    start = y.index.get_level_values("start")[0]
    return tuple(y.iloc[0].get_level_values(name) + start for name in ("start", "end"))


class Cutter:
    """Find segments from the windows and levels of a recording.

    Args:
        segment: interface that holds the settings
        whole: predictor without windows, to check the condition on whole segments

    """

    def __init__(self, segment: Segment, whole: Predictor):
        self.whole = whole
        names = segment.network.names
        self.names = names
        self.condition = Condition(segment.where, names) if segment.where else None
        self.tolerance = segment.tolerance
        self.min_dur = to_seconds(segment.min_dur)
        self.vad = segment.vad
        self.threshold = segment.silence_threshold
        self.min_silence = to_seconds(segment.min_silence)
        self.invert = segment.invert
        self.grid = (to_seconds(segment.win_dur), to_seconds(segment.hop_dur))

    def activity(self) -> Activity:
        """Rule that finds speech in an input."""
        if self.vad:
            return SpeechActivity(self.min_silence)
        return LevelActivity(self.threshold, self.min_silence)

    def segments(
        self, rows: list[Row], activity: Activity, duration: float
    ) -> list[Span]:
        """Segments in seconds from the start of the input.

        Args:
            rows: rows of the windows
            activity: rule that has watched the input
            duration: duration of the input in seconds, NaN if unknown

        """
        values = np.stack([row.values.mean(axis=0) for row in rows])
        if not np.isfinite(values).any():
            return [(0.0, duration)]
        limits = {"tolerance": self.tolerance, "min_dur": self.min_dur}
        return [
            segment
            for span in activity.spans(duration)
            for segment in to_spans(values, span, *self.grid, **limits)
        ]

    def holds(self, rows: list[Row]) -> bool:
        """Whether the condition holds for a segment."""
        values = rows[0].values.mean(axis=0, keepdims=True)
        return self.condition(by_name(values, self.names))


class SegmentProcess(RowProcess):
    """A process whose items are indices of segments."""

    def __init__(self, owner: Segment, cutter: Cutter, **kwargs: object):
        super().__init__(owner.predictor, make=np.asarray, owner=owner, **kwargs)
        self.cutter = cutter

    def _call(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        **kwargs: object,
    ) -> pd.MultiIndex:
        source = partial(array_blocks, signal, sampling_rate)
        return self._cut(source, kwargs.get("file"), None, None)[0][0]

    def _items(
        self,
        source: Read,
        file: str | None,
        limits: list[Limits],
    ) -> list[Items]:
        """Segments within each pair of limits of a source."""
        return [self._cut(source, file, *limit) for limit in limits]

    def _cut(
        self,
        source: Read,
        file: str | None,
        start: Duration | None,
        end: Duration | None,
    ) -> Items:
        span = (to_limit(start) or 0.0, to_limit(end))
        activity = self.cutter.activity()
        (rows,) = self.predictor.segments(source, [span], activity.watch)
        self._report_problems(rows, file)
        begin = rows[0].start
        duration = (rows[-1].end - begin).total_seconds()
        spans = self.cutter.segments(rows, activity, duration)
        if self.cutter.condition:
            first = begin.total_seconds()
            # The end of an unreadable file is unknown
            absolute = [
                (first + a, None if np.isnan(b) else first + b) for a, b in spans
            ]
            predictions = self.cutter.whole.segments(source, absolute)
            pairs = zip(spans, predictions, strict=True)
            spans = [span for span, rows in pairs if self.cutter.holds(rows)]
        if self.cutter.invert:
            spans = inverted(spans, duration)
        index = audinterface.utils.signal_index(
            [from_seconds(a) for a, _ in spans], [from_seconds(b) for _, b in spans]
        )
        return [index], [file], [begin], [rows[-1].end]
