"""Process several files at once, and survive crashing or hanging decoders.

Why no library: the time limit is one without progress, as a recording of ten hours may
take long, and pools of processes (`pebble`, `concurrent.futures`, `multiprocessing`)
know limits of whole tasks only. Their processes also run the user's script again if it
has no ``if __name__ == "__main__"``, and import modules of the current folder in place
of Python's.
"""

import concurrent.futures
import contextlib
import itertools
import math
import os
import pickle
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import IO
from typing import Any

import audw2s
from audw2s.audio.times import duration_text
from audw2s.corpus.options import Options
from audw2s.corpus.task import LATE
from audw2s.corpus.task import Result
from audw2s.corpus.task import Task
from audw2s.corpus.task import time_limit
from audw2s.corpus.task import unreadable
from audw2s.interpreter import interpreter

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

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
"""Settings of glibc, which else takes memory from the system for each file, and gives
it back; that costs up to half as much as the model."""


def num_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkerDiedError(ChildProcessError):
    """A worker process has ended, with a file in progress or while it started."""


class ChildProcess:
    """A module of this package that runs in a process and exchanges pickles.

    Args:
        module: name of the module

    """

    def __init__(self, module: str):
        package = os.path.dirname(os.path.dirname(audw2s.__file__))
        paths = filter(None, [os.environ.get("PYTHONPATH"), package])
        self.process = subprocess.Popen(
            # Without -P a module in the current folder could hide one of Python's
            [interpreter(), "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**MALLOC, **os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            # The parent handles Ctrl-C, and lets workers finish their files
            start_new_session=True,
        )
        # They are pipes
        self.stdin: IO[bytes] = self.process.stdin  # type: ignore[assignment]
        self.stdout: IO[bytes] = self.process.stdout  # type: ignore[assignment]

    def send(self, message: object) -> None:
        """Send a message; if the process has ended, there is no answer."""
        with contextlib.suppress(OSError):
            pickle.dump(message, self.stdin)
            self.stdin.flush()

    def receive(self) -> Any:
        """Wait for a message.

        Raises:
            WorkerDiedError: if the process ends before

        """
        try:
            return pickle.load(self.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            # A killed process may leave an incomplete message
            raise WorkerDiedError from None

    def end(self) -> str:
        """Wait until the process has ended, and kill its child processes.

        Returns:
            exit code or signal of the process, as text

        """
        if hasattr(os, "waitid"):
            # It stays a zombie, so that no other process has its number
            os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self.process.wait()
        self.close()
        code = self.process.returncode
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def close(self) -> None:
        """Kill the process, with its child processes, also those that outlive it."""
        if self.process.returncode is None and os.name == "posix":
            # macOS knows no group of a zombie alone
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Worker(ChildProcess):
    """A worker process as its parent sees it, see :mod:`audw2s.corpus.worker`.

    Args:
        options: models, windows and time limit

    """

    def __init__(self, options: Options):
        super().__init__("audw2s.corpus.worker")
        self.options = options

    def start(self) -> None:
        """Send the options, and wait until the models are open.

        Raises:
            ValueError: if the options are invalid
            WorkerDiedError: if it doesn't start

        """
        self.send(self.options)
        try:
            reason = self.receive()
        except WorkerDiedError:
            message = f"The worker process didn't start ({self.end()})."
            raise WorkerDiedError(message) from None
        if reason is not None:
            raise ValueError(reason)

    def results(self, tasks: list[Task]) -> list[Result]:
        """Process files.

        Raises:
            WorkerDiedError: if the worker dies before all are finished

        """
        self.send(tasks)
        try:
            return self.receive()
        except WorkerDiedError:
            reason = f"the decoder crashed ({self.end()})"
            if self.process.returncode == LATE:
                limit = max(time_limit(t, self.options.file_timeout) for t in tasks)
                reason = f"took longer than {duration_text(limit)}"
            raise WorkerDiedError(reason) from None


class WorkerPool:
    """Processes files in worker processes, which may crash.

    If a worker dies, its file is processed again by another one; after the third time
    it is unreadable. So is a file without progress for too long. All other files have
    values. Close it to end the workers.

    Args:
        options: models, windows and time limit
        num_workers: number of worker processes
        on_stop: function that is called when the pool starts to stop

    """

    def __init__(
        self,
        options: Options,
        num_workers: int,
        on_stop: Callable[[], None] = lambda: None,
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

        self.workers: dict[int, Worker] = {}
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
            try:
                return self._worker().results(tasks)
            except WorkerDiedError as error:
                reason = str(error)
        if len(tasks) > 1:
            return [result for task in tasks for result in self._process([task])]
        return [unreadable(tasks[0], reason, len(self.options.models))]

    def _worker(self) -> Worker:
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
                worker = self.workers[thread] = Worker(self.options)
            try:
                worker.start()
                return worker
            except WorkerDiedError as error:
                reason = str(error)
        raise ChildProcessError(reason)
