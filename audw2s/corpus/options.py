"""Options of a run; the command, the function, the workers and Ray take them."""

import dataclasses
import math
import os
import re
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from audw2s.audio.statuses import MIN_SEGMENT_DUR
from audw2s.interpreter import interpreter
from audw2s.model.device import check_device
from audw2s.version import identity

ENGINES = ("local", "ray")
"""Processes of this machine, or actors of a Ray cluster."""

GPU_BATCH = 16
"""Default number of windows of a batch on a GPU."""

NUM_IDENTITY = 11
"""Number of options that belong to the identity of a run."""


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of a run.

    The first eleven belong to its identity, as values depend on them; all others change
    speed or output only. The command shows these descriptions as its help.

    A file of embeddings has a row per row of the table: ``file``, ``start``, ``end``,
    and for each model ``MODEL.hidden_states``, a list of float32 that is missing if
    there are no values. Those of a whole file are those of :func:`audw2s.load`; also
    for windows and segments A/D/V is a linear function of them. All windows of a file
    are kept in memory. For intervals see :mod:`audw2s.evaluation.conformal`.

    Args:
        models: names or folders of models, see :func:`models_of`
        win_dur: duration of windows in seconds, each of which has a row; by default
            inputs have a row each
        hop_dur: duration between the starts of windows in seconds, half a window by
            default
        exact: process each window and segment on its own; slower
        max_dur: longest duration of an input in seconds; longer inputs have no values
            and the status ``too_long``
        vad: process speech only, as found by a voice activity detector
        channels: channels that have rows of their own, such as ``(0, 1)`` or ``"all"``,
            ``None`` for rows of their mean
        segments: inputs have a row per segment: ``vad`` for segments of speech, between
            pauses of 0.3 s
        min_segment_dur: duration of the shortest segment in seconds; shorter ones are
            left out
        max_segment_dur: duration of the longest segment in seconds, any by default;
            longer ones are cut where speech is least probable
        embeddings: write the ``hidden_states`` of the models to
            ``OUT/embeddings.parquet``
        intervals: add intervals behind the values, as ``arousal_low`` and
            ``arousal_high``, that hold the ratings of this share of clips, such as 0.9
        device: device of the models: ``cpu``, ``cuda``, ``cuda:1`` and so on
        batch_size: number of windows of equal length, of any files, that a teacher
            processes at once; by default 16 on GPUs, else 1. Students process whole
            recordings
        num_workers: number of worker processes, by default one per core, or one if
            windows are processed in batches; of Ray the number of actors, by default
            as many as fit
        file_timeout: seconds without progress (no block read, no window processed)
            after which a file is given up, plus one second per MB of the file
        shard_size: number of inputs that are written to disk at once
        table: name of a table to add to a copy of the database
        table_format: format of the table, ``parquet`` or ``csv``
        values_only: leave out all columns of the table but ``file``, ``start``, ``end``
            and the values, as nkululeko imports them
        report: path of a report on the results, as HTML
        restart: delete what earlier runs have written to the folder
        retry_failed: process missing, unreadable, empty and truncated files again
        verbose: show a progress bar on stderr
        engine: where files are processed: ``local``, or ``ray`` for several machines,
            on which files, folder of the results and models need to have the same
            paths
        address: address of a Ray cluster, ``auto`` or ``HOST:PORT``; by default the one
            that this process is connected to, or else a local one
        cpus_per_worker: number of cores of an actor of Ray, and of its worker processes
        gpus_per_worker: number of GPUs of an actor of Ray, also a fraction
        columns: names of the corpus' columns by names in this package

    """

    models: tuple[str, ...] = ("wav2small",)
    win_dur: float | None = None
    hop_dur: float | None = None
    exact: bool = False
    max_dur: float | None = None
    vad: bool = False
    channels: Sequence[int] | str | None = None
    segments: str | None = None
    min_segment_dur: float = MIN_SEGMENT_DUR
    max_segment_dur: float | None = None
    embeddings: bool = False
    intervals: float | None = None
    device: str = "cpu"
    batch_size: int | None = None
    num_workers: int | None = None
    file_timeout: float = 120.0
    shard_size: int = 200
    table: str | None = None
    table_format: str = "parquet"
    values_only: bool = False
    report: str | None = None
    restart: bool = False
    retry_failed: bool = False
    verbose: bool = False
    engine: str = "local"
    address: str | None = None
    cpus_per_worker: int = 1
    gpus_per_worker: float = 0.0
    columns: Mapping[str, str] | None = None

    @property
    def names(self) -> list[str]:
        """Names of the models in columns: for a folder, its name."""
        return list(map(_name, self.models))

    @property
    def has_parts(self) -> bool:
        """Whether an input may have several rows, each with times of its own."""
        return self.win_dur is not None or self.segments is not None

    @property
    def at_once(self) -> int:
        """Number of windows of a batch."""
        return self.batch_size or (1 if self.device == "cpu" else GPU_BATCH)

    @property
    def identity(self) -> dict[str, object]:
        """What values depend on: models, version and the settings behind them.

        Raises:
            ValueError: if a model isn't there

        Examples:
            >>> identity = Options(win_dur=2.0).identity
            >>> identity["models"][0]["licence"], identity["hop_dur"]
            ('CC BY 4.0', 1.0)

        """
        from audw2s.audio.times import default_hop_dur
        from audw2s.model.find import model_sha256
        from audw2s.model.origins import origins_of

        fields = [field.name for field in dataclasses.fields(self)]
        settings = {name: getattr(self, name) for name in fields[1:NUM_IDENTITY]}
        settings["hop_dur"] = default_hop_dur(self.win_dur, self.hop_dur)
        if not isinstance(self.channels, str | None):
            # As JSON gives them back
            settings["channels"] = list(self.channels)
        models = [
            {
                "name": name,
                "sha256": model_sha256(model),
                "licence": origins_of(model).terms,
            }
            for name, model in zip(self.names, self.models, strict=True)
        ]
        return identity({"models": models}, **settings)

    def __post_init__(self) -> None:
        """Make sure that the options make sense, before any work.

        Raises:
            ValueError: if not
            ChildProcessError: if there is no Python that a process can be started with

        """
        import numpy as np

        from audw2s.audio.speech_frames import segments

        for problem in self._problems():
            raise ValueError(problem)
        longest = self.max_segment_dur or math.inf
        segments([], np.zeros(0), min_dur=self.min_segment_dur, max_dur=longest)
        check_device(self.device)
        if self.engine == "local":
            interpreter()

    def _problems(self) -> Iterator[str]:
        from audw2s.tables import TABLES

        if not self.models:
            yield "There has to be a model."
        for name in self.names:
            if self.names.count(name) > 1:
                yield f"Two models are called '{name}'."
        if self.hop_dur is not None and self.win_dur is None:
            yield "A hop_dur needs a win_dur."
        if self.segments not in (None, "vad"):
            yield f"Segments are those of 'vad', not of '{self.segments}'."
        limits = (self.min_segment_dur, self.max_segment_dur)
        if self.segments is None and limits != (MIN_SEGMENT_DUR, None):
            yield "'min_segment_dur' and 'max_segment_dur' need 'segments'."
        for name in ("max_dur", "file_timeout"):
            if (value := getattr(self, name)) is not None and not value > 0:
                yield f"'{name}' has to be more than 0 s, got {value} s."
        for name in ("num_workers", "shard_size", "cpus_per_worker", "batch_size"):
            if (value := getattr(self, name)) is not None and value < 1:
                yield f"'{name}' has to be at least 1, got {value}."
        if self.table_format not in TABLES:
            yield f"The format is csv or parquet, not '{self.table_format}'."
        if self.channels is not None and self.table is not None:
            yield "A 'table' of a database has no rows per channel: omit 'channels'."
        if self.channels is not None and self.values_only:
            yield "A table with 'values_only' has no column for 'channels': omit one."
        yield from self._problems_of_engine()

    def _problems_of_engine(self) -> Iterator[str]:
        if self.engine not in ENGINES:
            yield f"The engine is local or ray, not '{self.engine}'."
        if self.gpus_per_worker < 0:
            yield f"'gpus_per_worker' is {self.gpus_per_worker}."
        for_ray = (self.address, self.cpus_per_worker, self.gpus_per_worker)
        if self.engine == "local" and for_ray != (None, 1, 0):
            yield (
                "'address', 'cpus_per_worker' and 'gpus_per_worker' need the engine "
                "ray."
            )


def _name(model: str) -> str:
    """Name of a model: of a folder its last name, also within an ensemble.

    Examples:
        >>> _name("models/mine"), _name("mean(models/mine, models/other)")
        ('mine', 'mean(mine, other)')

    """
    if not model.startswith("mean("):
        return os.path.basename(os.path.normpath(model))
    return re.sub(r"[^\s,()][^,()]*", lambda match: _name(match[0]), model)


def models_of(model: str | Sequence[str]) -> tuple[str, ...]:
    """Name or names of models; folders as absolute paths, as workers may be elsewhere.

    Examples:
        >>> models_of("wav2small")
        ('wav2small',)

    """
    from audw2s.model.names import entry_of

    models = [model] if isinstance(model, str) else model
    return tuple(
        os.path.abspath(m) if entry_of(m) is None and os.path.isdir(m) else m
        for m in models
    )
