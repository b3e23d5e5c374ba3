"""Hear a file with all models; whatever happens, each stretch has its rows."""

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
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_timedelta
from audw2s.corpus.batching import Batcher
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.inference.source import Read
from audw2s.inference.source import Span
from audw2s.model.device import check_session
from audw2s.model.registry import DIMENSIONS

HELD_SAMPLES = 5 * 60 * 48000
"""Samples of a file that are kept for the next model: 58 MB, 5 min at 48 kHz."""

BLOCK_DUR = 5.0
"""Seconds that a student hears at a time: some 10 MB more than the interfaces, which
are to be small, and a tenth of the time less."""

GPU_BATCH = 16
"""Windows that a GPU is given at once."""

Heartbeat = Callable[[], None]
"""Is called whenever a step is done, so that a file that hangs is noticed."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is done with each file.

    Args:
        models: names or folders
        win_dur: see :class:`audw2s.inference.pipeline.Predictor`
        hop_dur: see :class:`audw2s.inference.pipeline.Predictor`
        exact: see :class:`audw2s.inference.pipeline.Predictor`
        max_dur: longer stretches, in seconds, have no values; ``None`` for no limit
        embeddings: give the hidden states of the models as well
        device: see :func:`audw2s.load`; changes nothing but speed
        batch_size: windows of one length that a model hears at once, where it can;
            ``None`` for one, on GPUs 16. Students hear whole recordings at once anyway

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
        """Windows in a batch."""
        return self.batch_size or (1 if self.device == "cpu" else GPU_BATCH)


class Heard(NamedTuple):
    """What all models say of a stretch, or of a window of it."""

    start: pd.Timedelta
    end: pd.Timedelta
    """NaT if unknown."""

    values: np.ndarray
    """``(num_models, 3)``, float32, NaN where no value is honest."""

    duration: float
    """Seconds that were heard."""

    status: str
    message: str

    hidden_states: tuple[np.ndarray | None, ...]
    """Of each model ``(size,)``, float32, ``None`` where it has no values, or if they
    weren't asked for."""


class MonitoredPredictor(Predictor):
    """An annotator that tells of each run of its model."""

    current = threading.local()
    """Whom to tell: each thread hears another file."""

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
    """Hears files with one or more models.

    Args:
        settings: models and windows

    Raises:
        ValueError: if a model isn't there, a window is too short, or batches are asked
            for and no model hears them

    Examples:
        >>> predictor = FilePredictor(Settings(("wav2small",)))
        >>> ((heard,),) = predictor.hear("not_there.wav", [(0.0, None)])
        >>> heard.status, heard.message, heard.duration
        ('missing', 'no such file', 0.0)

    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self.annotators = [
            MonitoredPredictor(
                model,
                win_dur=settings.win_dur,
                hop_dur=settings.hop_dur,
                exact=settings.exact,
                device=settings.device,
                hidden_states=settings.embeddings,
                block_dur=BLOCK_DUR,
            )
            for model in settings.models
        ]
        if settings.at_once > 1:
            self._gather()

    def _gather(self) -> None:
        reasons = []
        for predictor in self.annotators:
            if predictor.network.tokens is not None:
                reasons.append(f"'{predictor.network.name}' hears whole recordings.")
                continue
            try:
                predictor.gather(self.settings.at_once)
            except ValueError as error:
                reasons.append(str(error))
        if self.settings.batch_size and len(reasons) == len(self.annotators):
            raise ValueError(f"{' '.join(reasons)} Leave out the batch size.")

    def try_out(self) -> None:
        """Run each model once: a fault of a model is no fault of all the files.

        Raises:
            ValueError: if one can't be run

        """
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, SAMPLING_RATE)
        MonitoredPredictor.current.heartbeat = lambda: None
        for predictor in self.annotators:
            check_session(predictor.network.open(), self.settings.device)
            try:
                predictor.signal(noise, SAMPLING_RATE)
            except Exception as error:
                name = predictor.network.name
                raise ValueError(f"'{name}' can't be run: {error}") from error

    def hear(
        self,
        path: str,
        spans: Sequence[Span],
        heartbeat: Heartbeat = lambda: None,
    ) -> list[list[Heard]]:
        """Annotate stretches of a file.

        Args:
            path: audio file
            spans: in any order
            heartbeat: is called after each block that was read, and each run of a model

        Returns:
            rows of each stretch, at least one

        """
        MonitoredPredictor.current.heartbeat = heartbeat
        found: list[list[Heard]] = [[]] * len(spans)
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
        if len(self.annotators) > 1:
            read = _held(path, heartbeat) or read
        read = _watched(read, heartbeat)
        own = [spans[number] for number in wanted]
        by_model = [predictor.segments(read, own) for predictor in self.annotators]
        for number, rows in zip(wanted, zip(*by_model, strict=True), strict=True):
            found[number] = _merged(rows)
        return found

    def _total(self, path: str, spans: Sequence[Span]) -> float:
        """Seconds of a file, as far as it matters for what is too long."""
        if self.settings.max_dur is None:
            return 0.0
        limit = max(start for start, _ in spans) + self.settings.max_dur
        return duration(path, limit)

    def _too_long(self, start: float, end: float | None, last: float) -> Heard:
        message = f"{last - start:.1f} s, longer than {self.settings.max_dur:g} s"
        row = without_values(start, end, "too_long", message, len(self.annotators))
        return row if end is not None else row._replace(end=to_timedelta(last, 1))


def without_values(
    start: float,
    end: float | None,
    status: str,
    message: str,
    num_models: int,
) -> Heard:
    """Row of a stretch that wasn't heard."""
    values = np.full((num_models, len(DIMENSIONS)), np.nan, np.float32)
    none = (None,) * num_models
    return Heard(
        from_seconds(start), from_seconds(end), values, 0.0, status, message, none
    )


def _held(path: str, heartbeat: Heartbeat) -> Read | None:
    """Decode a file as a whole, to be read from memory.

    Returns:
        ``None`` if it is too long for that, or not whole: then each model reads it,
        and what is wrong with it is found by the one who knows

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


def _merged(by_model: Sequence[list[Row]]) -> list[Heard]:
    """Rows of all models side by side; they hear the same windows."""
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
        about = (row.duration, worst.status, worst.message, tuple(hidden_states))
        merged.append(Heard(row.start, row.end, values, *about))
    return merged
