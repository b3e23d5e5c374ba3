"""Processes that run a module of this package, and exchange pickles with it."""

import contextlib
import os
import pickle
import signal
import subprocess
from collections.abc import Iterator
from typing import IO
from typing import Any

import audw2s
from audw2s.interpreter import interpreter

WORKER = "audw2s.corpus.worker"
"""Module of the processes that process files."""

MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}
"""Settings of glibc, which else takes memory from the system for each file, and gives
it back; that costs up to half as much as the model."""


def num_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class WorkerDiedError(ChildProcessError):
    """A process has ended; the message is its exit code or signal."""


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
            raise WorkerDiedError(self._end()) from None

    def _end(self) -> str:
        """Wait until the process has ended, and kill its child processes."""
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


@contextlib.contextmanager
def spare_workers(wanted: int) -> Iterator[list[ChildProcess]]:
    """Start workers, at most one per core, and end them later.

    They import modules while this process does.

    """
    with contextlib.ExitStack() as stack:
        spares = []
        for _ in range(min(wanted, num_cores())):
            spares.append(ChildProcess(WORKER))
            stack.callback(spares[-1].close)
        yield spares
