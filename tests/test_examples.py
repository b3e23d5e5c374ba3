import pathlib
import subprocess
import sys

import audformat
import numpy as np
import pytest
import soundfile

import audw2s
from audw2s.loading import members

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"
SCRIPT = str(EXAMPLES / "annotate_database.py")


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True
    )


def test_script_annotates_the_example_clips(clips):
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("emodb-") == 4
    assert run("one").returncode == 1


def test_script_annotates_a_database(clips, tmp_path):
    root, out = tmp_path / "db", tmp_path / "out"
    (root / "audio").mkdir(parents=True)
    for number, clip in enumerate(clips):
        signal, rate = soundfile.read(clip)
        soundfile.write(root / "audio" / f"{number}.wav", signal, rate)
    (root / "audio" / "broken.wav").write_bytes(b"broken")
    names = [f"audio/{path.name}" for path in sorted((root / "audio").iterdir())]
    db = audformat.Database("mine", usage=audformat.define.Usage.RESEARCH)
    db["files"] = audformat.Table(audformat.filewise_index(names))
    db.save(str(root))
    done = run(root, out)
    assert done.returncode == 0, done.stderr
    table = audformat.Database.load(str(out))["adv.wav2small"]
    assert list(table.df.index) == names
    assert list(table.df.columns) == ["arousal", "dominance", "valence"]
    with pytest.warns(UserWarning, match="broken.wav: unreadable"):
        expected = audw2s.Feature().process_index(
            audformat.filewise_index(names), root=str(root)
        )
    np.testing.assert_allclose(table.df, expected, atol=1e-6)
    assert table.meta["audw2s"]["sha256"] == audw2s.models().sha256["wav2small"]


def test_recipe_is_read():
    module = pytest.importorskip("audw2s.distill.config")
    config = module.Config.from_toml(str(EXAMPLES / "reproduce_wav2small.toml"))
    known = set(audw2s.models().index)
    assert set(members(config.teacher) or [config.teacher]) <= known
    assert sum(config.corpora.values()) == pytest.approx(1)
