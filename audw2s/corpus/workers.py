"""Process several files at once, and survive crashing or hanging decoders.

Why no library: the time limit is one without progress, as a recording of ten hours may
take long, and pools of processes (`pebble`, `concurrent.futures`, `multiprocessing`)
know limits of whole tasks only. Their processes also run the user's script again if it
has no ``if __name__ == "__main__"``, and import modules of the current folder in place
of Python's.
"""

import concurrent.futures
import itertools
import math
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

from audw2s.audio.times import duration_text
from audw2s.corpus.child_process import WORKER
from audw2s.corpus.child_process import ChildProcess
from audw2s.corpus.child_process import WorkerDiedError
from audw2s.corpus.options import Options
from audw2s.corpus.task import LATE
from audw2s.corpus.task import Result
from audw2s.corpus.task import Task
from audw2s.corpus.task import time_limit
from audw2s.corpus.task import unreadable

AHEAD = 4
"""Number of requests per worker that are prepared, or whose results wait."""

TOGETHER = 8
"""Largest number of quick files in a request."""

QUICK = 0.05
"""Seconds that a request of several files may take. To send one, and to wake up for its
result, costs as much as a part of a short file."""

TICK = 0.5
"""Seconds after which the pool notices that it is to stop."""

TRIES = 3
"""Number of workers that may die of a file, or while they start."""


class WorkerPool:
    """Processes files in worker processes, which may crash.

    If a worker dies, its file is processed again by another one; after the third time
    it is unreadable. So is a file without progress for too long. All other files have
    values. Close it to end the workers.

    Args:
        options: models, windows and time limit
        num_workers: number of worker processes
        on_stop: function that is called when the pool starts to stop
        spares: processes that are used first, see
            :func:`audw2s.corpus.child_process.spare_workers`

    """

    def __init__(
        self,
        options: Options,
        num_workers: int,
        on_stop: Callable[[], None] = lambda: None,
        spares: Sequence[ChildProcess] = (),
    ):
        self.options = options
        self.num_workers = num_workers
        self.on_stop = on_stop
        self.stopping = False
        self.dropping = False
        self.closed = False
        self.lock = threading.Lock()
        self.pace = math.inf
        """Seconds that a file of the last request took."""

        self.spares = list(spares)
        self.workers: dict[int, ChildProcess] = {}
        """Worker of each thread."""

        self.threads = concurrent.futures.ThreadPoolExecutor(num_workers)

    def interrupt(self, *_: object) -> None:
        """Handle a signal: stop after the files in progress, at the second one now.

        Raises:
            KeyboardInterrupt: at the third one

        """
        if self.dropping:
            raise KeyboardInterrupt
        self.dropping, self.stopping = self.stopping, True

    def close(self) -> None:
        """End the workers, also those with a file in progress."""
        self.stopping = True
        with self.lock:
            self.closed = True
            for worker in self.workers.values():
                worker.close()
        self.threads.shutdown()

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
        """Process files.

        Args:
            tasks: files; read when needed

        Yields:
            file and its result, in the order in which they are finished

        Raises:
            ValueError: if the options are invalid
            ChildProcessError: if no worker starts
            KeyboardInterrupt: after a second :meth:`interrupt`

        """
        tasks, told = iter(tasks), False
        requests: set[concurrent.futures.Future] = set()
        while True:
            while not self.stopping and len(requests) < AHEAD * self.num_workers:
                request = list(itertools.islice(tasks, self._size()))
                if not request:
                    break
                requests.add(self.threads.submit(self._request, request))
            if not requests:
                return
            done, requests = concurrent.futures.wait(
                requests, TICK, concurrent.futures.FIRST_COMPLETED
            )
            if self.dropping:
                raise KeyboardInterrupt
            if self.stopping and not told:
                told = True
                self.on_stop()
            for future in done:
                yield from future.result()

    def _size(self) -> int:
        """Number of files of the next request."""
        if self.options.at_once > 1:
            return self.options.at_once
        # Clocks may be too coarse for one file
        return max(1, int(min(TOGETHER, QUICK / max(self.pace, 1e-6))))

    def _request(self, tasks: list[Task]) -> Iterable[tuple[Task, Result]]:
        if self.stopping:
            return []
        began = time.monotonic()
        results = self._process(tasks)
        self.pace = (time.monotonic() - began) / len(tasks)
        return zip(tasks, results, strict=True)

    def _process(self, tasks: list[Task]) -> list[Result]:
        """Process files in a worker; if it dies, one by one and several times."""
        reason = ""
        for _ in range(TRIES if len(tasks) == 1 else 1):
            worker = self._worker()
            worker.send(tasks)
            try:
                return worker.receive()
            except WorkerDiedError as error:
                reason = f"the decoder crashed ({error})"
                if worker.process.returncode == LATE:
                    limit = time_limit(tasks, self.options.file_timeout)
                    reason = f"took longer than {duration_text(limit)}"
        if len(tasks) > 1:
            return [result for task in tasks for result in self._process([task])]
        return [unreadable(tasks[0], reason, len(self.options.models))]

    def _worker(self) -> ChildProcess:
        """Worker of this thread; it is started if there is none, or it has died."""
        thread = threading.get_ident()
        worker = self.workers.get(thread)
        if worker is not None and worker.process.returncode is None:
            return worker
        reason = ""
        for _ in range(TRIES):
            with self.lock:
                if self.closed:
                    raise ChildProcessError("The pool is closed.")
                worker = self.spares.pop() if self.spares else ChildProcess(WORKER)
                self.workers[thread] = worker
            worker.send(self.options)
            try:
                problem = worker.receive()
            except WorkerDiedError as error:
                reason = f"The worker process didn't start ({error})."
                continue
            if problem is not None:
                raise ValueError(problem)
            return worker
        raise ChildProcessError(reason)
