"""A child process as its parent sees it: send files, receive results, or its end."""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import threading
import time

import audw2s
from audw2s.corpus.paths import Stamp
from audw2s.corpus.predictor import Prediction
from audw2s.corpus.predictor import Settings
from audw2s.corpus.worker import BYTES_PER_SECOND
from audw2s.corpus.worker import Task
from audw2s.interpreter import interpreter

TICK = 0.5
"""Seconds after which it is looked whether a file hangs."""

WAITING = 64
"""Results that may wait until they are taken."""

Result = tuple[Stamp, list[list[Prediction]]]
"""What a file was when it was heard, and the rows of its stretches."""


class WorkerProcess:
    """A child process with some threads, each of which hears a file.

    Args:
        settings: of what is done with each file
        num_workers: threads
        timeout: seconds without a sign of life after which a file is given up

    Raises:
        ValueError: if the settings don't fit
        ChildProcessError: if the process doesn't start

    """

    def __init__(self, settings: Settings, num_workers: int, timeout: float):
        self.timeout = timeout
        self.sent: dict[int, Task] = {}
        """Files that were sent, and have no result yet."""

        self.started: dict[int, list[float]] = {}
        """Of those that were started, the last sign of life, and what it may take."""

        self.ticked = time.monotonic()
        package = os.path.dirname(os.path.dirname(audw2s.__file__))
        paths = [os.environ.get("PYTHONPATH", ""), package]
        self.process = subprocess.Popen(
            # Without -P a module in the current folder could hide one of Python's
            [interpreter(), "-P", "-m", "audw2s.corpus.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            # The parent handles Ctrl-C, and lets the worker finish its files
            start_new_session=True,
        )
        self.messages: queue.Queue = queue.Queue(WAITING)
        self.reader = threading.Thread(target=self._receive, daemon=True)
        self.reader.start()
        self._write((settings, num_workers))
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise

    def _await_ready(self) -> None:
        kind, content = self.messages.get()
        if kind == "refused":
            raise ValueError(content)
        if kind == "end":
            raise ChildProcessError(f"The worker process didn't start ({self.end()}).")

    def _receive(self) -> None:
        try:
            while True:
                self.messages.put(pickle.load(self.process.stdout))
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            # A killed process may leave an incomplete message
            self.messages.put(("end", None))

    def _write(self, message: object) -> None:
        # If it has ended, the next message is "end"
        with contextlib.suppress(OSError):
            pickle.dump(message, self.process.stdin)
            self.process.stdin.flush()

    def send(self, task: Task) -> None:
        """Send a task to the worker process."""
        self.sent[task[0]] = task
        self._write(task)

    def receive(self) -> tuple[str, object]:
        """Wait for the next event.

        Returns:
            ``("done", (number, result))``, ``("end", None)`` if the process ended,
            ``("late", {number: seconds})`` if files hang, or ``("", None)`` if
            nothing happened

        """
        try:
            kind, content = self.messages.get(timeout=TICK)
        except queue.Empty:
            kind, content = "", None
        now = time.monotonic()
        if now - self.ticked > TICK + 5:
            # This process was suspended, and maybe the worker process as well
            for life in self.started.values():
                life[0] = now
        self.ticked = now
        if kind == "done":
            del self.sent[content[0]], self.started[content[0]]
            return kind, content
        if kind == "end":
            return kind, None
        if kind == "started":
            self.started[content] = [now, self.timeout]
        elif kind == "size":
            number, size = content
            self.started[number] = [now, self.timeout + size / BYTES_PER_SECOND]
        elif kind == "beat":
            self.started[content][0] = now
        late = {
            n: most for n, (last, most) in self.started.items() if now - last > most
        }
        return ("late", late) if late else ("", None)

    def finish(self) -> None:
        """Let the worker finish the files in progress, and end."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def kill(self) -> None:
        """Kill the worker process."""
        if self.process.poll() is None and os.name == "posix":
            # Including its child processes
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        """Drop messages of an ended process, and close its pipes."""
        while self.reader.is_alive():
            with contextlib.suppress(queue.Empty):
                self.messages.get(timeout=0.05)
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()

    def end(self) -> str:
        """Exit code or signal of the worker process, as text."""
        code = self.process.wait()
        if code < 0:
            return signal.Signals(-code).name
        return f"exit code {code}"
