"""Values of this version against those of an older one, with the same models.

Both versions process the same files, each in its own process, with the models that are
packaged in the older one, so that code is compared and not weights:

- ``audw2s.Feature``: whole files, windows, exact windows, channels, segments
- ``audw2s predict`` on the examples
- ``audw2s.annotate``: local, resumed after SIGKILL, and on Ray with ``--ray``

Values may differ by 1e-5, times by a microsecond. Rows that differ by more have to be
among ``INTENDED``, with a reason.

    python tests/benchmark/versions.py [--old dd79963] [--ray]
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import warnings

import audformat
import numpy as np
import pandas as pd
import soundfile

ROOT = pathlib.Path(__file__).parents[2]
SPEECH = ROOT / "examples" / "speech"
DIMENSIONS = ["arousal", "dominance", "valence"]
TOLERANCE = 1e-5

INTENDED = {
    "spike": "samples beyond any scale are out_of_range, and move no other window",
    "quiet": "speech below 1/256 of full scale has a status of its own",
    "cancelled": "channels that cancel out have a status of their own, with NaN",
    "padded": "min_signal_dur moves the end, as in audinterface",
    "end": "the end of unusable input is that of its file, not of a block",
    "clipped": "only windows that are clipped themselves are so",
    "int8": "eight bits: samples are normalised in the graph, and rounded differently",
}
"""Reasons of rows that are meant to differ, by their class, see :func:`reason`."""

FEATURES = {
    "files": {},
    "windows": {"win_dur": 2, "hop_dur": 0.25},
    "exact windows": {"win_dur": 1, "hop_dur": 0.5, "exact": True},
    "channels": {"channels": [0, 1], "mixdown": False},
    "padded": {"min_signal_dur": 2},
}


def write_corpus(folder: pathlib.Path) -> None:
    """Write files of all kinds, of which some can't be used."""
    clips = [soundfile.read(path)[0] for path in sorted(SPEECH.iterdir())]
    for number, clip in enumerate(clips):
        soundfile.write(folder / f"clip{number}.wav", clip, 16000)
    speech, rng = np.concatenate(clips), np.random.default_rng(0)
    soundfile.write(folder / "long.flac", np.resize(speech, 90 * 16000), 16000)
    stereo = np.stack([speech, 0.5 * np.roll(speech, 80)], axis=1)
    soundfile.write(folder / "stereo.wav", stereo[:200_000], 44100)
    soundfile.write(folder / "telephone.wav", speech[:40000], 8000)
    soundfile.write(folder / "opus.ogg", speech[:96000], 16000, subtype="VORBIS")
    soundfile.write(folder / "long.mp3", np.resize(speech, 30 * 16000), 16000)
    for size in (0, 63, 64, 4000, 8000):
        noise = rng.uniform(-0.1, 0.1, size)
        soundfile.write(folder / f"noise{size}.wav", noise, 16000)
    soundfile.write(folder / "silence.wav", np.zeros(32000), 16000)
    soundfile.write(folder / "quiet.wav", 1e-3 * speech[:64000], 16000)
    soundfile.write(folder / "loud.wav", (9 * speech[:80000]).clip(-1, 1), 16000)
    inverted = np.stack([speech, -speech], axis=1)[:64000]
    soundfile.write(folder / "inverted.wav", inverted, 16000)
    odd = speech[:64000].copy()
    for name, value in (("nan", np.nan), ("spike", 1e9)):
        odd[20000] = value
        soundfile.write(folder / f"{name}.wav", odd, 16000, subtype="DOUBLE")
    content = (folder / "clip0.wav").read_bytes()
    (folder / "cut.wav").write_bytes(content[: len(content) // 2])
    (folder / "text.wav").write_text("no audio")


def segments(corpus: pathlib.Path) -> pd.MultiIndex:
    """Segments of files, in no order."""
    rng = np.random.default_rng(0)
    starts = rng.uniform(0, 80, 60).round(3)
    ends = starts + rng.uniform(0.2, 6, 60).round(3)
    starts, ends = (pd.to_timedelta(times, unit="s") for times in (starts, ends))
    return audformat.segmented_index([str(corpus / "long.flac")] * 60, starts, ends)


def annotated(corpus: pathlib.Path, model: str, out: pathlib.Path, **options) -> None:
    """Annotate in a process that is killed once, then to the end."""
    call = f"audw2s.annotate({str(corpus)!r}, {str(out)!r}, model={model!r}, **options)"
    options = {"win_dur": 2, "hop_dur": 1, "num_workers": 1, "shard_size": 4} | options
    code = f"import audw2s\nif __name__ == '__main__':\n    options = {options}\n"
    script = out.with_suffix(".py")
    script.write_text(f"{code}    {call}\n")
    command = [sys.executable, str(script)]
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None and not list(out.rglob("part-*")):
        time.sleep(0.02)
    assert process.poll() is None, "it was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command, check=True)


def write(out: pathlib.Path, corpus: pathlib.Path, models: list[str], ray: bool):
    """Write tables of the version that is imported."""
    import audw2s

    root = pathlib.Path(audw2s.__file__).parents[1]
    assert root.samefile(os.environ["PYTHONPATH"])
    files = sorted(map(str, corpus.iterdir()))

    def store(name: str, frame: pd.DataFrame) -> None:
        frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
        frame = frame.reset_index() if frame.index.nlevels > 1 else frame
        frame.attrs = {}
        frame.to_parquet(out / f"{name}.parquet")

    for folder in models:
        model = os.path.basename(folder)
        for name, settings in FEATURES.items():
            frame = audw2s.Feature(folder, **settings).process_files(files)
            store(f"{model}, {name}", frame)
        store(
            f"{model}, segments", audw2s.Feature(folder).process_index(segments(corpus))
        )
        options = {"model": folder, "win_dur": 2, "hop_dur": 1, "num_workers": 1}
        store(f"{model}, annotate", audw2s.annotate(str(corpus), **options))
    killed = out / "killed"
    annotated(corpus, models[0], killed)
    store("resumed after SIGKILL", pd.read_parquet(killed / "table.parquet"))
    if ray:
        options = {"model": models[0], "win_dur": 2, "hop_dur": 1, "engine": "ray"}
        frame = audw2s.annotate(str(corpus), str(out / "ray"), **options)
        store("Ray", frame)
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    module, name = scripts["audw2s"].split(":")
    code = f"from {module} import {name}; {name}()"
    table = out / "predict.csv"
    arguments = ["predict", str(SPEECH), "--model", models[0], "--out", str(table)]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    store("predict of the examples", pd.read_csv(table))


def tables(root: pathlib.Path, out: pathlib.Path, arguments: list[str]) -> None:
    """Let a version write its tables, in a process of its own."""
    out.mkdir()
    command = [sys.executable, "-W", "ignore", __file__, "--write", str(out)]
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
    subprocess.run([*command, *arguments], check=True, env=environment, cwd=out)


def key(frame: pd.DataFrame) -> pd.Series:
    """File and start of each row; starts in microseconds, as they were once."""
    starts = pd.to_timedelta(frame["start"]).dt.round("us").astype(str)
    names = frame["file"].map(os.path.basename) + " " + starts
    return names + frame.groupby(names).cumcount().astype(str).radd(" #")


def compared(name: str, old: pd.DataFrame, new: pd.DataFrame) -> list[dict[str, str]]:
    """Rows that differ between two tables."""
    old, new = (frame.set_index(key(frame)) for frame in (old, new))
    rows = [
        {"table": name, "row": row, "what": f"only in the {side} version"}
        for side, one, other in (("old", old, new), ("new", new, old))
        for row in one.index.difference(other.index)
    ]
    both = old.index.intersection(new.index)
    old, new = old.loc[both], new.loc[both]
    columns = [c for c in new if any(d in c for d in DIMENSIONS) and c in old]
    for row, before, after in zip(
        both, old[columns].to_numpy(), new[columns].to_numpy(), strict=True
    ):
        if not np.allclose(before, after, rtol=0, atol=TOLERANCE, equal_nan=True):
            difference = np.abs(before - after).max()
            what = f"{difference:.1e}" if np.isfinite(difference) else "NaN in one"
            rows.append({"table": name, "row": row, "what": f"values: {what}"})
    if "status" in new and "status" in old:
        for row, before, after in zip(both, old["status"], new["status"], strict=True):
            if before != after:
                rows.append({"table": name, "row": row, "what": f"{before} → {after}"})
    for side in ("start", "end"):
        before, after = (pd.to_timedelta(frame[side]) for frame in (old, new))
        is_far = ~((before - after).abs() <= pd.Timedelta("1us"))
        is_far &= before.notna() | after.notna()
        for row in both[is_far]:
            what = f"{side}: {before[row]} → {after[row]}"
            rows.append({"table": name, "row": row, "what": what})
    return rows


def reason(difference: dict[str, str]) -> str:
    """Why a row is meant to differ; empty if it isn't."""
    row, what = difference["row"], difference["what"]
    if row.startswith("spike.wav"):
        return INTENDED["spike"]
    if row.startswith("inverted.wav"):
        return INTENDED["cancelled"]
    if what.startswith("end: ") and difference["table"].endswith("padded"):
        return INTENDED["padded"]
    if what.startswith("end: ") and difference["table"].endswith("channels"):
        return INTENDED["end"]
    if what.endswith("→ quiet"):
        return INTENDED["quiet"]
    if what.startswith(("clipped → ", "ok → clipped", "truncated → clipped")):
        return INTENDED["clipped"]
    if what.startswith("values: ") and "int8" in difference["table"]:
        return INTENDED["int8"]
    return ""


def main() -> int:
    """Compare two versions; 1 if a row differs that isn't meant to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old", default="dd79963", help="revision, or a folder")
    parser.add_argument("--ray", action="store_true", help="annotate on Ray as well")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", help=argparse.SUPPRESS)
    parser.add_argument("--models", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        out, corpus = pathlib.Path(arguments.write), pathlib.Path(arguments.corpus)
        warnings.simplefilter("ignore")
        write(out, corpus, json.loads(arguments.models), arguments.ray)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        corpus, old = place / "corpus", pathlib.Path(arguments.old)
        corpus.mkdir()
        write_corpus(corpus)
        if not old.is_dir():
            old = place / "old"
            git = ["git", "-C", str(ROOT), "worktree"]
            add = [*git, "add", "--quiet", "--detach", str(old), arguments.old]
            subprocess.run(add, check=True)
        try:
            # The speech detector has no labels
            paths = sorted((old / "audw2s").glob("*/*/model.yaml"))
            models = json.dumps([str(path.parent) for path in paths])
            passed = ["--corpus", str(corpus), "--models", models]
            passed += ["--ray"] * arguments.ray
            for name, root in (("old", old), ("new", ROOT)):
                tables(root, place / f"{name} tables", passed)
        finally:
            if old.parent == place:
                subprocess.run([*git, "remove", "--force", str(old)], check=True)
        return report(place / "old tables", place / "new tables")


def report(old: pathlib.Path, new: pathlib.Path) -> int:
    """Print what was compared and what differs."""
    unexpected = 0
    for path in sorted(new.glob("*.parquet")):
        frames = [pd.read_parquet(folder / path.name) for folder in (old, new)]
        rows = compared(path.stem, *frames)
        reasons = [reason(row) for row in rows]
        unexpected += reasons.count("")
        print(f"{path.stem}: {len(frames[1])} rows, {len(rows)} differ")
        for row, why in zip(rows, reasons, strict=True):
            print(f"    {row['row']}: {row['what']} ({why or 'NOT INTENDED'})")
    print(f"{unexpected} differences are not intended")
    return int(unexpected > 0)


if __name__ == "__main__":
    sys.exit(main())
