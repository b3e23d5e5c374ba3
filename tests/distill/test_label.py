"""Labels of a corpus: complete, resumable, and of one model only."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile
from full import sample
from waiting import MAX_DUR
from waiting import wait_until

import audw2s
from audw2s.audio.preprocess import load
from audw2s.corpus.inputs import Inputs
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.options import Options
from audw2s.corpus.run import Run
from audw2s.corpus.workers import WorkerPool
from audw2s.distill.label import identity_of_labels
from audw2s.distill.label import label
from audw2s.model.find import model_sha256
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS

SCRIPT = """
import sys
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.workers import WorkerPool
from audw2s.distill.label import label
label(read_corpus(sys.argv[1]), sys.argv[2], sys.argv[3], shard_size=3, verbose=False)
"""


@pytest.fixture(scope="module")
def long_corpus(corpus, tmp_path_factory):
    """A table of 400 stretches of the corpus's clips."""
    table = read_corpus(corpus)
    starts = pd.to_timedelta(np.arange(400) // len(table) * 10, unit="ms")
    rows = table.iloc[np.arange(400) % len(table)].assign(start=starts)
    path = str(tmp_path_factory.mktemp("long") / "stretches.parquet")
    rows[["file", "start", "speaker"]].to_parquet(path)
    return path


def test_labels_are_what_the_teacher_says(corpus, teacher, tmp_path):
    table = read_corpus(corpus)
    out = str(tmp_path / "labels.parquet")
    labels = label(table, teacher, out, num_workers=2, shard_size=7, verbose=False)
    model = audw2s.load(teacher)
    expected = [model(load(f)[None], 16000)["logits"][0] for f in table["file"]]
    np.testing.assert_array_equal(labels[list(DIMENSIONS)].to_numpy(), expected)
    assert labels[list(DIMENSIONS)].dtypes.eq(np.float32).all()
    columns = ["file", "start", "end", "speaker"]
    pd.testing.assert_frame_equal(labels[columns], table[columns])
    durations = [soundfile.info(file).duration for file in table["file"]]
    np.testing.assert_allclose(labels["duration"], durations)
    assert labels["status"].eq("ok").all()
    assert labels["sha256"].tolist() == [sha256(file) for file in table["file"]]
    more = ["duration", "speech", "status", "message", "sha256"]
    assert list(labels.columns) == [*columns, *DIMENSIONS, *more]
    assert os.listdir(tmp_path) == ["labels.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(out), labels)
    # The file tells by what it was made
    identity = identity_of_labels(out)
    (model,) = identity["models"]
    assert (model["name"], model["sha256"]) == ("toy", model_sha256(teacher))
    assert identity["version"] == audw2s.__version__


def test_segments_are_labelled_on_their_own(corpus, teacher, tmp_path):
    table = read_corpus(corpus).head(2)
    table = table.assign(start=pd.Timedelta("100ms"), end=pd.Timedelta("350ms"))
    labels = label(table, teacher, str(tmp_path / "l.parquet"), verbose=False)
    model = audw2s.load(teacher)
    part = load(table["file"][0])[1600:5600]
    expected = model(part[None], 16000)["logits"][0]
    np.testing.assert_array_equal(labels[list(DIMENSIONS)].to_numpy()[0], expected)
    assert labels["duration"].tolist() == pytest.approx([0.25, 0.25])


def bad_files(folder):
    """Files by the status that they should get."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000)
    signals = {
        "ok": noise,
        "empty": noise[:0],
        "too_short": noise[:63],
        "short": noise[:4000],
        "silent": np.zeros(16000),
        "not_finite": np.where(np.arange(16000) == 9000, np.nan, noise),
        "clipped": np.clip(40 * noise, -1, 1),
    }
    files = {}
    for status, samples in signals.items():
        files[status] = os.path.join(folder, f"{status}.wav")
        soundfile.write(files[status], samples, 16000, subtype="FLOAT")
    files["missing"] = os.path.join(folder, "missing.wav")
    files["unreadable"] = os.path.join(folder, "unreadable.wav")
    with open(files["unreadable"], "wb") as file:
        file.write(b"no audio at all" * 100)
    return files


def test_bad_files_have_rows(teacher, tmp_path):
    files = bad_files(str(tmp_path))
    pd.DataFrame({"file": files.values()}).to_csv(tmp_path / "bad.csv", index=False)
    table = read_corpus(str(tmp_path / "bad.csv"))
    labels = label(table, teacher, str(tmp_path / "l.parquet"), verbose=False)
    assert dict(zip(labels["status"], labels["file"], strict=True)) == files
    nan = labels[list(DIMENSIONS)].isna()
    assert (nan.all(axis=1) == nan.any(axis=1)).all()
    unusable = {"empty", "too_short", "not_finite", "missing", "unreadable"}
    assert set(labels["status"][nan.any(axis=1)]) == unusable
    assert labels["message"][labels["status"] != "ok"].str.len().gt(0).all()


def start(corpus, teacher, out):
    command = [sys.executable, "-c", SCRIPT, corpus, teacher, out]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def count_parts(out):
    parts = f"{out}.parts/parts"
    return len(os.listdir(parts)) if os.path.isdir(parts) else 0


def test_killed_runs_end_in_the_same_table(long_corpus, teacher, tmp_path):
    table = read_corpus(long_corpus)
    expected = label(table, teacher, str(tmp_path / "whole.parquet"), verbose=False)
    out = str(tmp_path / "killed.parquet")
    random.seed(0)
    found = 0
    for _ in sample(range(3), 2):
        process = start(long_corpus, teacher, out)
        wait_until(
            lambda: count_parts(out) > found + 3 or process.poll() is not None,
            "four more parts are written",
            pause=0.002,
        )
        time.sleep(random.uniform(0, 0.05))
        assert process.poll() is None, "ended before it could be killed"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(timeout=MAX_DUR)
        assert not os.path.exists(out)
        assert count_parts(out) > found
        found = count_parts(out)
    # Half a file, as a kill at the worst moment leaves it
    half = os.path.join(f"{out}.parts/parts", "tmp1.part-00000399-0.parquet")
    with open(half, "wb") as file:
        file.write(b"PAR1")
    assert 0 < len(parts_of(out)) < len(table) / 3
    resumed = label(table, teacher, out, shard_size=50, num_workers=2, verbose=False)
    pd.testing.assert_frame_equal(resumed, expected, check_exact=True)
    assert identity_of_labels(out) == identity_of_labels(
        str(tmp_path / "whole.parquet")
    )
    assert not os.path.exists(f"{out}.parts")


def parts_of(out):
    names = os.listdir(f"{out}.parts/parts")
    return [name for name in names if name.startswith("part-")]


def test_finished_clips_are_not_labelled_again(corpus, teacher, tmp_path, monkeypatch):
    table = read_corpus(corpus)
    processed, kept = [], []

    def run(self, tasks):
        for task, result in run_all(self, tasks):
            if not kept and len(processed) == 12:
                kept.extend(processed)
                raise KeyboardInterrupt
            processed.append(task.file)
            yield task, result

    run_all = WorkerPool.run
    monkeypatch.setattr(WorkerPool, "run", run)
    out = str(tmp_path / "labels.parquet")
    with pytest.raises(KeyboardInterrupt):
        label(table, teacher, out, shard_size=4, verbose=False)
    assert len(parts_of(out)) == 3
    label(table, teacher, out, shard_size=4, verbose=False)
    assert sorted(processed) == sorted(table["file"])
    label(table, teacher, out, shard_size=4, verbose=False)
    assert len(processed) == len(table)


@pytest.fixture
def other_teacher(teacher, tmp_path):
    folder = str(tmp_path / "other")
    shutil.copytree(teacher, folder)
    path = os.path.join(folder, "model.onnx")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"name": "other"})
    onnx.save(model, path)
    return folder


def test_another_teacher_is_refused(corpus, teacher, other_teacher, tmp_path):
    table = read_corpus(corpus)
    out = str(tmp_path / "labels.parquet")
    label(table, teacher, out, verbose=False)
    with pytest.raises(ValueError, match="models toy .*, now other .*delete"):
        label(table, other_teacher, out, verbose=False)
    # As a run that was killed leaves it
    inputs = Inputs("clips", table[["file", "start", "end"]])
    Run(inputs, f"{out}.parts", Options((teacher,)))()
    os.remove(out)
    with pytest.raises(ValueError, match="models toy .*, now other .*delete"):
        label(table, other_teacher, out, verbose=False)


def test_other_clips_are_refused(corpus, teacher, tmp_path):
    table = read_corpus(corpus)
    out = str(tmp_path / "labels.parquet")
    label(table.head(3), teacher, out, verbose=False)
    before = pd.read_parquet(out)
    for changed in (
        table.head(4),
        table.head(3).assign(start=pd.Timedelta("1ms")),
        table.head(3).assign(end=pd.Timedelta("300ms")),
        table.iloc[[1, 0, 2]],
    ):
        with pytest.raises(ValueError, match="clips .*, now"):
            label(changed, teacher, out, verbose=False)
    pd.testing.assert_frame_equal(pd.read_parquet(out), before)


def test_changed_audio_is_refused(corpus, teacher, tmp_path):
    file = tmp_path / "clip.wav"
    shutil.copy(read_corpus(corpus)["file"][0], file)
    table = read_corpus(str(tmp_path))
    out = str(tmp_path / "labels.parquet")
    label(table, teacher, out, verbose=False)
    before = pd.read_parquet(out)
    # What counts is the content, not when it was written
    os.utime(file, (0, 0))
    label(table, teacher, out, verbose=False)
    samples, rate = soundfile.read(file)
    soundfile.write(file, -samples, rate)
    with pytest.raises(ValueError, match="clips .*, now"):
        label(table, teacher, out, verbose=False)
    pd.testing.assert_frame_equal(pd.read_parquet(out), before)


@pytest.mark.parametrize("speakers", [True, False])
def test_a_corpus_that_was_moved_keeps_its_labels(corpus, teacher, tmp_path, speakers):
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(os.path.dirname(corpus), here)
    table = pd.read_csv(here / "clips.csv", dtype={"speaker": str})
    columns = ["file", "speaker"] if speakers else ["file"]
    table[columns].to_csv(here / "clips.csv", index=False)
    out = str(tmp_path / "labels.parquet")
    first = label(read_corpus(str(here / "clips.csv")), teacher, out, verbose=False)
    here.rename(there)
    moved = read_corpus(str(there / "clips.csv"))
    again = label(moved, teacher, out, verbose=False)
    columns = ["file", "start", "end", "speaker"]
    pd.testing.assert_frame_equal(again[columns], moved[columns])
    pd.testing.assert_frame_equal(
        again.drop(columns=columns), first.drop(columns=columns)
    )
    pd.testing.assert_frame_equal(pd.read_parquet(out), again)


def test_a_file_that_is_no_table_of_labels_is_kept(corpus, teacher, tmp_path):
    table = read_corpus(corpus)
    out = str(tmp_path / "mine.parquet")
    table.to_parquet(out)
    with pytest.raises(ValueError, match="isn't a table of labels"):
        label(table, teacher, out, verbose=False)
    assert "rater1_arousal" in pq.read_schema(out).names
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(ValueError, match="isn't a table of labels"):
        label(table, teacher, str(tmp_path / "text.parquet"), verbose=False)


def test_nothing_to_label(corpus, teacher, tmp_path):
    with pytest.raises(ValueError, match="no clips"):
        label(read_corpus(corpus).head(0), teacher, str(tmp_path / "l.parquet"))


def test_labels_table_needs_its_columns(tmp_path):
    pd.DataFrame({"name": ["a"]}).to_csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="needs a column 'file'"):
        read_corpus(str(tmp_path / "a.csv"))
