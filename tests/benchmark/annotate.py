"""What ``audw2s annotate`` adds to a bare loop, what a second worker gives, memory.

- overhead: the command with one worker against a process that reads each file with
  soundfile, runs the ONNX session and appends the result, on five-second files, in
  interleaved rounds. Without the start is the time over all files less that over one
- workers: two against one
- memory: peaks of both of its processes together, for few files, for many, and for
  few with a very long one

    python tests/benchmark/annotate.py [--files 500] [--rounds 5] [--many 20000]
        [--hours 10] [--only overhead workers memory]
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
from audw2s.evaluation.cost import processor

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

def peak(process):
    with open(f"/proc/{process}/status") as file:
        found = re.search(r"^VmHWM:\\s+(\\d+)", file.read(), re.M)
    return int(found[1]) / 1000 if found else 0

child = 0

def watch():
    global child
    while True:
        for path in glob.glob("/proc/self/task/*/children"):
            try:
                with open(path) as file:
                    for process in file.read().split():
                        child = max(child, peak(process))
            except OSError:
                pass
        time.sleep(0.02)

threading.Thread(target=watch, daemon=True).start()
run = Run(read_inputs(sys.argv[1]), sys.argv[2], Options(num_workers=2))
run()
assert run.summary.num_inputs == int(sys.argv[3]), run.summary
print(peak("self"), child)
"""

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


def speed(folder: str, count: int, rounds: int, contestants: list[str]) -> dict:
    """Seconds of each contestant, over all files and over one, in medians."""
    files = make_files(folder, count, 5, min(count, 50))
    model = audw2s.load("wav2small").path
    times: dict[tuple[str, str], list[np.ndarray]] = {}
    for _ in range(rounds):
        for name, some in (("all", files), ("one", files[:1])):
            listed = write_list(folder, name, some)
            for contestant in contestants:
                if contestant == "bare":
                    taken = seconds([sys.executable, "-c", BARE, model, *some])
                else:
                    taken = annotate(folder, listed, int(contestant[0]))
                times.setdefault((contestant, name), []).append(taken)
    found = {}
    for (contestant, name), taken in times.items():
        passed, busy = np.median(taken, axis=0)
        found[f"{contestant}, {name}: s"] = passed
        found[f"{contestant}, {name}: s of the processor"] = busy
    # Ratios within a round, as a machine may be slower in another
    whole, start = (
        [np.array(times[contestant, name]) for contestant in contestants]
        for name in ("all", "one")
    )
    both = " / ".join(contestants)
    ratios = whole[0] / whole[1], (whole[0] - start[0]) / (whole[1] - start[1])
    for text, ratio in zip(("with the start", "without"), ratios, strict=True):
        passed, busy = np.median(ratio, axis=0)
        found[f"{both}, {text}"] = passed
        found[f"{both}, {text}, of the processor"] = busy
    return {name: float(value) for name, value in found.items()}


def peak(folder: str, name: str, files: list[str]) -> float:
    """Memory in MB of both processes at their largest."""
    listed = write_list(folder, name, files)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, listed, out, str(len(files))],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
    return sum(map(float, done.stdout.split()))


def memory(folder: str, many: int, hours: float) -> dict:
    """Memory for few and many files of 0.3 s, and with a long one among few."""
    files = make_files(folder, many, 0.3, min(many, 50))
    few = files[:500]
    long = os.path.join(folder, "long.wav")
    minute = speech(60)
    with soundfile.SoundFile(long, "w", 16000, 1) as file:
        for _ in range(max(1, round(60 * hours))):
            file.write(minute)
    found = {f"{len(few)} files, MB": peak(folder, "few", few)}
    found[f"{many} files, MB"] = peak(folder, "many", files)
    with_long = [*few[:250], long, *few[250:]]
    found[f"{len(few)} files and {hours:g} h, MB"] = peak(folder, "long", with_long)
    return found


def main() -> None:
    """Measure, print a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many", type=int, default=20000)
    parser.add_argument("--hours", type=float, default=10)
    tasks = ["overhead", "workers", "memory"]
    parser.add_argument("--only", nargs="+", choices=tasks, default=tasks)
    asked = parser.parse_args()
    found: dict[str, object] = {
        "processor": processor(),
        "audw2s": audw2s.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
    contestants = {
        "overhead": ["1 worker", "bare"],
        "workers": ["1 worker", "2 workers"],
    }
    for task in asked.only:
        with tempfile.TemporaryDirectory() as folder:
            if task == "memory":
                found[task] = memory(folder, asked.many, asked.hours)
            else:
                about = (asked.files, asked.rounds, contestants[task])
                found[task] = {"files of 5 s": asked.files} | speed(folder, *about)
        print(task)
        for name, value in found[task].items():
            print(f"  {name:<52} {value:>10.4g}", flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
