"""Names that a model of the catalogue and a folder have."""

import os
import pathlib
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import is_installed
from audw2s.model.find import members
from audw2s.model.find import model_sha256
from audw2s.model.names import AmbiguousModelError
from audw2s.model.names import exact
from audw2s.model.registry import FOLDER

SENTENCE = (
    r"'{0}' is a model of the catalogue, and a folder is called so as well: write "
    r"'\./{0}' for the folder, or 'catalogue:{0}' for the catalogue's\."
)


def own(name: str, packaged: str = "wav2small-int8") -> None:
    """Put another model into a folder of a name."""
    shutil.copytree(os.path.join(FOLDER, packaged), name)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["teacher", "dawn", "wav2small"])
@pytest.mark.parametrize(
    "use",
    [
        audw2s.load,
        audw2s.Feature,
        audw2s.Process,
        audw2s.Segment,
        audw2s.Stream,
        Predictor,
        model_sha256,
        is_installed,
        lambda name: audw2s.load(f"mean({name}, wav2small-int8)"),
        lambda name: audw2s.curve(np.zeros(16000), name, sampling_rate=16000),
    ],
)
def test_a_name_beside_a_folder_is_refused(name, use):
    own(name)
    with pytest.raises(AmbiguousModelError, match=SENTENCE.format(name)):
        use(name)


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "a.wav", "--model", "teacher"),
        ("annotate", "audio", "--model", "teacher", "--out", "out"),
        ("curve", "a.wav", "--model", "teacher"),
        ("distill", "label", "audio", "--teacher", "teacher", "--out", "l.parquet"),
        ("distill", "evaluate", "teacher", "c.csv"),
        ("distill", "evaluate", "wav2small", "c.csv", "--against", "teacher"),
        ("distill", "compare", "c.csv", "--model", "teacher", "--out", "out"),
        ("distill", "quantise", "teacher", "c.csv", "--out", "out"),
        ("distill", "train", "t.toml", "--out", "run"),
    ],
)
def test_commands_show_both_spellings(arguments, clips):
    if {"quantise", "train"} & {*arguments}:
        pytest.importorskip("torch")
    own("teacher")
    os.mkdir("audio")
    shutil.copy(clips[0], "audio/a.flac")
    row = ",".join(["3"] * 3)
    pathlib.Path("c.csv").write_text(
        f"file,speaker,arousal,dominance,valence\naudio/a.flac,s,{row}\n"
    )
    pathlib.Path("t.toml").write_text("teacher = 'teacher'\n[corpora]\n'c.csv' = 1\n")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    said = " ".join(result.output.split())
    assert "write './teacher' for the folder, or 'catalogue:teacher' for" in said
    assert "Traceback" not in said


def test_folder_and_catalogue_can_be_told_apart(speech):
    own("wav2small")
    folder, named = audw2s.load("./wav2small"), audw2s.load("catalogue:wav2small")
    assert model_sha256("./wav2small") == model_sha256("wav2small-int8")
    values = [m(speech[None], 16000, outputs="logits") for m in (folder, named)]
    assert not np.array_equal(*values)
    assert Predictor("catalogue:wav2small").network.name == "wav2small"
    mean = Predictor("mean(catalogue:wav2small, ./wav2small)").network
    assert mean.num_values == 3
    with pytest.raises(audw2s.MissingModelError, match="The catalogue has no 'mine'"):
        audw2s.load("catalogue:mine")


def test_the_catalogue_is_listed_beside_folders():
    for name in ("wav2small", "teacher", "dawn"):
        own(name)
    assert audw2s.models().loc["wav2small", "installed"]
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0 and "in the package" in result.output
    assert exact("teacher") == "catalogue:teacher"
    assert members("catalogue:teacher") == ("catalogue:dawn", "odyssey")
    result = CliRunner().invoke(app, ["get", "wav2small"])
    assert result.exit_code == 0, result.output


def test_a_folder_without_a_model_does_not_hide_a_default():
    os.mkdir("wav2small")
    assert audw2s.Feature()(np.zeros(16000), 16000).shape[-2:] == (3, 1)
    os.mkdir("teacher")
    with pytest.raises(AmbiguousModelError):
        audw2s.load("teacher")
