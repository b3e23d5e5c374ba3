"""Weights of exported students, and trainings that begin with them."""

import dataclasses
import os

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from commands import invoke
from fabricated import run
from full import full
from safetensors.torch import load_file

from audw2s.audio.preprocess import load as read
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill import finetune
from audw2s.distill.batches import Batches
from audw2s.distill.config import Config
from audw2s.distill.export import student_to_onnx
from audw2s.distill.finetune import example_signals
from audw2s.distill.finetune import restored
from audw2s.distill.finetune import write_weights
from audw2s.distill.origins import of_training
from audw2s.distill.students import STUDENTS
from audw2s.distill.students import load_student
from audw2s.distill.train import train
from audw2s.errors import DataWarning
from audw2s.model.load import load
from audw2s.model.origins import origins_of
from audw2s.model.registry import DIMENSIONS


def test_weights_of_the_packaged_student_give_its_values(tmp_path, clips):
    assert write_weights("wav2small", str(tmp_path)) == "wav2small"
    name, network = load_student(str(tmp_path / "student.safetensors"))
    assert name == "wav2small"
    model = onnx.load(load("wav2small").path)
    for path in clips:
        signal = read(path)
        with torch.inference_mode():
            values = network(torch.from_numpy(signal[None]))
        for actual, expected in zip(values, run(model, signal), strict=True):
            np.testing.assert_allclose(actual.numpy(), expected, atol=1e-4)


def test_normalisations_have_the_statistics_of_speech():
    """In training mode, values of the same speech hardly change."""
    network = restored(onnx.load(load("wav2small").path), example_signals())
    with torch.no_grad():
        before = network.eval()(example_signals())[1]
        after = network.train()(example_signals())[1]
    assert torch.allclose(before, after, atol=1e-3)


@full
def test_a_student_of_blocks_is_restored(tmp_path):
    torch.manual_seed(0)
    student = STUDENTS["mobilenetv3-small"]()
    with torch.no_grad():
        student.train()(example_signals())
    model = student_to_onnx(student.eval())
    onnx.helper.set_model_props(model, {"student": "mobilenetv3-small"})
    network = restored(model, example_signals())
    signal = example_signals()[:1]
    with torch.inference_mode():
        assert torch.allclose(network(signal)[1], student(signal)[1], atol=1e-4)


@pytest.mark.parametrize("model", ["wav2small-int8", "whisper-tiny-adv"])
def test_other_models_are_refused(model, tmp_path):
    with pytest.raises(ValueError, match=f"'{model}' has no"):
        write_weights(model, str(tmp_path))
    assert not os.listdir(tmp_path)


def test_ratings_are_labels(corpus):
    batches = Batches(Config({corpus: 1.0}, labels="ratings"), verbose=False)
    assert len(batches.labels) == len(batches.clips)
    assert all(label.shape == (3,) and 0 <= label.min() for label in batches.labels)
    wider = Config({corpus: 1.0}, labels="ratings", scale=(1, 9))
    halves = Batches(wider, verbose=False).labels
    np.testing.assert_allclose(halves, np.array(batches.labels) / 2, atol=1e-6)


@pytest.fixture
def few_crops(monkeypatch):
    """Let trainings have small batches of short crops, which aren't options."""

    def on_few(config, *arguments, **options):
        small = dataclasses.replace(config, batch_size=4, crop_dur=(0.2, 0.3))
        return train(small, *arguments, **options)

    monkeypatch.setattr(finetune, "train", on_few)


def finetuned(corpus, out, *options):
    """Finetune a student; return its folder."""
    arguments = ["wav2small", corpus, "--out", out, "--steps", "2", "--quiet", *options]
    result = invoke("distill", "finetune", *arguments)
    assert result.exit_code == 0, result.output
    assert "tells which tokens are speech isn't among the weights" in result.stderr
    # What ratings are mapped from is given
    assert "the scale is taken to be" not in result.stderr
    start = load_file(os.path.join(out, "start", "student.safetensors"))
    trained = load_file(os.path.join(out, "student.safetensors"))
    assert any(not torch.equal(start[key], trained[key]) for key in start)
    return out


def test_a_student_learns_from_a_teacher(few_crops, corpus, tmp_path):
    run = finetuned(corpus, str(tmp_path / "run"), "--teacher", "wav2small")
    origins = of_training(run)
    assert list(origins.corpora.values()) == ["unknown"]
    assert origins.models == {"wav2small": "CC BY 4.0"}


def test_a_student_is_finetuned_and_exported(few_crops, corpus, tmp_path):
    run = finetuned(corpus, str(tmp_path / "run"), "--scale", "1", "5")
    student = str(tmp_path / "student")
    result = invoke("distill", "export", run, "--out", student)
    assert result.exit_code == 0, result.output
    origins = origins_of(student)
    assert list(origins.corpora.values()) == ["unknown"]
    assert origins.models == {"wav2small": "CC BY 4.0"}


def test_held_out_ratings_have_the_scale_of_all(corpus, tmp_path):
    """One speaker's ratings from 1 to 7 would look like ratings from 1 to 5."""
    table = read_corpus(corpus)
    names = [f"rater{rater}_valence" for rater in (1, 2, 3)]
    table.loc[table["speaker"] != "00", names] += 2
    table.to_csv(path := str(tmp_path / "wide.csv"), index=False)
    held_out = {path: ("00",)}
    settings = {"labels": "ratings", "held_out_speakers": held_out}
    with pytest.warns(DataWarning, match="the scale is taken to be 1 to 7"):
        guessed = Batches(Config({path: 1.0}, **settings), verbose=False)
    given = Batches(Config({path: 1.0}, scale=(1, 7), **settings), verbose=False)
    for one, other in zip(guessed.validation, given.validation, strict=True):
        np.testing.assert_array_equal(one[1], other[1])


def test_speakers_who_choose_the_weights_count_as_trained_on(corpus):
    settings = {"labels": "ratings", "scale": (1, 5)}
    config = Config({corpus: 1.0}, held_out_speakers={corpus: ("00",)}, **settings)
    last, best = (
        Batches(dataclasses.replace(config, keep=keep), verbose=False)
        for keep in ("last", "best")
    )
    assert sorted(set(last.used["speaker"])) == ["01", "02", "03", "04", "05"]
    assert sorted(set(best.used["speaker"])) == ["00", "01", "02", "03", "04", "05"]
    # The clips that are learnt, of which lists are made, are the same
    assert best.record.equals(last.record)


def test_raters_may_be_rows(corpus, tmp_path):
    """Each clip is learnt once, with the mean of its raters."""
    table = read_corpus(corpus)
    facts = table[["file", "speaker"]]
    rows = []
    for rater in (1, 2, 3):
        names = {f"rater{rater}_{name}": name for name in DIMENSIONS}
        rows.append(facts.join(table[list(names)].rename(columns=names)))
    pd.concat(rows).to_csv(path := str(tmp_path / "rows.csv"), index=False)
    wide, long = (
        Batches(Config({one: 1.0}, labels="ratings", scale=(1, 5)), verbose=False)
        for one in (corpus, path)
    )
    assert long.files == wide.files
    np.testing.assert_allclose(long.labels, wide.labels, atol=1e-6)
