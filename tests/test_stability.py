"""The code has what docs/stability.md promises, no more and no less."""

import json
import pathlib
import re

import pandas as pd
import pytest
import typer.main
from commands import invoke

import audw2s
from audw2s.commands.app import app
from audw2s.model.registry import CATALOGUE

ROOT = pathlib.Path(__file__).parent.parent
SPEECH = str(ROOT / "examples" / "speech")
PAGE = (ROOT / "docs" / "stability.md").read_text(encoding="utf-8")


def promised(title: str) -> list[str]:
    """Names that the page lists behind a title."""
    (names,) = re.findall(rf"\*\*{re.escape(title)}:\*\* (.*)", PAGE)
    return names.split(", ")


def test_public_names():
    block = PAGE.split("```text\n")[1].split("```")[0]
    names = [name for name in audw2s.__all__ if not name.startswith("_")]
    assert sorted(block.replace("\n", " ").strip().split(", ")) == sorted(names)


def test_every_public_name_is_in_the_reference():
    names = re.findall(r"audw2s\.(\w+)$", (ROOT / "docs/api.rst").read_text(), re.M)
    listed = {name for name in names if not name.islower() or name in audw2s.__all__}
    assert listed == {name for name in audw2s.__all__ if not name.startswith("_")}


def test_every_public_name_has_an_example():
    objects = {getattr(audw2s, name) for name in audw2s.__all__}
    described = [thing for thing in objects if callable(thing)]
    assert not [thing for thing in described if ">>>" not in thing.__doc__]


def test_commands():
    for package in ("gradio", "torch"):
        pytest.importorskip(package)
    assert promised("Commands") == sorted(typer.main.get_command(app).commands)


def test_columns_of_predict(clips, tmp_path):
    out = tmp_path / "table.csv"
    assert invoke("predict", clips[0], "--out", out).exit_code == 0
    assert promised("Columns of predict") == list(pd.read_csv(out))


def test_columns_of_annotate(tmp_path):
    table = audw2s.annotate(SPEECH, str(tmp_path / "out"), verbose=False)
    assert promised("Columns of annotate") == list(table)


def test_columns_of_intervals(tmp_path):
    options = {"model": "whisper-tiny-adv", "intervals": 0.9}
    table = audw2s.annotate(SPEECH, str(tmp_path / "out"), **options)
    names = [*promised("Columns of annotate"), *promised("Columns of intervals")]
    assert sorted(names) == sorted(table)


def test_columns_of_curve(clips):
    assert promised("Columns of curve") == list(audw2s.curve(clips[0]))


def test_keys_of_attributes(clips):
    frame = audw2s.Feature().process_file(clips[0])
    assert promised('Keys of `attrs["audw2s"]`') == list(frame.attrs["audw2s"])


def test_values_of_this_version_are_those_of_the_packaged_models(clips):
    golden = json.loads((ROOT / "tests/golden/values.json").read_text())
    table = pd.read_csv(ROOT / "tests/golden/versions.csv", dtype={"version": str})
    table = table[table.version == audw2s.__version__]
    packaged = [name for name, entry in CATALOGUE.items() if entry.packaged]
    assert len(table) == len(packaged) * len(clips)
    for row in table.itertuples():
        assert row.sha256 == CATALOGUE[row.model].sha256
        expected = golden[row.model]["logits"][row.file]
        assert [row.arousal, row.dominance, row.valence] == pytest.approx(
            expected, abs=1e-4
        )
