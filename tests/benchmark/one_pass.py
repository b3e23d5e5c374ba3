"""How far windows of one pass are from exact windows.

For each corpus CCC and mean absolute difference, over windows of its clips, over
recordings of ten clips each, one after the other, each at another level, over their
clips as segments, and over what a live stream says of the same windows.

    python tests/benchmark/one_pass.py corpus.csv ... [--clips 300] [--win-dur 2]
"""

import argparse
import sys

import audformat
import numpy as np
import pandas as pd
from tqdm import tqdm

import audw2s
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.clips import usable_clips
from audw2s.distill.quantise import agreement

RATE = 16000
Pair = tuple[list[np.ndarray], list[np.ndarray]]


def windows(signals: list[np.ndarray], grid: dict[str, float]) -> Pair:
    """Values of windows, alone and from one pass."""
    exact, one_pass = (
        audw2s.Feature(exact=exact, num_workers=1, **grid) for exact in (True, False)
    )
    return tuple(
        [feature.process_signal(s, RATE).to_numpy() for s in tqdm(signals, leave=False)]
        for feature in (exact, one_pass)
    )


def segments(joined: list[tuple[np.ndarray, np.ndarray]]) -> Pair:
    """Values of the clips of recordings, alone and from one pass."""
    results: Pair = ([], [])
    for signal, edges in tqdm(joined, leave=False):
        times = pd.to_timedelta(edges / RATE, unit="s")
        index = audformat.segmented_index(
            ["x"] * (len(edges) - 1), times[:-1], times[1:]
        )
        for exact, found in zip((True, False), results, strict=True):
            feature = audw2s.Feature(exact=exact)
            frame = feature.process_signal_from_index(signal, RATE, index)
            found.append(frame.to_numpy())
    return results


def live(signals: list[np.ndarray], win_dur: float) -> Pair:
    """Values of each second's last window, alone and as a stream processes it."""
    feature = audw2s.Feature(exact=True)
    results: Pair = ([], [])
    for signal in tqdm(signals, leave=False):
        stream = audw2s.Stream(win_dur=win_dur)
        for last in range(RATE, len(signal) + 1, RATE):
            moment = stream.push(signal[last - RATE : last])
            if last < win_dur * RATE:
                continue
            window = signal[last - round(win_dur * RATE) : last]
            results[0].append(feature.process_signal(window, RATE).to_numpy())
            results[1].append([list(moment.window.values())])
    return results


def joined(clips: list[np.ndarray], size: int = 10) -> list[tuple]:
    """Recordings of clips at levels up to 10 dB apart, and where each begins."""
    rng = np.random.default_rng(0)
    made = []
    for first in range(0, len(clips) - size + 1, size):
        parts = [c * 10 ** rng.uniform(-0.5, 0) for c in clips[first : first + size]]
        edges = np.cumsum([0, *map(len, parts)])
        made.append((np.concatenate(parts).astype(np.float32), edges))
    return made


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", help="see 'audw2s distill evaluate'")
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--win-dur", type=float, default=2.0)
    parser.add_argument("--hop-dur", type=float, default=0.5)
    arguments = parser.parse_args()
    grid = {"win_dur": arguments.win_dur, "hop_dur": arguments.hop_dur}
    rows = []
    for corpus in arguments.corpora:
        table = read_corpus(corpus)
        order = np.random.default_rng(0).permutation(len(table))[: arguments.clips]
        clips = usable_clips(table.iloc[order])[1]
        recordings = joined(clips)
        signals = [signal for signal, _ in recordings]
        pairs = {
            "windows of clips": windows(clips, grid),
            "windows of recordings": windows(signals, grid),
            "segments of recordings": segments(recordings),
            "live windows of recordings": live(signals, arguments.win_dur),
        }
        for what, (exact, other) in pairs.items():
            figures = agreement(np.concatenate(exact), np.concatenate(other))
            row = {"corpus": corpus.rsplit("/")[-1], "": what}
            row["number"] = sum(map(len, exact))
            row |= {f"CCC {name[0]}": v for name, v in figures["ccc"].items()}
            row |= {f"diff {n[0]}": v for n, v in figures["difference"].items()}
            rows.append(row)
    print(
        f"wav2small {audw2s.models().sha256['wav2small'][:8]}, {grid}", file=sys.stderr
    )
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
