"""Start ``audw2s`` many times: by forks of a process that has imported all already.

Imports are most of what a run over a few short files costs. What follows is the
command as it is, with workers of its own.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from collections.abc import Sequence

MODULES = (
    *("audw2s.commands.app", "audw2s.corpus.run", "audw2s.corpus.ray"),
    *("audinterface", "pyarrow.csv", "pyarrow.parquet", "obstore.store"),
)
"""Modules that are imported before."""


class Command:
    """A command that was started.

    Args:
        server: process that it was forked from
        pid: number of its process, which is a zombie until it is asked for

    """

    def __init__(self, server: subprocess.Popen, pid: int):
        self.server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit code, ``None`` if it goes on."""
        if self.returncode is None:
            self.returncode = _answer(self.server, {"pid": self.pid})
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        """Wait for the end.

        Args:
            timeout: seconds to wait at most

        Returns:
            exit code

        Raises:
            TimeoutError: if it goes on

        """
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"A command goes on after {timeout:g} s.")
            time.sleep(0.05)
        return code


class Forks:
    """Process that commands are forked from.

    Args:
        server: the process

    """

    def __init__(self, server: subprocess.Popen):
        self.server = server

    def start(
        self, words: Sequence[str], stderr: str, env: dict[str, str] | None = None
    ) -> Command:
        """Start a command in a session of its own.

        Args:
            words: arguments of ``audw2s``
            stderr: path of a file for what it prints; stdout goes nowhere
            env: variables of the environment

        """
        request = {"words": list(words), "stderr": stderr, "env": env or {}}
        return Command(self.server, _answer(self.server, request))


@contextlib.contextmanager
def forks() -> Iterator[Forks]:
    """Start the process that commands are forked from, and end it."""
    command = [sys.executable, __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as server:
        yield Forks(server)
        server.stdin.close()


def _answer(server: subprocess.Popen, request: dict) -> int | None:
    print(json.dumps(request), file=server.stdin, flush=True)
    return json.loads(server.stdout.readline())


def run(words: list[str], stderr: str, env: dict[str, str]) -> None:
    """Run a command in this process, and end it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.update(env)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 2)
    sys.stdin, sys.stdout = open(0), open(1, "w")
    code = 1
    try:
        importlib.import_module(MODULES[0]).app(words)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Answer requests until there are no more."""
    for module in MODULES:
        importlib.import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        if "pid" in request:
            ended, status = os.waitpid(request["pid"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        elif not (answer := os.fork()):
            run(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
