"""What is annotated: folders, lists, databases."""

import json
import os
import sys
import types

import audformat
import numpy as np
import pandas as pd
import pytest

import audw2s
from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.task import OPEN


def make_database(root) -> audformat.Database:
    """Make a database with a filewise and a segmented table."""
    db = audformat.Database("made")
    db["files"] = audformat.Table(audformat.filewise_index(["a/1.wav", "a/2.wav"]))
    index = audformat.segmented_index(
        ["a/2.wav", "a/1.wav", "a/2.wav"],
        ["0s", "0.25s", "0.5s"],
        ["0.3s", pd.NaT, "0.9123456s"],
    )
    db["segments"] = audformat.Table(index)
    db["segments"]["word"] = audformat.Column()
    db["segments"]["word"].set(["x", "y", "z"])
    db["misc"] = audformat.MiscTable(pd.Index(["s1"], name="speaker"))
    db.save(str(root))
    return db


def test_folder(tmp_path):
    for name in ("b/2.wav", "a.flac", "notes.txt", "b/1.MP3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inputs = read_inputs(str(tmp_path))
    expected = [str(tmp_path / name) for name in ("a.flac", "b/1.MP3", "b/2.wav")]
    assert inputs.files == expected
    assert [inputs.path(file) for file in inputs.files] == expected
    assert inputs.span(0) == (0, OPEN)


def test_list_of_paths(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"b.wav\r\n\n sub/a.wav\nb.wav\n/abs\xfc.wav\n")
    inputs = read_inputs(str(path))
    assert inputs.files == ["b.wav", " sub/a.wav", "b.wav", "/abs\udcfc.wav"]
    assert inputs.path("b.wav") == str(tmp_path / "b.wav")
    assert inputs.path(inputs.files[-1]) == "/abs\udcfc.wav"


@pytest.mark.parametrize("extension", ["csv", "parquet"])
@pytest.mark.parametrize("kind", ["seconds", "timedeltas"])
def test_table_of_segments(tmp_path, extension, kind):
    frame = pd.DataFrame(
        {
            "file": ["a.wav", "007", "a.wav"],
            "start": [0.5, 0, 1],
            "end": [1, None, 2.25],
        }
    )
    if kind == "timedeltas":
        for name in ("start", "end"):
            frame[name] = pd.to_timedelta(frame[name], unit="s")
    path = str(tmp_path / f"list.{extension}")
    if extension == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    inputs = read_inputs(path)
    assert inputs.files == ["a.wav", "007", "a.wav"]
    assert inputs.times[:, 0].tolist() == [5 * 10**8, 0, 10**9]
    assert inputs.times[:, 1].tolist() == [10**9, OPEN, 2250 * 10**6]
    assert not inputs.filewise


def test_table_with_an_index_of_audformat(tmp_path):
    index = audformat.segmented_index(["a.wav"], ["1s"], ["2s"])
    path = str(tmp_path / "list.parquet")
    pd.DataFrame({"x": [1]}, index).to_parquet(path)
    inputs = read_inputs(path)
    assert (inputs.files, inputs.span(0)) == (["a.wav"], (10**9, 2 * 10**9))


def test_database(tmp_path):
    root = str(tmp_path / "db")
    make_database(root)
    assert read_inputs(root).files == ["a/1.wav", "a/2.wav"]
    assert read_inputs(f"{root}:files").filewise
    inputs = read_inputs(f"{root}:segments")
    assert inputs.files == ["a/2.wav", "a/1.wav", "a/2.wav"]
    assert inputs.times[:, 1].tolist() == [3 * 10**8, OPEN, 912345600]
    assert inputs.path("a/2.wav") == os.path.join(root, "a/2.wav")
    assert list(inputs.by_file()) == [[0, 2], [1]]


def test_published_database(tmp_path, monkeypatch):
    made = make_database(tmp_path)
    asked = []

    def load(name, *, version, full_path):
        asked.append((name, version, full_path))
        return types.SimpleNamespace(root=made.root)

    monkeypatch.setitem(sys.modules, "audb", types.SimpleNamespace(load=load))
    assert len(read_inputs("audb:emodb==1.4.1")) == 2
    assert len(read_inputs("audb:emodb==1.4.1:segments")) == 3
    assert asked == [("emodb", "1.4.1", False)] * 2
    monkeypatch.setitem(sys.modules, "audb", None)
    with pytest.raises(ValueError, match="audb is missing: pip install audb"):
        read_inputs("audb:emodb==1.4.1")


@pytest.mark.parametrize(
    "content, said",
    [
        ("name\na.wav\n", "needs a column 'file'"),
        ("file\n", "no audio files"),
        ("file,start\na.wav,soon\n", "column 'start'"),
        ("file,start,end\na.wav,2,1\n", "row 1: it starts at 2 s and ends at 1 s"),
        ("file,start\na.wav,-1\n", "row 1: it starts at -1 s"),
        ("file,start\na.wav,0\n,1\n", "row 2: there is no file"),
    ],
)
def test_invalid_tables_are_refused(tmp_path, content, said):
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=said):
        read_inputs(str(path))


def test_unsupported_corpora_are_refused(tmp_path):
    make_database(tmp_path / "db")
    for corpus, said in [
        (tmp_path / "no", "is no folder, no list"),
        (f"{tmp_path / 'db'}:misc", "no table 'misc', it has: files, segments"),
        (f"{tmp_path}:files", "is no folder, no list"),
        ("audb:emodb", "audb:NAME==VERSION"),
    ]:
        with pytest.raises((ValueError, FileNotFoundError), match=said):
            read_inputs(str(corpus))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no audio files"):
        audw2s.annotate(str(tmp_path / "empty"))


def test_table_of_a_database(tmp_path, speech):
    import soundfile

    root, out = tmp_path / "db", tmp_path / "out"
    made = make_database(root)
    (root / "a").mkdir()
    for name in ("1", "2"):
        soundfile.write(root / "a" / f"{name}.wav", speech[: 16000 * int(name)], 16000)
    models = ["wav2small", "whisper-tiny-adv"]
    frame = audw2s.annotate(
        f"{root}:segments", str(out), model=models, table="adv.both"
    )
    assert frame["file"].tolist() == ["a/2.wav", "a/1.wav", "a/2.wav"]
    assert frame["end"].tolist()[2] == pd.Timedelta("0.9123456s")
    db = audformat.Database.load(str(out / "database"))
    found = db["adv.both"].df
    pd.testing.assert_index_equal(found.index, made["segments"].index)
    names = [f"{m}.{d}" for m in models for d in audw2s.DIMENSIONS]
    assert list(found.columns) == names
    np.testing.assert_array_equal(found, frame[names])
    assert db["segments"].df["word"].tolist() == ["x", "y", "z"]
    about = db["adv.both"].meta["audw2s"]
    assert [model["name"] for model in about["models"]] == models
    assert about["models"][0]["licence"] == "CC BY 4.0"
    assert not (out / "database" / "a").exists()
    files = str(tmp_path / "files")
    frame = audw2s.annotate(str(root), files, table="adv.wav2small", intervals=0.9)
    db = audformat.Database.load(os.path.join(files, "database"))
    found = db["adv.wav2small"].df
    assert audformat.is_filewise_index(found)
    ends = [f"{d}_{end}" for d in audw2s.DIMENSIONS for end in ("low", "high")]
    assert sorted(found.columns) == sorted([*audw2s.DIMENSIONS, *ends])
    np.testing.assert_array_equal(found, frame[list(found.columns)])
    windows = str(tmp_path / "windows")
    frame = audw2s.annotate(str(root), windows, table="adv.1s", win_dur=1.0)
    db = audformat.Database.load(os.path.join(windows, "database"))
    assert len(db["adv.1s"].df) == len(frame) == 4
    with pytest.raises(ValueError, match="has a table 'segments' already"):
        audw2s.annotate(str(root), windows, table="segments")
    with pytest.raises(ValueError, match="can be added to databases only"):
        audw2s.annotate(str(root / "a"), windows, table="adv")
    with pytest.raises(ValueError, match="'table' needs 'out'"):
        audw2s.annotate(str(root), table="adv")


def test_raters_in_rows_with_any_cells(tmp_path):
    rows = [{"audio_filepath": "a.wav", "words": ["a", "b"]} for _ in range(2)]
    values = [row | {"valence": 1 + number} for number, row in enumerate(rows)]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, values)))
    table = raters_as_columns(read_corpus(str(tmp_path / "list.jsonl")))
    assert table[["rater1_valence", "rater2_valence"]].to_numpy().tolist() == [[1, 2]]
    assert table["words"].tolist() == [["a", "b"]]
    path = tmp_path / "list.csv"
    path.write_text("file,valence\na.wav,1\na.wav,n/a\n")
    with pytest.raises(ValueError, match="'list', column 'valence', row 2: 'n/a'"):
        raters_as_columns(read_corpus(str(path)), "'list'")


@pytest.mark.parametrize("rows", ["x,a,1\nx,,2\nx,,3\n", "x,,2\nx,,3\nx,a,1\n"])
def test_ratings_of_unknown_raters_count_one_by_one(tmp_path, rows):
    path = tmp_path / "list.csv"
    path.write_text("file,rater,valence\n" + rows)
    table = raters_as_columns(read_corpus(str(path)))
    of_raters = [f"rater{k}_valence" for k in (1, 2, 3)]
    assert table[of_raters].to_numpy().tolist() == [[1, 2, 3]]
