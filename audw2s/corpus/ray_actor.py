"""Actor of a Ray cluster that processes files and writes their rows."""

import contextlib
import dataclasses
import pickle
import socket
from typing import NamedTuple

import numpy as np

from audw2s.corpus.embeddings import hidden_sizes
from audw2s.corpus.inputs import Piece
from audw2s.corpus.job import Job
from audw2s.corpus.job import identity
from audw2s.corpus.job import model_name
from audw2s.corpus.predictor import Settings
from audw2s.corpus.progress import Seen
from audw2s.corpus.progress import seen
from audw2s.corpus.shard import Buffer
from audw2s.corpus.shard import Writer
from audw2s.corpus.shard import Written
from audw2s.corpus.storage import open_storage
from audw2s.corpus.workers import WorkerPool
from audw2s.corpus.workers import task


@dataclasses.dataclass(frozen=True)
class Work:
    """Settings of the workers of a cluster.

    Args:
        out: folder of the run, the same on all machines
        settings: models and windows
        provenance: expected provenance of the results
        num_threads: number of files that a worker processes at once
        file_timeout: seconds without progress after which a file is given up, see
            :class:`audw2s.corpus.workers.WorkerPool`
        shard_size: largest number of inputs of a shard

    """

    out: str
    settings: Settings
    provenance: dict[str, object]
    num_threads: int
    file_timeout: float
    shard_size: int


class Partition(NamedTuple):
    """Files that a worker processes."""

    number: int
    """Number of its shards."""

    pieces: list[Piece]


class Done(NamedTuple):
    """Result of a partition."""

    shards: list[Written]
    found: Seen


class Failed(NamedTuple):
    """Error of a worker that ends the run."""

    reason: str
    is_wrong: bool
    """Whether the settings are invalid, else results can't be written."""


class ShardActor:
    """Processes partitions in an actor of Ray.

    Args:
        work: settings of the worker

    """

    def __init__(self, work: Work):
        self.work = work
        self.pool = WorkerPool(
            work.settings, work.num_threads, work.file_timeout, keep=True
        )
        self.writer: Writer | None = None
        self.sizes: dict[str, int] = {}

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Process partitions and write their shards.

        Args:
            batch: pickles of :class:`Partition`

        Returns:
            pickles of :class:`Done` or :class:`Failed`

        """
        replies = [self._reply(pickle.loads(data)) for data in batch["partition"]]
        return {"reply": np.array([pickle.dumps(r) for r in replies], dtype=object)}

    def _reply(self, partition: Partition) -> Done | Failed:
        # Returned, as Ray would repeat the partition after an exception
        try:
            if self.writer is None:
                self.writer = self._open()
            return self._process(partition, self.writer)
        except (ValueError, ModuleNotFoundError, OSError) as error:
            is_wrong = not isinstance(error, OSError)
            return Failed(f"{socket.gethostname()}: {error}", is_wrong)

    def _open(self) -> Writer:
        """Check that results agree with those of other workers.

        Raises:
            ValueError: if models or versions differ
            OSError: if nothing can be written

        """
        work = self.work
        found = identity(work.settings)
        for name in found:
            if found[name] != work.provenance[name]:
                raise ValueError(
                    f"{name} here is {found[name]}, where the run was started "
                    f"{work.provenance[name]}: install the same on all machines."
                )
        if ".lock" not in open_storage(work.out).names():
            raise OSError(
                f"'{work.out}' isn't here what it is where the run was started: it has "
                "to be on a file system that all machines share, or in a store."
            )
        self.pool.open()
        job = Job(work.out)
        # After the models have been opened, but before the first shard
        job.write(work.provenance)
        settings = work.settings
        names = [model_name(model) for model in settings.models]
        if settings.embeddings:
            self.sizes = hidden_sizes(names, settings.models)
        return Writer(job.storage, names, settings.win_dur is not None, self.sizes)

    def _process(self, partition: Partition, writer: Writer) -> Done:
        buffer = Buffer(self.work.shard_size, self.sizes)
        shards, found = [], Seen(0, 0.0, 0)
        pieces = partition.pieces
        results = self.pool.run(task(piece, k) for k, piece in enumerate(pieces))
        with contextlib.closing(results):
            for number, result in results:
                found += seen(result)
                buffer.add(pieces[number], result)
                if buffer.high:
                    shards.append(writer.write(partition.number, buffer.finished))
                    buffer.clear()
        if buffer.finished:
            shards.append(writer.write(partition.number, buffer.finished))
        return Done(shards, found)
