"""What has a row in a folder, and lists as others write them."""

import itertools
import json
import os
import pathlib
import unicodedata

import formats
import numpy as np
import pandas as pd
import pytest
from commands import invoke

import audw2s
from audw2s.audio.decode import is_media
from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.folder import find_media
from audw2s.corpus.task import OPEN
from audw2s.files import resolve

SECOND = 10**9


def make(folder: pathlib.Path, names: dict[str, bytes]) -> None:
    for name, content in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture
def mixed(tmp_path, speech) -> pathlib.Path:
    """Folder of audio under any name, and of what lies beside it."""
    wav = formats.written(speech, "WAV", "PCM_16")
    made = tmp_path / "mixed"
    make(
        made,
        {
            "a.wav": wav,
            "b.WAVE": wav,
            "c.aac": formats.FILES["a.aac"](speech),
            "d.recording": formats.FILES["a.m4a"](speech),
            "e": formats.FILES["opus.webm"](speech),
            "f.dat": formats.FILES["a.amr"](speech),
            "sub/g.mov": formats.FILES["video.mov"](speech),
            "sub/damaged.mp3": b"<html>404</html>",
            # What is none
            "notes.txt": b"read me",
            "table.csv": b"file,speaker\na.wav,1\n",
            "data.npy": b"\x93NUMPY\x01\x00v\x00" + bytes(5000),
            "weights.bin": np.random.default_rng(0).bytes(9000),
            "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(200),
            "sub/nothing": b"",
            # What is hidden
            "._a.wav": b"\x00\x05\x16\x07" + bytes(4000),
            ".cache/h.wav": wav,
            "sub/.DS_Store": bytes(100),
        },
    )
    return made


ROWS = ["a.wav", "b.WAVE", "c.aac", "d.recording", "e", "f.dat"]
ROWS += ["sub/damaged.mp3", "sub/g.mov"]
OTHERS = ["data.npy", "notes.txt", "picture.png", "table.csv", "weights.bin"]
OTHERS += ["sub/nothing"]


def test_content_decides_what_has_a_row(mixed):
    found = find_media([str(mixed)])
    assert found.files == [str(mixed / name) for name in ROWS]
    assert sorted(found.others) == sorted(str(mixed / name) for name in OTHERS)
    hidden = ["._a.wav", ".cache", "sub/.DS_Store"]
    assert sorted(found.hidden) == [str(mixed / name) for name in hidden]
    assert found.notes() == ["Left out: 3 hidden, 6 without audio or video."]
    assert read_inputs(str(mixed)).listing == found
    # Whoever names a file means it
    assert find_media([str(mixed / "._a.wav")]).files == [str(mixed / "._a.wav")]


@pytest.mark.parametrize("name", formats.FILES)
def test_all_formats_are_media(tmp_path, speech, name):
    (tmp_path / "x").write_bytes(formats.FILES[name](speech[:24000]))
    assert is_media(tmp_path / "x")


@pytest.mark.parametrize("command", ["predict", "annotate"])
def test_commands_count_what_is_left_out(mixed, tmp_path, command):
    out = tmp_path / ("out" if command == "annotate" else "out.parquet")
    for options in ((), ("--list-left-out",)):
        done = invoke(command, mixed, "--out", out, *options)
        # One is damaged, and nothing else is wrong
        assert done.exit_code == 1, done.stderr
        assert "Left out: 3 hidden, 6 without audio or video." in done.stderr
        named = f"left out, hidden: {mixed}/._a.wav" in done.stderr
        named &= f"left out, no audio or video: {mixed}/notes.txt" in done.stderr
        assert named == bool(options)
    table = pd.read_parquet(out / "table.parquet" if command == "annotate" else out)
    assert table["file"].tolist() == [str(mixed / name) for name in ROWS]
    assert table["status"].tolist() == ["ok"] * 6 + ["unreadable", "ok"]


def test_linked_folders_are_followed_once(tmp_path, speech):
    wav = formats.written(speech, "WAV", "PCM_16")
    make(tmp_path, {"there/1.wav": wav, "elsewhere/2.wav": wav, "there/z/3.wav": wav})
    there = tmp_path / "there"
    try:
        (there / "a_loop").symlink_to(there)
        (there / "again").symlink_to(there / "z")
        (there / "link").symlink_to(tmp_path / "elsewhere")
        (there / "link2").symlink_to(tmp_path / "elsewhere")
        (there / "gone.wav").symlink_to(tmp_path / "gone.wav")
        (tmp_path / "elsewhere" / "back").symlink_to(there)
    except OSError:
        pytest.skip("needs links")
    found = find_media([str(there)])
    names = [os.path.relpath(file, there) for file in found.files]
    assert names == ["1.wav", "gone.wav", "link/2.wav", "z/3.wav"]


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_in_the_other_normal_form(tmp_path, speech, forms):
    names = [unicodedata.normalize(form, "grüße/é.wav") for form in forms]
    make(tmp_path, {names[0]: formats.written(speech, "WAV", "PCM_16")})
    if os.path.exists(tmp_path / names[1]):
        pytest.skip("this file system knows both forms")
    (tmp_path / "list.txt").write_text(names[1], encoding="utf-8")
    assert audw2s.annotate(str(tmp_path / "list.txt"))["status"].tolist() == ["ok"]
    feature = audw2s.Feature()
    for root in (str(tmp_path), None):
        name = names[1] if root else str(tmp_path / names[1])
        frame = feature.process_file(name, root=root)
        assert frame.notna().all(axis=None)
        assert frame.index[0][0] == name


def test_each_folder_may_have_a_normal_form(tmp_path):
    forms = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    file = tmp_path.joinpath(*forms, "a.wav")
    file.parent.mkdir(parents=True)
    file.touch()
    for names in itertools.product(forms, repeat=2):
        path = resolve(os.path.join(*names, "a.wav"), str(tmp_path))
        assert os.path.samefile(path, file)


def test_paths_of_clips_are_those_of_files(tmp_path, monkeypatch):
    """Below the home folder, and with letters spelt in the other way."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    names = [unicodedata.normalize(form, "gr\xfcn.wav") for form in ("NFC", "NFD")]
    (tmp_path / names[1]).touch()
    path = tmp_path / "lists" / "list.txt"
    make(tmp_path, {"lists/list.txt": f"~/a.wav\n../{names[0]}\n".encode()})
    home, other = read_corpus(str(path))["file"]
    assert home == str(tmp_path / "a.wav")
    assert os.path.samefile(other, tmp_path / names[1])


def lists(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """The same two segments, as a list of each kind."""
    rows = [("a.wav", 0.5, 1.25), ("b.wav", 0.0, 2.0)]
    csv = "".join(f"{file},{start},{end}\n" for file, start, end in rows)
    durations = "".join(f"{file},{start},{end - start}\n" for file, start, end in rows)
    jsonl = "".join(
        json.dumps({"audio_filepath": file, "offset": start, "duration": end - start})
        + "\n"
        for file, start, end in rows
    )
    rttm = "".join(
        f"SPEAKER {file[0]} 1 {start} {end - start} <NA> <NA> s{file[0]} <NA> <NA>\n"
        for file, start, end in rows
    )
    contents = {
        "ends.csv": "file,start,end\n" + csv,
        "bom.csv": "\ufefffile,start,end\r\n" + csv,
        "durations.csv": "file,start,duration\n" + durations,
        "manifest.jsonl": "\ufeff" + jsonl,
        "turns.rttm": ";; a comment\n" + rttm + "NON-SPEECH a 1 0 1 <NA> noise <NA>\n",
        "kaldi/wav.scp": "".join(f"r{file[0]}  ../{file}\n" for file, _, _ in rows),
        "kaldi/segments": "".join(
            f"u{file[0]} r{file[0]} {start} {end}\n" for file, start, end in rows
        ),
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return {name: folder / name for name in contents if name != "kaldi/segments"}


def test_lists_of_other_tools_are_read(tmp_path, speech):
    wav = formats.written(speech, "WAV", "PCM_16")
    make(tmp_path, {"a.wav": wav, "b.wav": wav})
    for name, path in lists(tmp_path).items():
        inputs = read_inputs(str(path))
        assert [os.path.basename(file) for file in inputs.files] == ["a.wav", "b.wav"]
        assert all(os.path.isfile(inputs.path(file)) for file in inputs.files), name
        assert inputs.span(0) == (SECOND // 2, 5 * SECOND // 4), name
        assert inputs.span(1) == (0, 2 * SECOND), name
    frame = audw2s.annotate(tmp_path / "turns.rttm")
    assert frame["duration"].tolist() == [0.75, 2.0]
    assert frame["status"].tolist() == ["ok", "ok"]
    table = read_inputs(tmp_path / "turns.rttm").table
    assert table["speaker"].tolist() == ["sa", "sb"]


def test_whole_files_of_lists(tmp_path):
    (tmp_path / "wav.scp").write_text("r1 a.wav\nr2 /b c.wav\n")
    inputs = read_inputs(str(tmp_path / "wav.scp"))
    assert (inputs.files, inputs.filewise) == (["a.wav", "/b c.wav"], True)
    # Durations of whole files, as NeMo and many tables have them, cut nothing
    line = {"audio_filepath": "a.wav", "duration": 1.5, "text": "hello"}
    (tmp_path / "a.jsonl").write_text(json.dumps(line) + "\n\n")
    (tmp_path / "a.csv").write_text("file,duration\na.wav,1.5\n")
    for name in ("a.jsonl", "a.csv"):
        inputs = read_inputs(str(tmp_path / name))
        assert inputs.filewise
        assert inputs.times.tolist() == [[0, OPEN]]
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbfa.wav\r\nb.wav")
    assert read_inputs(str(tmp_path / "bom.txt")).files == ["a.wav", "b.wav"]
    (tmp_path / "segments").write_text("u r1 1 -1\n")
    inputs = read_inputs(str(tmp_path / "wav.scp"))
    assert (inputs.files, inputs.span(0)) == (["a.wav"], (SECOND, OPEN))


def test_a_recording_of_rttm_may_have_two_names(tmp_path):
    """Where the case of names doesn't count, each file has."""
    (tmp_path / "a.wav").touch()
    try:
        os.link(tmp_path / "a.wav", tmp_path / "a.WAV")
    except FileExistsError:
        pass
    (tmp_path / "turns.rttm").write_text("SPEAKER a 1 0 1 <NA> <NA> s <NA> <NA>\n")
    assert read_inputs(tmp_path / "turns.rttm").files == ["a.wav"]


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.jsonl", "{\n", "line 1: it has to be an object such as {…}, Expecting"),
        ("a.jsonl", '\n["a.wav"]\n', "line 2: it has to be an object"),
        ("a.jsonl", '{"text": "x"}\n', "needs a column 'file', it has ['text']"),
        ("a.jsonl", '{"file": "a.wav"}\n{"text": "x"}\n', "row 2: there is no file"),
        ("a.jsonl", '{"file": 5}\n', "'file' has to hold text, not int"),
        (
            "a.jsonl",
            '{"file": "a.wav", "offset": "x"}\n',
            "column 'start', row 1: 'x' isn't a time",
        ),
        ("a.jsonl", '{"file": "a.wav", "offset": -1}\n', "row 1: it starts at -1 s"),
        ("wav.scp", "r1\n", "has to be a name and a path, got 'r1'"),
        ("wav.scp", "r1 sph2pipe a.sph |\n", "is a command, which isn't run"),
        ("wav.scp", "r1 a.wav\nr1 b.wav\n", "'r1' is listed twice"),
        ("a.rttm", "SPEAKER a 1 0\n", "8 fields or more"),
        ("a.rttm", "SPEAKER a 1 0 1 x x s\n", "no audio file of this name does"),
        ("a.rttm", "SPEAKER both 1 0 1 x x s\n", "both.mp3 and both.wav"),
        (
            "a.rttm",
            "SPEAKER one 1 x 1 x x s\n",
            "column 'start', row 1: 'x' isn't a time",
        ),
        ("a.csv", b"file,word\na.wav,gr\xfcn\n", "a.csv' has to be a text in UTF-8"),
        ("a.csv", "file,start,duration\na.wav,0,x\n", "a.csv', column 'duration'"),
    ],
)
def test_invalid_lists_are_refused(tmp_path, name, content, said):
    for file in ("both.wav", "both.mp3", "one.wav"):
        (tmp_path / file).touch()
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError) as error:
        read_inputs(str(tmp_path / name))
    assert said in str(error.value)
    assert name in str(error.value)


def test_segments_of_unknown_recordings(tmp_path):
    (tmp_path / "wav.scp").write_text("r1 a.wav\n")
    (tmp_path / "segments").write_text("u1 r2 0 1\n")
    with pytest.raises(ValueError, match="segments', line 1: it has to be a segment"):
        read_inputs(str(tmp_path / "wav.scp"))


def test_shared_folder(shared, tmp_path):
    cases = shared.parent / "cases"
    done = invoke("annotate", cases / "folder_of_formats", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    table = pd.read_parquet(tmp_path / "out" / "table.parquet")
    assert len(table) == len(os.listdir(cases / "folder_of_formats"))
    assert table["status"].eq("ok").all()
    found = find_media([str(cases)])
    assert "22_appledouble" not in str(found.others)
    (tmp_path / "15_bom.txt").write_bytes((cases / "15_bom.txt").read_bytes())
    assert not read_inputs(str(tmp_path / "15_bom.txt")).files[0].startswith("\ufeff")
