"""What Ray costs over the local engine, and what many hours of speech would cost.

Processor time (user and system) of all processes, in interleaved rounds, on files of
about 3 s, with two workers each, so that others on the machine hardly matter:

- local: ``audw2s.annotate``
- ray: the same with ``engine="ray"``, on this machine, Ray having been started before
- ray, small: the same with 5 files a partition, to see what a partition costs

All with 4 files as well, to see what a run costs that isn't of the files: starting
processes and opening models. Core-seconds per hour of audio are without that.

    python tests/benchmark/cluster.py [--files 2000] [--rounds 3] [--out figures.json]
    python tests/benchmark/cluster.py --extrapolate 1000000 [--figures figures.json]

``--local`` leaves Ray out, whose start needs a machine that isn't too busy; its actors
do what the local workers do. With ``--extrapolate`` it prints what so many hours would
cost, from the figures of this run or of an earlier one, and from :data:`ASSUMED`.
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import soundfile
from recordings import speech

import audw2s
from audw2s.evaluation.processor import processor

WORKERS = 2
SMALL = 5
PARTITION = 200
"""Files of a partition by default."""

ASSUMED = {
    "core, an hour": 0.01,
    "driver of 32 GB, an hour": 0.10,
    "store, a TB read": 0.0,
    "store, 1,000 parts written": 0.005,
    "hours until a machine is taken away": 5.0,
    "cores of a machine": 16.0,
    "cores": 1000.0,
}
"""Not measured: prices in dollars of spot machines in the region of the store, and how
long they stay. Set them to those of your provider."""

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


def used(corpus: pathlib.Path, **options: object) -> tuple[float, int]:
    """Seconds of cores, and bytes that were written."""
    with tempfile.TemporaryDirectory() as folder:
        out, cores = pathlib.Path(folder) / "out", Cores()
        frame = audw2s.annotate(str(corpus), str(out), num_workers=WORKERS, **options)
        assert (frame["status"] == "ok").all()
        return cores.stop(), size(out)


def medians(runs: list[tuple[float, int]]) -> list[float]:
    """Over rounds."""
    return [statistics.median(values) for values in zip(*runs, strict=True)]


@contextlib.contextmanager
def cluster() -> Iterator[None]:
    """Start Ray."""
    import ray

    with ray.init(num_cpus=WORKERS, log_to_driver=False):
        yield


def measure(count: int, rounds: int, local: bool) -> dict[str, float]:
    """All figures, or those without Ray."""
    contestants = {"local": {}}
    if not local:
        contestants["ray"] = {"engine": "ray"}
        contestants["ray, small"] = {"engine": "ray", "shard_size": SMALL}
    found: dict[str, list] = {name: [] for name in contestants}
    starts: dict[str, list] = {name: [] for name in contestants}
    with tempfile.TemporaryDirectory() as folder:
        corpus, few = pathlib.Path(folder) / "corpus", pathlib.Path(folder) / "few"
        hours = make_files(corpus, count) / 3600
        make_files(few, 4)
        with contextlib.nullcontext() if local else cluster():
            used(few, **[*contestants.values()][-1])
            for _ in range(rounds):
                for name, options in contestants.items():
                    starts[name].append(used(few, **options))
                    found[name].append(used(corpus, **options))
        read = size(corpus)
    figures = {
        "files": count,
        "hours of audio": hours,
        "bytes read per hour of audio": read / hours,
    }
    for name in contestants:
        (seconds, _), (start, _) = medians(found[name]), medians(starts[name])
        figures[f"{name}, core-seconds"] = seconds
        figures[f"{name}, core-seconds of a run of 4 files"] = start
        figures[f"{name}, core-seconds per hour of audio"] = (seconds - start) / hours
    # In partitions of the default size
    figures["bytes written per hour of audio"] = medians(found["local"])[1] / hours
    if not local:
        more = count / SMALL - count / min(PARTITION, count / (4 * WORKERS))
        seconds = figures["ray, small, core-seconds"] - figures["ray, core-seconds"]
        figures["a partition more, core-ms"] = 1000 * seconds / more
    command = [sys.executable, "-c", DRIVER, "300000"]
    driver = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    memory, seconds = map(float, driver.split())
    figures["driver, bytes of memory per file"] = memory
    figures["driver, core-ms before the first file, per 1000 files"] = 1e6 * seconds
    return figures


def extrapolated(figures: dict[str, float], hours: float) -> pd.DataFrame:
    """What so many hours would cost, in files of the same length."""
    files = figures["files"] / figures["hours of audio"] * hours
    engine = "ray" if "ray, core-seconds" in figures else "local"
    core_seconds = figures[f"{engine}, core-seconds per hour of audio"]
    # Taken away: half of a partition of each core, and the start of its worker
    partition = core_seconds * PARTITION / figures["files"] * figures["hours of audio"]
    start = figures[f"{engine}, core-seconds of a run of 4 files"] / WORKERS
    stay = ASSUMED["hours until a machine is taken away"]
    repeated = (partition / 2 + start) / 3600 / stay
    core_hours = core_seconds * hours / 3600 * (1 + repeated)
    partitions = files / PARTITION
    driver = partitions * figures.get("a partition more, core-ms", math.nan) / 1000
    rate = figures["bytes read per hour of audio"] / core_seconds
    read = figures["bytes read per hour of audio"] * hours / 1e12
    memory = figures["driver, bytes of memory per file"]
    first = figures["driver, core-ms before the first file, per 1000 files"]
    dollars = {
        "cores": core_hours * ASSUMED["core, an hour"],
        "driver": core_hours / ASSUMED["cores"] * ASSUMED["driver of 32 GB, an hour"],
        "reading": read * ASSUMED["store, a TB read"],
        "writing": partitions / 1000 * ASSUMED["store, 1,000 parts written"],
    }
    rows = [
        ("files", files, ""),
        ("core-hours", core_hours, "h"),
        ("repeated, as machines are taken away", 100 * repeated, "%"),
        ("machines taken away", core_hours / ASSUMED["cores of a machine"] / stay, ""),
        ("hours, on the cores assumed", core_hours / ASSUMED["cores"], "h"),
        ("read", read, "TB"),
        ("read at once by the cores assumed", ASSUMED["cores"] * rate / 1e9, "GB/s"),
        ("written", figures["bytes written per hour of audio"] * hours / 1e12, "TB"),
        ("partitions", partitions, ""),
        ("partitions, what they cost the driver", driver / 3600, "h"),
        ("cores that one driver keeps busy", core_seconds * hours / driver, ""),
        ("memory of the driver", memory * files / 1e9, "GB"),
        ("hours of audio that 32 GB of it hold", 32e9 / memory / files * hours, "h"),
        ("driver, before the first file", first * files / 3.6e9, "h"),
        *((f"{name}, dollars", value, "$") for name, value in dollars.items()),
        ("all, dollars", sum(dollars.values()), "$"),
    ]
    return pd.DataFrame(rows, columns=[f"{hours:,.0f} hours of audio", "", "unit"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--local", action="store_true", help="without Ray")
    parser.add_argument("--out", help="write the figures as JSON")
    parser.add_argument("--figures", help="read them instead of measuring")
    parser.add_argument("--extrapolate", type=float, help="hours of audio")
    arguments = parser.parse_args()
    if arguments.figures:
        figures = json.loads(pathlib.Path(arguments.figures).read_text())
    else:
        figures = measure(arguments.files, arguments.rounds, arguments.local)
        figures["machine"] = f"{processor()}, audw2s {audw2s.__version__}"
    text = json.dumps(figures, indent=1)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(f"{text}\n")
    print(figures["machine"])
    shown = {name: value for name, value in figures.items() if name != "machine"}
    print(pd.Series(shown).to_string(float_format="{:,.3f}".format))
    if arguments.extrapolate:
        print("\nassumed")
        print(pd.Series(ASSUMED).to_string(float_format="{:,.3f}".format))
        table = extrapolated(figures, arguments.extrapolate)
        print(table.to_string(index=False, float_format="{:,.1f}".format))


if __name__ == "__main__":
    main()
