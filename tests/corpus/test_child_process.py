"""What a process has started ends with it, as Ray's agents outlive their raylet."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest
from commands import is_running
from waiting import wait_until

from audw2s.corpus.child_process import ChildProcess
from audw2s.corpus.child_process import WorkerDiedError
from audw2s.corpus.child_process import spare_workers

CHILD = """
import os, queue, subprocess, sys
from audw2s.corpus.worker import pipes, read

source, write = pipes()
sleeping = subprocess.Popen(["sleep", "1000"])
write((os.getpid(), sleeping.pid))
read(source, queue.SimpleQueue())
"""

PARENT = """
from audw2s.corpus.child_process import ChildProcess

child = ChildProcess("child")
print(*child.receive(), flush=True)
child.receive()
"""

SPARE = """
from audw2s.corpus.child_process import spare_workers

with spare_workers(1) as spares:
    print(spares[0].process.pid, flush=True)
    spares[0].process.wait()
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Write a module that starts a process, and waits for requests."""
    (tmp_path / "child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def running(*processes: int) -> list[int]:
    """Processes that go on after they had time to end."""
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not any(map(is_running, processes)), "all end")
    return [*filter(is_running, processes)]


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="not on Windows and macOS")
def test_the_process_is_killed(child):
    process = ChildProcess("child")
    with contextlib.closing(process):
        number, other = process.receive()
        os.kill(number, signal.SIGKILL)
        with pytest.raises(WorkerDiedError, match="SIGKILL"):
            process.receive()
        assert not running(other)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no groups of processes")
def test_its_parent_is_killed(child):
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        processes = [int(word) for word in parent.stdout.readline().split()]
        assert all(map(is_running, processes))
        parent.kill()
        assert not running(*processes)


def test_spare_workers_end_unused():
    with spare_workers(2) as spares:
        processes = [spare.process.pid for spare in spares]
        assert 1 <= len(processes) <= 2 and all(map(is_running, processes))
    assert not running(*processes)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
def test_spare_workers_end_with_their_parent():
    """Also while they import, and without a word."""
    command = [sys.executable, "-c", SPARE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as parent:
        process = int(parent.stdout.readline())
        parent.kill()
        assert not running(process)
        assert parent.stderr.read() == ""
