"""What hears files in a Ray cluster, and writes their rows where all rows are."""

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
from audw2s.corpus.workers import Engine
from audw2s.corpus.workers import task


@dataclasses.dataclass(frozen=True)
class Work:
    """What each worker has to know.

    Args:
        out: where the run is, the same from everywhere
        settings: of what is done with each file
        provenance: by what results are to be made
        num_threads: files that a worker hears at once
        file_timeout: see :class:`audw2s.corpus.workers.Engine`
        shard_size: most inputs of a part

    """

    out: str
    settings: Settings
    provenance: dict[str, object]
    num_threads: int
    file_timeout: float
    shard_size: int


class Partition(NamedTuple):
    """Files that a worker hears and writes."""

    number: int
    """Of its parts."""

    pieces: list[Piece]


class Done(NamedTuple):
    """What a worker tells of a partition."""

    parts: list[Written]
    found: Seen


class Failed(NamedTuple):
    """Why a worker can't go on, and none of the others should."""

    reason: str
    is_wrong: bool
    """Whether something is wrong with the settings, else with writing."""


class Hearer:
    """Lives in an actor, for many partitions.

    Args:
        work: what each worker has to know

    """

    def __init__(self, work: Work):
        self.work = work
        self.engine = Engine(
            work.settings, work.num_threads, work.file_timeout, keep=True
        )
        self.writer: Writer | None = None
        self.sizes: dict[str, int] = {}

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Hear partitions and write their parts.

        Args:
            batch: pickles of :class:`Partition`

        Returns:
            pickles of :class:`Done` or :class:`Failed`

        """
        replies = [self._reply(pickle.loads(data)) for data in batch["partition"]]
        return {"reply": np.array([pickle.dumps(r) for r in replies], dtype=object)}

    def _reply(self, partition: Partition) -> Done | Failed:
        # As a reply, since Ray would try again what can't be mended that way
        try:
            if self.writer is None:
                self.writer = self._open()
            return self._hear(partition, self.writer)
        except (ValueError, ModuleNotFoundError, OSError) as error:
            is_wrong = not isinstance(error, OSError)
            return Failed(f"{socket.gethostname()}: {error}", is_wrong)

    def _open(self) -> Writer:
        """Make sure that results are those of the other workers.

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
        self.engine.open()
        job = Job(work.out)
        # Not before the models have been opened, but before the first part
        job.write(work.provenance)
        settings = work.settings
        names = [model_name(model) for model in settings.models]
        if settings.embeddings:
            self.sizes = hidden_sizes(names, settings.models)
        return Writer(job.storage, names, settings.win_dur is not None, self.sizes)

    def _hear(self, partition: Partition, writer: Writer) -> Done:
        buffer = Buffer(self.work.shard_size, self.sizes)
        parts, found = [], Seen(0, 0.0, 0)
        pieces = partition.pieces
        results = self.engine.run(task(piece, k) for k, piece in enumerate(pieces))
        with contextlib.closing(results):
            for number, result in results:
                found += seen(result)
                buffer.add(pieces[number], result)
                if buffer.high:
                    parts.append(writer.write(partition.number, buffer.finished))
                    buffer.clear()
        if buffer.finished:
            parts.append(writer.write(partition.number, buffer.finished))
        return Done(parts, found)
