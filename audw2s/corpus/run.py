"""Annotate a corpus: process unfinished files, then write the table."""

import contextlib
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from audw2s.corpus import table as tables
from audw2s.corpus.database import check_table
from audw2s.corpus.database import write_database
from audw2s.corpus.embeddings import hidden_sizes
from audw2s.corpus.embeddings import max_rows
from audw2s.corpus.inputs import Unit
from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.job import Job
from audw2s.corpus.job import identity
from audw2s.corpus.job import portable
from audw2s.corpus.options import Options
from audw2s.corpus.options import check
from audw2s.corpus.predictor import Settings
from audw2s.corpus.progress import Progress
from audw2s.corpus.progress import Speed
from audw2s.corpus.progress import seen
from audw2s.corpus.report.overview import Overview
from audw2s.corpus.report.page import write_report
from audw2s.corpus.report.summary import Summary
from audw2s.corpus.shard import Buffer
from audw2s.corpus.shard import columns
from audw2s.corpus.shards import Shards
from audw2s.corpus.storage import RemovedError
from audw2s.corpus.workers import WorkerPool
from audw2s.corpus.workers import num_cores
from audw2s.corpus.workers import task
from audw2s.errors import DataWarning
from audw2s.files import unlisted_text
from audw2s.model.find import warn_unverified


def annotate(
    corpus: str,
    out: str | None = None,
    *,
    model: str | Sequence[str] = "wav2small",
    win_dur: float | None = None,
    hop_dur: float | None = None,
    exact: bool = False,
    max_dur: float | None = None,
    embeddings: bool = False,
    device: str = "cpu",
    batch_size: int | None = None,
    **options: object,
) -> pd.DataFrame:
    """Annotate a corpus; an interrupted run can be resumed.

    Each input has a row, also if it is unusable. Files are processed in a separate
    process, so that a file that crashes the decoder, or hangs, doesn't affect others.
    The same call again resumes an interrupted run and skips finished files. Ctrl-C
    finishes the files in progress first.

    Args:
        corpus: folder, list of files, or database, see
            :func:`audw2s.corpus.lists.entries.read_entries`
        out: folder of the results, or address in a store, such as ``s3://…``;
            ``None`` to store nothing
        model: name or names of models, or model folders
        win_dur: duration of windows in seconds, ``None`` for a row per input
        hop_dur: duration between the starts of windows in seconds, half a window by
            default
        exact: process each window and segment on its own; slower
        max_dur: longest duration of an input in seconds; longer inputs have no values
            and the status ``too_long``
        embeddings: write the ``hidden_states`` of the models to
            ``OUT/embeddings.parquet``, with a row per row of the table: ``file``,
            ``start``, ``end``, and for each model ``MODEL.hidden_states``, a list
            of float32 that is missing if there are no values. Those of a whole file
            are those of :func:`audw2s.load`; also for windows and segments A/D/V is a
            linear function of them. All windows of a file are kept in memory
        device: ``"cpu"``, ``"cuda"``, or ``"cuda:1"`` and so on
        batch_size: number of windows of equal length, of any files, that a teacher
            processes at once; by default 16 on GPUs, else 1
        **options: see :class:`Options`

    Returns:
        table with a row per input or window, in the order of the inputs: ``file``,
        ``start``, ``end``, ``arousal``, ``dominance``, ``valence`` (with several models
        ``MODEL.arousal`` and so on; float32, roughly 0…1, not clipped, NaN for unusable
        input), ``duration`` (processed seconds), ``status``, ``message``.
        ``attrs["audw2s"]`` holds models, sha256, version and settings

    Raises:
        ValueError: if arguments are invalid, or ``out`` belongs to another run
        OSError: if ``out`` can't be read or written
        KeyboardInterrupt: after Ctrl-C; finished results are in ``out``

    Examples:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = f"{folder}/list.txt"
        ...     with open(path, "w") as file:
        ...         _ = file.write("not_there.wav")
        ...     frame = annotate(path)
        >>> frame[["file", "status"]]
                    file   status
        0  not_there.wav  missing

    """
    settings = Settings(
        (model,) if isinstance(model, str) else tuple(model),
        win_dur=win_dur,
        hop_dur=hop_dur,
        exact=exact,
        max_dur=max_dur,
        embeddings=embeddings,
        device=device,
        batch_size=batch_size,
    )
    if out is None and options.get("table") is not None:
        raise ValueError("A copy of a database with a 'table' needs 'out'.")
    if out is None and embeddings:
        raise ValueError("A file of embeddings needs 'out'.")
    with contextlib.ExitStack() as stack:
        if out is None:
            out = stack.enter_context(tempfile.TemporaryDirectory())
        run = Run(corpus, out, settings, Options(**options))
        if run.inputs.unlisted:
            warnings.warn(unlisted_text(run.inputs.unlisted), DataWarning, stacklevel=2)
        run()
        rows = pa.concat_tables(rows for _, rows in run.shards.rows())
        # Without a second copy of the columns
        frame = rows.to_pandas(split_blocks=True, self_destruct=True)
        del rows
    frame.attrs["audw2s"] = run.provenance
    return frame


class Run:
    """One run over a corpus; call it to do the work.

    Args:
        corpus: folder, list of files, or database, see :func:`annotate`
        out: folder of the results
        settings: models and windows
        options: options of the run

    Raises:
        ValueError: if arguments are invalid

    """

    def __init__(self, corpus: str, out: str, settings: Settings, options: Options):
        check(settings, options)
        self.corpus = corpus
        self.out = out
        self.settings = settings
        self.options = options
        self.inputs = read_inputs(corpus, options.columns)
        if options.table is not None:
            check_table(self.inputs, options.table)
        self.provenance = identity(settings)
        for model in settings.models:
            warn_unverified(model)
        names = [found["name"] for found in self.provenance["models"]]
        self.names = names
        self.windows = settings.win_dur is not None
        self.sizes: dict[str, int] = {}
        if settings.embeddings:
            self.sizes = hidden_sizes(names, settings.models)
        self.summary = Summary(
            names, self.windows, self.inputs.unlisted, self.inputs.left_out
        )
        self.overview = Overview(names)
        self.speed = Speed(0, 0.0, 0.0)
        self.shards: Shards

    def __call__(self) -> None:
        """Process unfinished files, and write the table.

        Raises:
            ValueError: if the folder belongs to another run
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
                self.shards = Shards(
                    job.storage,
                    self.names,
                    self.inputs,
                    windows=self.windows,
                    sizes=self.sizes,
                )
                self._find()
            self._process(job)
            with _writing(self.out):
                self._write(job)
            if self.options.report is not None:
                with _writing(self.options.report):
                    self._report(self.options.report)

    def _find(self) -> None:
        for path in self.shards.find(retry=self.options.retry_failed):
            if self.options.verbose:
                tqdm.write(
                    f"{path} is damaged, its inputs are processed again.",
                    file=sys.stderr,
                )

    def _process(self, job: Job) -> None:
        units = self.shards.unfinished()
        if not units:
            return
        options = self.options
        total = len(set(self.inputs.files))
        progress = Progress(total, total - len(units), options.verbose)
        with contextlib.closing(progress):
            if options.engine == "ray":
                self._process_on_cluster(job, units, progress)
            else:
                self._process_here(job, units, progress)
            self.speed = progress.speed

    def _process_on_cluster(
        self, job: Job, units: list[Unit], progress: Progress
    ) -> None:
        from audw2s.corpus.ray import Cluster
        from audw2s.corpus.ray import predict
        from audw2s.corpus.ray_actor import Work

        options = self.options
        cluster = Cluster(
            options.address,
            options.num_workers,
            options.cpus_per_worker,
            options.gpus_per_worker,
        )
        work = Work(
            job.storage.url,
            portable(self.settings),
            self.provenance,
            num_threads=max(options.cpus_per_worker, self.settings.at_once),
            file_timeout=options.file_timeout,
            shard_size=options.shard_size,
        )
        predict(cluster, work, self.shards, units, progress)

    def _process_here(self, job: Job, units: list[Unit], progress: Progress) -> None:
        options = self.options
        workers = options.num_workers or max(num_cores(), self.settings.at_once)
        noted = False
        buffer = Buffer(options.shard_size, self.sizes)
        message = "finishing the files in progress, Ctrl-C again to drop them"
        # Shown later than the signal, which may arrive in the middle of a line
        say = partial(progress.say, message)
        pool = WorkerPool(self.settings, workers, options.file_timeout, say)
        results = pool.run(task(self.inputs.piece(u), k) for k, u in enumerate(units))
        with contextlib.closing(results), interruptible(pool.stop):
            for number, result in results:
                if not noted:
                    # After the models have been opened
                    with _writing(self.out):
                        job.write(self.provenance)
                    noted = True
                progress.update(seen(result))
                buffer.add(self.inputs.piece(units[number]), result)
                if buffer.high:
                    self._flush(buffer)
            self._flush(buffer)
        if pool.stopping and self.shards.unfinished():
            raise KeyboardInterrupt

    def _flush(self, buffer: Buffer) -> None:
        if buffer.finished:
            with _writing(self.out):
                self.shards.write(buffer.finished)
            buffer.clear()

    def _write(self, job: Job) -> None:
        with job.storage.replacing(f"table.{self.options.table_format}") as path:
            tables.write(self._seen(), path, self.shards.schema, self.provenance)
        if self.sizes:
            self._write_embeddings(job)
        if self.options.table is not None:
            self._write_database(job, self.options.table)

    def _write_embeddings(self, job: Job) -> None:
        schema = self.shards.embeddings
        size = max_rows(self.sizes, 5000)
        batches = (rows for _, rows in self.shards.rows(size, schema.names))
        with job.storage.replacing("embeddings.parquet") as path:
            tables.write(batches, path, schema, self.provenance)

    def _write_database(self, job: Job, table: str) -> None:
        needed = ["start", "end", *columns(self.names)]
        numbers, rows = zip(*self.shards.rows(names=needed), strict=True)
        with job.storage.replacing_folder("database") as folder:
            write_database(
                self.inputs,
                table,
                np.concatenate(numbers),
                pa.concat_tables(rows),
                folder,
                names=self.names,
                provenance=self.provenance,
            )

    def _report(self, path: str) -> None:
        found = (self.summary, self.overview, self.provenance, self.speed)
        write_report(path, self.corpus, *found)

    def _seen(self) -> Iterator[pa.Table]:
        for numbers, rows in self.shards.rows():
            self.summary.update(numbers, rows)
            if self.options.report is not None:
                self.overview.update(numbers, rows)
            yield rows


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
    """Explain errors of writing results."""
    try:
        yield
    except RemovedError:
        raise
    except OSError as error:
        raise type(error)(
            f"'{out}' can't be written to: {error.strerror or error}. Finished results "
            "are kept: correct this, and run the same command to resume."
        ) from error
