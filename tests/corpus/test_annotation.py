"""Each input has its row, whatever is wrong with it or with others."""

import os
import pathlib
import shutil
import subprocess
import sys

import formats
import numpy as np
import pandas as pd
import pytest
import soundfile
from commands import audw2s_command
from commands import invoke
from full import sample

import audw2s
from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus import run
from audw2s.corpus import workers
from audw2s.corpus.prediction import predict
from audw2s.inference.pipeline import Predictor

COLUMNS = [
    *("file", "start", "end", "arousal", "dominance", "valence"),
    *("duration", "speech", "status", "message"),
]
NAMES = list(audw2s.DIMENSIONS)


@pytest.fixture
def listed(tmp_path, damaged):
    """A list of good and damaged files."""
    path = tmp_path / "list.txt"
    path.write_text("\n".join(file for file, _ in damaged.values()))
    return path


def test_every_input_has_its_status(damaged, listed, tmp_path):
    out = tmp_path / "out"
    done = invoke("annotate", listed, "--out", out, "--shard-size", 5)
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
    table = pd.read_parquet(out / "table.parquet")
    assert list(table.columns) == COLUMNS
    assert table["file"].tolist() == [file for file, _ in damaged.values()]
    assert table["status"].tolist() == [status for _, status in damaged.values()]
    bad = table["status"].isin(UNUSABLE)
    np.testing.assert_array_equal(table["arousal"].isna(), bad)
    assert f"{bad.sum()} of {len(damaged)} have no values." in done.stderr
    assert f"{(table['status'] == 'ok').sum()} ok" in done.stderr
    assert (table.loc[table["status"] != "ok", "message"] != "").all()
    # The good ones are what they are alone, and what predict gives
    listed.write_text("\n".join(table.loc[~bad, "file"]))
    exact = audw2s.annotate(str(listed))
    good = table[~bad].reset_index(drop=True)
    pd.testing.assert_frame_equal(exact, good)
    predicted = predict(good["file"].tolist(), Predictor())
    for name in ("file", "start", "end", "status", "message"):
        assert predicted[name].tolist() == good[name].tolist()
    np.testing.assert_allclose(predicted[NAMES], good[NAMES], atol=1e-6)


def test_windows_of_two_models(listed, damaged, tmp_path):
    names = ["wav2small", "whisper-tiny-adv"]
    window = {"win_dur": 1.0, "hop_dur": 0.5}
    both = audw2s.annotate(str(listed), model=names, **window)
    assert list(both["file"].unique()) == [file for file, _ in damaged.values()]
    for name in names:
        exact = audw2s.annotate(str(listed), model=name, **window)
        assert len(exact) == len(both)
        columns = [f"{name}.{dimension}" for dimension in NAMES]
        np.testing.assert_array_equal(both[columns], exact[NAMES])
        for column in ("start", "end", "status", "duration"):
            assert both[column].tolist() == exact[column].tolist()
    whole = both[both["file"] == damaged["24bit.wav"][0]]
    assert whole["start"].dt.total_seconds().tolist()[:3] == [0, 0.5, 1]
    assert whole["duration"].iloc[0] == 1


def test_two_models_decode_once(corpus, tmp_path, watched):
    out = tmp_path / "out"
    models = ("--model", "wav2small", "--model", "whisper-tiny-adv")
    done = watched.run(corpus, "--out", out, *models, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert sorted(watched.opened) == [f"{number:02d}.wav" for number in range(60)]
    table = pd.read_csv(out / "table.csv")
    assert list(table.columns)[3:9] == [
        f"{model}.{dimension}" for model in models[1::2] for dimension in NAMES
    ]
    x, y = (table[f"{model}.arousal"].to_numpy() for model in models[1::2])
    ccc = 2 * np.cov(x, y, ddof=0)[0, 1]
    ccc /= x.var() + y.var() + (x.mean() - y.mean()) ** 2
    assert f"CCC of wav2small and whisper-tiny-adv: arousal {ccc:.3f}" in done.stderr
    assert f"wav2small: arousal {x.mean():.3f} ± {x.std():.3f}" in done.stderr


def test_segments_of_two_models_and_what_is_too_long(tmp_path, speech):
    soundfile.write(tmp_path / "a.flac", speech, 16000)
    path = tmp_path / "segments.csv"
    rows = ["a.flac,0.5,1.5", "a.flac,0,", "a.flac,3,9", "a.flac,7,8", "no.wav,1,2"]
    path.write_text("\n".join(["file,start,end", *rows, rows[0]]))
    frame = audw2s.annotate(str(path), model=["wav2small", "whisper-tiny-adv"])
    total = len(speech) / 16000
    expected = [1, total, total - 3, 0, 0, 1]
    np.testing.assert_allclose(frame["duration"], expected)
    assert frame["status"].tolist() == [
        "ok",
        "ok",
        # And truncated, but what is that short has unsure values first of all
        "short",
        "empty",
        "missing",
        "ok",
    ]
    assert frame["message"][2].endswith("; read 0.441 s of 6.000 s")
    assert frame["file"].tolist()[-2:] == ["no.wav", "a.flac"]
    pd.testing.assert_frame_equal(
        frame.iloc[[0]], frame.iloc[[5]].set_axis([0]), check_names=False
    )
    assert frame["end"].dt.total_seconds().tolist()[2] == 9
    short = audw2s.annotate(str(path), max_dur=2)
    assert short["status"].tolist()[1] == "too_long"
    assert f"{total:.1f} s, longer than 2 s" in short["message"].tolist()[1]
    assert short[NAMES].iloc[1].isna().all()
    others = [0, 2, 3, 4, 5]
    columns = [f"wav2small.{name}" for name in NAMES]
    np.testing.assert_allclose(
        short[NAMES].iloc[others], frame[columns].iloc[others], atol=1e-6
    )


def test_decoders_that_crash_and_hang(corpus, tmp_path, watched):
    whole = audw2s.annotate(str(corpus))
    # Each ends a worker three times
    crashes = sample(("speaker0/crash1.wav", "speaker1/crash2.wav"), 2)
    said = {str(corpus / name): "the decoder crashed (SIGSEGV)" for name in crashes}
    said[str(corpus / "speaker2/hang.wav")] = "took longer than 3 s"
    for file in said:
        pathlib.Path(file).write_bytes(b"RIFF\0\0\0\0WAVE")
    out = tmp_path / "out"
    options = ("--num-workers", 2, "--file-timeout", 3, "--shard-size", 16)
    done = watched.run(corpus, "--out", out, *options)
    assert done.returncode == 1, done.stderr
    assert f"{len(said)} of {60 + len(said)} have no values" in done.stderr
    table = pd.read_parquet(out / "table.parquet")
    bad = table[table["status"] == "unreadable"].set_index("file")["message"]
    assert bad.to_dict() == said
    good = table[table["status"] != "unreadable"].reset_index(drop=True)
    pd.testing.assert_frame_equal(good, whole)
    watched.wait_for_end()


def test_quick_files_are_sent_together(corpus, monkeypatch):
    sizes = []
    send = workers.ChildProcess.send

    def counted(worker, message):
        if isinstance(message, list):
            sizes.append(len(message))
        send(worker, message)

    monkeypatch.setattr(workers.ChildProcess, "send", counted)
    monkeypatch.setattr(workers, "QUICK", 0.0)
    alone = audw2s.annotate(str(corpus), num_workers=2)
    assert sizes == [1] * 60
    sizes.clear()
    monkeypatch.setattr(workers, "QUICK", 60.0)
    together = audw2s.annotate(str(corpus), num_workers=2)
    assert max(sizes) == workers.TOGETHER and sum(sizes) == 60
    pd.testing.assert_frame_equal(together, alone)


@pytest.mark.parametrize(
    "options, expected",
    [({}, 3), ({"num_workers": 2}, 2), ({"batch_size": 4}, 1)],
)
def test_a_run_has_a_worker_per_core(clips, monkeypatch, options, expected):
    """Or one that processes batches."""
    wanted = []

    def started(options, num_workers, *_):
        wanted.append(num_workers)
        raise RuntimeError("This is enough.")

    monkeypatch.setattr(run, "WorkerPool", started)
    monkeypatch.setattr(run, "num_cores", lambda: 3)
    model = "whisper-tiny-adv"
    with pytest.raises(RuntimeError, match="enough"):
        audw2s.annotate(os.path.dirname(clips[0]), model=model, **options)
    assert wanted == [expected]


def make_odd_names(folder, clip) -> list[str]:
    """Files with names that are hard to write down; how they are written."""
    folder.mkdir()
    shutil.copy(clip, folder / 'grün, "n".flac')
    try:
        shutil.copy(clip, os.path.join(os.fsencode(folder), b"gr\xfcn.flac"))
    except OSError:
        pytest.skip("the file system refuses names that aren't UTF-8")
    return [f"{folder}/{name}" for name in ('grün, "n".flac', "gr\\xfcn.flac")]


def test_names_with_any_bytes(tmp_path, clips):
    folder, out = tmp_path / "clips", tmp_path / "out"
    names = make_odd_names(folder, clips[0])
    for _ in range(2):
        options = ("--out", out, "--format", "csv", "--num-workers", 1)
        done = audw2s_command("annotate", folder, *options)
        assert done.returncode == 0, done.stderr
        table = pd.read_csv(out / "table.csv")
        assert table["file"].tolist() == names
        assert table["status"].tolist() == ["ok", "ok"]
        np.testing.assert_array_equal(*table[NAMES].to_numpy())
    assert len(os.listdir(out / "parts")) == 1


def test_prediction_of_names_with_any_bytes(tmp_path, clips):
    names = make_odd_names(tmp_path / "clips", clips[0])
    out = tmp_path / "table.parquet"
    done = audw2s_command("predict", tmp_path / "clips", "--out", out)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(out)
    assert table["file"].tolist() == names
    np.testing.assert_array_equal(*table[NAMES].to_numpy())


def test_containers_with_names_of_any_bytes(tmp_path, clips, speech):
    folder = tmp_path / "clips"
    make_odd_names(folder, clips[0])
    video = os.path.join(os.fsencode(folder), b"gr\xfcn.webm")
    with open(video, "wb") as file:
        file.write(formats.encoded(speech, "libopus", "webm"))
    frame = audw2s.annotate(str(folder))
    assert frame["file"].tolist()[-1] == f"{folder}/gr\\xfcn.webm"
    assert frame["status"].tolist() == ["ok"] * 3
    expected = list(audw2s.Process().process_signal(speech, 16000).iloc[0].values())
    np.testing.assert_allclose(frame[NAMES].iloc[-1], expected, atol=0.03)


def test_script_without_a_guard(tmp_path, clips):
    """Multiprocessing would run the script again in each of its processes."""
    script = tmp_path / "signal.py"
    script.write_text(
        "import audw2s\n"
        f"frame = audw2s.annotate({os.path.dirname(clips[0])!r})\n"
        "print(len(frame), set(frame['status']), frame.attrs['audw2s']['version'])"
    )
    done = subprocess.run(
        # In a folder with a file that is called like one of Python's
        [sys.executable, "-P", script.name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    expected = f"{len(clips)} {{'ok'}} {audw2s.__version__}"
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"hop_dur": 1.0}, "A hop_dur needs a win_dur"),
        ({"win_dur": 0.0}, "'win_dur' has to be at least"),
        ({"model": "wav2smal"}, "no model 'wav2smal'"),
        ({"model": ["wav2small", "wav2small"]}, "Two models are called 'wav2small'"),
        ({"max_dur": 0.0}, "'max_dur' has to be more than 0 s"),
        ({"file_timeout": -1.0}, "'file_timeout' has to be more than 0 s"),
        ({"num_workers": 0}, "'num_workers' has to be at least 1"),
        ({"table_format": "xlsx"}, "csv or parquet, not 'xlsx'"),
    ],
)
def test_wrong_arguments(clips, tmp_path, arguments, said):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=said):
        audw2s.annotate(os.path.dirname(clips[0]), str(out), **arguments)
    assert not (out / "parts").exists()


def test_process_that_does_not_start(clips, monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ChildProcessError, match=r"didn't start \(exit code 7\)"):
        audw2s.annotate(os.path.dirname(clips[0]))
