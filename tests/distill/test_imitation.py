"""Students that imitate projections of their teacher's hidden states."""

import dataclasses
import os

import audonnx
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from fabricated import primal_ridge
from safetensors import safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file
from typer.testing import CliRunner

from audw2s.commands.app import app
from audw2s.distill.augment import change_channel
from audw2s.distill.batches import Batches
from audw2s.distill.imitation import Projections
from audw2s.distill.imitation import fit_projections
from audw2s.distill.imitation import projections
from audw2s.distill.losses import ccc_loss
from audw2s.distill.train import Training
from audw2s.distill.train import train


def test_projections_are_ridge_scores_and_principal_components():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 8)) @ rng.standard_normal((8, 8)) + 5
    given = np.column_stack([rng.random(60) > 0.5, rng.random(60), np.ones(60)])
    given[::3, 0] = given[1::4, 1] = np.nan
    weight, bias = projections(features, given, 3, 10.0)
    assert len(bias) == 2 + 3
    values = features @ weight.T + bias
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-4)
    expected = []
    for score in given.T[:2]:
        known = np.isfinite(score)
        ridge = primal_ridge(features[known], score[known, None], 10.0)
        expected.append((features @ ridge[0].T + ridge[1])[:, 0])
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    components = np.linalg.svd(standardised, full_matrices=False)[0][:, :3]
    for column, other in enumerate([*expected, *components.T]):
        r = np.corrcoef(values[:, column], other)[0, 1]
        assert abs(r) == pytest.approx(1, abs=1e-5)


def test_labels_have_the_projections_of_the_crop(imitating, teacher):
    signals, labels = Batches(imitating, verbose=False).make(0)
    assert labels.shape == (4, 3 + 6 + 9 + 4)
    model = audonnx.load(teacher)
    read = Projections.read(imitating.imitation)
    for signal, label in zip(signals.numpy(), labels.numpy(), strict=True):
        outputs = model(signal, 16000)
        hidden_states = outputs["hidden_states"][0]
        np.testing.assert_allclose(label[:3], outputs["logits"][0], atol=1e-5)
        np.testing.assert_allclose(label[3:], read(hidden_states), atol=1e-3)


def test_the_student_learns_the_projections(imitating, tmp_path):
    config = dataclasses.replace(
        imitating,
        steps=90,
        eval_every=90,
        batch_size=12,
        learning_rate=1e-2,
        distinct=4,
        channel=False,
        imitation_weight=4.0,
    )

    def loss(training):
        signals, labels = training.prepare(0)
        training.imitation.eval()
        hidden_states = training.parallel.eval()(signals)[0]
        # Of the speakers; ratings of this corpus are random
        found = training.imitation(hidden_states)[:, :6]
        return ccc_loss(labels[:, 3:9], found).mean().item()

    before = loss(Training(config, str(tmp_path / "before"), None, False))
    train(config, str(tmp_path / "run"), verbose=False)
    after = loss(Training(config, str(tmp_path / "run"), None, False))
    assert after < before - 0.2


def test_the_student_that_is_written_has_no_further_layer(imitating, config, tmp_path):
    for name, settings in {"plain": config, "imitating": imitating}.items():
        train(settings, str(tmp_path / name), verbose=False)
    plain, imitated = (
        load_file(tmp_path / name / "student.safetensors")
        for name in ("plain", "imitating")
    )
    assert plain.keys() == imitated.keys()
    assert not torch.equal(plain["pooling.lin.weight"], imitated["pooling.lin.weight"])


def test_projections_of_another_teacher_are_refused(imitating):
    with pytest.raises(ValueError, match="projections of another teacher"):
        Batches(dataclasses.replace(imitating, teacher="wav2small"), verbose=False)


def test_fixed_labels_have_nothing_to_imitate(imitating):
    with pytest.raises(ValueError, match="'imitation' needs a model as a teacher"):
        dataclasses.replace(
            imitating, labels="x.parquet", prosody=0.0, paused=0.0, spliced=0.0
        )


def test_the_command_writes_projections(corpus, teacher, tmp_path):
    out = str(tmp_path / "projections.safetensors")
    arguments = ["distill", "projections", teacher, corpus, "--out", out]
    arguments += ["--by", "speaker", "--num-components", "2", "--quiet"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "17 projections" in result.output
    assert Projections.read(out).weight.shape == (17, 169)
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    with pytest.raises(ValueError, match="has no projections"):
        Projections.read(str(tmp_path / "a.wav"))


def test_ratings_of_single_raters_have_projections(corpus, teacher, tmp_path):
    clips, paths = pd.read_csv(corpus)[["file", "speaker"]], []
    clips["file"] = os.path.dirname(corpus) + "/" + clips["file"]
    rng = np.random.default_rng(0)
    for name in ("a.csv", "b.csv"):
        ratings = {"rater1_valence": rng.uniform(1, 5, len(clips)), "std_arousal": 1.0}
        paths.append(str(tmp_path / name))
        clips.assign(**ratings, emotion="joy").to_csv(paths[-1], index=False)
    out = str(tmp_path / "projections.safetensors")
    fitted = fit_projections(teacher, paths, out, num_components=3)
    # A rater of one corpus isn't that of another; a single category says nothing
    assert fitted.weight.shape == (2 + 3, 169)


def test_clips_without_labels_count_for_the_components(corpus, teacher, tmp_path):
    clips, listed = pd.read_csv(corpus)[["file"]], str(tmp_path / "clips.csv")
    clips["file"] = os.path.dirname(corpus) + "/" + clips["file"]
    clips.to_csv(listed, index=False)
    out = str(tmp_path / "projections.safetensors")
    fitted = fit_projections(teacher, [listed], out, num_components=3)
    assert fitted.weight.shape == (3, 169)


def test_a_student_is_made_from_the_corpora_of_its_projections(imitating, tmp_path):
    (corpus,) = imitating.corpora
    clips = pd.read_csv(corpus)[:6]
    clips["file"] = os.path.dirname(corpus) + "/" + clips["file"]
    clips.assign(licence="CC BY-NC 4.0").to_csv(tmp_path / "other.csv", index=False)
    out = str(tmp_path / "other.safetensors")
    fit_projections(imitating.teacher, [str(tmp_path / "other.csv")], out)
    # Trainings depend on its sha256, and entries have no order
    with safe_open(out, "numpy") as file:
        assert list(file.metadata()) == ["about"]
    config = dataclasses.replace(imitating, imitation=out, noise=())
    origins = Batches(config, verbose=False).origins
    assert origins.corpora == {"clips": "unknown", "other": "CC BY-NC 4.0"}
    # Those that an earlier version wrote name no corpora
    fitted = Projections.read(out)
    tensors = {"weight": fitted.weight, "bias": fitted.bias}
    save_file(tensors, out, metadata={"teacher": fitted.teacher})
    origins = Batches(config, verbose=False).origins
    assert origins.models == {"other.safetensors": "unknown"}


def test_categories_may_be_numbers(imitating, tmp_path):
    (corpus,) = imitating.corpora
    clips = pd.read_csv(corpus)[["file"]]
    clips["file"] = os.path.dirname(corpus) + "/" + clips["file"]
    path, out = str(tmp_path / "clips.parquet"), str(tmp_path / "projections")
    clips.assign(emotion=[1, 2, 3] * 8).to_parquet(path)
    fitted = fit_projections(imitating.teacher, [path], out, num_components=2)
    assert fitted.weight.shape == (3 + 2, 169)


def test_the_channel_changes_and_speech_stays():
    rng = np.random.default_rng(0)
    signal = np.sin(np.arange(16000) / 16000 * 2 * np.pi * 1000)
    voices = rng.standard_normal((9, 16000))
    changed = [change_channel(signal, voices, rng) for _ in range(40)]
    correlations = [np.corrcoef(signal, c)[0, 1] for c in changed]
    assert 0.8 < min(correlations) < 0.95
    assert sum(np.array_equal(signal, c) for c in changed) in range(5, 25)
