"""Process a file with all models, so that each segment has rows."""

import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from audw2s.audio.channels import channels_of
from audw2s.audio.decode import duration
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.quality import Report
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.speech import marked
from audw2s.audio.speech import only_speech
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import to_timedelta
from audw2s.corpus.batching import Batcher
from audw2s.corpus.options import Options
from audw2s.corpus.task import Prediction
from audw2s.corpus.task import Result
from audw2s.corpus.task import Task
from audw2s.corpus.task import unreadable
from audw2s.corpus.task import without_values
from audw2s.files import stamp
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.inference.turns import speech_spans
from audw2s.model.device import check_session
from audw2s.model.registry import DIMENSIONS

HELD_SAMPLES = 5 * 60 * 48000
"""Largest number of samples of a file that is kept for the next model: 58 MB, 5 min at
48 kHz."""


Heartbeat = Callable[[], None]
"""Function that is called after each step, so that a hanging file is noticed."""


class MonitoredPredictor(Predictor):
    """Predictor that calls a heartbeat after each run of its model.

    Arguments are those of :class:`audw2s.inference.pipeline.Predictor`, and the
    heartbeat.

    """

    def __init__(self, model: str, heartbeat: Heartbeat, **settings: Any):
        super().__init__(model, **settings)
        self.heartbeat = heartbeat
        self.batcher: Batcher | None = None

    def gather(self, most: int) -> None:
        """Run the network on windows of several files at once.

        Raises:
            ValueError: if it can't

        """
        if self.network.tokens is not None:
            raise ValueError(f"'{self.network.name}' processes whole recordings.")
        self.batcher = Batcher(self.network, most)
        self.at_once = most

    def run(self, windows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network on each window, which are mono here."""
        if self.batcher is None:
            values = super().run(windows)
        else:
            values = self._batched(self.batcher, [window[0] for window in windows])
        self.heartbeat()
        return values

    def _batched(self, batcher: Batcher, signals: list[np.ndarray]) -> list[np.ndarray]:
        """Values of signals, or of their speech, in batches with those of others."""
        parts = [
            only_speech(signal, marked(signal)) if self.vad else signal
            for signal in signals
        ]
        rows = iter(batcher([part for part in parts if len(part) >= MIN_SAMPLES]))
        nothing = np.full(self.network.num_values + 1, np.nan, np.float32)
        values = []
        for signal, part in zip(signals, parts, strict=True):
            row = next(rows) if len(part) >= MIN_SAMPLES else nothing.copy()
            if self.vad:
                row[-1] = len(part) / len(signal)
            values.append(row[None])
        return values


class FilePredictor:
    """Processes files with one or more models.

    Args:
        options: models and windows

    Raises:
        ValueError: if a model doesn't exist, a window is too short, or batches are
            requested and no model supports them

    Examples:
        >>> predictor = FilePredictor(Options())
        >>> ((one,),) = predictor.predict("not_there.wav", [(0.0, None)])
        >>> one.row.status, one.row.message, one.row.duration
        ('missing', 'no such file', 0.0)

    """

    def __init__(self, options: Options, heartbeat: Heartbeat = lambda: None):
        self.options = options
        self.heartbeat = heartbeat
        self.predictors = [
            MonitoredPredictor(
                model,
                heartbeat,
                win_dur=options.win_dur,
                hop_dur=options.hop_dur,
                exact=options.exact,
                vad=options.vad,
                device=options.device,
                hidden_states=options.embeddings,
            )
            for model in options.models
        ]
        if options.at_once > 1:
            self._gather()

    def _gather(self) -> None:
        reasons = []
        for predictor in self.predictors:
            try:
                predictor.gather(self.options.at_once)
            except ValueError as error:
                reasons.append(str(error))
        if self.options.batch_size and len(reasons) == len(self.predictors):
            raise ValueError(f"{' '.join(reasons)} Leave out the batch size.")

    def try_out(self) -> None:
        """Run each model once, so that its faults aren't attributed to files.

        Raises:
            ValueError: if a model can't be run

        """
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, SAMPLING_RATE)
        for predictor in self.predictors:
            check_session(predictor.network.open(), self.options.device)
            try:
                predictor.signal(noise, SAMPLING_RATE)
            except Exception as error:
                name = predictor.network.name
                raise ValueError(f"'{name}' can't be run: {error}") from error

    def result(self, task: Task) -> Result:
        """Process a file; also one that raises an error has rows."""
        seen = stamp(task.path)
        try:
            return Result(seen, self.predict(task.path, task.seconds))
        except Exception as error:  # noqa: BLE001
            # One file must not end the run for all others
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return unreadable(task, reason, len(self.predictors))

    def predict(self, path: str, spans: Sequence[Span]) -> list[list[Prediction]]:
        """Predict segments of a file.

        Args:
            path: path of an audio file
            spans: start and end of each segment in seconds, in any order

        Returns:
            rows of each segment, at least one

        """
        results = self._too_long(path, spans)
        wanted = [number for number in range(len(spans)) if number not in results]
        if wanted:
            read = self._monitored(partial(file_blocks, path))
            if len(self.predictors) > 1:
                read = _held(read) or read
            segments = [spans[number] for number in wanted]
            for channel in channels_of(read, self.options.channels):
                predictors = [one.of_channel(channel) for one in self.predictors]
                of_channel = self._rows(predictors, read, segments)
                for number, rows in zip(wanted, of_channel, strict=True):
                    rows = [one._replace(channel=channel) for one in rows]
                    results.setdefault(number, []).extend(rows)
        return [results[number] for number in range(len(spans))]

    def _rows(
        self, predictors: Sequence[Predictor], read: Read, spans: Sequence[Span]
    ) -> list[list[Prediction]]:
        """Rows of segments of one channel, or of the mean of all."""
        if self.options.segments is None:
            by_model = [predictor.segments(read, spans) for predictor in predictors]
            return [list(_merged(rows)) for rows in zip(*by_model, strict=True)]
        rows = []
        for span in spans:
            turns = speech_spans(
                predictors[0],
                read,
                span,
                min_dur=self.options.min_segment_dur,
                max_dur=self.options.max_segment_dur or math.inf,
            )
            by_model = [one.segments(read, turns or [span]) for one in predictors]
            found = [row for own in zip(*by_model, strict=True) for row in _merged(own)]
            rows.append(found if turns else list(map(_without_speech, found)))
        return rows

    def _too_long(
        self, path: str, spans: Sequence[Span]
    ) -> dict[int, list[Prediction]]:
        """Rows of the segments that are longer than ``max_dur``, by their position."""
        rows: dict[int, list[Prediction]] = {}
        if (most := self.options.max_dur) is None:
            return rows
        # The file is read as far as needed
        total = duration(path, max(start for start, _ in spans) + most)
        for number, (start, end) in enumerate(spans):
            last = total if end is None else min(end, total)
            if last - start > most:
                message = f"{last - start:.1f} s, longer than {most:g} s"
                count = len(self.predictors)
                one = without_values(start, end, "too_long", message, count)
                if end is None:
                    # As audformat rounds the duration of a file
                    row = one.row._replace(end=to_timedelta(last, 1))
                    one = one._replace(row=row)
                rows[number] = [one]
        return rows

    def _monitored(self, read: Read) -> Read:
        """Call the heartbeat after each block that is read."""

        def blocks(*args: object, **kwargs: object) -> Iterator[np.ndarray]:
            for block in read(*args, **kwargs):
                self.heartbeat()
                yield block

        return blocks


def _without_speech(one: Prediction) -> Prediction:
    """Row of an input without any segment of speech."""
    if one.row.status in UNUSABLE:
        return one
    message = "there is no segment of speech"
    row = one.row._replace(status="no_speech", message=message)
    return one._replace(row=row, values=[np.full_like(v, np.nan) for v in one.values])


def _held(read: Read) -> Read | None:
    """Decode a whole file, so that all models read it from memory.

    Returns:
        source, or ``None`` if the file is too long or has problems; then each model
        reads the file

    """
    report, blocks, size = Report(), [], 0
    for block in read(report):
        blocks.append(block)
        size += block.shape[1]
        whole = max(size, report.total * report.sampling_rate)
        if whole * len(block) > HELD_SAMPLES:
            return None
    report.num_samples = size
    if report.problem or report.notes or not blocks or report.truncation():
        return None
    signal = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    return partial(array_blocks, signal, report.sampling_rate)


def _merged(by_model: Sequence[list[Row]]) -> Iterator[Prediction]:
    """Merge the rows of all models for one segment, which have the same windows."""
    nothing = np.full((1, len(DIMENSIONS)), np.nan, np.float32)
    others = [{row.start: row for row in rows} for rows in by_model[1:]]
    for first in by_model[0]:
        known = [first, *(other.get(first.start) for other in others)]
        rows = [row or first._replace(values=nothing) for row in known]
        worst = next((row for row in rows if row.status in UNUSABLE), first)
        yield Prediction(
            first._replace(status=worst.status, message=worst.message),
            [row.values[0] for row in rows],
        )
