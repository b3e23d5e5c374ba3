"""How fast files are read, against what reading costs at least.

WAV and FLAC at 16 kHz: against soundfile alone, in blocks of float32. M4A and WebM:
against PyAV alone, which opens the file, decodes all frames and joins them.

    python tests/benchmark/reading.py

prints the median of each, and the median of ratios of runs that took turns. With
``--before FOLDER``, the package in another checkout is measured in turns, too. With
``--hours 10``, an M4A of so many hours is annotated, whole and as a segment at its end,
and the peak of memory is printed, beside that of an M4A of 5 s.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import av
import numpy as np
import soundfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

import formats  # noqa: E402
from memory import PEAK  # noqa: E402

DUR = 5
ROUNDS = 15
REPEATS = 20

FILES = {
    "a.wav": formats.by_soundfile("WAV", "PCM_16"),
    "a.flac": formats.by_soundfile("FLAC", "PCM_16"),
    "a.m4a": formats.by_av("aac", "ipod", 44100),
    "a.webm": formats.by_av("libopus", "webm", 48000),
}

WORKER = """
import sys, time
try:
    # Before there was one reader
    from audw2s.signal import file_blocks
    from audw2s.report import Report
except ImportError:
    from audw2s.audio.decode import file_blocks
    from audw2s.audio.quality import Report
print(sys.modules[file_blocks.__module__].__file__, flush=True)

def read(path):
    for block in file_blocks(path, Report()):
        pass

for line in sys.stdin:
    path, repeats = line.split()
    read(path)
    begin = time.perf_counter()
    for _ in range(int(repeats)):
        read(path)
    print((time.perf_counter() - begin) / int(repeats), flush=True)
"""


def by_soundfile(path: str) -> None:
    soundfile.read(path, dtype="float32", always_2d=True)


def by_av(path: str) -> None:
    with av.open(path, metadata_errors="ignore") as container:
        stream = container.streams.audio[0]
        np.concatenate([f.to_ndarray() for f in container.decode(stream)], axis=1)


def timed(read: Callable[[str], None], path: str) -> float:
    read(path)
    begin = time.perf_counter()
    for _ in range(REPEATS):
        read(path)
    return (time.perf_counter() - begin) / REPEATS


class Reader:
    """The package of a checkout, in a process of its own."""

    def __init__(self, folder: str):
        env = {**os.environ, "PYTHONPATH": folder}
        command = [sys.executable, "-c", WORKER]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=env, cwd=folder
        )
        where = self.process.stdout.readline()
        # An installed package would be measured in place of another checkout
        assert where.startswith(folder), where

    def __call__(self, path: str) -> float:
        print(path, REPEATS, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


MEMORY = """
import sys, time
from audw2s.inference.pipeline import Predictor
predictor = Predictor("wav2small")
begin = time.perf_counter()
(row,) = predictor.file(sys.argv[1], float(sys.argv[2]))
passed, memory = time.perf_counter() - begin, peak() / 1024
print(f"{row.status}, {row.duration:,.0f} s in {passed:.1f} s, peak {memory:.0f} MB")
"""


def long_ones(hours: float) -> None:
    """Print how much memory an M4A takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.m4a")
        for repeats in (1, round(hours * 3600 / DUR)):
            formats.write_long(path, speech(), repeats)
            duration = DUR * repeats
            for start in (0, duration - DUR) if repeats > 1 else (0,):
                command = [sys.executable, "-c", PEAK + MEMORY, path, str(start)]
                done = subprocess.run(command, capture_output=True, text=True)
                text = (done.stdout + done.stderr).strip()
                print(f"m4a of {duration / 3600:.3g} h from {start} s: {text}")


def speech() -> np.ndarray:
    root = os.path.join(os.path.dirname(__file__), "../../examples/speech")
    names = sorted(name for name in os.listdir(root) if name.endswith(".flac"))
    parts = [soundfile.read(os.path.join(root, name))[0] for name in names]
    return np.concatenate(parts)[: DUR * 16000].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", help="another checkout of audw2s")
    parser.add_argument("--hours", type=float, help="of an M4A, for its memory")
    arguments = parser.parse_args()
    if arguments.hours:
        long_ones(arguments.hours)
        return
    here = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
    readers = {"audw2s": Reader(here)}
    if arguments.before:
        readers["before"] = Reader(os.path.abspath(arguments.before))
    with tempfile.TemporaryDirectory() as folder:
        for name, make in FILES.items():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(make(speech()))
            plain = name.endswith(("wav", "flac"))
            exact = by_soundfile if plain else by_av
            label = "soundfile" if plain else "av"
            times = {label: [], **{key: [] for key in readers}}
            own = [key for key in readers if plain or key == "audw2s"]
            for _ in range(ROUNDS):
                times[label].append(timed(exact, path))
                for key in own:
                    times[key].append(readers[key](path))
            text = [
                f"{key} {1000 * statistics.median(times[key]):.2f} ms"
                for key in (label, *own)
            ]
            for other in (label, *own[1:]):
                ratios = [
                    a / b for a, b in zip(times["audw2s"], times[other], strict=True)
                ]
                text.append(f"audw2s / {other} {statistics.median(ratios):.2f}")
            print(f"{name}, {DUR} s: {', '.join(text)}", flush=True)


if __name__ == "__main__":
    main()
