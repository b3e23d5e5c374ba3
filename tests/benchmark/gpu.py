"""Throughput and values of a device, against the CPU: windows in batches, whole files.

Files of 3 to 20 s are annotated as a whole and by windows of 5 s, with batches of
several sizes. The table has seconds of audio per second, and the largest difference
of a value to that of the CPU, which has to be below 1e-4.

    python tests/benchmark/gpu.py [--device cuda] [--models whisper-tiny-adv]
        [--batches 1 4 16 64] [--files 200]

``--device cuda`` needs onnxruntime-gpu. It ends with 1 if a value differs.
"""

import argparse
import pathlib
import sys
import tempfile
import time

import numpy as np
import pandas as pd
import soundfile
from recordings import speech

import audw2s

NAMES = ["arousal", "dominance", "valence"]


def annotated(corpus: str, **options: object) -> tuple[pd.DataFrame, float]:
    """Table, and seconds that it took."""
    begin = time.perf_counter()
    frame = audw2s.annotate(corpus, **options)
    return frame, time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--models", nargs="+", default=["whisper-tiny-adv"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--files", type=int, default=200)
    arguments = parser.parse_args()
    differs = False
    with tempfile.TemporaryDirectory() as corpus:
        durations = np.random.default_rng(0).uniform(3, 20, arguments.files)
        for number, duration in enumerate(durations):
            path = pathlib.Path(corpus) / f"{number:04}.wav"
            soundfile.write(path, speech(duration, number), 16000)
        print("| model | windows | batch | times real time | difference |")
        print("|---|---|---:|---:|---:|")
        for model in arguments.models:
            for window in ({}, {"win_dur": 5.0, "hop_dur": 5.0}):
                expected, _ = annotated(corpus, model=model, **window)
                for size in arguments.batches:
                    options = {"device": arguments.device, "batch_size": size}
                    frame, seconds = annotated(corpus, model=model, **window, **options)
                    difference = np.abs(frame[NAMES] - expected[NAMES]).to_numpy().max()
                    differs |= not difference < 1e-4
                    speed = durations.sum() / seconds
                    cells = (model, "5 s" if window else "none", size)
                    row = [*map(str, cells), f"{speed:.0f}", f"{difference:.0e}"]
                    print("|", " | ".join(row), "|", flush=True)
    sys.exit(differs)


if __name__ == "__main__":
    main()
