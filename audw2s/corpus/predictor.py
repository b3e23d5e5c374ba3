"""Process a file with all models, so that each segment has rows."""

import dataclasses
import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.audio.decode import duration
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_timedelta
from audw2s.corpus.batching import Batcher
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.model.device import check_session
from audw2s.model.registry import DIMENSIONS

HELD_SAMPLES = 5 * 60 * 48000
"""Largest number of samples of a file that is kept for the next model: 58 MB, 5 min at
48 kHz."""

GPU_BATCH = 16
"""Default number of windows of a batch on a GPU."""

Heartbeat = Callable[[], None]
"""Function that is called after each step, so that a hanging file is noticed."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Models and windows of a run.

    Args:
        models: names of models, or model folders
        win_dur: duration of windows in seconds, ``None`` for a row per input
        hop_dur: duration between the starts of windows in seconds
        exact: process each window and segment on its own
        max_dur: longest duration of a segment in seconds, ``None`` for no limit; longer
            ones have no values
        embeddings: also return the hidden states of the models
        device: device of the models, see :func:`audw2s.load`; it changes speed only
        batch_size: number of windows of equal length that a model processes at once, if
            it can; ``None`` for 16 on GPUs, else 1. Students process whole recordings

    """

    models: tuple[str, ...]
    win_dur: float | None = None
    hop_dur: float | None = None
    exact: bool = False
    max_dur: float | None = None
    embeddings: bool = False
    device: str = "cpu"
    batch_size: int | None = None

    @property
    def at_once(self) -> int:
        """Number of windows of a batch."""
        return self.batch_size or (1 if self.device == "cpu" else GPU_BATCH)


class Prediction(NamedTuple):
    """Values of all models for a segment or window."""

    start: pd.Timedelta
    end: pd.Timedelta
    """NaT if unknown."""

    values: np.ndarray
    """Values ``(num_models, 3)``, float32, NaN for unusable input."""

    duration: float
    """Duration in seconds that was processed."""

    status: str
    message: str

    hidden_states: tuple[np.ndarray | None, ...]
    """Hidden states ``(size,)`` of each model, float32, ``None`` without values, or if
    they weren't requested."""


class MonitoredPredictor(Predictor):
    """Predictor that calls a heartbeat after each run of its model."""

    current = threading.local()
    """Heartbeat of the file that a thread processes."""

    batcher: Batcher | None = None

    def gather(self, most: int) -> None:
        """Run the network on windows of several files at once.

        Raises:
            ValueError: if it can't

        """
        self.batcher = Batcher(self.network, most)
        self.at_once = most

    def run(self, windows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network on each window, which are mono here."""
        heartbeat = self.current.heartbeat
        if self.batcher is None:
            values = super().run(windows)
        else:
            signals = [np.ascontiguousarray(window[0]) for window in windows]
            values = [own[None] for own in self.batcher(signals, heartbeat)]
        heartbeat()
        return values


class FilePredictor:
    """Processes files with one or more models.

    Args:
        settings: models and windows

    Raises:
        ValueError: if a model doesn't exist, a window is too short, or batches are
            requested and no model supports them

    Examples:
        >>> predictor = FilePredictor(Settings(("wav2small",)))
        >>> ((row,),) = predictor.predict("not_there.wav", [(0.0, None)])
        >>> row.status, row.message, row.duration
        ('missing', 'no such file', 0.0)

    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.predictors = [
            MonitoredPredictor(
                model,
                win_dur=settings.win_dur,
                hop_dur=settings.hop_dur,
                exact=settings.exact,
                device=settings.device,
                hidden_states=settings.embeddings,
            )
            for model in settings.models
        ]
        if settings.at_once > 1:
            self._gather()

    def _gather(self) -> None:
        reasons = []
        for predictor in self.predictors:
            if predictor.network.tokens is not None:
                name = predictor.network.name
                reasons.append(f"'{name}' processes whole recordings.")
                continue
            try:
                predictor.gather(self.settings.at_once)
            except ValueError as error:
                reasons.append(str(error))
        if self.settings.batch_size and len(reasons) == len(self.predictors):
            raise ValueError(f"{' '.join(reasons)} Leave out the batch size.")

    def try_out(self) -> None:
        """Run each model once, so that its faults aren't attributed to files.

        Raises:
            ValueError: if a model can't be run

        """
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, SAMPLING_RATE)
        MonitoredPredictor.current.heartbeat = lambda: None
        for predictor in self.predictors:
            check_session(predictor.network.open(), self.settings.device)
            try:
                predictor.signal(noise, SAMPLING_RATE)
            except Exception as error:
                name = predictor.network.name
                raise ValueError(f"'{name}' can't be run: {error}") from error

    def predict(
        self,
        path: str,
        spans: Sequence[Span],
        heartbeat: Heartbeat = lambda: None,
    ) -> list[list[Prediction]]:
        """Predict segments of a file.

        Args:
            path: path of an audio file
            spans: start and end of each segment in seconds, in any order
            heartbeat: function that is called after each block that was read, and each
                run of a model

        Returns:
            rows of each segment, at least one

        """
        MonitoredPredictor.current.heartbeat = heartbeat
        found: list[list[Prediction]] = [[]] * len(spans)
        total, wanted = self._total(path, spans), []
        for number, (start, end) in enumerate(spans):
            last = total if end is None else min(end, total)
            if last - start > (self.settings.max_dur or np.inf):
                found[number] = [self._too_long(start, end, last)]
            else:
                wanted.append(number)
        if not wanted:
            return found
        read = partial(file_blocks, path)
        if len(self.predictors) > 1:
            read = _held(path, heartbeat) or read
        read = _watched(read, heartbeat)
        own = [spans[number] for number in wanted]
        by_model = [predictor.segments(read, own) for predictor in self.predictors]
        for number, rows in zip(wanted, zip(*by_model, strict=True), strict=True):
            found[number] = _merged(rows)
        return found

    def _total(self, path: str, spans: Sequence[Span]) -> float:
        """Duration of a file in seconds, counted as far as ``max_dur`` needs it."""
        if self.settings.max_dur is None:
            return 0.0
        limit = max(start for start, _ in spans) + self.settings.max_dur
        return duration(path, limit)

    def _too_long(self, start: float, end: float | None, last: float) -> Prediction:
        message = f"{last - start:.1f} s, longer than {self.settings.max_dur:g} s"
        row = without_values(start, end, "too_long", message, len(self.predictors))
        return row if end is not None else row._replace(end=to_timedelta(last, 1))


def without_values(
    start: float,
    end: float | None,
    status: str,
    message: str,
    num_models: int,
) -> Prediction:
    """Row of a segment without values."""
    values = np.full((num_models, len(DIMENSIONS)), np.nan, np.float32)
    none = (None,) * num_models
    return Prediction(
        from_seconds(start), from_seconds(end), values, 0.0, status, message, none
    )


def _held(path: str, heartbeat: Heartbeat) -> Read | None:
    """Decode a whole file, so that all models read it from memory.

    Returns:
        source, or ``None`` if the file is too long or has problems; then each model
        reads the file

    """
    report, blocks, size = Report(), [], 0
    for block in file_blocks(path, report):
        heartbeat()
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


def _watched(read: Read, heartbeat: Heartbeat) -> Read:
    def call(
        report: Report,
        *,
        start: float = 0.0,
        end: float | None = None,
    ) -> Iterator[np.ndarray]:
        for block in read(report, start=start, end=end):
            heartbeat()
            yield block

    return call


def _merged(by_model: Sequence[list[Row]]) -> list[Prediction]:
    """Merge the rows of all models, which have the same windows."""
    others = [{row.start: row for row in rows} for rows in by_model[1:]]
    merged = []
    for row in by_model[0]:
        rows = [row, *(other.get(row.start) for other in others)]
        values = np.full((len(rows), len(DIMENSIONS)), np.nan, np.float32)
        hidden_states: list[np.ndarray | None] = [None] * len(rows)
        for number, own in enumerate(rows):
            if own is not None:
                values[number] = own.values[0, : len(DIMENSIONS)]
                more = own.values[0, len(DIMENSIONS) :]
                if more.size and np.isfinite(more).all():
                    hidden_states[number] = more
        known = [own for own in rows if own is not None]
        worst = next((own for own in known if own.status in UNUSABLE), row)
        merged.append(
            Prediction(
                start=row.start,
                end=row.end,
                values=values,
                duration=row.duration,
                status=worst.status,
                message=worst.message,
                hidden_states=tuple(hidden_states),
            )
        )
    return merged
