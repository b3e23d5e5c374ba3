"""Hear many files at once, and go on after a crash or with a file that hangs."""

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
"""Files per worker that are sent before they are needed."""

MAX_DEATHS = 3
"""So many processes may end for no file's fault, one after the other."""


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def task(piece: Piece, number: int) -> Task:
    """What a process has to know to hear a file."""
    return number, piece.path, piece.seconds


class Engine:
    """Hears files in a process of its own, which may crash.

    If it does, the files that it was at are heard again, each in a process of its
    own: those that crash that as well are called unreadable, and so are files of
    which no block was read (or no window heard) for too long. All others have
    their values.

    Args:
        settings: of what is done with each file
        num_workers: files that are heard at once
        timeout: seconds without any progress after which a file is given up; a
            file has a second more for each MB
        on_stop: is called when it is about to stop
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
        """Start the process, and see that it can hear.

        Raises:
            ValueError: if the settings don't fit
            ChildProcessError: if it doesn't start

        """
        self.kept = self.kept or WorkerProcess(
            self.settings, self.num_workers, self.timeout
        )

    def close(self) -> None:
        """End the process, if it was kept."""
        if self.kept is not None:
            self.kept.kill()
            self.kept = None

    def stop(self) -> None:
        """Finish the files that are in progress, then no more."""
        self.stopping = True

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Result]]:
        """Hear files.

        Args:
            tasks: numbers, paths and stretches; are taken when they are needed

        Yields:
            number and result of each file, in the order in which they are done

        Raises:
            ValueError: if the settings don't fit
            ChildProcessError: if the process ends without any file's fault

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
            # Late ones are known, else it may be any that was in progress
            suspects = content if kind == "late" else worker.started
            deaths = 0 if suspects else deaths + 1
            if deaths == MAX_DEATHS:
                raise ChildProcessError(
                    f"The process that hears the files ended ({worker.end()}), "
                    f"{MAX_DEATHS} times, at no file."
                )
            again.extend(t for n, t in worker.sent.items() if n not in suspects)
            for number in suspects:
                if not self.stopping:
                    yield self._alone(worker.sent[number])

    def _events(
        self,
        worker: WorkerProcess,
        again: collections.deque[Task],
        waiting: Iterator[Task],
    ) -> Iterator[tuple[str, object]]:
        """What happens until all is done, the process ends, or a file hangs."""
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

    def _alone(self, task: Task) -> tuple[int, Result]:
        """Hear one file in a process of its own."""
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
        about = ("unreadable", reason, len(self.settings.models))
        rows = [[without_values(start, end, *about)] for start, end in spans]
        return number, (stamp(path), rows)
