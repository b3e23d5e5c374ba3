"""Annotate a corpus: what is done is on disk, the rest is done, then the table."""

import contextlib
import dataclasses
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from audw2s.corpus import table as tables
from audw2s.corpus.child import Task
from audw2s.corpus.crew import Result
from audw2s.corpus.database import check_table
from audw2s.corpus.database import write_database
from audw2s.corpus.engine import Engine
from audw2s.corpus.hearing import Settings
from audw2s.corpus.inputs import OPEN
from audw2s.corpus.inputs import Inputs
from audw2s.corpus.inputs import Unit
from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.job import Job
from audw2s.corpus.job import identity
from audw2s.corpus.parts import Parts
from audw2s.corpus.progress import Progress
from audw2s.corpus.summary import Summary

PART_DUR = 60.0
"""Seconds after which what is finished is written, however little it is."""

PART_ROWS = 50_000
"""Rows after which what is finished is written, however few inputs it is."""


@dataclasses.dataclass
class Options:
    """How the work is done; none of these changes a value.

    Args:
        num_workers: files that are heard at once, ``None`` for one per core
        file_timeout: see :class:`audw2s.corpus.engine.Engine`
        shard_size: inputs that are written at a time
        table: name of the table that is added to a copy of a database
        table_format: ``"parquet"`` or ``"csv"``
        restart: delete what an earlier run has written
        retry_failed: hear again what couldn't be heard
        verbose: show a progress bar on stderr

    """

    num_workers: int | None = None
    file_timeout: float = 120.0
    shard_size: int = 200
    table: str | None = None
    table_format: str = "parquet"
    restart: bool = False
    retry_failed: bool = False
    verbose: bool = False


def annotate(
    corpus: str,
    out: str | None = None,
    *,
    model: str | Sequence[str] = "wav2small",
    win_dur: float | None = None,
    hop_dur: float | None = None,
    exact: bool = False,
    max_dur: float | None = None,
    **options: object,
) -> pd.DataFrame:
    """Annotate a corpus, so that nothing is lost and any run can be resumed.

    Each input has its row, whatever is wrong with it. Files are heard in a process
    of their own: a file that crashes the decoder, or hangs, costs no other one. The
    same call again goes on where a run was interrupted, and leaves out what is
    done. Ctrl-C finishes the files in progress first.

    Args:
        corpus: a folder, a list of files, or a database, see
            :func:`audw2s.corpus.inputs.read_inputs`
        out: folder for results, ``None`` to keep nothing
        model: name or names, or folders
        win_dur: seconds of a window, ``None`` for a row per input
        hop_dur: seconds from window to window, half a window by default
        exact: hear each window and stretch alone; slower
        max_dur: inputs that last longer, in seconds, are left out: ``too_long``
        **options: see :class:`Options`

    Returns:
        a row per input or window, in the order of the inputs: ``file``, ``start``,
        ``end``, ``arousal``, ``dominance``, ``valence`` (with several models
        ``MODEL.arousal`` and so on; float32, roughly 0…1, unclipped, NaN where no
        value is honest), ``duration`` (seconds heard), ``status``, ``message``;
        ``attrs["audw2s"]`` says by what they were made

    Raises:
        ValueError: if arguments are wrong, or ``out`` is another run's
        OSError: if nothing can be read or written there
        KeyboardInterrupt: after Ctrl-C; what is finished is in ``out``

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "list.txt")
        ...     with open(path, "w") as file:
        ...         _ = file.write("not_there.wav")
        ...     frame = annotate(path)
        >>> frame[["file", "status"]]
                    file   status
        0  not_there.wav  missing

    """
    models = (model,) if isinstance(model, str) else tuple(model)
    settings = Settings(models, win_dur, hop_dur, exact, max_dur)
    if out is None and options.get("table") is not None:
        raise ValueError("A copy of a database with a 'table' needs 'out'.")
    with contextlib.ExitStack() as stack:
        if out is None:
            out = stack.enter_context(tempfile.TemporaryDirectory())
        run = Run(corpus, out, settings, Options(**options))
        run()
        batches = [rows for _, rows in run.parts.rows()]
        frame = pa.concat_tables(batches).to_pandas()
    frame.attrs["audw2s"] = run.provenance
    return frame


class Run:
    """One run over a corpus; call it to do the work.

    Args:
        corpus: see :func:`annotate`
        out: folder for results
        settings: models and windows
        options: how the work is done

    Raises:
        ValueError: if they don't fit

    """

    def __init__(self, corpus: str, out: str, settings: Settings, options: Options):
        _check(settings, options)
        self.out = out
        self.settings = settings
        self.options = options
        self.inputs = read_inputs(corpus)
        if options.table is not None:
            check_table(self.inputs, options.table)
        self.provenance = identity(settings)
        names = [found["name"] for found in self.provenance["models"]]
        self.names = names
        self.windows = settings.win_dur is not None
        self.summary = Summary(names, self.windows)
        self.parts: Parts

    def __call__(self) -> None:
        """Hear what isn't done yet, and write the table.

        Raises:
            ValueError: if the folder is another run's
            OSError: if it can't be written to
            KeyboardInterrupt: after Ctrl-C

        """
        with _writing(self.out):
            job = Job(self.out)
        with job.locked():
            if self.options.restart:
                job.restart()
            job.check(self.provenance)
            with _writing(self.out):
                folder = job.path("parts")
                self.parts = Parts(folder, self.names, self.inputs, self.windows)
                self._find()
            self._hear(job)
            with _writing(self.out):
                self._write(job)

    def _find(self) -> None:
        for path in self.parts.find(retry=self.options.retry_failed):
            if self.options.verbose:
                tqdm.write(
                    f"{path} is damaged, its inputs are heard again.", file=sys.stderr
                )

    def _hear(self, job: Job) -> None:
        units = self.parts.unfinished()
        if not units:
            return
        options = self.options
        workers = options.num_workers or num_cores()
        total = len(set(self.inputs.files))
        progress = Progress(total, total - len(units), options.verbose)
        noted = False
        waiting: list[tuple[Unit, Result]] = []
        size = rows = 0
        last = time.monotonic()
        said = "finishing the files in progress, Ctrl-C again to drop them"
        # Not said where the signal arrives, which may be in the middle of a line
        say = partial(progress.say, said)
        engine = Engine(self.settings, workers, options.file_timeout, say)
        results = engine.run(task(self.inputs, k, unit) for k, unit in enumerate(units))
        with (
            contextlib.closing(progress),
            contextlib.closing(results),
            interruptible(engine.stop),
        ):
            for number, result in results:
                if not noted:
                    # Not before the models have been opened
                    with _writing(self.out):
                        job.write(self.provenance)
                    noted = True
                progress.see(result)
                unit = units[number]
                waiting.append((unit, result))
                size += len(unit.numbers)
                rows += sum(map(len, result[1]))
                late = time.monotonic() - last > PART_DUR
                if size >= options.shard_size or rows >= PART_ROWS or late:
                    with _writing(self.out):
                        self.parts.write(waiting)
                    waiting, size, rows, last = [], 0, 0, time.monotonic()
            if waiting:
                with _writing(self.out):
                    self.parts.write(waiting)
        if engine.stopping and self.parts.unfinished():
            raise KeyboardInterrupt

    def _write(self, job: Job) -> None:
        path = job.path(f"table.{self.options.table_format}")
        tables.write(self._seen(), path, self.parts.schema, self.provenance)
        if self.options.table is None:
            return
        numbers, rows = zip(*self.parts.rows(), strict=True)
        write_database(
            self.inputs,
            self.options.table,
            np.concatenate(numbers),
            pa.concat_tables(rows),
            job.path("database"),
            names=self.names,
            provenance=self.provenance,
        )

    def _seen(self) -> Iterator[pa.Table]:
        for numbers, rows in self.parts.rows():
            self.summary.see(numbers, rows)
            yield rows


def task(inputs: Inputs, number: int, unit: Unit) -> Task:
    """What a process has to know to hear a file."""
    spans = [inputs.span(own) for own in unit.numbers]
    seconds = [
        (start / 1e9, None if end == OPEN else end / 1e9) for start, end in spans
    ]
    return number, inputs.path(unit.file), seconds


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` at the first Ctrl-C; the second one is a KeyboardInterrupt."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        yield
        return

    def handle(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def _writing(out: str) -> Iterator[None]:
    """Say what can be done if nothing can be written."""
    try:
        yield
    except OSError as error:
        raise type(error)(
            f"'{out}' can't be written to: {error.strerror or error}. What was "
            "finished before is kept: mend that, and run the same command to go on."
        ) from error


def _check(settings: Settings, options: Options) -> None:
    if not settings.models:
        raise ValueError("There has to be a model.")
    if settings.hop_dur is not None and settings.win_dur is None:
        raise ValueError("A hop_dur needs a win_dur.")
    limits = [("max_dur", settings.max_dur), ("file_timeout", options.file_timeout)]
    for name, value in limits:
        if value is not None and not value > 0:
            raise ValueError(f"'{name}' has to be more than 0 s, got {value} s.")
    for name in ("num_workers", "shard_size"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f"'{name}' has to be at least 1, got {value}.")
    tables.check_format(options.table_format)
