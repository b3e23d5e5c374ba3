"""How far a part of a clip is from the whole clip, by the duration of the part.

From each clip of at least twice the duration, a random part is processed as a recording
of its own. The plot in docs/reliability.md is of this table:

    python tests/benchmark/clip_length.py corpus.csv ... --out docs/clip_length.csv
"""

import argparse
import pathlib

import numpy as np
import pandas as pd
from tqdm import tqdm

import audw2s
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.augment import crop
from audw2s.distill.clips import usable_clips
from audw2s.inference.pipeline import Predictor

RATE = 16000
DURATIONS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


def values(predictor: Predictor, signal: np.ndarray) -> np.ndarray:
    """A/D/V of a signal ``(num_samples,)``."""
    return predictor.signal(signal, RATE)[0].values[0]


def differences(predictor: Predictor, clips: list[np.ndarray]) -> pd.DataFrame:
    """Difference of a part of each clip from the clip, a row per clip and duration."""
    rng = np.random.default_rng(0)
    rows = []
    for clip in tqdm(clips, predictor.network.name):
        whole = values(predictor, clip)
        for duration in DURATIONS:
            if len(clip) >= 2 * duration * RATE:
                part = crop(clip, round(duration * RATE), rng)
                rows.append([duration, *(values(predictor, part) - whole)])
    return pd.DataFrame(rows, columns=["duration", *audw2s.DIMENSIONS])


def summary(table: pd.DataFrame, min_clips: int) -> pd.DataFrame:
    """Bias, and mean and 95th percentile of absolute differences, by duration."""
    groups = table.groupby("duration")
    absolute = table.set_index("duration").abs().groupby("duration")
    statistics = {"mean": absolute.mean(), "p95": absolute.quantile(0.95)}
    result = pd.concat(statistics | {"bias": groups.mean()})
    result = result.rename_axis(["statistic", "duration"]).reset_index()
    result["num_clips"] = result["duration"].map(groups.size())
    return result[result["num_clips"] >= min_clips]


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", help="see 'audw2s distill evaluate'")
    parser.add_argument("--model", nargs="+", default=["wav2small", "whisper-tiny-adv"])
    parser.add_argument("--clips", type=int, default=150)
    parser.add_argument("--out", default="docs/clip_length.csv")
    arguments = parser.parse_args()
    parts = {}
    for corpus in arguments.corpora:
        table = read_corpus(corpus).sample(frac=1, random_state=0)
        clips = usable_clips(table[: arguments.clips])[1]
        for model in arguments.model:
            predictor = Predictor(model)
            name, sha256 = predictor.network.name, predictor.network.sha256
            key = pathlib.Path(corpus).stem, name, sha256[:8]
            parts[key] = summary(differences(predictor, clips), len(clips) // 3)
    result = pd.concat(parts, names=["corpus", "model", "sha256"])
    result = result.reset_index(level=["corpus", "model", "sha256"])
    result.to_csv(arguments.out, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
