"""How a corpus is annotated, which changes no value."""

import dataclasses
from collections.abc import Mapping

from audw2s.corpus.predictor import Settings
from audw2s.corpus.report.page import check_report
from audw2s.corpus.table import check_format
from audw2s.interpreter import interpreter
from audw2s.model.device import check_device

ENGINES = ("local", "ray")
"""Processes of this machine, or actors of a Ray cluster."""


@dataclasses.dataclass
class Options:
    """How the work is done; none of these changes a value.

    Args:
        num_workers: files that are heard at once, ``None`` for one per core, and with
            batches for one per window of a batch at least; of Ray the actors, ``None``
            for as many as there is room for
        file_timeout: see :class:`audw2s.corpus.workers.WorkerPool`
        shard_size: inputs that are written at a time
        table: name of the table that is added to a copy of a database
        table_format: ``"parquet"`` or ``"csv"``
        report: path of a page (HTML) on what was found
        restart: delete what an earlier run has written
        retry_failed: process missing, unreadable, empty and truncated files again
        verbose: show a progress bar on stderr
        engine: ``"local"``, or ``"ray"``, see :class:`audw2s.corpus.ray.Cluster`
        address: of a Ray cluster, ``None`` for a Ray of its own on this machine
        cpus_per_worker: cores of an actor, which hears as many files at once, and with
            batches one per window of a batch at least
        gpus_per_worker: GPUs of an actor, or a part of one
        columns: see :func:`audw2s.corpus.lists.entries.read_entries`

    """

    num_workers: int | None = None
    file_timeout: float = 120.0
    shard_size: int = 200
    table: str | None = None
    table_format: str = "parquet"
    report: str | None = None
    restart: bool = False
    retry_failed: bool = False
    verbose: bool = False
    engine: str = "local"
    address: str | None = None
    cpus_per_worker: int = 1
    gpus_per_worker: float = 0.0
    columns: Mapping[str, str] | None = None


def check(settings: Settings, options: Options) -> None:
    """Make sure that settings and options make sense, before any work.

    Raises:
        ValueError: if not
        ModuleNotFoundError: if a report is wanted, and can't be drawn
        ChildProcessError: if there is no Python that a process can be started with

    """
    if not settings.models:
        raise ValueError("There has to be a model.")
    if settings.hop_dur is not None and settings.win_dur is None:
        raise ValueError("A hop_dur needs a win_dur.")
    limits = [("max_dur", settings.max_dur), ("file_timeout", options.file_timeout)]
    for name, value in limits:
        if value is not None and not value > 0:
            raise ValueError(f"'{name}' has to be more than 0 s, got {value} s.")
    counts = {
        "num_workers": options.num_workers,
        "shard_size": options.shard_size,
        "cpus_per_worker": options.cpus_per_worker,
        "batch_size": settings.batch_size,
    }
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ValueError(f"'{name}' has to be at least 1, got {value}.")
    if options.report is not None:
        check_report(options.report)
    check_device(settings.device)
    if options.engine not in ENGINES:
        raise ValueError(f"The engine is local or ray, not '{options.engine}'.")
    if options.gpus_per_worker < 0:
        raise ValueError(f"'gpus_per_worker' is {options.gpus_per_worker}.")
    of_ray = (options.address, options.cpus_per_worker, options.gpus_per_worker)
    if options.engine != "ray" and of_ray != (None, 1, 0):
        raise ValueError(
            "'address', 'cpus_per_worker' and 'gpus_per_worker' need the engine ray."
        )
    if options.engine == "local":
        interpreter()
    check_format(options.table_format)
