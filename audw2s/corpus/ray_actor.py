"""Actor of a Ray cluster that processes files and writes their rows."""

import dataclasses
import functools
import pickle
import socket
from collections.abc import Mapping

import numpy as np

from audw2s.corpus.options import Options
from audw2s.corpus.progress import Counts
from audw2s.corpus.progress import counts
from audw2s.corpus.shards import Writer
from audw2s.corpus.storage import open_storage
from audw2s.corpus.task import Task
from audw2s.corpus.workers import WorkerPool
from audw2s.version import changes


@dataclasses.dataclass(frozen=True)
class Work:
    """What all actors of a run share.

    Args:
        out: folder of the run, the same on all machines
        options: options of the run
        identity: identity of the run
        prefix: start of the names of its shards
        runtime_env: environment of the actors, as :func:`ray.init` takes it

    """

    out: str
    options: Options
    identity: Mapping[str, object]
    prefix: str
    runtime_env: dict[str, object] | None = None


class ShardActor:
    """Processes lists of files in an actor of Ray.

    Args:
        work: what all actors share

    """

    def __init__(self, work: Work):
        self.work = work
        workers = work.options.cpus_per_worker if work.options.at_once == 1 else 1
        self.pool = WorkerPool(work.options, workers)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Process lists of files and write their shards.

        Args:
            batch: pickles of tasks

        Returns:
            pickle of a list of :class:`audw2s.corpus.progress.Counts`, or of the error
            that ends the run

        """
        reply = self._reply([pickle.loads(data) for data in batch["task"]])
        return {"reply": np.array([pickle.dumps(reply)], dtype=object)}

    def _reply(self, tasks: list[Task]) -> list[Counts] | Exception:
        # Returned, as Ray would repeat the tasks after an exception
        try:
            return self._process(tasks)
        except OSError as error:
            return OSError(f"{socket.gethostname()}: {error}")
        except (ValueError, ModuleNotFoundError) as error:
            return ValueError(f"{socket.gethostname()}: {error}")

    @functools.cached_property
    def writer(self) -> Writer:
        """Writer of shards, if results agree with those of other actors.

        Raises:
            ValueError: if models or versions differ, or the folder isn't there

        """
        work = self.work
        here = work.options.identity
        if changed := changes(here, {name: work.identity[name] for name in here}):
            raise ValueError(
                f"here, and where the run was started: {changed}. Install the same on "
                "all machines."
            )
        storage = open_storage(work.out)
        if ".lock" not in storage.names():
            raise ValueError(
                f"'{work.out}' isn't here what it is where the run was started: it has "
                "to be on a file system that all machines share, or in a store."
            )
        return Writer(storage, work.options, work.identity, work.prefix)

    def _process(self, tasks: list[Task]) -> list[Counts]:
        writer, finished = self.writer, []
        for task, result in self.pool.run(tasks):
            finished.append(counts(result))
            writer.add(task, result)
        writer.flush()
        return finished
