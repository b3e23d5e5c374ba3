"""What Ray costs over the local engine, and what many hours of speech would cost.

Side by side, in interleaved rounds, on files of about 3 s, with two workers each:

- local: ``audw2s.annotate``
- ray: the same with ``engine="ray"``, on this machine, Ray having been started before
- ray, small: the same with 5 files a partition, to see what a partition costs

All with 4 files as well, to see what a run costs that isn't of the files: starting
processes and opening models. Core-seconds per hour of audio are without that.

    python tests/benchmark/cluster.py [--files 2000] [--rounds 3] [--out figures.json]
    python tests/benchmark/cluster.py --extrapolate 1000000 [--figures figures.json]

With ``--extrapolate`` it prints what so many hours would cost, from the figures of this
run or of an earlier one.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import pandas as pd
import soundfile
from recordings import speech

import audw2s
from audw2s.evaluation.cost import processor

WORKERS = 2
SMALL = 5
TICK = 1 / os.sysconf("SC_CLK_TCK")

DRIVER = """
import pickle, resource, sys, time
import pandas as pd
from audw2s.corpus.inputs import Inputs

count = int(sys.argv[1])
peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, start = peak(), time.process_time()
files = [f"/corpora/a/folder/{number:010}.wav" for number in range(count)]
table = pd.DataFrame({"file": files, "start": pd.Timedelta(0), "end": pd.NaT})
inputs = Inputs("list", table)
tasks = list(map(inputs.task, inputs.by_file()))
rows = [{"task": pickle.dumps(task)} for task in tasks]
print((peak() - before) / count, (time.process_time() - start) / count)
"""


def make_files(folder: pathlib.Path, count: int) -> float:
    """Write files of 2.5 to 3.5 s of speech; seconds of all."""
    folder.mkdir()
    durations = np.random.default_rng(0).uniform(2.5, 3.5, count)
    for number, duration in enumerate(durations):
        path = folder / f"{number:06}.wav"
        soundfile.write(path, speech(duration, number), 16000)
    return float(durations.sum())


class Cores:
    """Seconds that cores have worked for this process and all that it has started."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int], float] = {}
        self.ended = threading.Event()
        self.look()
        self.before = sum(self.seen.values())
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        # Often, as what a process did after the last look isn't seen
        while not self.ended.wait(0.1):
            self.look()

    def look(self) -> None:
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                text = pathlib.Path(f"/proc/{name}/stat").read_text()
                found[int(name)] = text.rpartition(")")[2].split()
        own = {os.getpid()}
        while more := {p for p, s in found.items() if int(s[1]) in own} - own:
            own |= more
        for process in own & set(found):
            stat = found[process]
            # With when it began, as numbers of processes are used again
            seconds = TICK * (int(stat[11]) + int(stat[12]))
            self.seen[process, int(stat[19])] = seconds

    def stop(self) -> float:
        self.ended.set()
        self.thread.join()
        self.look()
        return sum(self.seen.values()) - self.before


def size(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def timed(corpus: pathlib.Path, **options: object) -> tuple[float, float, int]:
    """Seconds, seconds of cores, and bytes that were written."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        cores, start = Cores(), time.perf_counter()
        frame = audw2s.annotate(str(corpus), str(out), num_workers=WORKERS, **options)
        seconds = time.perf_counter() - start
        assert (frame["status"] == "ok").all()
        return seconds, cores.stop(), size(out)


def medians(found: dict[str, list]) -> list[list[float]]:
    """Over rounds, of each contestant."""
    return [
        [statistics.median(values) for values in zip(*runs, strict=True)]
        for runs in found.values()
    ]


def measure(count: int, rounds: int) -> dict[str, float]:
    """All figures."""
    import ray

    with tempfile.TemporaryDirectory() as folder:
        corpus = pathlib.Path(folder) / "corpus"
        hours = make_files(corpus, count) / 3600
        few = pathlib.Path(folder) / "few"
        make_files(few, 4)
        start = time.perf_counter()
        with ray.init(num_cpus=WORKERS, log_to_driver=False):
            began = time.perf_counter() - start
            contestants = {
                "local": {},
                "ray": {"engine": "ray"},
                "ray, small": {"engine": "ray", "shard_size": SMALL},
            }
            timed(few, engine="ray")
            found: dict[str, list] = {name: [] for name in contestants}
            starts: dict[str, list] = {name: [] for name in contestants}
            for _ in range(rounds):
                for name, options in contestants.items():
                    starts[name].append(timed(few, **options))
                    found[name].append(timed(corpus, **options))
        read = size(corpus)
    (local, local_cores, written), (ray, ray_cores, _), (small, _, _) = medians(found)
    (local_few, local_few_cores, _), (ray_few, ray_few_cores, _), _ = medians(starts)
    command = [sys.executable, "-c", DRIVER, "300000"]
    driver = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    memory, seconds = map(float, driver.split())
    more = count / SMALL - count / min(200, count / (4 * WORKERS))
    return {
        "files": count,
        "hours of audio": hours,
        "local s": local,
        "ray s": ray,
        "ray / local": ray / local,
        "local, 4 files s": local_few,
        "ray, 4 files s": ray_few,
        "ray / local, without those": (ray - ray_few) / (local - local_few),
        "start of Ray s": began,
        "ray with its start s": ray + began,
        "local, core-seconds": local_cores,
        "ray, core-seconds": ray_cores,
        "local, core-seconds per hour of audio": (local_cores - local_few_cores)
        / hours,
        "ray, core-seconds per hour of audio": (ray_cores - ray_few_cores) / hours,
        "a partition more, ms": 1000 * (small - ray) / more,
        "bytes read per hour of audio": read / hours,
        "bytes written per hour of audio": written / hours,
        "driver, bytes of memory per file": memory,
        "driver, ms before the first file, per 1000 files": 1e6 * seconds,
    }


def extrapolated(figures: dict[str, float], hours: float) -> pd.DataFrame:
    """What so many hours would cost, in files of the same length."""
    files = figures["files"] / figures["hours of audio"] * hours
    partitions = files / 200
    core_seconds = figures["ray, core-seconds per hour of audio"]
    rate = figures["bytes read per hour of audio"] / core_seconds
    driver = partitions * figures["a partition more, ms"] / 1000
    busy = core_seconds * hours / driver
    held = 32e9 / figures["driver, bytes of memory per file"]
    rows = [
        ("files", files, ""),
        ("core-hours", core_seconds * hours / 3600, "h"),
        ("days on 1,000 cores", core_seconds * hours / 3600 / 1000 / 24, "d"),
        ("read", figures["bytes read per hour of audio"] * hours / 1e12, "TB"),
        ("read at once by 1,000 cores", 1000 * rate / 1e9, "GB/s"),
        ("written", figures["bytes written per hour of audio"] * hours / 1e12, "TB"),
        ("partitions", partitions, ""),
        ("partitions, what they cost the driver", driver / 3600, "h"),
        ("cores that one driver keeps busy", busy, ""),
        ("the same, --shard-size 2000", 10 * busy, ""),
        (
            "memory of the driver",
            figures["driver, bytes of memory per file"] * files / 1e9,
            "GB",
        ),
        ("hours that 32 GB of it hold", held / files * hours, "h"),
        (
            "driver, before the first file",
            figures["driver, ms before the first file, per 1000 files"] * files / 3.6e9,
            "h",
        ),
    ]
    return pd.DataFrame(rows, columns=[f"{hours:,.0f} hours of audio", "", "unit"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", help="write the figures as JSON")
    parser.add_argument("--figures", help="read them instead of measuring")
    parser.add_argument("--extrapolate", type=float, help="hours of audio")
    arguments = parser.parse_args()
    if arguments.figures:
        figures = json.loads(pathlib.Path(arguments.figures).read_text())
    else:
        figures = measure(arguments.files, arguments.rounds)
        figures["machine"] = f"{processor()}, audw2s {audw2s.__version__}"
    text = json.dumps(figures, indent=1)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(f"{text}\n")
    print(figures["machine"])
    shown = {name: value for name, value in figures.items() if name != "machine"}
    print(pd.Series(shown).to_string(float_format="{:,.3f}".format))
    if arguments.extrapolate:
        table = extrapolated(figures, arguments.extrapolate)
        print(table.to_string(index=False, float_format="{:,.1f}".format))


if __name__ == "__main__":
    main()
