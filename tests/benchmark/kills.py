"""Kill runs of ``audw2s annotate`` at random moments, and see what the next run gives.

Each try starts a run, and kills the command or one of the processes it has started, by
SIGKILL: while the first workers start, later, or while a file is half written. A run
whose command goes on has to end by itself, with all rows. The same command is then run
until its end, while a killed one is still a zombie. Its table has to be that of a run
that nobody disturbed, and no process may stay: all that belong to a try are known by a
variable of their environment. A kill that comes too late, as all has ended, is no try.
Commands are forked from a process that has imported all, see forked.py.

Runs write to a folder, to a store (that of the tests, or a server such as moto_server
at ``--endpoint``), or are those of a local Ray. At last two runs at a time write to one
folder of a store whose writes take seconds: one has to do all, the other has to say so.
The result is printed as Markdown, and added to the file ``--store``.

    python tests/benchmark/kills.py [--local 120] [--s3 60] [--ray 20] [--both 10]
        [--seed 0] [--endpoint http://127.0.0.1:5000] [--store docs/checks.csv]

It ends with 1 if anything is lost.
"""

import argparse
import contextlib
import dataclasses
import itertools
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

import pandas as pd
import soundfile
from forked import Command
from forked import Forks
from forked import forks
from recordings import speech
from tally import Result
from tally import Tally

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "corpus")]

import s3  # noqa: E402
from commands import is_running  # noqa: E402
from waiting import wait_until  # noqa: E402

from audw2s.corpus.storage import FOLDER  # noqa: E402
from audw2s.corpus.storage import open_storage  # noqa: E402

MARK = "AUDW2S_KILLS"
"""Variable of the environment that tells to which try a process belongs."""

NUM_FILES = 20
SHARD_SIZE = 2

MOMENTS = ("starting", "working", "writing")
"""What a run does when it is disturbed: there is no shard yet, there are some, or one
is half written."""

PATIENCE = 60.0
"""Seconds that processes have to end by themselves."""

DELAY = 2.0
"""Seconds that the writes of a slow store take."""


class LostError(Exception):
    """What isn't as it has to be."""


@dataclasses.dataclass
class Kind:
    """Runs of one kind.

    Args:
        text: where they run, in words
        out: folder or address of the results of a try
        forks: process that starts commands
        options: options of the command

    """

    text: str
    out: Callable[[str], str]
    forks: Forks
    options: list[str] = dataclasses.field(default_factory=list)
    first: float = 0.0
    """Seconds until the first shard is there."""

    duration: float = 0.0
    """Seconds of a run."""


class Try:
    """Runs that belong together, and write to one place.

    Args:
        kind: kind of the runs
        name: name of the try
        root: folder of the corpus, and of temporary files
        shard_size: number of inputs of a shard

    """

    def __init__(
        self, kind: Kind, name: str, root: pathlib.Path, shard_size: int = SHARD_SIZE
    ):
        self.kind = kind
        self.name = name
        self.out = kind.out(name)
        self.temporary = root / "temporary" / name
        self.temporary.mkdir(parents=True)
        self.stderr = self.temporary / "stderr"
        self.words = ["annotate", str(root / "corpus"), "--out", self.out]
        self.words += ["--shard-size", str(shard_size), "--quiet", *kind.options]

    def start(self, num_workers: int = 2) -> Command:
        """Start a run."""
        # Ray's processes would overwrite their environment by their title
        env = {MARK: self.name, "SPT_NOENV": "1", "OMP_NUM_THREADS": "1"}
        if "://" in self.out:
            # Files that go to a store are written there before
            env["TMPDIR"] = str(self.temporary)
        words = [*self.words, "--num-workers", str(num_workers)]
        return self.kind.forks.start(words, str(self.stderr), env)

    def expect_end(self, process: Command) -> int:
        """Wait for the end of a run that gives all rows, or says why not.

        Returns:
            exit code: 1, as an input is no audio, or another one with a sentence

        """
        code = process.wait(10 * PATIENCE)
        messages = self.stderr.read_text()
        if code != 1 and (code < 0 or "audw2s: " not in messages):
            raise LostError(f"exit code {code}: {messages[-300:]}")
        if "Traceback" in messages:
            raise LostError(messages[-300:])
        return code

    def expect_table(self, whole: pd.DataFrame) -> None:
        """See whether the table is that of a run that nobody disturbed."""
        with open_storage(self.out).open("table.parquet") as file:
            if not pd.read_parquet(file).equals(whole):
                raise LostError("another table")

    def finish(self, whole: pd.DataFrame) -> None:
        """Run until the end; one worker starts faster than two."""
        if (code := self.expect_end(self.start(num_workers=1))) != 1:
            messages = self.stderr.read_text()
            raise LostError(f"exit code {code}: {messages[-300:]}")
        self.expect_table(whole)

    def processes(self) -> list[int]:
        """Processes of these runs that go on."""
        mark = f"{MARK}={self.name}\0".encode()
        return [number for number in all_processes() if mark in environment(number)]

    def shards(self) -> list[str]:
        """Names of complete shards."""
        names = open_storage(self.out).names(FOLDER)
        return [name for name in names if name.startswith("part-")]

    def half_written(self) -> set[str]:
        """Files that are being written."""
        if "://" in self.out:
            return {str(path) for path in self.temporary.glob("*/*.parquet")}
        found = pathlib.Path(self.out).glob("**/tmp*.parquet")
        return {str(path) for path in found}

    def wait(self, moment: str, rng: random.Random, process: Command) -> str:
        """Wait for a moment; return what it became."""
        if moment == "starting":
            time.sleep(rng.uniform(0, self.kind.first))
            return "working" if self.shards() else moment
        wanted = rng.randint(1, NUM_FILES // SHARD_SIZE)
        seen: set[str] = set()
        while is_running(process.pid) and len(seen) < wanted:
            seen |= self.half_written() if moment == "writing" else {*self.shards()}
            time.sleep(0.001 if moment == "writing" else 0.05)
        return moment

    def disturb(self, moment: str, rng: random.Random, whole: pd.DataFrame) -> str:
        """Kill a process at a random moment, and run again.

        Returns:
            moment, empty if all had ended before

        """
        process = self.start()
        moment = self.wait(moment, rng, process)
        others = [number for number in self.processes() if number != process.pid]
        victim = process.pid if rng.random() < 0.5 or not others else rng.choice(others)
        if not is_running(victim):
            process.wait(10 * PATIENCE)
            return ""
        os.kill(victim, signal.SIGKILL)
        if victim == process.pid:
            # Not waited for, so that it stays a zombie
            wait_until(lambda: not is_running(process.pid), "the run ends")
        elif self.expect_end(process) == 1:
            self.expect_table(whole)
        elif "ray" not in self.kind.options:
            raise LostError("a killed worker ends the run")
        self.finish(whole)
        process.wait()
        self.expect_nothing_left()
        return moment

    def expect_nothing_left(self) -> None:
        """Wait until all processes have ended; kill what doesn't end by itself."""
        try:
            wait_until(lambda: not self.processes(), "all end", max_dur=PATIENCE)
        except TimeoutError:
            left = self.processes()
            names = [pathlib.Path(f"/proc/{n}/cmdline").read_text() for n in left]
            for number in left:
                os.kill(number, signal.SIGKILL)
            text = ", ".join(name.replace("\0", " ")[:80] for name in names)
            raise LostError(f"processes stay: {text}") from None


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


def undisturbed(kind: Kind, root: pathlib.Path, name: str) -> pd.DataFrame:
    """Table of a run that nobody disturbs; its times are kept."""
    run = Try(kind, name, root)
    begin = time.monotonic()
    process = run.start()
    wait_until(lambda: bool(run.shards()), "there is a shard", pause=0.1)
    kind.first = time.monotonic() - begin
    if run.expect_end(process) != 1:
        raise SystemExit(run.stderr.read_text())
    kind.duration = time.monotonic() - begin
    with open_storage(run.out).open("table.parquet") as file:
        return pd.read_parquet(file)


def kill(
    kind: Kind, count: int, root: pathlib.Path, name: str, seed: int
) -> dict[str, Result]:
    """Kill runs of a kind.

    Returns:
        results by the kind of trouble

    """
    whole = undisturbed(kind, root, f"{name}-{seed}-whole")
    results: dict[str, Result] = defaultdict(Result)
    numbers = itertools.count()
    while sum(result.tried for result in results.values()) < count:
        number = next(numbers)
        run = Try(kind, f"{name}-{seed}-{number}", root)
        rng = random.Random(f"{name} {seed} {number}")
        moment, note = MOMENTS[number % len(MOMENTS)], ""
        try:
            moment = run.disturb(moment, rng, whole)
        except (LostError, TimeoutError) as error:
            note = shown(f"{run.name}: {error}")
        if moment:
            results[f"SIGKILL, {kind.text}: {moment}"].add(not note, note)
    return {kind: results[kind] for kind in sorted(results)}


def both(count: int, seed: int) -> Result:
    """Two runs at a time, in a store whose writes take seconds."""
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # That of the tests can be slow
        server = stack.enter_context(store(None))
        kind = Kind("S3", server.url, stack.enter_context(forks()))
        make_corpus(root / "corpus")
        whole, result = undisturbed(kind, root, f"both-{seed}-whole"), Result()
        server.delay = DELAY
        for number in range(count):
            note = run_twice(kind, f"both-{seed}-{number}", root, whole)
            result.add(not note, note)
    return result


def run_twice(kind: Kind, name: str, root: pathlib.Path, whole: pd.DataFrame) -> str:
    """Start two runs that write to one place; return what is wrong."""
    rng = random.Random(name)
    # Temporary files of their own, and one place for the results
    runs = [Try(kind, f"{name}-{k}", root, shard_size=50) for k in range(2)]
    runs[1].words[runs[1].words.index("--out") + 1] = runs[0].out
    processes = []
    for run in runs:
        processes.append(run.start())
        time.sleep(rng.uniform(0, DELAY))
    try:
        pairs = zip(runs, processes, strict=True)
        codes = [run.expect_end(process) for run, process in pairs]
        runs[0].expect_table(whole)
        told = sum("Another run is writing" in run.stderr.read_text() for run in runs)
        writers = {shard.split("-")[2] for shard in runs[0].shards()}
        if sorted(codes) != [1, 2] or told != 1 or len(writers) != 1:
            raise LostError(f"exit codes {codes}, {len(writers)} have written")
    except (LostError, TimeoutError) as error:
        return shown(f"{name}: {error}")
    return ""


def shown(text: str) -> str:
    """Print what is wrong, in one line."""
    line = " ".join(text.split())
    print(line, file=sys.stderr, flush=True)
    return line


@contextlib.contextmanager
def store(endpoint: str | None) -> Iterator[s3.Server]:
    """Let runs use a store."""
    with s3.running() as server:
        os.environ.update(server.environment | {"NO_PROXY": "127.0.0.1"})
        if endpoint is not None:
            os.environ["AWS_ENDPOINT_URL"] = endpoint
            url = f"{endpoint}/{server.bucket}"
            urllib.request.urlopen(urllib.request.Request(url, method="PUT")).close()
        yield server


def try_all(
    sizes: dict[str, int], tally: Tally, seed: int = 0, endpoint: str | None = None
) -> None:
    """Try all kinds, and add what came of them to a table."""
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(store(endpoint))
        process = stack.enter_context(forks())
        make_corpus(root / "corpus")

        def path(name: str) -> str:
            return str(root / name)

        kinds = {
            "local": Kind("local", path, process),
            "s3": Kind("S3", server.url, process),
            "ray": Kind("Ray", path, process, ["--engine", "ray"]),
        }
        for name, kind in kinds.items():
            if count := sizes.get(name):
                results = kill(kind, count, root, name, seed)
                for text, result in results.items():
                    tally.add(text, result)
    if count := sizes.get("both"):
        tally.add("two runs at once, S3 with slow writes", both(count, seed))


def main() -> None:
    """Try all kinds, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"local": 120, "s3": 60, "ray": 20, "both": 10}
    for name, count in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=count, help="number of runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--endpoint", help="server that speaks S3")
    parser.add_argument("--store", type=pathlib.Path, help="file to add results to")
    arguments = parser.parse_args()
    tally = Tally(arguments.store, arguments.seed)
    chosen = {name: getattr(arguments, name) for name in sizes}
    try_all(chosen, tally, arguments.seed, arguments.endpoint)
    sys.exit(bool(tally.lost))


if __name__ == "__main__":
    main()
