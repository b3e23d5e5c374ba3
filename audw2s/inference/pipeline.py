"""From a file or a signal to rows: the one way that all entry points go.

read → check → mono → resample → level → tokens → windows → rows, or, with models
that don't give tokens, windows → model → rows.
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
from audw2s.inference.one_pass import margin
from audw2s.inference.one_pass import one_pass
from audw2s.inference.one_pass import parts
from audw2s.inference.row import Row
from audw2s.inference.source import Callback
from audw2s.inference.source import Read
from audw2s.inference.source import Span
from audw2s.inference.source import from_the_start


class Predictor(Analyser):
    """Gives rows of A/D/V for files and signals; bad input is a row, no exception.

    Students of this package hear a recording once: windows and stretches are pooled
    from the same tokens, heard in their surroundings. With ``exact``, and with other
    models, each is heard alone, as if nothing else were there.

    A recording as a whole is heard in one pass by students. By other models, beyond
    what they take at once, it is heard in blocks of that length, and its value is
    their mean, weighted by duration.

    Args:
        model: name, folder or model, see :class:`audw2s.inference.network.Network`
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
        hidden_states: see :class:`audw2s.inference.network.Network`; they follow
            A/D/V in the values of rows
        block_dur: see :class:`audw2s.inference.network.Network`

    Raises:
        ValueError: if ``win_dur`` or ``hop_dur`` isn't positive

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
        """Annotate a file, or a stretch of it.

        Args:
            path: audio file, or a file object of one
            start: first second; a negative one counts from the end of the file
            end: last second; a negative one counts from the end of the file, ``None``,
                or one that lies beyond it, is that end
            callback: is handed the stream of blocks at 16 kHz, returns what is heard;
                nothing around the stretch is heard then

        Returns:
            one row, or one per window; at least one

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
        """Annotate a signal, or a stretch of it.

        Args:
            signal: ``(num_channels, num_samples)`` or ``(num_samples,)``, float
                or integer; it is not changed
            sampling_rate: in Hz
            start: see :meth:`file`
            end: see :meth:`file`
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
        """Annotate stretches of a source, which is read and heard once where it can.

        Args:
            read: :func:`audw2s.audio.decode.file_blocks` or
                :func:`audw2s.audio.preprocess.array_blocks`, given the source
            spans: in any order
            callback: see :meth:`file`

        Returns:
            rows of each stretch

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
        for part in parts([cut[number] for number in pooled], around):
            own = [pooled[k] for k in part]
            ends = [spans[number][1] for number in own]
            rows = one_pass(self, read, [cut[number] for number in own], ends, callback)
            for number, rows_of_stretch in zip(own, rows, strict=True):
                found[number] = rows_of_stretch
        return found

    def _last(self, start: float, end: float | None) -> float | None:
        if self.max_signal_dur is None:
            return end
        return min(start + self.max_signal_dur, math.inf if end is None else end)
