"""Segment: segments of steady A/D/V without silence."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import audformat
import audinterface
import audobject
import numpy as np
import pandas as pd

from audw2s.audio.decode import File
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import SECOND
from audw2s.audio.times import Duration
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_seconds
from audw2s.files import label
from audw2s.inference.pipeline import Predictor
from audw2s.interface.activity import Activity
from audw2s.interface.activity import LevelActivity
from audw2s.interface.activity import SpeechActivity
from audw2s.interface.arguments import BORROWED
from audw2s.interface.arguments import RESOLVERS
from audw2s.interface.arguments import RUNTIME
from audw2s.interface.arguments import make_predictor
from audw2s.interface.arguments import picked
from audw2s.interface.arguments import plain_arguments
from audw2s.interface.base import Plugin
from audw2s.interface.base import like
from audw2s.interface.base import with_type_warning
from audw2s.interface.condition import Condition
from audw2s.interface.rows import Item
from audw2s.interface.rows import RowProcess
from audw2s.interface.rows import check_index
from audw2s.interface.steady import Interval
from audw2s.interface.steady import inverted
from audw2s.interface.steady import to_spans
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx

SETTINGS = (
    *("where", "tolerance", "min_dur", "win_dur", "hop_dur"),
    *("vad", "silence_threshold", "min_silence", "invert"),
)
"""Arguments that say what a segment is."""


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
        arguments = locals()
        settings = {name: arguments[name] for name in SETTINGS}
        # Here, the detector finds the segments
        del arguments["vad"]
        self.predictor = make_predictor(arguments)
        self.network = self.predictor.network
        # What is left has no windows
        del arguments["win_dur"], arguments["hop_dur"]
        super().__init__(**picked(arguments, audinterface.Segment))
        self.__dict__.update(settings)
        self.process = SegmentProcess(self, make_predictor(arguments), arguments)

    @like(audinterface.Segment.process_file)
    def process_file(self, file: File, **kwargs: Any) -> pd.MultiIndex:
        """Segment a file, as :meth:`audinterface.Segment.process_file` does."""
        starts, ends = _absolute(self.process.process_file(file, **kwargs))
        return audformat.segmented_index([label(file)] * len(starts), starts, ends)

    process_folder = with_type_warning(audinterface.Segment.process_folder)

    @like(audinterface.Segment.process_index)
    def process_index(
        self, index: pd.Index, *, root: str | None = None, **kwargs: Any
    ) -> pd.MultiIndex:
        """Segment an index, as :meth:`audinterface.Segment.process_index` does."""
        check_index(index, root)
        return super().process_index(index, root=root, **kwargs)

    @like(audinterface.Segment.process_signal)
    def process_signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        *,
        file: str | None = None,
        **kwargs: Any,
    ) -> pd.MultiIndex:
        """Segment a signal, as :meth:`audinterface.Segment.process_signal` does."""
        y = self.process.process_signal(signal, sampling_rate, file=file, **kwargs)
        starts, ends = _absolute(y)
        if file is None:
            return audinterface.utils.signal_index(starts, ends)
        return audformat.segmented_index([file] * len(starts), starts, ends)


def _absolute(y: pd.Series) -> tuple[pd.Index, pd.Index]:
    """Starts and ends of the segments that were found in one input."""
    # Start of the input; it may have been given as a time from the end
    start = y.index.get_level_values("start")[0]
    return tuple(y.iloc[0].get_level_values(name) + start for name in ("start", "end"))


class SegmentProcess(RowProcess):
    """A process whose items are indices of segments.

    Args:
        owner: interface with the settings
        whole: predictor without windows, to check the condition on whole segments
        arguments: arguments of the interface

    """

    def __init__(self, owner: Segment, whole: Predictor, arguments: dict[str, Any]):
        super().__init__(
            owner.predictor,
            make=np.asarray,
            owner=owner,
            on_error=arguments["on_error"],
            **picked(arguments, audinterface.Process),
        )
        self.whole = whole
        self.names = owner.network.names
        self.condition = Condition(owner.where, self.names) if owner.where else None

    def _items(
        self, source: Read, file: str | None, spans: Sequence[Span]
    ) -> list[list[Item]]:
        """Index of the segments within each span of a source."""
        return [[self._item(source, file, span)] for span in spans]

    def _item(self, source: Read, file: str | None, span: Span) -> Item:
        """Index of the segments within a span, relative to its start."""
        activity = self._activity()
        (rows,) = self.predictor.segments(source, [span], activity.watch)
        self._report_problems(rows, file)
        start, end = rows[0].start, rows[-1].segment_end or rows[-1].end
        duration = (end - start) / SECOND
        values = np.stack([row.values.mean(axis=0) for row in rows])
        spans = self._spans(values, activity, duration)
        if self.condition is not None:
            offset = start / SECOND
            spans = self._fulfilling(self.condition, source, spans, offset)
        if self.owner.invert:
            spans = inverted(spans, duration)
        starts, ends = ([from_seconds(pair[k]) for pair in spans] for k in (0, 1))
        return Item(audinterface.utils.signal_index(starts, ends), start, end)

    def _activity(self) -> Activity:
        """Rule that finds speech in an input."""
        min_silence = to_seconds(self.owner.min_silence)
        if self.owner.vad:
            return SpeechActivity(min_silence)
        return LevelActivity(self.owner.silence_threshold, min_silence)

    def _spans(
        self, values: np.ndarray, activity: Activity, duration: float
    ) -> list[Interval]:
        """Segments in seconds.

        Args:
            values: values ``(num_windows, num_values)``
            activity: rule that has watched the input
            duration: duration of the input in seconds, NaN if unknown

        """
        if not np.isfinite(values).any():
            return [(0.0, duration)]
        settings = self.owner
        return [
            segment
            for part in activity.spans(duration)
            for segment in to_spans(
                values,
                part,
                to_seconds(settings.win_dur),
                to_seconds(settings.hop_dur),
                tolerance=settings.tolerance,
                min_dur=to_seconds(settings.min_dur),
            )
        ]

    def _fulfilling(
        self, condition: Condition, source: Read, spans: list[Interval], offset: float
    ) -> list[Interval]:
        """Segments that fulfil a condition as a whole."""
        # The end of an unreadable file is unknown
        absolute: list[Span] = [
            (offset + start, None if np.isnan(end) else offset + end)
            for start, end in spans
        ]
        rows = (row for (row,) in self.whole.segments(source, absolute))
        values = (named(row.values.mean(axis=0), self.names) for row in rows)
        return list(itertools.compress(spans, map(condition, values)))
