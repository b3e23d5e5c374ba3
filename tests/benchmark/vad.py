"""Silence, noise and music around speech, with and without vad; and what that costs.

python tests/benchmark/vad.py SPEECH... --noise ESC10 [--clips 100] [--model wav2small]

SPEECH and ESC10 are corpora as `audw2s annotate` reads them. Of ESC10, whose table has
a column `category`, those of KINDS are used.
"""

import argparse
import tempfile
import time

import numpy as np
import onnx
import pandas as pd

from audw2s.audio.preprocess import load
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.scenes import music
from audw2s.distill.speech_layer import without_layer
from audw2s.evaluation.tables import markdown_table
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import model_path
from audw2s.model.registry import DIMENSIONS
from audw2s.model.store import properties
from audw2s.model.store import save

KINDS = [
    *("rain", "sea waves", "clock tick", "helicopter", "chainsaw", "fire crackling"),
]
AROUND = 20 * 16000
"""Number of samples before a clip, and after it."""

LEVEL = 10 ** (-10 / 20)
"""Root mean square of noise and music, relative to that of the clip."""


def rms(signal: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(signal, dtype=np.float64))))


def around(kind: str, clip: np.ndarray, noise: list, rng: np.random.Generator) -> tuple:
    """Two times 20 s of silence, noise or music."""
    parts = []
    for _ in range(2):
        if kind == "silence":
            parts.append(np.zeros(AROUND, np.float32))
            continue
        sound = np.resize(noise[rng.integers(len(noise))], AROUND)
        if kind == "music":
            sound = music(AROUND / 16000, rng)
        parts.append(np.float32(LEVEL * rms(clip) / (rms(sound) + 1e-9)) * sound)
    return parts


def differences(clips: list, noise: list, model: str) -> pd.DataFrame:
    """How far A/D/V moves from that of the clip alone: mean and 95th percentile."""
    predictors = {vad: Predictor(model, vad=vad) for vad in (False, True)}
    moved: dict[tuple, list] = {}
    for number, clip in enumerate(clips):
        alone = {
            vad: predictor.signal(clip, 16000)[0].values[0]
            for vad, predictor in predictors.items()
        }
        moved.setdefault(("nothing", True), []).append(alone[True] - alone[False])
        for kind in ("silence", "noise", "music"):
            before, after = around(kind, clip, noise, np.random.default_rng(number))
            signal = np.concatenate([before, clip, after])
            for vad, predictor in predictors.items():
                (row,) = predictor.signal(signal, 16000)
                values = moved.setdefault((kind, vad), [])
                values.append(row.values[0] - alone[vad])
    rows = []
    for (kind, vad), values in moved.items():
        values = np.abs(values)
        missing = np.isnan(values[:, 0])
        row = {"around": kind, "vad": "yes" if vad else "no"}
        mean, high = values[~missing].mean(0), np.percentile(values[~missing], 95, 0)
        for name, a, b in zip(DIMENSIONS, mean, high, strict=True):
            row[name] = f"{a:.3f} ({b:.3f})"
        rows.append(row | {"no values": f"{missing.sum()} of {len(values)}"})
    return pd.DataFrame(rows)


def costs(model: str, clips: list, rounds: int) -> pd.DataFrame:
    """Time of the processor, in turn, relative to the model without its layer."""
    talk = np.concatenate(clips)
    with tempfile.TemporaryDirectory() as folder:
        content = onnx.load(model_path(model))
        save(without_layer(content), folder, properties(content))
        rows = []
        for name, duration, options in (
            ("a clip of 4 s", 4, {}),
            ("30 s", 30, {}),
            ("2 min in windows of 2 s", 120, {"win_dur": 2.0}),
        ):
            signal = np.resize(talk, 16000 * duration)
            ways = {
                "without the layer": Predictor(folder, **options),
                "speech by the layer": Predictor(model, **options),
                "vad": Predictor(model, vad=True, **options),
            }
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, predictor in ways.items():
                    start = time.process_time()
                    predictor.signal(signal, 16000)
                    seconds[way].append(time.process_time() - start)
            found = {way: np.median(values) for way, values in seconds.items()}
            base = found["without the layer"]
            rows.append(
                {"recording": name, "ms": f"{1000 * base:.1f}"}
                | {w: f"{100 * (t / base - 1):+.0f} %" for w, t in found.items()}
            )
    return pd.DataFrame(rows).drop(columns="without the layer")


def call(clips: list) -> np.ndarray:
    """Two speakers on two channels, with pauses, and where both speak."""
    first, second, third, fourth = (clips[k][:48000] for k in range(4))
    gap = np.zeros(8000, np.float32)
    left = [first, np.zeros(len(second) - 8000, np.float32), gap, third]
    right = [np.zeros(len(first) - 8000, np.float32), second, gap, fourth]
    channels = [np.concatenate(parts) for parts in (left, right)]
    size = max(map(len, channels))
    return np.stack([np.pad(c, (0, size - len(c))) for c in channels])


def call_differences(clips: list, model: str) -> float:
    """Largest difference of a channel of a call from its speaker alone."""
    signal, worst = call(clips), 0.0
    for options in ({}, {"vad": True}, {"vad": True, "win_dur": 2.0}):
        predictor = Predictor(model, **options)
        for channel in (0, 1):
            found = predictor.of_channel(channel).signal(signal, 16000)
            alone = predictor.signal(signal[channel], 16000)
            for row, own in zip(found, alone, strict=True):
                worst = max(
                    worst, np.nanmax(np.abs(row.values - own.values), initial=0)
                )
    return worst


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("speech", nargs="+")
    parser.add_argument("--noise", required=True)
    parser.add_argument("--model", default="wav2small")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    speech = [read_corpus(path) for path in arguments.speech]
    count = -(-arguments.clips // len(speech))
    files = [f for table in speech for f in rng.permutation(table["file"])[:count]]
    clips = [load(file) for file in files]
    noise = read_corpus(arguments.noise)
    noise = noise.loc[noise["category"].isin(KINDS), "file"]
    noise = [load(file) for file in rng.permutation(noise)[:60]]
    for table in (
        differences(clips, noise, arguments.model),
        costs(arguments.model, clips, arguments.rounds),
    ):
        print(markdown_table(list(table), table.astype(str).to_numpy()), "\n")
    worst = call_differences(clips, arguments.model)
    print(f"Channels of a call: {worst:.1e} from each speaker alone at most.")


if __name__ == "__main__":
    main()
