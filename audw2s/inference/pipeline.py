"""From a file or a signal to rows; all entry points use this pipeline.

read → check → mono → resample → normalise → tokens → windows → rows, or, with models
without tokens, read → check → mono → resample → windows → model → rows.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import array_blocks
from audw2s.inference.analyser import Analyser
from audw2s.inference.exact import exact
from audw2s.inference.one_pass import grouped_spans
from audw2s.inference.one_pass import margin
from audw2s.inference.one_pass import one_pass
from audw2s.inference.row import Row
from audw2s.inference.source import Callback
from audw2s.inference.source import Read
from audw2s.inference.source import Span
from audw2s.inference.source import from_the_start


class Predictor(Analyser):
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
        block_dur: duration in seconds of a block that a student processes at once

    Raises:
        ValueError: if a duration is shorter than 64 samples at 16 kHz, or infinite

    Examples:
        >>> predictor = Predictor("wav2small")
        >>> (row,) = predictor.signal(np.zeros(10), 16000)
        >>> row.status, row.message
        ('too_short', '10 samples at 16000 Hz, at least 4 ms are needed')

    """

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
        spans = from_the_start(read, spans)
        cut = [(start, self._last(start, end)) for start, end in spans]
        if self.exact or self.min_signal_dur is not None or not self.network.tokens:
            return [
                exact(self, read, span, end, callback)
                for span, (_, end) in zip(cut, spans, strict=True)
            ]
        found: list[list[Row]] = [[]] * len(spans)
        pooled = []
        for number, span in enumerate(spans):
            if self.win_dur is None and span == (0.0, None):
                found[number] = exact(self, read, cut[number], None, callback)
            else:
                pooled.append(number)
        around = None if callback else margin(self)
        for group in grouped_spans([cut[number] for number in pooled], around):
            numbers = [pooled[k] for k in group]
            ends = [spans[number][1] for number in numbers]
            inner = [cut[number] for number in numbers]
            rows = one_pass(self, read, inner, ends, callback)
            for number, rows_of_segment in zip(numbers, rows, strict=True):
                found[number] = rows_of_segment
        return found

    def _last(self, start: float, end: float | None) -> float | None:
        if self.max_signal_dur is None:
            return end
        return min(start + self.max_signal_dur, math.inf if end is None else end)
