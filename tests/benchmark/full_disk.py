"""Let a disk become full at each write of a command, and see what it does.

A library that is preloaded (``full_disk.c``, compiled here) counts what a process
writes below a folder, and lets all fail from a number on. Each number is tried: the
command has to end with a sentence, or to give the whole result where the write isn't
needed. Nothing half written may be there, and the next run has to give the result of
one that nobody disturbed. Output, temporary folder, cache and the file of stdout lie on
that disk.

    python tests/benchmark/full_disk.py [--commands annotate ...] [--every 1]
        [--store docs/checks.csv]

It prints a table as Markdown, and ends with 1 if anything is lost. It needs Linux and a
C compiler. So that each try is quick, commands are forked from a process that has
imported all, and workers, which write nothing, are threads of theirs.
"""

import argparse
import ctypes
import hashlib
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback
import types
from collections.abc import Iterable

import soundfile
from forked import MODULES
from recordings import speech
from tally import Result
from tally import Tally

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "corpus")]

import s3  # noqa: E402

from audw2s.corpus import child_process  # noqa: E402
from audw2s.corpus import workers  # noqa: E402
from audw2s.corpus.options import Options  # noqa: E402
from audw2s.corpus.predictor import FilePredictor  # noqa: E402
from audw2s.corpus.task import Task  # noqa: E402

ANNOTATE = "annotate corpus --num-workers 1 --shard-size 2 --quiet"

COMMANDS = {
    "annotate": f"{ANNOTATE} --out disk/out --embeddings --report disk/report.html",
    "annotate, CSV": f"{ANNOTATE} --out disk/out --format csv",
    "annotate, S3": f"{ANNOTATE} --out s3://bucket/NAME",
    "predict": "predict corpus/0.wav",
    "predict, JSON": "predict corpus --json",
    "predict, table": "predict corpus --out disk/table.csv",
    "curve": "curve corpus/0.wav --out disk/curve.parquet --plot disk/curve.png "
    "--textgrid disk/curve.TextGrid",
    "export": "export wav2small disk/model --to npm",
}
"""Commands, which run in the folder of ``disk``; stdout goes to ``disk/stdout``."""

CALLS = {
    "cache": "import audformat; index = audformat.filewise_index(['corpus/0.wav']); "
    "print(audw2s.Feature().process_index(index, cache_root='disk/cache').to_numpy())",
    "annotate()": "print(audw2s.annotate('corpus', num_workers=1).to_csv())",
}
"""What is called in Python, as there is no command for it."""

NAMES = [*COMMANDS, *CALLS]

KIND = "disk full at each write: {}"
"""Kind of trouble, with the name of the command."""

REPORTS = (".html",)
"""Files that hold times of the run, and so differ."""

RUN_ONLY = ("parts", ".lock", "cache", "temporary")
"""What belongs to runs, not to their results."""


class Disk:
    """A folder with a corpus, and one that may be full.

    Args:
        root: folder, the current one
        library: library that was preloaded

    """

    def __init__(self, root: pathlib.Path, library: str):
        self.folder = root / "disk"
        self.library = ctypes.CDLL(library)
        self.library.disk_writes.restype = ctypes.c_long

    def empty(self) -> None:
        """Delete what the last try has written."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "temporary").mkdir(parents=True)

    def run(self, name: str, number: int, full_at: int | None) -> tuple[int, str, int]:
        """Run in a process of its own.

        Args:
            name: what to run
            number: number of the try
            full_at: number of the first write that fails, 0 to count, ``None`` for a
                disk with room

        Returns:
            exit code, what was printed to stderr, and number of writes

        """
        out, err = self.folder / "stdout", pathlib.Path("stderr")
        if (process := os.fork()) == 0:
            self._work(name, number, full_at, out, err)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        messages = err.read_text()
        writes = pathlib.Path("writes")
        return code, messages, int(writes.read_text()) if writes.exists() else 0

    def _work(
        self,
        name: str,
        number: int,
        full_at: int | None,
        out: pathlib.Path,
        err: pathlib.Path,
    ) -> None:
        for path, file in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), file)
        os.environ["DISK"] = str(self.folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.folder / "temporary")
        if full_at is not None:
            os.environ["FULL_AT"] = str(full_at)
        self.library.disk_begin()
        sys.stdout = os.fdopen(1, "w")
        code = 1
        try:
            code = _call(name, number)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            pathlib.Path("writes").write_text(str(self.library.disk_writes()))
            os._exit(code)

    def results(self) -> dict[str, str]:
        """Hash of each file that is a result, by its name."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if path.is_file() and not set(RUN_ONLY) & set(name.parts):
                whole = b"" if path.suffix in REPORTS else path.read_bytes()
                found[str(name)] = hashlib.sha256(whole).hexdigest()
        return found

    def half_written(self) -> list[str]:
        """Files that replace others when they are whole."""
        return [str(path) for path in self.folder.rglob("tmp*") if path.is_file()]


class Worker:
    """Worker in this process, see :class:`audw2s.corpus.child_process.ChildProcess`.

    Args:
        module: module that a process would run

    """

    def __init__(self, module: str):
        self.process = types.SimpleNamespace(returncode=None)
        self.predictor: FilePredictor | None = None
        self.answer: object = None

    def send(self, message: Options | list[Task]) -> None:
        """Open the models of options, or process files."""
        if self.predictor is None:
            self.predictor = FilePredictor(message)
        else:
            self.answer = [self.predictor.result(task) for task in message]

    def receive(self) -> object:
        """Results of the files, ``None`` when the models are open."""
        return self.answer

    def close(self) -> None:
        """Do nothing: it ends with this process."""


def _call(name: str, number: int) -> int:
    """Run a command; return its exit code."""
    import audw2s
    from audw2s.commands.app import app

    try:
        if name in COMMANDS:
            words = COMMANDS[name].replace("NAME", f"{number}").split()
            app(words, standalone_mode=True)
        else:
            try:
                exec(CALLS[name], {"audw2s": audw2s})
                sys.stdout.flush()
            except OSError as error:
                print(f"audw2s: {error}", file=sys.stderr, flush=True)
                return 2
    except SystemExit as error:
        return error.code or 0
    return 0


def work(names: list[str], every: int, library: str) -> None:
    """Try commands in the current folder, and print what came of each try."""
    for module in (*MODULES, "matplotlib.pyplot"):
        importlib.import_module(module)
    workers.ChildProcess = child_process.ChildProcess = Worker
    disk = Disk(pathlib.Path.cwd(), library)
    for name in names:
        disk.empty()
        code, messages, writes = disk.run(name, 0, 0)
        if code or not writes:
            raise SystemExit(f"{name}: exit code {code}, {writes} writes, {messages}")
        whole = disk.results()
        for number in range(1, writes + 1, every):
            disk.empty()
            note = ""
            code, messages, _ = disk.run(name, number, number)
            if code == 2 and "audw2s: " in messages and "Traceback" not in messages:
                partial = {k: v for k, v in disk.results().items() if k != "stdout"}
                if not partial.items() <= whole.items():
                    note = f"results are in part: {sorted(partial)}"
            elif code or disk.results() != whole:
                note = f"exit code {code}: {messages[-500:]}"
            if half := disk.half_written():
                note = f"half written: {half}"
            code, messages, _ = disk.run(name, number, None)
            if code or disk.results() != whole:
                note += f" then exit code {code}: {messages[-300:]}"
            print(json.dumps([number, note]), flush=True)


def try_all(tally: Tally, names: Iterable[str] = NAMES, every: int = 1) -> None:
    """Try commands, and add what came of them to a table.

    Args:
        tally: table
        names: of :data:`COMMANDS` and :data:`CALLS`
        every: each so-many-th write only

    """
    with tempfile.TemporaryDirectory() as folder, s3.running() as server:
        root = pathlib.Path(folder)
        library = str(root / "full_disk.so")
        source = str(pathlib.Path(__file__).with_suffix(".c"))
        compiler = ["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"]
        try:
            subprocess.run(compiler, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            note = f"out of reach here: {error}"
            return tally.add(KIND.partition(":")[0], Result(notes={note: None}))
        (root / "corpus").mkdir()
        for number in range(4):
            path = root / "corpus" / f"{number}.wav"
            soundfile.write(path, speech(0.5 + number / 4, number), 16000)
        command = [sys.executable, __file__, "--work", library, "--every", str(every)]
        env = {**os.environ, **server.environment, "NO_PROXY": "127.0.0.1"}
        env |= {"LD_PRELOAD": library, "OMP_NUM_THREADS": "1"}
        for name in names:
            pipes = {"stdout": subprocess.PIPE, "text": True, "cwd": root, "env": env}
            done = subprocess.run([*command, "--commands", name], **pipes)
            result = Result()
            for number, note in map(json.loads, done.stdout.splitlines()):
                result.add(not note, note and f"write {number}: {note}")
            if done.returncode:
                result.add(False, "the check has stopped")
            tally.add(KIND.format(name), result)


def main() -> None:
    """Try all, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commands", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--every", type=int, default=1, help="each so-many-th write")
    parser.add_argument("--store", type=pathlib.Path, help="file to add results to")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        return work(arguments.commands, arguments.every, arguments.work)
    tally = Tally(arguments.store, 0)
    try_all(tally, arguments.commands, arguments.every)
    sys.exit(bool(tally.lost))


if __name__ == "__main__":
    main()
