import json
import os
import re
import struct
import subprocess
import sys

import audformat
import numpy as np
import pandas as pd
import pytest
from commands import COMMAND
from commands import audw2s_command
from commands import invoke

import audw2s
from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.lists.folder import find_media
from audw2s.tables import write_table

COLUMNS = [
    *("file", "start", "end", "arousal", "dominance", "valence"),
    *("speech", "status", "message"),
    *("model", "sha256", "version", "win_dur", "hop_dur", "exact", "vad"),
]


def test_prints_what_the_interface_gives(clips):
    wide = {**os.environ, "COLUMNS": "300"}
    done = audw2s_command("predict", *clips, env=wide)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    frame = audw2s.Feature().process_files(clips)
    assert len(lines) == len(clips) + 2
    for line, (clip, row) in zip(
        lines[1:], frame.droplevel([1, 2]).iterrows(), strict=False
    ):
        assert clip in line
        found = [float(number) for number in line.split()[3:6]]
        np.testing.assert_allclose(found, row, atol=0.0006)
    assert "wav2small" in lines[-1]


@pytest.mark.parametrize("extension", ["csv", "parquet"])
@pytest.mark.parametrize("window", [[], ["--win-dur", "1", "--hop-dur", "0.5"]])
def test_every_input_is_in_the_table(damaged, tmp_path, extension, window):
    out = tmp_path / f"out.{extension}"
    files = [path for path, _ in damaged.values()]
    # A folder as an input is searched, not missing
    files.remove(damaged["folder.wav"][0])
    before = set(os.listdir(tmp_path))
    done = invoke("predict", *files, "--out", out, *window)
    assert done.exit_code == 1, done.stderr
    assert "files have no values" in done.stderr
    assert "Traceback" not in done.stderr
    table = pd.read_csv(out) if extension == "csv" else pd.read_parquet(out)
    assert list(table.columns) == COLUMNS
    assert list(dict.fromkeys(table["file"])) == files
    np.testing.assert_array_equal(
        table["arousal"].isna(), table["status"].isin(UNUSABLE)
    )
    assert table["sha256"].nunique() == 1
    if not window:
        expected = [s for n, (_, s) in damaged.items() if n != "folder.wav"]
        assert list(table["status"]) == expected
        assert len(table) == len(files)
        if extension == "parquet":
            good = table[~table["status"].isin(UNUSABLE)]
            frame = audw2s.Feature(num_workers=2).process_files(good["file"].tolist())
            np.testing.assert_array_equal(
                good[["arousal", "dominance", "valence"]], frame
            )
    # Nothing that was written on the way is left
    assert set(os.listdir(tmp_path)) == before | {out.name}


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["predict"], "Missing argument"),
        (["predict", "a.wav", "--model", "wav2smal"], "Known are 'wav2small'"),
        (["predict", "a.wav", "--hop-dur", "1"], "--hop-dur needs --win-dur"),
        (["predict", "a.wav", "--win-dur", "0"], "has to be at least"),
        (["predict", "a.wav", "--out", "a.txt"], "has to end on .csv or .parquet"),
        (["predict", "a.wav", "--out", "no/where/a.csv"], "no folder 'no/where'"),
        (["predict", "EMPTY"], "no audio files"),
        (["predict", "a.wav", "--num-workers", "0"], "--num-workers"),
    ],
)
def test_wrong_usage_gives_a_one_line_error(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    arguments = [str(tmp_path) if a == "EMPTY" else a for a in arguments]
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["predict"], ["curve"]])
def test_json_holds_the_table(damaged, tmp_path, command):
    path, _ = damaged["nan.wav"] if command == ["predict"] else damaged["24bit.wav"]
    done = invoke(*command, path, "--json")
    out = tmp_path / "out.parquet"
    invoke(*command, path, "--out", out)
    table = pd.read_parquet(out)
    records = json.loads(done.stdout)
    assert [list(record) for record in records] == [list(table)] * len(table)
    for column in ("time", "start", "end"):
        if column in table:
            table[column] = table[column].dt.total_seconds()
    found = pd.DataFrame(records)
    for column in table:
        if pd.api.types.is_numeric_dtype(table[column]):
            np.testing.assert_allclose(found[column].astype(float), table[column])
        else:
            assert found[column].tolist() == table[column].tolist()


def test_values_only_are_a_table_of_audformat(clips, tmp_path):
    """As nkululeko imports it; files without values keep their row."""
    table = tmp_path / "table.csv"
    files = [*clips[:2], str(tmp_path / "none.wav")]
    done = invoke("predict", *files, "--values-only", "--out", table)
    assert done.exit_code == 1
    found = audformat.utils.read_csv(str(table))
    with pytest.warns(UserWarning, match="none.wav: missing"):
        expected = audw2s.Feature().process_files(files)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-6)
    out = tmp_path / "out"
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(files))
    options = {
        "values_only": True,
        "intervals": 0.9,
        "report": str(tmp_path / "a.html"),
    }
    frame = audw2s.annotate(str(listed), str(out), **options)
    ends = [f"{name}_{end}" for name in expected for end in ("low", "high")]
    assert list(frame) == ["file", "start", "end", *expected, *ends]
    assert list(pd.read_parquet(out / "table.parquet")) == list(frame)
    np.testing.assert_allclose(frame[list(expected)], expected, atol=1e-6)
    shown = invoke("predict", clips[0], "--values-only")
    assert shown.stdout.split()[:6] == ["file", "start", "end", *expected]
    sha256 = audw2s.models().sha256["wav2small"]
    last = f"wav2small {sha256[:8]}, audw2s {audw2s.__version__}"
    assert shown.stdout.splitlines()[-1] == last
    for command in (["predict"], ["annotate", "--out", out]):
        done = invoke(*command, listed, "--values-only", "--channels", "all")
        assert done.exit_code == 2 and "has no column for" in done.stderr


def test_tables_fit_the_terminal(clips):
    for wide in (False, True):
        arguments = f"[{COMMAND!r}, 'predict', *{clips!r}] + {['--wide'] * wide!r}"
        code = f"import pty; pty.spawn({arguments})"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "90", "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
        )
        rows = [r for r in done.stdout.splitlines() if r.rstrip().endswith("ok")]
        assert len(rows) == len(clips)
        assert all("…" in row and len(row.rstrip()) <= 90 for row in rows) != wide
        assert any(clip in row for clip, row in zip(clips, rows, strict=True)) == wide


def test_bars_are_shown_in_terminals_only_and_fit(clips):
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    command = [COMMAND, "predict", *clips[:2], "--json"]
    with os.fdopen(main, "rb"), os.fdopen(terminal, "wb"):
        done = subprocess.run(command, stderr=terminal, stdout=subprocess.PIPE)
        shown = os.read(main, 1 << 16).decode()
    assert done.returncode == 0 and len(json.loads(done.stdout)) == 2
    bars = [part for part in re.split("[\r\n]+", shown) if "%|" in part]
    assert bars and all(len(bar) <= 50 for bar in bars)
    assert audw2s_command(*command[1:]).stderr == ""


@pytest.mark.parametrize("arguments", [["-h"], ["predict", "-h"], ["distill", "-h"]])
def test_python_runs_the_package_as_the_command(arguments):
    command = [sys.executable, "-m", "audw2s", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: audw2s" in done.stdout


def test_models_shows_licences():
    done = invoke("models")
    assert done.exit_code == 0
    for name, entry in audw2s.models().iterrows():
        for fact in (name, entry.licence, entry.sha256, f"{entry.parameters:,}"):
            assert fact in done.stdout


def test_find_media(tmp_path):
    for name in ("b.wav", "a.FLAC", "c.txt", "sub/d.ogg", "sub/deep/e.mp3", "[x].wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    root = f"{tmp_path}{os.sep}"

    def names(*paths: str) -> list[str]:
        return [file.removeprefix(root) for file in find_media(paths).files]

    everything = ["[x].wav", "a.FLAC", "b.wav", "sub/d.ogg", "sub/deep/e.mp3"]
    assert names(root) == everything
    assert names(f"{root}*.wav", root) == [
        "[x].wav",
        "b.wav",
        *everything[1:2],
        *everything[3:],
    ]
    assert names(f"{root}**/*.mp3") == ["sub/deep/e.mp3"]
    assert names(f"{root}c.txt", f"{root}[x].wav") == ["c.txt", "[x].wav"]
    assert names(f"{root}no.wav", f"{root}no*.wav") == ["no.wav", "no*.wav"]


def test_a_table_is_written_atomically(tmp_path, monkeypatch):
    table = pd.DataFrame({"a": [1]})
    path = tmp_path / "a.csv"
    path.write_text("old")

    def full(self, file, **kwargs):
        file.write("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space"):
        write_table(table, str(path))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_import_is_fast_and_needs_no_torch():
    code = (
        "import sys, audw2s; audw2s.Feature; audw2s.Segment; "
        "print([m for m in ('torch', 'transformers', 'matplotlib', 'gradio') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
    code = "import sys, audw2s; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False"
