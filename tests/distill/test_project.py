"""The toy project, and the lines of the guide that lead from it to a student."""

import dataclasses
import os
import pathlib
import re
import shlex

import pandas as pd
import pytest
import torch
from commands import invoke
from fabricated import TOY
from fabricated import random_encoder
from loopback import REVISION
from safetensors.torch import save

from audw2s.distill import project
from audw2s.distill.config import Config
from audw2s.distill.project import write_project
from audw2s.distill.settings import template
from audw2s.distill.teachers.whisper import SIZES

GUIDE = pathlib.Path(__file__).parents[2] / "docs" / "training.md"


def first_commands() -> list[list[str]]:
    """Lines of the first block of the guide, without the installation."""
    block = re.search(r"```bash\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    lines = [shlex.split(line) for line in block.group(1).splitlines()]
    assert lines.pop(0)[:2] == ["pip", "install"]
    return lines


@pytest.fixture
def published(server, monkeypatch):
    """A small Whisper with random weights, published with its decoder."""
    encoder = random_encoder().state_dict()
    weights = {f"model.encoder.{key}": value for key, value in encoder.items()}
    weights["model.decoder.embed_tokens.weight"] = torch.zeros(9, TOY.d_model)
    server.repositories["openai/whisper-tiny.en"] = {"model.safetensors": save(weights)}
    source = project.ENCODERS["whisper-tiny.en"]
    pinned = dataclasses.replace(source, revision=REVISION)
    monkeypatch.setitem(project.ENCODERS, "whisper-tiny.en", pinned)
    monkeypatch.setitem(SIZES, "tiny", TOY)


def test_lines_of_the_guide_lead_to_a_student_that_predicts(
    published, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for command, *arguments in first_commands():
        if command == "cd":
            monkeypatch.chdir(tmp_path / arguments[0])
            continue
        result = invoke(*arguments)
        assert result.exit_code == 0, (arguments, result.output)
    assert result.stdout.count(" ok") == 3, result.stdout
    exported = invoke("export", "./student", "repository", "--to", "hub")
    assert exported.exit_code == 0, exported.output
    assert (
        "Licence: cc-by-4.0. It follows from ratings (CC0; CC BY 4.0), whisper (MIT)"
        in (exported.stdout)
    )
    labelled = invoke(
        *("distill", "label", "ratings.csv", "--teacher", "./teacher"),
        *("--out", "labels.parquet"),
    )
    assert labelled.exit_code == 0, labelled.output
    assert len(pd.read_parquet("labels.parquet")) == 3


def test_every_setting_is_explained_and_defaults_are_those_of_the_package(tmp_path):
    lines = template(Config, {"corpora": {"a.csv": 1.0}}).splitlines()
    path = tmp_path / "settings.toml"
    settings = [line.removeprefix("#") for line in lines if not line.startswith("# ")]
    path.write_text("\n".join(line for line in settings if not line.endswith("=")))
    corpora = {str(tmp_path / "a.csv"): 1.0}
    assert Config.from_toml(str(path)) == Config(corpora)
    names = [line.split(" ")[0] for line in settings if line]
    assert names == [field.name for field in dataclasses.fields(Config)]
    text = "\n".join(lines)
    for name in names:
        comment = re.search(rf"((?:# .*\n)+)#?{name} =", text).group(1)
        # A noun of the explanation, besides what the value has to be
        assert len(comment.split(".")) > 2 or f"# {name}: " in comment, name


def test_a_project_replaces_nothing(tmp_path):
    (tmp_path / "ratings.csv").write_text("mine")
    with pytest.raises(FileExistsError, match="isn't empty"):
        write_project(str(tmp_path))
    assert (tmp_path / "ratings.csv").read_text() == "mine"
    assert os.listdir(tmp_path) == ["ratings.csv"]


def test_unknown_encoders_are_refused(tmp_path):
    result = invoke("distill", "get-encoder", "whisper", "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "whisper-tiny.en, whisper-base" in result.stderr
