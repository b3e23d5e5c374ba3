"""Evaluations on clips or speakers of the training are refused."""

import json
import os
import shutil
import warnings

import pandas as pd
import pytest
from fabricated import make_corpus
from typer.testing import CliRunner

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.cli import app
from audw2s.distill.disjoint import check_disjoint
from audw2s.distill.disjoint import files_of
from audw2s.distill.disjoint import hashed
from audw2s.distill.disjoint import write_record
from audw2s.evaluation.render import card_table


def write_config(folder, **values):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "config.json")
    with open(path, "w") as file:
        json.dump(values, file)
    return path


def in_folders(corpus, folder, *names):
    """Clips of a corpus, half of each speaker's in another folder."""
    table = pd.read_csv(corpus, dtype={"speaker": str})
    paths = []
    for number, name in enumerate(names):
        os.makedirs(os.path.join(folder, name))
        part = table.iloc[number * 12 : number * 12 + 12].copy()
        part["file"] = [os.path.join(name, os.path.basename(f)) for f in part["file"]]
        for old, new in zip(table["file"].iloc[part.index], part["file"], strict=True):
            source = os.path.join(os.path.dirname(corpus), old)
            shutil.copy(source, os.path.join(folder, new))
        paths.append(os.path.join(folder, f"{name}.csv"))
        part.to_csv(paths[-1], index=False)
    return paths


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "DEV")])
def test_speakers_in_folders_of_one_split_corpus_are_the_same(corpus, tmp_path, names):
    learnt, others = in_folders(corpus, str(tmp_path), *names)
    config = write_config(str(tmp_path / "run"), corpora={learnt: 1.0})
    with pytest.raises(
        ValueError, match="6 speakers of 'x' are in the training.*00, 01"
    ):
        check_disjoint({"x": read_corpus(others)}, config)


def test_equal_names_of_speakers_in_two_folders_are_a_warning(corpus, tmp_path):
    """They may be the same people, and two corpora may both have a speaker 1."""
    learnt, others = in_folders(corpus, str(tmp_path), "emodb", "ravdess")
    config = write_config(str(tmp_path / "run"), corpora={learnt: 1.0})
    with pytest.warns(UserWarning, match="6 speakers of 'x'.*00.*ravdess.*emodb"):
        check_disjoint({"x": read_corpus(others)}, config)
    table = pd.read_csv(others, dtype={"speaker": str})
    table.assign(speaker="other-" + table["speaker"]).to_csv(others, index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_disjoint({"x": read_corpus(others)}, config)


def test_the_command_refuses_clips_of_the_training(corpus, teacher, tmp_path):
    learnt, others = in_folders(corpus, str(tmp_path), "emodb", "ravdess")
    config = write_config(str(tmp_path / "run"), corpora={learnt: 1.0})
    arguments = ["evaluate", teacher, others, "--trained-on", config, "--quiet"]
    arguments += ["--scale", "1", "5", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    (evaluation,) = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert evaluation["training_checked"]
    assert "Not checked" not in card_table([evaluation])
    assert "audw2s: 6 speakers of 'ravdess' have the names" in result.stderr


@pytest.mark.parametrize("role", ["corpora", "noise"])
def test_copies_of_clips_under_other_names_are_recognised(corpus, tmp_path, role):
    table = read_corpus(corpus)
    os.mkdir(tmp_path / "copies")
    shutil.copy(table["file"][3], tmp_path / "copies" / "other.wav")
    other = make_corpus(str(tmp_path / "other"), 1, 2, seed=7)
    values = {"corpora": {other: 1.0}, "noise": []}
    values[role] = {corpus: 1.0} if role == "corpora" else [corpus]
    config = write_config(str(tmp_path / "run"), **values)
    with pytest.raises(ValueError, match="1 of 1 clips of 'x' were trained on"):
        check_disjoint({"x": read_corpus(str(tmp_path / "copies"))}, config)


def test_clips_of_deleted_corpora_are_recognised_by_the_record(corpus, tmp_path):
    folder = tmp_path / "corpus"
    shutil.copytree(os.path.dirname(corpus), folder)
    first, run = str(tmp_path / "first"), str(tmp_path / "run")
    table = read_corpus(str(folder / "clips.csv"))
    write_config(first, corpora={str(folder / "clips.csv"): 1.0})
    write_record(hashed(files_of(table.head(12))), first)
    config = write_config(run, corpora={"gone.csv": 1.0}, start=first)
    write_record(hashed(files_of(table.tail(12))), run, start=first)
    shutil.rmtree(first)
    shutil.move(folder, tmp_path / "moved")
    for part in (slice(0, 12), slice(12, 24)):
        clips = read_corpus(str(tmp_path / "moved" / "clips.csv"))[part]
        with pytest.raises(ValueError, match="12 of 12 clips of 'x' were trained on"):
            check_disjoint({"x": clips}, config)


def test_names_of_split_folders_are_compared_without_case(cases):
    folder = os.path.join(cases, "training", "06_split_in_folders")
    table = read_corpus(os.path.join(folder, "test.csv"))
    with pytest.raises(ValueError, match="6 speakers of 'test' are in the training"):
        check_disjoint({"test": table}, os.path.join(folder, "config.json"))
