"""Trainings that hold out speakers, evaluated on these."""

import dataclasses
import json
import os
import pathlib
import shutil

import audmetric
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import audw2s
from audw2s.audio.preprocess import load
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill import folds
from audw2s.distill.batches import Batches
from audw2s.distill.cli import app
from audw2s.distill.config import Config
from audw2s.distill.export import export_student
from audw2s.distill.folds import evaluate_folds
from audw2s.distill.train import train
from audw2s.model.find import model_path
from audw2s.model.registry import DIMENSIONS

FOLDS = (("00", "02", "05"), ("01", "03", "04"))


@pytest.fixture(scope="module")
def runs(corpus, teacher, tmp_path_factory):
    """Trainings of one step, each without half of the speakers."""
    folder, paths = tmp_path_factory.mktemp("runs"), []
    for number, speakers in enumerate(FOLDS):
        config = Config(
            {corpus: 1.0},
            teacher=teacher,
            held_out_speakers={corpus: speakers},
            steps=1,
            batch_size=2,
            crop_dur=(0.2, 0.3),
            eval_every=1,
        )
        paths.append(str(folder / str(number)))
        train(config, paths[-1], verbose=False)
    return paths


@pytest.fixture(scope="module")
def students(runs, tmp_path_factory):
    """Model folders of their students; don't change them.

    Evaluations copy them: each training is exported once, as that takes seconds.
    """
    folders = {run: str(tmp_path_factory.mktemp("student")) for run in runs}
    worst = {
        run: export_student(run, folder, "student") for run, folder in folders.items()
    }

    def copied(run, folder, name):
        shutil.copytree(folders[run], folder, dirs_exist_ok=True)
        return worst[run]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds, "export_student", copied)
        yield list(folders.values())


def test_clips_of_held_out_speakers_are_not_trained_on(corpus, config):
    noise_free = dataclasses.replace(config, noise=())
    chosen = dataclasses.replace(noise_free, held_out_speakers={corpus: FOLDS[0]})
    batches = Batches(chosen, verbose=False)
    table = read_corpus(corpus)
    is_out = table["speaker"].isin(FOLDS[0])
    lengths = [len(load(file)) for file in table["file"][~is_out]]
    assert [len(clip) for clip in batches.clips] == lengths
    assert len(batches.validation) == is_out.sum() == 12
    assert chosen.of_batches() != noise_free.of_batches()
    unknown = dataclasses.replace(chosen, held_out_speakers={corpus: ("00", "99")})
    with pytest.raises(ValueError, match=r"has \['99'\], who aren't speakers of"):
        Batches(unknown, verbose=False)
    everyone = dataclasses.replace(chosen, held_out_speakers={corpus: sum(FOLDS, ())})
    with pytest.raises(ValueError, match="none is left to train on"):
        Batches(everyone, verbose=False)


def test_held_out_speakers_are_read_from_settings(tmp_path):
    path = tmp_path / "config.toml"
    text = '[corpora]\n"a.csv" = 1.0\n[held_out_speakers]\n"{}.csv" = ["001"]\n'
    path.write_text(text.format("a"))
    config = Config.from_toml(str(path))
    assert config.held_out_speakers == {str(tmp_path / "a.csv"): ("001",)}
    path.write_text(text.format("b"))
    with pytest.raises(ValueError, match="'held_out_speakers' has speakers of 'corp"):
        Config.from_toml(str(path))


def test_each_clip_is_predicted_by_the_student_of_its_fold(runs, students, corpus):
    result = evaluate_folds(runs, corpus, verbose=False)
    table, raw = read_corpus(corpus), pd.read_csv(corpus)
    predicted = np.empty((len(table), 3))
    for student, speakers in zip(students, FOLDS, strict=True):
        model = audw2s.load(student)
        for row in np.flatnonzero(table["speaker"].isin(speakers)):
            signal = load(table["file"][row])[None]
            predicted[row] = model(signal, 16000)["logits"][0]
    for number, name in enumerate(DIMENSIONS):
        ratings = raw[[f"rater{r}_{name}" for r in (1, 2, 3)]].mean(axis=1)
        truth = (ratings.to_numpy() - 1) / 4
        expected = audmetric.concordance_cc(truth, predicted[:, number])
        assert result[name]["ccc"] == pytest.approx(expected, abs=1e-5)
        first = table["speaker"].isin(FOLDS[0]).to_numpy()
        expected = audmetric.concordance_cc(truth[first], predicted[first, number])
        assert result["folds"][0][name] == pytest.approx(expected, abs=1e-5)
    assert (result["num_folds"], result["folds_by"]) == (2, "speakers")


def test_raters_may_be_rows(corpus, tmp_path, monkeypatch):
    """Each clip is evaluated once, against the mean of its raters."""
    packaged = os.path.dirname(model_path("wav2small"))

    def copied(run, folder, name):
        shutil.copytree(packaged, folder, dirs_exist_ok=True)

    def learnt(table, config):
        return table["speaker"].isin(FOLDS[os.path.dirname(config) == "b"]).to_numpy()

    monkeypatch.setattr(folds, "export_student", copied)
    monkeypatch.setattr(folds, "not_learnt", learnt)
    table, rows = read_corpus(corpus), []
    for rater in (1, 2, 3):
        names = {f"rater{rater}_{name}": name for name in DIMENSIONS}
        rated = table[list(names)].rename(columns=names)
        rows.append(table[["file", "speaker"]].join(rated))
    pd.concat(rows).to_csv(path := str(tmp_path / "rows.csv"), index=False)
    options = {"scale": (1, 5), "verbose": False}
    result, again = (evaluate_folds("ab", one, **options) for one in (corpus, path))
    assert again["num_clips"] == 24
    assert again["arousal"] == result["arousal"]


def test_speakers_held_out_by_no_or_two_trainings_are_an_error(runs, corpus):
    with pytest.raises(ValueError, match="by one of 1 trainings.*01, 03, 04"):
        evaluate_folds(runs[:1], corpus, verbose=False)
    with pytest.raises(ValueError, match="by one of 3 trainings"):
        evaluate_folds([*runs, runs[0]], corpus, verbose=False)


def test_the_command_adds_the_folds_to_the_card(runs, students, corpus, tmp_path):
    model = pathlib.Path(shutil.copytree(students[0], tmp_path / "model"))
    arguments = ["folds", str(model), corpus, "--quiet"]
    for run in runs:
        arguments += ["--fold", run]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "CCC, mean ± std of 2 folds by speaker" in done.output
    (evaluation,) = json.loads((model / "evaluation.json").read_text())
    assert evaluation["training_checked"]
    assert len(evaluation["corpora"]["clips"]["folds"]) == 2
    speakers = evaluation["speakers"]
    assert {row["group"] for row in speakers} == set(sum(FOLDS, ()))
    assert {row["corpus"] for row in speakers} == {"clips"}
