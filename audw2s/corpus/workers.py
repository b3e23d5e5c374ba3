"""Process several files at once, and survive crashing or hanging decoders."""

import collections
import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

from audw2s.corpus.inputs import Piece
from audw2s.corpus.paths import stamp
from audw2s.corpus.predictor import Settings
from audw2s.corpus.predictor import without_values
from audw2s.corpus.process import Result
from audw2s.corpus.process import WorkerProcess
from audw2s.corpus.worker import Task

AHEAD = 4
"""Number of files per worker that are sent in advance."""

MAX_DEATHS = 3
"""Number of times in a row that a worker process may die without a file in progress."""


def num_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def task(piece: Piece, number: int) -> Task:
    """Task of a worker process: number, path and segments of a file."""
    return number, piece.path, piece.seconds


class WorkerPool:
    """Processes files in a separate worker process, which may crash.

    After a crash each file that was in progress is processed again in a process of its
    own. If that crashes as well, the file is unreadable. So is a file without progress
    (no block read, no window processed) for too long. All other files have values.

    Args:
        settings: models and windows
        num_workers: number of files that are processed at once
        timeout: seconds without progress after which a file is given up, plus one
            second per MB of the file
        on_stop: function that is called when the pool starts to stop
        keep: keep the process for the next files, until :meth:`close`

    """

    def __init__(
        self,
        settings: Settings,
        num_workers: int,
        timeout: float,
        on_stop: Callable[[], None] = lambda: None,
        keep: bool = False,
    ):
        self.settings = settings
        self.num_workers = num_workers
        self.timeout = timeout
        self.on_stop = on_stop
        self.keep = keep
        self.kept: WorkerProcess | None = None
        self.stopping = False

    def open(self) -> None:
        """Start the worker process, and check that it can run the models.

        Raises:
            ValueError: if the settings are invalid
            ChildProcessError: if it doesn't start

        """
        self.kept = self.kept or WorkerProcess(
            self.settings, self.num_workers, self.timeout
        )

    def close(self) -> None:
        """End the worker process, if it was kept."""
        if self.kept is not None:
            self.kept.kill()
            self.kept = None

    def stop(self) -> None:
        """Stop after the files that are in progress."""
        self.stopping = True

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Result]]:
        """Process files.

        Args:
            tasks: number, path and segments of each file; read when needed

        Yields:
            number and result of each file, in the order in which they are finished

        Raises:
            ValueError: if the settings are invalid
            ChildProcessError: if the process dies repeatedly without a file in progress

        """
        waiting = iter(tasks)
        again: collections.deque[Task] = collections.deque()
        deaths = 0
        while not self.stopping:
            self.open()
            worker, self.kept = self.kept, None
            kind, content = "", None
            try:
                for kind, content in self._events(worker, again, waiting):
                    if kind == "done":
                        deaths = 0
                        yield content
                if self.keep and not worker.sent and not self.stopping:
                    self.kept = worker
            finally:
                if self.kept is not worker:
                    worker.kill()
            if not worker.sent:
                return
            # After a crash, any file in progress may be the cause
            suspects = content if kind == "late" else worker.started
            deaths = 0 if suspects else deaths + 1
            if deaths == MAX_DEATHS:
                raise ChildProcessError(
                    f"The worker process died {MAX_DEATHS} times without a task "
                    f"({worker.end()})."
                )
            again.extend(t for n, t in worker.sent.items() if n not in suspects)
            for number in suspects:
                if not self.stopping:
                    yield self._isolated(worker.sent[number])

    def _events(
        self,
        worker: WorkerProcess,
        again: collections.deque[Task],
        waiting: Iterator[Task],
    ) -> Iterator[tuple[str, object]]:
        """Yield events until all tasks are done, the process ends, or a file hangs."""
        finishing = False
        while True:
            while not self.stopping and len(worker.sent) < AHEAD * self.num_workers:
                task = again.popleft() if again else next(waiting, None)
                if task is None:
                    break
                worker.send(task)
            if self.stopping and not finishing:
                finishing = True
                self.on_stop()
                worker.finish()
            if not worker.sent:
                return
            kind, content = worker.receive()
            if kind:
                yield kind, content
            if kind in ("end", "late"):
                return

    def _isolated(self, task: Task) -> tuple[int, Result]:
        """Process one file in a process of its own."""
        worker = WorkerProcess(self.settings, 1, self.timeout)
        try:
            worker.send(task)
            kind = ""
            while not kind:
                kind, content = worker.receive()
        finally:
            worker.kill()
        if kind == "done":
            return content
        if kind == "late":
            seconds = content[task[0]]
            return self._given_up(task, f"took longer than {seconds:.0f} s")
        return self._given_up(task, f"the decoder crashed ({worker.end()})")

    def _given_up(self, task: Task, reason: str) -> tuple[int, Result]:
        number, path, spans = task
        num_models = len(self.settings.models)
        rows = [
            [without_values(start, end, "unreadable", reason, num_models)]
            for start, end in spans
        ]
        return number, (stamp(path), rows)
