"""Annotate a corpus: process unfinished files, then write the table."""

import contextlib
import sys
import tempfile
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from audw2s.corpus.child_process import ChildProcess
from audw2s.corpus.child_process import num_cores
from audw2s.corpus.inputs import Inputs
from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.options import Options
from audw2s.corpus.options import models_of
from audw2s.corpus.progress import Progress
from audw2s.corpus.progress import counts
from audw2s.corpus.report.page import check_report
from audw2s.corpus.report.page import write_report
from audw2s.corpus.report.summary import Summary
from audw2s.corpus.shards import Shards
from audw2s.corpus.speakers import Speakers
from audw2s.corpus.storage import FOLDER
from audw2s.corpus.storage import LostError
from audw2s.corpus.storage import Storage
from audw2s.corpus.storage import clear
from audw2s.corpus.storage import open_folder
from audw2s.corpus.storage import removed
from audw2s.corpus.table import interval_widths
from audw2s.corpus.table import with_intervals
from audw2s.corpus.task import Task
from audw2s.corpus.workers import WorkerPool
from audw2s.interrupt import handled
from audw2s.model.find import warn_unverified
from audw2s.tables import value_columns
from audw2s.tables import write_batches


def annotate(
    corpus: str,
    out: str | None = None,
    *,
    model: str | Sequence[str] = "wav2small",
    **options: Any,
) -> pd.DataFrame:
    """Annotate a corpus; an interrupted run can be resumed.

    Each input has a row, also if it is unusable. Files are processed in separate
    processes, so that a file that crashes the decoder, or hangs, doesn't affect others.
    The same call again resumes an interrupted run and skips finished files. Ctrl-C
    finishes the files in progress first.

    Args:
        corpus: folder, list of files, or database, see
            :func:`audw2s.corpus.inputs.read_inputs`
        out: folder of the results, or address in a store, such as ``s3://…``;
            ``None`` to store nothing
        model: name or names of models, or model folders
        **options: windows and other options, such as ``win_dur=2.0``, see
            :class:`audw2s.corpus.options.Options`

    Returns:
        table with a row per input or window, in the order of the inputs: ``file``,
        ``start``, ``end``, ``arousal``, ``dominance``, ``valence`` (with several models
        ``MODEL.arousal`` and so on; float32, roughly 0…1, not clipped, NaN for unusable
        input), ``duration`` (processed seconds), ``speech`` (seconds, NaN if unknown),
        ``status``, ``message``; with ``channels`` also ``channel``.
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
    chosen = Options(models_of(model), **options)
    if out is None and chosen.table is not None:
        raise ValueError("A copy of a database with a 'table' needs 'out'.")
    if out is None and chosen.embeddings:
        raise ValueError("A file of embeddings needs 'out'.")
    with contextlib.ExitStack() as stack:
        if out is None:
            out = stack.enter_context(tempfile.TemporaryDirectory())
        inputs = read_inputs(corpus, chosen.columns)
        inputs.warn_unlisted()
        run = Run(inputs, out, chosen)
        run()
        return run.frame()


class Run:
    """One run over the inputs of a corpus; call it to do the work.

    Args:
        inputs: inputs of the run
        out: folder of the results, or address in a store
        options: options of the run
        spares: see :class:`audw2s.corpus.workers.WorkerPool`
        **facts: what else belongs to the identity of the run

    Raises:
        ValueError: if options don't fit the inputs, or a model isn't there

    """

    def __init__(
        self,
        inputs: Inputs,
        out: str,
        options: Options,
        spares: Sequence[ChildProcess] = (),
        **facts: object,
    ):
        if options.report is not None:
            check_report(options.report)
        if options.table is not None:
            from audw2s.corpus.database import check_table

            check_table(inputs, options.table)
        self.inputs = inputs
        self.out = out
        self.options = options
        self.spares = spares
        self.identity = options.identity | facts
        self.provenance = self.identity | {"intervals": options.intervals}
        """Provenance of the tables; shards don't depend on intervals."""

        self.widths = interval_widths(options)
        for model in options.models:
            warn_unverified(model)
        self.summary = Summary(options.names, options.has_parts, inputs.listing)
        has_channels = options.channels is not None
        self.speakers = Speakers(options.names, inputs.speakers, has_channels)
        self.speed = "nothing was processed in this run, all was there"
        self.shards: Shards
        self.is_stopped = False
        """Whether files are left because of Ctrl-C."""

    def __call__(self) -> None:
        """Process unfinished files, and write the table.

        Raises:
            ValueError: if the folder belongs to another run
            OSError: if it can't be written to
            KeyboardInterrupt: after Ctrl-C

        """
        with _writing(self.out):
            storage = open_folder(self.out)
            with storage.locked():
                if self.options.restart:
                    clear(storage)
                self._annotate(storage)
        if self.options.report is not None:
            with _writing(self.options.report):
                write_report(
                    self.options.report,
                    self.inputs.corpus,
                    self.summary,
                    self.provenance,
                    self.speed,
                    self.speakers,
                )

    def _annotate(self, storage: Storage) -> None:
        self.shards = Shards(storage, self.options, self.inputs, self.identity)
        self._find(retry=self.options.retry_failed)
        if unfinished := self.shards.unfinished():
            self._process(unfinished)
            # Of files that change meanwhile, there are rows as well
            self._find(changed=False)
        if self.shards.unfinished():
            if self.is_stopped:
                raise KeyboardInterrupt
            raise removed(storage.path(FOLDER))
        self._write(storage)

    def frame(self) -> pd.DataFrame:
        """Table of all rows, see :func:`annotate`."""
        rows = pa.concat_tables(rows for _, rows in self.shards.rows())
        rows = self._shown(rows)
        # Without a second copy of the columns
        frame = rows.to_pandas(split_blocks=True, self_destruct=True)
        frame.attrs["audw2s"] = self.provenance
        return frame

    def _find(self, **options: bool) -> None:
        for path in self.shards.find(**options):
            if self.options.verbose:
                message = f"{path} is damaged or no shard, and isn't used."
                tqdm.write(message, file=sys.stderr)

    def _process(self, unfinished: list[list[int]]) -> None:
        total = len(set(self.inputs.files))
        progress = Progress(total, total - len(unfinished), self.options.verbose)
        tasks = map(self.inputs.task, unfinished)
        with contextlib.closing(progress):
            if self.options.engine == "ray":
                from audw2s.corpus import ray

                ray.run(self.options, self.shards, list(tasks), progress)
            else:
                self._process_here(tasks, len(unfinished), progress)
            self.speed = str(progress)

    def _process_here(
        self, tasks: Iterable[Task], num_files: int, progress: Progress
    ) -> None:
        writer, options = self.shards.writer, self.options
        # Batches are processed by one
        wanted = options.num_workers or (num_cores() if options.at_once == 1 else 1)
        message = "finishing the files in progress, Ctrl-C again to drop them"
        # Shown later than the signal, which may arrive in the middle of a line
        on_stop = partial(progress.print, message)
        pool = WorkerPool(options, min(wanted, num_files), on_stop, self.spares)
        # A KeyboardInterrupt may be raised while locks are held that workers wait for
        with contextlib.closing(pool), handled(pool.interrupt):
            for task, result in pool.run(tasks):
                progress.update(counts(result))
                writer.add(task, result)
            writer.flush()
            self.is_stopped = pool.stopping

    def _write(self, storage: Storage) -> None:
        empty = self.shards.writer.schema.empty_table()
        schema = self._shown(empty).schema
        with storage.replacing(f"table.{self.options.table_format}") as path:
            write_batches(self._rows(), path, schema, self.provenance)
        if self.speakers.are_known:
            with storage.replacing(f"speakers.{self.options.table_format}") as path:
                rows = pa.Table.from_pandas(self.speakers.table(), preserve_index=False)
                write_batches([rows], path, rows.schema, self.provenance)
        if self.options.embeddings:
            schema = self.shards.writer.embeddings
            batches = (rows for _, rows in self.shards.rows(schema.names))
            with storage.replacing("embeddings.parquet") as path:
                write_batches(batches, path, schema, self.provenance)
        if self.options.table is not None:
            from audw2s.corpus.database import write_database

            with storage.replacing_folder("database") as folder:
                write_database(self.shards, self.options, self.provenance, folder)

    def _rows(self) -> Iterator[pa.Table]:
        for numbers, rows in self.shards.rows():
            self.summary.update(numbers, rows)
            self.speakers.update(numbers, rows)
            yield self._shown(rows)

    def _shown(self, rows: pa.Table) -> pa.Table:
        """Columns of the table: with intervals, or values only, if requested."""
        rows = with_intervals(rows, self.widths)
        if self.options.values_only:
            return rows.select(value_columns(rows.column_names))
        return rows


@contextlib.contextmanager
def _writing(out: str) -> Iterator[None]:
    """Explain errors of writing results."""
    try:
        yield
    except (LostError, ConnectionError, ChildProcessError):
        # Not about writing
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        raise type(error)(
            f"'{out}' can't be written to: {reason}. Finished results are kept: "
            "correct this, and run the same command to resume."
        ) from error
