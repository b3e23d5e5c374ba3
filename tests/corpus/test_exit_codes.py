"""Exit codes have one meaning each, and what stopped a command is said truly."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import types

import audformat
import pytest
import soundfile
import typer
from commands import COMMAND
from commands import invoke

import audw2s
from audw2s import errors
from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.lists.folder import read_folder
from audw2s.corpus.shards import Writer
from audw2s.errors import explained

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "statuses.md"


def test_exit_codes_are_documented():
    known = {v for k, v in vars(errors).items() if k.isupper() and type(v) is int}
    assert len(known) == 7
    table = PAGE.read_text().partition("| exit code |")[2].partition("\n\n")[0]
    documented = [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)]
    assert documented == sorted({0, *known})


def test_bugs_have_an_exit_code_of_their_own(capsys):
    with pytest.raises(typer.Exit) as failure, explained():
        raise RuntimeError("unforeseen")
    assert failure.value.exit_code == errors.FAULT
    said = capsys.readouterr().err
    assert "Traceback" in said and "RuntimeError: unforeseen" in said
    assert said.splitlines()[-1].startswith("audw2s: this is a fault of audw2s")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["models"], ["predict", "not_there.wav"]])
def test_stdout_on_a_full_disk(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [COMMAND, *command], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == errors.STOPPED
    said = "audw2s: stdout can't be written to: No space left on device."
    assert done.stderr.splitlines()[-1] == said
    assert "Traceback" not in done.stderr


def test_a_closed_stdout_has_its_exit_code():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([COMMAND, "models"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (errors.CLOSED_PIPE, b"")


@pytest.fixture
def deep(tmp_path, clips):
    """A folder with a clip, and a subfolder with a path too long to be listed."""
    root, here = tmp_path / "corpus", os.getcwd()
    root.mkdir()
    shutil.copy(clips[0], root)
    os.chdir(root)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
    finally:
        os.chdir(here)
    yield root
    shutil.rmtree(root / ("d" * 250))


def test_folders_that_cannot_be_listed(deep, tmp_path):
    (deep / "broken.wav").write_text("no audio")
    runs = [
        invoke("annotate", deep, "--out", tmp_path / "out"),
        invoke("predict", deep),
    ]
    for done in runs:
        assert done.exit_code == errors.UNLISTED
        said = f"1 folder can't be listed, what is in it has no row: '{deep}/ddd"
        assert said in done.stderr
        assert "File name too long" in done.stderr
    with pytest.warns(errors.DataWarning, match="1 folder can't be listed"):
        read_inputs(str(deep)).warn_unlisted()


def test_folder_that_cannot_be_listed_itself(deep):
    folder = "/".join([str(deep), *["d" * 250] * 20])
    with pytest.raises(OSError, match="^'.*d' can't be listed: File name too long"):
        read_folder(folder)


@pytest.mark.parametrize("made_again", [False, True])
def test_removed_results_stop_the_run(corpus, tmp_path, monkeypatch, made_again):
    out, fine, written = tmp_path / "out", Writer.flush, []

    def removed(self):
        if len(written) == 1:
            shutil.rmtree(out)
            if made_again:
                out.mkdir()
        written.append(self.rows)
        return fine(self)

    monkeypatch.setattr(Writer, "flush", removed)
    with pytest.raises(OSError, match="was removed while this ran") as failure:
        audw2s.annotate(str(corpus), str(out), shard_size=20)
    assert "kept" not in str(failure.value)
    assert "--restart" in str(failure.value)
    assert out.exists() == made_again
    monkeypatch.setattr(Writer, "flush", fine)
    if made_again:
        assert len(audw2s.annotate(str(corpus), str(out), restart=True)) == 60


def test_table_of_a_database_keeps_its_split(tmp_path, speech):
    root = tmp_path / "db"
    (root / "a").mkdir(parents=True)
    soundfile.write(root / "a" / "1.wav", speech, 16000)
    db = audformat.Database("made")
    db.splits["test"] = audformat.Split("test")
    db.media["close"] = audformat.Media()
    db["words"] = audformat.Table(
        audformat.segmented_index(["a/1.wav"], ["0s"], ["1s"]),
        split_id="test",
        media_id="close",
    )
    db.save(str(root))
    audw2s.annotate(f"{root}:words", str(tmp_path / "out"), table="adv")
    found = audformat.Database.load(str(tmp_path / "out" / "database"))["adv"]
    assert (found.split_id, found.media_id) == ("test", "close")


@pytest.mark.parametrize("versions", [["1.4.0", "1.4.1"], []])
def test_version_of_audb_that_is_not_there(monkeypatch, versions):
    def load(name, *, version, full_path):
        # As audb 1.15 says it
        raise RuntimeError(f"Cannot find version '{version}' for database '{name}'.")

    audb = types.SimpleNamespace(load=load, versions=lambda name: versions)
    monkeypatch.setitem(sys.modules, "audb", audb)
    with pytest.raises(ValueError, match="can't load 'emodb' in version '1'") as found:
        read_inputs("audb:emodb==1:files")
    known = "It has the versions 1.4.0, 1.4.1."
    assert str(found.value).endswith(known) == bool(versions)
