"""How fast: one pass against the plain way, openSMILE, the teacher, MobileNetV4.

Medians of interleaved rounds in one process, on one thread unless said:

- audw2s: ``audw2s.Feature`` with the student as ``audw2s distill export`` writes it
- plain: the same weights exported as they are, wrapped as the documentation of
  audonnx and audinterface shows: ``audinterface.Feature(process_func=model)``
- openSMILE: eGeMAPSv02 functionals, ``opensmile.Smile``
- whisper-tiny-adv, mobilenetv4-small: ``audw2s.Feature`` with these

The students have random weights: that changes no time. Needs the extra ``distill``.

``--bars`` compares only what has a bar, in about two minutes: the packaged student in
``audw2s.Feature`` and in ``audinterface.Feature(process_func=audw2s.load(...))``, the
same graph, as the median of the ratios of interleaved rounds.

    python tests/benchmark/speed.py [--bars] [--rounds 7] [--out FOLDER]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import audformat
import audinterface
import audonnx
import numpy as np
import onnxruntime
import opensmile
import pandas as pd
import soundfile
import torch
from recordings import speech
from tqdm import tqdm

import audw2s
from audw2s.distill.export import student_to_onnx
from audw2s.distill.export import to_onnx
from audw2s.distill.students import STUDENTS
from audw2s.evaluation.processor import processor
from audw2s.inference.network import Network
from audw2s.model.store import properties
from audw2s.model.store import save

NAMES = ["arousal", "dominance", "valence"]
GRID = {"win_dur": 2, "hop_dur": 0.25}
BARS = {"files of 5 s": 0.98, "windows 2 s / 0.25 s, 60 s": 6.0}
"""How many times as fast as audinterface the student has to be, with the same graph."""

NUM_FILES = 40
Run = Callable[[], object]


def make_files(folder: str) -> dict[str, list[str]]:
    """Write five-second files, 16 kHz mono and 44.1 kHz stereo, and ten minutes."""
    files = {"mono": [], "stereo": [], "minutes": [f"{folder}/minutes.mp3"]}
    for number in range(NUM_FILES):
        signal = speech(5, number)
        files["mono"].append(f"{folder}/{number}.wav")
        soundfile.write(files["mono"][-1], signal, 16000)
        times = np.arange(5 * 44100) * 16000 / 44100
        wide = np.interp(times, np.arange(len(signal)), signal)
        files["stereo"].append(f"{folder}/{number}s.wav")
        soundfile.write(files["stereo"][-1], np.stack([wide, wide[::-1]], 1), 44100)
    soundfile.write(files["minutes"][0], speech(600), 16000, format="MP3")
    return files


def make_models(folder: str) -> dict[str, str]:
    """Export students with random weights, plainly and as this package does."""
    torch.manual_seed(0)
    made = {}
    for name in ("wav2small", "mobilenetv4-small"):
        student = STUDENTS[name]().eval()
        model = student_to_onnx(student)
        made[name] = f"{folder}/{name}"
        save(model, made[name], properties(model) | {"name": name, "max_dur": "30"})
        if name == "wav2small":
            made["plain"] = f"{folder}/plain"
            save(to_onnx(student), made["plain"], {"name": "plain", "max_dur": "600"})
    return made


def plain(model: audonnx.Model, **kwargs: object) -> audinterface.Feature:
    """Wrap a model as the documentation of audonnx shows."""
    return audinterface.Feature(
        model.labels("logits"),
        process_func=model,
        process_func_args={"outputs": "logits"},
        sampling_rate=16000,
        resample=True,
        mixdown=True,
        **kwargs,
    )


def smile(**kwargs: object) -> opensmile.Smile:
    """OpenSMILE's eGeMAPS."""
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
        **kwargs,
    )


def segments(file: str, count: int) -> pd.Index:
    """Two-second segments at random places of a ten-minute file."""
    starts = np.sort(np.random.default_rng(0).uniform(0, 598, count).round(3))
    times = pd.to_timedelta(starts, unit="s")
    return audformat.segmented_index(
        [file] * count, times, times + pd.Timedelta("2s")
    ).drop_duplicates()


def interleaved(runs: dict[str, Run], rounds: int, task: str) -> dict[str, float]:
    """Median seconds of each run, after one that isn't counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in tqdm(range(rounds + 1), desc=task, file=sys.stderr):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def five_second_files(files: list[str], models: dict[str, str]) -> dict[str, Run]:
    """Whole files."""
    index = audformat.filewise_index(files)
    contestants = {
        "audw2s": audw2s.Feature(models["wav2small"]),
        "audw2s, 2 workers": audw2s.Feature(models["wav2small"], num_workers=2),
        "plain": plain(audonnx.load(models["plain"])),
        "openSMILE": smile(),
        "whisper-tiny-adv": audw2s.Feature("whisper-tiny-adv"),
        "wav2small-int8": audw2s.Feature("wav2small-int8"),
        "mobilenetv4-small": audw2s.Feature(models["mobilenetv4-small"]),
    }
    found, expected = (
        contestants[name].process_index(index) for name in ("audw2s", "plain")
    )
    # Other resamplers differ at their edges
    np.testing.assert_allclose(found, expected, atol=0.01)
    return {n: lambda c=c: c.process_index(index) for n, c in contestants.items()}


def windows(file: str, models: dict[str, str]) -> dict[str, Run]:
    """Two seconds each quarter of a second."""
    ours, theirs = (
        audw2s.Feature(models["wav2small"], **GRID),
        plain(audonnx.load(models["plain"]), **GRID),
    )
    exact = audw2s.Feature(models["wav2small"], exact=True, **GRID)
    found, expected = ours.process_file(file), theirs.process_file(file)
    assert len(found) - len(expected) in (0, 1)
    return {
        "audw2s": lambda: ours.process_file(file),
        "audw2s, exact": lambda: exact.process_file(file),
        "plain": lambda: theirs.process_file(file),
    }


def bars(folder: str, rounds: int) -> int:
    """Compare the same graph here and in audinterface; the number of missed bars."""
    files = [f"{folder}/bar{number}.wav" for number in range(NUM_FILES)]
    for number, file in enumerate(files):
        soundfile.write(file, speech(5, number), 16000)
    soundfile.write(f"{folder}/minute.wav", speech(60), 16000)
    tasks = {
        "files of 5 s": (files, {}),
        "windows 2 s / 0.25 s, 60 s": ([f"{folder}/minute.wav"], GRID),
    }
    missed = 0
    for task, (paths, settings) in tasks.items():
        index = audformat.filewise_index(paths)
        contestants = {
            "audinterface": plain(audw2s.load("wav2small"), **settings),
            "wav2small": audw2s.Feature("wav2small", **settings),
            "wav2small-int8": audw2s.Feature("wav2small-int8", **settings),
        }
        times = {name: ([], []) for name in contestants}
        for number in tqdm(range(rounds + 1), desc=task, file=sys.stderr):
            for name, feature in contestants.items():
                wall, cpu = time.perf_counter(), time.process_time()
                feature.process_index(index)
                if number:
                    times[name][0].append(time.perf_counter() - wall)
                    times[name][1].append(time.process_time() - cpu)
        print(f"\n{task}: times as fast as audinterface, the bar is {BARS[task]:g}")
        for name in ("wav2small", "wav2small-int8"):
            ratios = [
                statistics.median(np.divide(theirs, ours))
                for theirs, ours in zip(times["audinterface"], times[name], strict=True)
            ]
            print(f"{name:15} {ratios[0]:.3f}  (CPU {ratios[1]:.3f})")
            missed += name == "wav2small" and ratios[0] < BARS[task]
    return missed


def random_segments(file: str, models: dict[str, str]) -> dict[str, Run]:
    """Many segments of one file."""
    index = segments(file, 2000)
    ours, theirs = (
        audw2s.Feature(models["wav2small"]),
        plain(audonnx.load(models["plain"])),
    )
    return {
        "audw2s": lambda: ours.process_index(index),
        "plain": lambda: theirs.process_index(index),
    }


def live(model: str) -> dict[str, float]:
    """Cost of a second of audio, and how long the last push takes."""
    signal, size = speech(60).astype(np.float32), 1600
    stream, taken = audw2s.Stream(model), []
    start = time.process_time()
    for first in range(0, len(signal), size):
        begun = time.perf_counter()
        stream.push(signal[first : first + size])
        taken.append(time.perf_counter() - begun)
    cost = (time.process_time() - start) / 60
    return {
        "share of a core": cost,
        "push of 0.1 s, median ms": 1000 * statistics.median(taken),
        "push of 0.1 s, 99 % ms": 1000 * float(np.quantile(taken, 0.99)),
    }


def bookkeeping(files: list[str], model: str, rounds: int) -> float:
    """Share of a file's time that is not spent in the network and its pooling."""
    network, feature = Network(model), audw2s.Feature(model)
    index = audformat.filewise_index(files)
    signals = [soundfile.read(file, dtype="float32")[0] for file in files]
    runs = {
        "network": lambda: [network(signal) for signal in signals],
        "all": lambda: feature.process_index(index),
    }
    times = interleaved(runs, rounds, "Bookkeeping")
    return 1 - times["network"] / times["all"]


def model_memory(path: str) -> float:
    """Megabytes that 5 s need above the idle session, in a fresh process."""
    code = """
import re, sys
import numpy as np
from audw2s.inference.network import Network

def status(name):
    text = open("/proc/self/status").read()
    return int(re.search(rf"^{name}:\\s+(\\d+)", text, re.M)[1]) / 1000

network = Network(sys.argv[1])
signal = np.random.default_rng(0).standard_normal(80000).astype(np.float32)
network(signal[:64])
open("/proc/self/clear_refs", "w").write("5")
idle = status("VmRSS")
network(signal)
print(status("VmHWM") - idle)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def draw(tables: dict[str, dict[str, float]], path: str) -> None:
    """Bars of each task, as a ratio to the plain way."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots(1, len(tables), sharey=False)
    for axis, (task, times) in zip(np.atleast_1d(axes), tables.items(), strict=True):
        ratios = {n: times["plain"] / t for n, t in times.items()}
        bars = axis.bar(list(ratios), list(ratios.values()), color="#1b5e9b")
        axis.bar_label(bars, fmt="%.2g", fontsize="small")
        axis.axhline(1, color="#555555", lw=0.8)
        axis.set_title(task.replace(", ", ",\n"), fontsize="small")
        axis.tick_params(axis="x", rotation=90, labelsize="small")
    np.atleast_1d(axes)[0].set_ylabel("speed, the plain way = 1")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure, print tables, write them and a plot if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bars", action="store_true", help="only what has a bar")
    parser.add_argument("--out", help="folder for speed.json and speed.png")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.bars:
            sys.exit(int(bars(folder, arguments.rounds) > 0))
        files, models = make_files(folder), make_models(folder)
        minutes = files["minutes"][0]
        tasks = {
            f"{NUM_FILES} files of 5 s": five_second_files(files["mono"], models),
            "the same, 44.1 kHz stereo": five_second_files(files["stereo"], models),
            "windows 2 s / 0.25 s, 10 min": windows(minutes, models),
            "2000 segments of 2 s, 10 min": random_segments(minutes, models),
        }
        tables = {
            task: interleaved(runs, arguments.rounds, task)
            for task, runs in tasks.items()
        }
        single = {
            **live(models["wav2small"]),
            "reading and bookkeeping per file": bookkeeping(
                files["mono"], models["wav2small"], arguments.rounds
            ),
            "memory for 5 s, MB": model_memory(models["wav2small"]),
            "memory for 5 s, plain, MB": model_memory(models["plain"]),
        }
    print(
        f"{processor()}, {os.cpu_count()} cores, medians of {arguments.rounds}", end=""
    )
    print(
        f" rounds, audw2s {audw2s.__version__}, onnxruntime {onnxruntime.__version__}"
    )
    for task, times in tables.items():
        frame = pd.DataFrame({"seconds": times})
        frame["times as fast as plain"] = times["plain"] / frame["seconds"]
        print(f"\n{task}\n{frame.to_string(float_format='%.3f')}")
    print(f"\n{pd.Series(single).to_string(float_format='%.4f')}")
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
        with open(os.path.join(arguments.out, "speed.json"), "w") as file:
            json.dump({"tasks": tables, **single}, file, indent=1)
        draw(tables, os.path.join(arguments.out, "speed.png"))


if __name__ == "__main__":
    main()
