"""Kill runs of ``audw2s annotate`` at random moments, and see what the next run gives.

Each try starts a run, and kills the command or one of the processes it has started, by
SIGKILL at any moment from its start to its end, that of its workers included. The same
command is then run until its end, while the killed process is still a zombie. Its table
has to be that of a run that nobody disturbed, and no process may stay: all that belong
to a try are known by a variable of their environment.

Runs write to a folder, to a store (that of the tests, or a server such as moto_server
at ``--endpoint``), or are those of a local Ray. The result is printed as Markdown.

    python tests/benchmark/kills.py [--local 120] [--s3 60] [--ray 20] [--seed 0]
        [--endpoint http://127.0.0.1:5000]

It ends with 1 if a table differs or a process stays.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import pandas as pd
import soundfile
from recordings import speech

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "corpus")]

import s3  # noqa: E402
from commands import COMMAND  # noqa: E402
from commands import is_running  # noqa: E402
from waiting import wait_until  # noqa: E402

from audw2s.corpus.storage import open_storage  # noqa: E402

MARK = "AUDW2S_KILLS"
"""Variable of the environment that tells to which try a process belongs."""

NUM_FILES = 40

PATIENCE = 60.0
"""Seconds that processes have to end by themselves."""


@dataclasses.dataclass
class Kind:
    """Runs of one kind.

    Args:
        options: options of the command
        out: folder or address of the results of a try

    """

    options: list[str]
    out: Callable[[str], str]
    duration: float = 0.0
    tried: int = 0
    same: int = 0
    left: int = 0

    def table(self, name: str) -> pd.DataFrame:
        """Table of a try."""
        with open_storage(self.out(name)).open("table.parquet") as file:
            return pd.read_parquet(file)


class Try:
    """Runs that belong together, and write to one place.

    Args:
        kind: kind of the runs
        name: name of the try
        corpus: folder of audio

    """

    def __init__(self, kind: Kind, name: str, corpus: pathlib.Path):
        self.kind = kind
        self.name = name
        self.command = [COMMAND, "annotate", str(corpus), "--out", kind.out(name)]
        self.command += ["--num-workers", "2", "--shard-size", "3", "--quiet"]
        self.command += kind.options

    def start(self) -> subprocess.Popen:
        """Start a run."""
        env = {**os.environ, MARK: self.name, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            self.command,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def finish(self) -> None:
        """Run until the end; only inputs that are no audio have no values."""
        process = self.start()
        stderr = process.communicate(timeout=10 * PATIENCE)[1].decode()
        if process.returncode != 1:
            raise SystemExit(f"{self.name}: exit code {process.returncode}\n{stderr}")

    def processes(self) -> list[int]:
        """Processes of these runs that go on."""
        mark = f"{MARK}={self.name}\0".encode()
        return [number for number in all_processes() if mark in environment(number)]

    def disturb(self, rng: random.Random) -> None:
        """Kill a process at a random moment."""
        process = self.start()
        time.sleep(rng.uniform(0, 1.1 * self.kind.duration))
        others = [number for number in self.processes() if number != process.pid]
        victim = process.pid if rng.random() < 0.5 or not others else rng.choice(others)
        if is_running(victim):
            os.kill(victim, signal.SIGKILL)
        # Not waited for, so that it stays a zombie
        wait_until(lambda: not is_running(process.pid), "the run ends", max_dur=600)
        self.finish()
        process.communicate()

    def left(self) -> list[int]:
        """Processes that don't end by themselves; they are killed."""
        try:
            wait_until(lambda: not self.processes(), "all end", max_dur=PATIENCE)
        except TimeoutError:
            for number in (remaining := self.processes()):
                os.kill(number, signal.SIGKILL)
            return remaining
        return []


def all_processes() -> Iterable[int]:
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return filter(is_running, numbers)


def environment(process: int) -> bytes:
    """Variables of a process, none if it has ended."""
    try:
        return pathlib.Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return b""


def make_corpus(folder: pathlib.Path) -> None:
    """Write short files of speech, and one that is no audio."""
    folder.mkdir()
    for number in range(NUM_FILES):
        path = folder / f"{number:03}.wav"
        soundfile.write(path, speech(0.5 + number % 5 / 4, number), 16000)
    (folder / "damaged.wav").write_bytes(b"no audio")


def measure(name: str, kind: Kind, count: int, corpus: pathlib.Path, seed: int) -> None:
    """Disturb runs of a kind, and count what comes of it."""
    begin = time.monotonic()
    Try(kind, f"{name}-whole", corpus).finish()
    kind.duration = time.monotonic() - begin
    whole = kind.table(f"{name}-whole")
    for number in range(count):
        disturbed = Try(kind, f"{name}-{seed}-{number}", corpus)
        disturbed.disturb(random.Random(f"{name} {seed} {number}"))
        kind.tried += 1
        kind.same += kind.table(disturbed.name).equals(whole)
        kind.left += len(disturbed.left())


@contextlib.contextmanager
def store(endpoint: str | None) -> Iterator[Callable[[str], str]]:
    """Let runs use a store, and give addresses in it."""
    with s3.running() as server:
        os.environ.update(server.environment | {"NO_PROXY": "127.0.0.1"})
        if endpoint is not None:
            os.environ["AWS_ENDPOINT_URL"] = endpoint
            url = f"{endpoint}/{server.bucket}"
            urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()
        yield server.url


def main() -> None:
    """Try all kinds, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, count in {"local": 120, "s3": 60, "ray": 20}.items():
        parser.add_argument(f"--{name}", type=int, default=count, help="number of runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--endpoint", help="server that speaks S3")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, store(arguments.endpoint) as url:
        root = pathlib.Path(folder)
        make_corpus(root / "corpus")

        def path(name: str) -> str:
            return str(root / name)

        kinds = {
            "local": Kind([], path),
            "s3": Kind([], url),
            "ray": Kind(["--engine", "ray"], path),
        }
        print("| runs | tried | same table | processes left |\n|---|---:|---:|---:|")
        for name, kind in kinds.items():
            if count := getattr(arguments, name):
                measure(name, kind, count, root / "corpus", arguments.seed)
                numbers = (kind.tried, kind.same, kind.left)
                print("|", " | ".join([name, *map(str, numbers)]), "|", flush=True)
    sys.exit(any(kind.same < kind.tried or kind.left for kind in kinds.values()))


if __name__ == "__main__":
    main()
