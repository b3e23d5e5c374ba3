"""Python blocks and commands of README and of the guide run as they are written."""

import os
import pathlib
import re
import shlex
import shutil

import audformat.testing
import numpy as np
import pytest
import soundfile
from commands import invoke

ROOT = pathlib.Path(__file__).parent.parent
SPEECH = ROOT / "examples" / "speech"
PAGES = ["README.md", "docs/interfaces.md", "docs/speech.md", "docs/howto.md"]


def blocks(page: str) -> list[tuple[str, str]]:
    """Languages and code of the blocks of a page, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    pattern = r"^```(python|bash)\n(.*?)^```"
    return re.findall(pattern, text, re.DOTALL | re.MULTILINE)


def failed_commands(code: str) -> list[str]:
    """Commands that analyse files and fail, with the reason; others have own tests."""
    failed = []
    for line in code.splitlines():
        if re.match(r"audw2s (predict|annotate|curve|models)\b", line):
            _, *arguments = shlex.split(line.split("  #")[0])
            done = invoke(*arguments)
            failed += [f"{line}\n{done.stderr}"] * (done.exit_code != 0)
    return failed


@pytest.fixture
def project(tmp_path, monkeypatch) -> pathlib.Path:
    """Working directory with the files that pages name."""
    for folder in ("recordings", "more", "my_database/audio"):
        shutil.copytree(SPEECH, tmp_path / folder, ignore=lambda _, n: n[4:])
    clips = [soundfile.read(path, dtype="float32")[0] for path in SPEECH.iterdir()]
    soundfile.write(tmp_path / "interview.wav", np.concatenate(clips), 16000)
    (tmp_path / "calls").mkdir()
    for path in (tmp_path / "call.wav", tmp_path / "calls" / "call.wav"):
        soundfile.write(path, np.stack([c[:30000] for c in clips[:2]], axis=1), 16000)
    turns = ["0.0 3.0 A", "3.5 2.5 B", "6.5 3.0 A"]
    lines = [
        "SPEAKER interview 1 {} {} <NA> <NA> {} <NA> <NA>\n".format(*turn.split())
        for turn in turns
    ]
    (tmp_path / "interview.rttm").write_text("".join(lines))
    names = sorted(os.listdir(tmp_path / "my_database" / "audio"))
    db = audformat.testing.create_db(minimal=True)
    db["files"] = audformat.Table(
        audformat.filewise_index([f"audio/{name}" for name in names])
    )
    db.save(str(tmp_path / "my_database"))
    (tmp_path / "path" / "to").mkdir(parents=True)
    shutil.copytree(tmp_path / "my_database", tmp_path / "path" / "to" / "database")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_code_of_pages_runs(page, project):
    signal, _ = soundfile.read("interview.wav", dtype="float32")
    names = {"block": np.repeat(signal[:1600], 3)}
    assert blocks(page)
    for language, code in blocks(page):
        if language == "bash":
            assert failed_commands(code) == []
        else:
            exec(compile(code, page, "exec"), names)
