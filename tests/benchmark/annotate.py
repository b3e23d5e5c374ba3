"""What ``audw2s annotate`` adds to a bare loop, what a second worker gives, memory.

- overhead: the command with one worker against a process that reads each file with
  soundfile, runs the ONNX session and appends the result, on five-second files, in
  interleaved rounds. Without the start is the time over all files less that over one
- workers: one against two, on the same files; by the processor 1 is the best
- short: many files of 0.2 s, with one worker
- memory: peak of the parent, and peak of what a worker has for itself, for few short
  files, for many, and for few with a very long one

Each number that has a limit is a row of the table at the end: in seconds that pass,
which only a quiet machine tells, and in seconds of the processor.

    python tests/benchmark/annotate.py [--files 300] [--rounds 5] [--many 20000]
        [--hours 10] [--only overhead workers short memory]
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
import soundfile
from recordings import speech

import audw2s
from audw2s.evaluation.processor import processor

BARE = """
import sys
import numpy as np
import onnxruntime
import soundfile

model, *files = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
values = []
for file in files:
    signal, _ = soundfile.read(file, dtype="float32")
    values.append(session.run(["logits"], {"signal": signal[None]})[0][0])
assert np.isfinite(values).all()
"""

PEAK = """
import glob, re, sys, threading, time
from audw2s.corpus.run import Run
from audw2s.corpus.options import Options
from audw2s.corpus.inputs import read_inputs

def megabytes(path, pattern):
    with open(path) as file:
        return sum(map(int, re.findall(pattern, file.read(), re.M))) / 1000

worker = 0

def watch():
    global worker
    while True:
        for path in glob.glob("/proc/self/task/*/children"):
            try:
                with open(path) as file:
                    for process in file.read().split():
                        path = f"/proc/{process}/smaps_rollup"
                        of_its_own = megabytes(path, "^Private_.*: +([0-9]+)")
                        worker = max(worker, of_its_own)
            except OSError:
                pass
        time.sleep(0.05)

threading.Thread(target=watch, daemon=True).start()
run = Run(read_inputs(sys.argv[1]), sys.argv[2], Options(num_workers=2))
run()
assert run.summary.num_inputs == int(sys.argv[3]), run.summary
print(megabytes("/proc/self/status", "^VmHWM:[^0-9]+([0-9]+)"), worker)
"""

PAIRS = {
    "overhead": ["1 worker", "bare loop"],
    "workers": ["1 worker", "2 workers"],
}

SIZES = {"all": 300, "one": 1}
"""Number of files of a run, and of one whose time is the start."""

SHORT = "each of many files of 0.2 s, without the start: ms"
FLAT = "parent, more for many files than for few: MB"
WORKER = "worker, for itself: MB"

LIMITS = {
    "1 worker / bare loop, with the start": "≤ 1.25",
    "1 worker / bare loop, without the start": "≤ 1.10",
    "1 worker / 2 workers, without the start": "≥ 1.9",
    SHORT: "≤ 3",
    FLAT: "≤ 30",
    WORKER: "≤ 120",
}

COMMAND = os.path.join(os.path.dirname(sys.executable), "audw2s")

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def seconds(command: list[str]) -> np.ndarray:
    """Time that a command takes, and time of the processor."""
    before, begin = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    passed, after = time.perf_counter() - begin, os.times()
    busy = after.children_user - before.children_user
    return np.array([passed, busy + after.children_system - before.children_system])


def write_list(folder: str, name: str, files: list[str]) -> str:
    """Write a list of files."""
    path = os.path.join(folder, f"{name}.txt")
    pathlib.Path(path).write_text("\n".join(files))
    return path


def make_files(folder: str, count: int, duration: float, different: int) -> list[str]:
    """Write files of speech; further ones are links to them."""
    files = []
    for number in range(count):
        files.append(os.path.join(folder, f"{number:06}.wav"))
        if number < different:
            soundfile.write(files[-1], speech(duration, number), 16000)
        else:
            os.link(files[number % different], files[-1])
    return files


def annotate(folder: str, listed: str, num_workers: int) -> np.ndarray:
    """Times of the command, in a new folder; see :func:`seconds`."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        options = ["--num-workers", str(num_workers), "--quiet"]
        return seconds([COMMAND, "annotate", listed, "--out", out, *options])


def compared(folder: str, count: int, rounds: int, pair: list[str]) -> dict:
    """How many times as long the first of two takes; see :func:`seconds`.

    Returns:
        ratio with the start and without it, medians over rounds, as a machine may be
        slower in another round

    """
    files = make_files(folder, count, 5, min(count, 50))
    model = audw2s.load("wav2small").path
    lists = {name: write_list(folder, name, files[:n]) for name, n in SIZES.items()}

    def taken(contestant: str, name: str) -> np.ndarray:
        if contestant == "bare loop":
            some = files[: SIZES[name]]
            return seconds([sys.executable, "-c", BARE, model, *some])
        return annotate(folder, lists[name], int(contestant[0]))

    ratios = []
    for _ in range(rounds):
        first, second = ({n: taken(one, n) for n in SIZES} for one in pair)
        with_start = first["all"] / second["all"]
        without = [one["all"] - one["one"] for one in (first, second)]
        ratios.append([with_start, without[0] / without[1]])
    names = [f"{' / '.join(pair)}, {start} the start" for start in ("with", "without")]
    return dict(zip(names, np.median(ratios, axis=0).tolist(), strict=True))


def short(folder: str, many: int) -> dict:
    """Milliseconds for each of many files of 0.2 s, without the start."""
    files = make_files(folder, many, 0.2, min(many, 50))
    whole = annotate(folder, write_list(folder, "all", files), 1)
    start = annotate(folder, write_list(folder, "one", files[:1]), 1)
    return {SHORT: (1000 * (whole - start) / (many - 1)).tolist()}


def peaks(folder: str, name: str, files: list[str]) -> list[float]:
    """Peaks in MB of the parent, and of what a worker has for itself."""
    listed = write_list(folder, name, files)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, listed, out, str(len(files))],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
    return list(map(float, done.stdout.split()))


def memory(folder: str, many: int, hours: float) -> dict:
    """Memory for few and many files of 0.2 s, and with a long one among few."""
    files = make_files(folder, many, 0.2, min(many, 50))
    few = files[:500]
    long = os.path.join(folder, "long.wav")
    minute = speech(60)
    with soundfile.SoundFile(long, "w", 16000, 1) as file:
        for _ in range(max(1, round(60 * hours))):
            file.write(minute)
    of_few = peaks(folder, "few", few)
    of_many = peaks(folder, "many", files)
    with_long = peaks(folder, "long", [*few[:250], long, *few[250:]])
    return {
        f"parent, {len(few)} files: MB": of_few[0],
        f"parent, {many} files: MB": of_many[0],
        f"parent, {len(few)} files and one of {hours:g} h: MB": with_long[0],
        FLAT: of_many[0] - of_few[0],
        WORKER: max(of_few[1], of_many[1]),
        f"worker, with a file of {hours:g} h: MB": with_long[1],
    }


def print_limits(results: dict[str, float | list[float]]) -> None:
    """Print what was measured, and whether limits are kept, as Markdown."""
    print("| | measured | by the processor | limit | kept |\n|---|---:|---:|---:|---|")
    for name, value in results.items():
        passed, busy = value if isinstance(value, list) else (value, None)
        kept = limit = ""
        if name in LIMITS:
            limit = LIMITS[name]
            sign, number = limit.split()
            kept = passed <= float(number) if sign == "≤" else passed >= float(number)
            kept = "yes" if kept else "no"
        of_processor = "" if busy is None else f"{busy:.3g}"
        print(f"| {name} | {passed:.3g} | {of_processor} | {limit} | {kept} |")


def main() -> None:
    """Measure, print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=20000)
    parser.add_argument("--hours", type=float, default=10)
    tasks = ["overhead", "workers", "short", "memory"]
    parser.add_argument("--only", nargs="+", choices=tasks, default=tasks)
    asked = parser.parse_args()
    SIZES["all"] = asked.files
    measured: dict[str, float | list[float]] = {}
    for task in asked.only:
        with tempfile.TemporaryDirectory() as folder:
            if task == "memory":
                measured |= memory(folder, asked.many, asked.hours)
            elif task == "short":
                measured |= short(folder, asked.many)
            else:
                measured |= compared(folder, asked.files, asked.rounds, PAIRS[task])
    print_limits(measured)
    versions = {"audw2s": audw2s.__version__, "onnxruntime": onnxruntime.__version__}
    print(json.dumps({"processor": processor()} | versions | measured))


if __name__ == "__main__":
    main()
