"""A cluster of several nodes, started as users start it, loses one, or its head."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

import pandas as pd
import pytest
from commands import MonitoredPredictor
from commands import is_running
from full import full
from waiting import MAX_DUR
from waiting import wait_until

import audw2s

pytest.importorskip("ray", reason='needs Ray: pip install "audw2s[ray]"')

MARK = "AUDW2S_NODE"
"""Variable of the environment that tells to which node a process belongs."""

RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0" * 64,
    # The machine may be busy, and Ray's workers would wait for all others
    "RAY_worker_niceness": "0",
    # By default nodes wait for their head for a minute
    "RAY_gcs_rpc_server_reconnect_timeout_s": "2",
}


class Node:
    """What ``ray start --block`` starts.

    Args:
        folder: folder of the cluster
        name: name of the node
        env: environment of its processes
        options: options of the command

    """

    def __init__(self, folder: str, name: str, env: dict[str, str], *options: str):
        self.mark = f"{MARK}={folder}/{name}"
        self.log = pathlib.Path(folder, f"{name}.log")
        ray = os.path.join(os.path.dirname(sys.executable), "ray")
        memory = ("--object-store-memory", "100000000")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [ray, "start", "--block", *memory, *options],
                env=env | dict([self.mark.split("=")]),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for_start(self) -> None:
        wait_until(
            lambda: (
                "Ray runtime started" in self.log.read_text()
                or self.process.poll() is not None
            ),
            "a node starts",
        )
        assert self.process.poll() is None, self.log.read_text()

    def processes(self) -> list[int]:
        """Processes of the node, those that Ray has detached among them."""
        numbers = map(int, filter(str.isdigit, os.listdir("/proc")))
        mark = f"{self.mark}\0".encode()
        return [p for p in numbers if is_running(p) and mark in environment(p)]

    def kill(self, name: str = "") -> None:
        """Kill one of its processes, or all of them."""
        for process in self.processes():
            if name in command(process):
                os.kill(process, signal.SIGKILL)

    def wait_for_end(self) -> None:
        """Wait until none of its processes is there."""
        self.process.wait(MAX_DUR)
        wait_until(lambda: not self.processes(), f"{self.log.name}: all end")


class Nodes(dict[str, Node]):
    """A head that only keeps books, and two nodes of a core each.

    Args:
        folder: folder of the cluster
        env: environment of its processes

    """

    def __init__(self, folder: str, env: dict[str, str]):
        self.folder, self.env = folder, env

    def start(self) -> None:
        dashboard = ("--include-dashboard", "false", "--temp-dir", self.folder)
        # The ports that Ray chooses by default may belong to another cluster
        ports = ("--port", "0", "--ray-client-server-port", str(free_port()))
        self.add("head", "--head", "--num-cpus", "0", *ports, *dashboard)
        found = pathlib.Path(self.folder, "ray_current_cluster").read_text()
        self.address = found.strip()
        for name in ("first", "second"):
            self.add(name, "--address", self.address, "--num-cpus", "1")

    def add(self, name: str, *options: str) -> None:
        # One after the other, as two at once would choose the same names of sockets
        self[name] = Node(self.folder, name, self.env, *options)
        self[name].wait_for_start()

    def close(self) -> None:
        """End all that is still there."""
        for node in self.values():
            node.kill()
            node.process.wait()


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("", 0))
        return server.getsockname()[1]


def environment(process: int) -> bytes:
    """Variables of a process, none if it has ended."""
    try:
        return pathlib.Path(f"/proc/{process}/environ").read_bytes() + b"\0"
    except OSError:
        return b""


def command(process: int) -> str:
    """Program of a process."""
    words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    return os.path.basename(words[0].decode())


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Runs the command with a decoder that is watched, and takes longer."""
    for name, value in RAY.items():
        monkeypatch.setenv(name, value)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    watched = MonitoredPredictor(tmp_path / "watched")
    watched.slow.touch()
    return watched


@pytest.fixture
def nodes(watched):
    # Names of sockets are short
    with tempfile.TemporaryDirectory(prefix="ray") as folder:
        with contextlib.closing(Nodes(folder, watched.env)) as nodes:
            nodes.start()
            yield nodes


def start(watched: MonitoredPredictor, nodes: Nodes, corpus, out) -> subprocess.Popen:
    """Start a run, and wait until both nodes work."""
    ray = ("--engine", "ray", "--address", nodes.address, "--shard-size", 2)
    process = watched.start(corpus, "--out", out, *ray)
    wait_until(
        lambda: process.poll() is not None or len(watched.processes) == 2,
        "both nodes work",
    )
    assert process.poll() is None, process.stderr.read()
    return process


@full
def test_a_node_is_killed(nodes, corpus, tmp_path, watched):
    out = tmp_path / "out"
    process = start(watched, nodes, corpus, out)
    nodes["second"].kill("raylet")
    watched.slow.unlink()
    stderr = process.communicate(timeout=MAX_DUR)[1]
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    nodes["second"].wait_for_end()
    # The other ones go on, without what belonged to the run
    watched.wait_for_end()
    assert nodes["first"].process.poll() is None
    whole = audw2s.annotate(str(corpus))
    pd.testing.assert_frame_equal(pd.read_parquet(out / "table.parquet"), whole)


@full
@pytest.mark.parametrize("lost", ["raylet", "gcs_server", ""])
def test_the_head_is_killed(nodes, corpus, tmp_path, watched, lost):
    out = tmp_path / "out"
    process = start(watched, nodes, corpus, out)
    nodes["head"].kill(lost)
    stderr = process.communicate(timeout=MAX_DUR)[1]
    assert process.returncode == 75, stderr
    assert f"The Ray at {nodes.address} was lost" in stderr
    assert "Traceback" not in stderr
    watched.wait_for_end()
    for node in nodes.values():
        node.wait_for_end()
    watched.slow.unlink()
    # The other engine goes on
    done = watched.run(corpus, "--out", out)
    assert done.returncode == 0, done.stderr
    whole = audw2s.annotate(str(corpus))
    pd.testing.assert_frame_equal(pd.read_parquet(out / "table.parquet"), whole)
