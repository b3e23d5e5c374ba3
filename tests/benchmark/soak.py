"""What audw2s survives: kills, full disks, changes, many files, hours, threads, forks.

Each kind of trouble is tried a number of times. A try is survived if it ends as it
should (the same table by the next run, a sentence, bounded memory); all else is lost.
The result is printed as Markdown, with what is out of reach, and added to the file
``--store``, of which the documentation makes its table. A check in parts gives each of
them a seed of its own.

    python tests/benchmark/soak.py [--kills 200] [--full 1] [--removed 10]
        [--changed 10] [--files 50000] [--hours 10] [--stream 3] [--objects 500]
        [--threads 8] [--forks 3] [--seed 0] [--store docs/checks.csv]

0 leaves a kind out. It ends with 1 if anything is lost.
"""

import argparse
import dataclasses
import multiprocessing
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import full_disk
import kills
import numpy as np
import pandas as pd
import soundfile
from recordings import speech
from tally import Result
from tally import Tally

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS)]

from commands import COMMAND  # noqa: E402
from memory import PEAK  # noqa: E402

import audw2s  # noqa: E402

MAX_MEMORY = 150
"""MB that a long recording, a stream or many objects may take beyond a short one."""


@dataclasses.dataclass
class Ended:
    """How a command ended."""

    code: int
    messages: str

    @property
    def is_sentence(self) -> bool:
        """Whether it stopped with a message for users, and no traceback."""
        is_plain = "Traceback" not in self.messages
        return self.code == 2 and is_plain and "audw2s: " in self.messages


class Runs:
    """Runs of ``audw2s annotate`` over a small corpus.

    Args:
        folder: folder of corpus and results
        count: number of files

    """

    def __init__(self, folder: pathlib.Path, count: int = 24):
        self.folder, self.corpus = folder, folder / "corpus"
        self.corpus.mkdir(parents=True)
        for number in range(count):
            path = self.corpus / f"{number:03}.wav"
            soundfile.write(path, speech(0.5 + number % 5 / 4, number), 16000)
        begin = time.monotonic()
        self.run("whole")
        self.duration = time.monotonic() - begin
        """Seconds of a run that nobody disturbs."""

    def run(
        self,
        name: str,
        trouble: Callable[[pathlib.Path], None] | None = None,
    ) -> Ended:
        """Run until the end.

        Args:
            name: folder of the results
            trouble: what happens to the results at a random moment

        """
        out = self.folder / name
        command = [COMMAND, "annotate", self.corpus, "--out", out, "--quiet"]
        command += ["--num-workers", "1", "--shard-size", "3"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        if trouble is not None:
            time.sleep(random.uniform(0.2, 1) * self.duration)
            trouble(out)
        messages = process.communicate(timeout=3600)[1]
        return Ended(process.returncode, messages)

    def recovers(self, name: str, whole: str = "whole") -> bool:
        """Whether the next run gives the same table as one that nobody disturbed."""
        ended = self.run(name)
        return ended.code in (0, 1) and self.table(name).equals(self.table(whole))

    def table(self, name: str) -> pd.DataFrame:
        """Table of a run."""
        return pd.read_parquet(self.folder / name / "table.parquet")


def removed(count: int, folder: pathlib.Path) -> Result:
    """The folder of the results is removed while a run goes on."""
    runs, result = Runs(folder), Result()
    for number in range(count):
        name = f"removed-{number}"
        ended = runs.run(name, trouble=lambda out: shutil.rmtree(out, True))
        # Before its first file, or after its last one, nothing was lost
        told = ended.is_sentence and "kept" not in ended.messages
        fine = told or ended.code == 0
        result.add(fine and runs.recovers(name), "" if fine else ended.messages[-200:])
    return result


def changed(count: int, folder: pathlib.Path) -> Result:
    """Inputs are rewritten, cut, removed, and replaced by text while a run goes on."""
    runs, result = Runs(folder), Result()

    def names() -> set[str]:
        return {str(path) for path in runs.corpus.iterdir()}

    def change(out: pathlib.Path) -> None:
        nonlocal listed
        # The lock is taken when all inputs are listed
        is_listed = (out / ".lock").exists()
        paths = [pathlib.Path(name) for name in random.sample(sorted(names()), 4)]
        soundfile.write(paths[0], speech(1.5, random.randrange(99)), 16000)
        with open(paths[1], "r+b") as file:
            file.truncate(3000)
        paths[2].write_text("no audio")
        if len(names()) > 12:
            paths[3].unlink()
        if not is_listed:
            listed = names()

    for number in range(count):
        name = f"changed-{number}"
        listed = before = names()
        ended = runs.run(name, trouble=change)
        rows = list(runs.table(name)["file"]) if ended.code in (0, 1) else []
        fine = len(rows) == len(set(rows)) and listed <= set(rows) <= before
        runs.run(f"fresh-{number}")
        note = (
            "" if fine else f"{ended.code}, {len(rows)} rows: {ended.messages[-200:]}"
        )
        result.add(fine and runs.recovers(name, f"fresh-{number}"), note)
    return result


def files(count: int, folder: pathlib.Path) -> Result:
    """Many tiny files, in bounded memory."""
    noise = np.random.default_rng(0).normal(0, 0.1, 1600 + count)
    for number in range(count):
        path = folder / "corpus" / f"{number // 1000:03}" / f"{number:06}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, noise[number : number + 1600], 16000)
    command = [sys.executable, "-c", PEAK + FILES, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    rows, finite, megabytes = map(float, done.stdout.split() or (0, 0, 1e9))
    fine = rows == count and megabytes < MAX_MEMORY
    return Result(count, int(finite) if fine else 0, {f"{megabytes:.0f} MB": None})


FILES = """
import sys
import numpy as np
import audw2s
few = f"{sys.argv[1]}/corpus/000"
audw2s.annotate(few, f"{sys.argv[1]}/few", num_workers=2)
before = peak()
frame = audw2s.annotate(f"{sys.argv[1]}/corpus", f"{sys.argv[1]}/out", num_workers=2)
finite = np.isfinite(frame["arousal"]).sum()
print(frame["file"].nunique(), finite, (peak() - before) / 1024)
"""


def hours(count: float, folder: pathlib.Path) -> Result:
    """A file of hours at 44.1 kHz, in bounded memory."""
    path, short = folder / "long.wav", folder / "short.wav"
    noise = np.random.default_rng(0).normal(0, 0.1, 44100 * 60)
    soundfile.write(short, noise, 44100)
    with soundfile.SoundFile(path, "w", 44100, 1, "PCM_16", format="RF64") as file:
        for _ in range(round(60 * count)):
            file.write(noise)
    command = [sys.executable, "-c", PEAK + HOURS, str(short), str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    rows, megabytes = map(float, done.stdout.split() or (0, 1e9))
    fine = rows == round(3600 * count / 5) and megabytes < MAX_MEMORY
    result = Result()
    result.add(fine, f"{count:g} hours, {megabytes:.0f} MB more than a minute")
    return result


HOURS = """
import sys
import audw2s
feature = audw2s.Feature(win_dur=5, hop_dur=5)
feature.process_file(sys.argv[1])
before = peak()
frame = feature.process_file(sys.argv[2])
print(frame.notna().all(axis=1).sum(), (peak() - before) / 1024)
"""


def stream(count: float, folder: pathlib.Path) -> Result:
    """A stream of hours, whose last values are those of its first."""
    command = [sys.executable, "-c", PEAK + STREAM, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    difference, megabytes = map(float, done.stdout.split() or (1, 1e9))
    result = Result()
    note = f"{count:g} hours, {megabytes:.0f} MB, values differ by {difference:.0e}"
    result.add(difference < 1e-4 and megabytes < MAX_MEMORY, note)
    return result


STREAM = """
import sys
import numpy as np
import audw2s
minute = np.random.default_rng(0).normal(0, 0.1, 60 * 16000).astype(np.float32)
stream, first = audw2s.Stream(), None
for number in range(max(3, round(60 * float(sys.argv[1])))):
    for start in range(0, len(minute), 8000):
        moment = stream.push(minute[start:start + 8000])
    last = np.array([*moment.window.values()])
    if number == 1:
        first, before = last, peak()
print(abs(last - first).max(), (peak() - before) / 1024)
"""


def objects(count: int, folder: pathlib.Path) -> Result:
    """Many objects of one model, in bounded memory."""
    command = [sys.executable, "-c", PEAK + OBJECTS, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    megabytes = float(done.stdout or 1e9)
    fine = megabytes < MAX_MEMORY
    return Result(count, count * fine, {f"{megabytes:.0f} MB": None})


OBJECTS = """
import sys
import numpy as np
import audw2s
noise = np.random.default_rng(0).normal(0, 0.1, 16000)
kept = [audw2s.Feature()]
expected = kept[0].process_signal(noise, 16000)
before = peak()
for number in range(int(sys.argv[1])):
    kind = (audw2s.Feature, audw2s.Process, audw2s.Segment)[number % 3]
    kept.append(kind(win_dur=2 + number / 100))
assert audw2s.Feature().process_signal(noise, 16000).equals(expected)
print((peak() - before) / 1024)
"""


def threads(count: int, folder: pathlib.Path) -> Result:
    """Threads that share an object."""
    signals = [speech(1 + k / 4, k) for k in range(8)]
    feature, result = audw2s.Feature(), Result()
    expected = [feature.process_signal(signal, 16000) for signal in signals]

    def work() -> None:
        for _ in range(5):
            found = [feature.process_signal(signal, 16000) for signal in signals]
            same = (a.equals(b) for a, b in zip(found, expected, strict=True))
            result.add(all(same))

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: work(), range(count)))
    return Result(5 * count, result.survived)


def _values(feature: audw2s.Feature) -> list:
    return feature.process_signal(speech(1, 0), 16000).to_numpy().tolist()


def forks(count: int, folder: pathlib.Path) -> Result:
    """Processes that are started in each way, with an object that was used before."""
    feature, result = audw2s.Feature(), Result()
    expected = _values(feature)
    for method in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(method).Pool(count) as pool:
            for values in pool.map(_values, [feature] * count):
                result.add(values == expected, method)
    return result


KINDS = {
    "removed": (removed, 10, "results removed meanwhile"),
    "changed": (changed, 10, "inputs changed meanwhile"),
    "files": (files, 50_000, "tiny files"),
    "hours": (hours, 10.0, "a file of hours at 44.1 kHz"),
    "stream": (stream, 3.0, "a stream of hours"),
    "objects": (objects, 500, "objects of a model"),
    "threads": (threads, 8, "threads that share an object"),
    "forks": (forks, 3, "processes, by each way to start them"),
}
"""Function, default size, and name of each kind of trouble."""


def main() -> None:
    """Try all kinds, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="see kills.py")
    parser.add_argument("--full", type=int, default=1, help="see full_disk.py --every")
    for name, (_, size, text) in KINDS.items():
        parser.add_argument(f"--{name}", type=type(size), default=size, help=text)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=pathlib.Path, help="file to add results to")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    tally = Tally(arguments.store, arguments.seed)
    if count := arguments.kills:
        sizes = {"local": count - 4 * (count // 10), "s3": 3 * (count // 10)}
        sizes |= {"ray": count // 10, "both": 10}
        kills.try_all(sizes, tally, arguments.seed)
    if arguments.full:
        full_disk.try_all(tally, every=arguments.full)
    for name, (trouble, _, text) in KINDS.items():
        if not (size := getattr(arguments, name)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                tally.add(text, trouble(size, pathlib.Path(folder)))
            except (ImportError, OSError) as error:
                tally.add(text, Result(notes={f"out of reach here: {error}": None}))
    sys.exit(bool(tally.lost))


if __name__ == "__main__":
    main()
