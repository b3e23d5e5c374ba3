"""Fitting a teacher, from ratings to its model folder."""

import json
import os

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from fabricated import TOY
from fabricated import make_corpus
from fabricated import primal_ridge
from fabricated import random_encoder
from fabricated import voice
from safetensors.torch import save_file
from typer.testing import CliRunner

import audw2s
from audw2s.audio.preprocess import load
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.cli import app
from audw2s.distill.teachers import fit
from audw2s.distill.teachers.categories import Categories
from audw2s.distill.teachers.fit import extract
from audw2s.distill.teachers.fit import fit_teacher
from audw2s.distill.teachers.fit import speech_and_probes
from audw2s.distill.teachers.fit import weak_labels
from audw2s.distill.teachers.variants import VARIANTS
from audw2s.distill.teachers.variants import variants
from audw2s.distill.teachers.whisper import SIZES
from audw2s.errors import DataWarning
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.model.find import model_sha256
from audw2s.model.registry import DIMENSIONS


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A small one with random weights, published in float16."""
    path = str(tmp_path_factory.mktemp("encoder") / "encoder.safetensors")
    weights = random_encoder().state_dict()
    save_file({name: value.half() for name, value in weights.items()}, path)
    return path


@pytest.fixture(scope="module", autouse=True)
def toy():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "toy", TOY)
        yield


@pytest.fixture(scope="module")
def fitted(encoder, corpus):
    """Corpus, teacher and report; don't change them."""
    table = read_corpus(corpus)
    return table, *fit_teacher(encoder, table, size="toy", layers=(1, 2), num_folds=3)


def test_the_head_is_a_ridge_regression(fitted):
    table, network, _ = fitted
    forms = extract(network, table)
    assert forms.shape[:2] == (24, len(VARIANTS))
    features = np.concatenate(forms)
    targets = mean_rating(ratings(table, 1, 5)).repeat(len(VARIANTS), axis=0)
    weight, bias = primal_ridge(features, targets, 3000.0)
    expected = features @ weight.T + bias
    with torch.inference_mode():
        actual = network.adv(torch.tensor(features, dtype=torch.float32)).numpy()
    # Values are spread as the ratings are, and valence is without a share of arousal
    for number, used in enumerate(([0], [1], [0, 2])):
        others = np.column_stack([expected[:, used], np.ones(len(expected))])
        factors = np.linalg.lstsq(others, actual[:, number])[0]
        np.testing.assert_allclose(actual[:, number], others @ factors, atol=2e-3)
        assert factors[-2] > 0.1


def test_features_are_those_of_the_segment(fitted):
    table, network, _ = fitted
    one = table.head(1)
    part = one.assign(start=pd.Timedelta("100ms"), end=pd.Timedelta("600ms"))
    signal = audw2s.audio.preprocess.load(one["file"][0])[1600:9600]
    with torch.inference_mode():
        expected = network.features(torch.from_numpy(signal.copy()[None]))
    np.testing.assert_allclose(extract(network, part)[:, 0], expected, atol=1e-6)
    assert np.abs(extract(network, one)[:, 0] - expected.numpy()).max() > 1e-3


def test_the_report_has_the_scores_of_each_fold(fitted):
    table, _, report = fitted
    assert (report["num_clips"], report["num_speakers"]) == (24, 6)
    assert report["num_folds"] == len(report["folds"]) == 3
    for name in DIMENSIONS:
        values = [fold[name] for fold in report["folds"]]
        assert report["mean_of_folds"][name] == pytest.approx(np.mean(values))
        assert report["std_of_folds"][name] == pytest.approx(np.std(values))
        assert report[name]["low"] <= report[name]["high"]
    assert len(report["one_rater_against_the_others"]) == 3
    assert list(report["forms"]) == list(VARIANTS)
    for name in DIMENSIONS:
        assert report["forms"]["whole"][name] == pytest.approx(report[name]["ccc"])


def test_a_fitted_head_agrees_more_than_a_held_out_one(encoder, corpus):
    """Ratings at random can be learnt by heart only."""
    table = read_corpus(corpus)
    network, report = fit_teacher(encoder, table, size="toy", penalty=1e-3)
    features = extract(network, table)[:, 0]
    with torch.inference_mode():
        values = network.adv(torch.tensor(features, dtype=torch.float32)).numpy()
    learnt = ccc_by_dimension(mean_rating(ratings(table, 1, 5)), values)
    assert min(learnt["arousal"], learnt["dominance"]) > 0.8
    # The share of arousal that is taken off is that of held-out clips
    assert learnt["valence"] > 0.7
    assert np.mean([report[name]["ccc"] for name in DIMENSIONS]) < 0.5


def test_tables_and_settings_that_do_not_fit_are_errors(encoder, corpus, tmp_path):
    table = read_corpus(corpus)
    with pytest.raises(ValueError, match="Known sizes are tiny, base"):
        fit_teacher(encoder, table, size="huge")
    with pytest.raises(ValueError, match="Layers are 0 to 3"):
        fit_teacher(encoder, table, size="toy", layers=(9,))
    with pytest.raises(ValueError, match="two speakers"):
        fit_teacher(encoder, table.assign(speaker="a"), size="toy")
    unrated = table.copy()
    unrated.loc[2, [f"rater{r}_arousal" for r in (1, 2, 3)]] = np.nan
    with pytest.raises(ValueError, match="needs ratings, '.*02_002.wav' has none"):
        fit_teacher(encoder, unrated, size="toy")


def test_long_clips_are_processed_in_parts(encoder, corpus, fitted, monkeypatch):
    """Features are the mean over parts, as of other models."""
    whole, network, _ = fitted
    table = whole.head(3)
    monkeypatch.setattr(fit, "MAX_DUR", 0.4)
    actual = extract(network, table)[:, 0]
    with torch.inference_mode():
        for file, features in zip(table["file"], actual, strict=True):
            halves = np.array_split(load(file), 2)
            parts = [network.features(torch.from_numpy(p[None]))[0] for p in halves]
            np.testing.assert_allclose(features, np.mean(parts, axis=0), rtol=1e-6)
    network, _ = fit_teacher(encoder, read_corpus(corpus), size="toy")
    assert torch.isfinite(network.adv.weight).all()


def test_unreadable_clips_are_left_out(encoder, corpus, tmp_path):
    table = read_corpus(corpus)
    file = tmp_path / "broken.wav"
    file.write_bytes(b"no audio" * 100)
    with_it = table.copy()
    with_it.loc[5, "file"] = str(file)
    with pytest.warns(DataWarning, match="1 of 24 clips are left out: .*broken.wav"):
        _, report = fit_teacher(encoder, with_it, size="toy")
    assert report["num_clips"] == 23


def test_the_parity_check_includes_speech(corpus):
    table = read_corpus(corpus)
    signals = dict(speech_and_probes(table))
    spoken = [name for name in signals if name in set(table["file"])]
    assert len(spoken) == 20
    assert "silence" in signals
    assert {table["file"].iloc[0], table["file"].iloc[-1]} <= set(spoken)


def test_the_command_writes_a_teacher(encoder, corpus, tmp_path):
    """From ratings to a model that the package loads, with its evaluation."""
    out = tmp_path / "model"
    out.mkdir()
    (out / "card.md").write_text("<!-- metrics -->\n<!-- /metrics -->\n")
    arguments = ["teacher", encoder, corpus, "--out", str(out), "--size", "toy"]
    arguments += ["--layers", "1,2", "--penalty", "10", "--name", "mine", "--quiet"]
    result = CliRunner().invoke(app, [*arguments, "--scale", "1", "5"])
    assert result.exit_code == 0, result.output
    names = ["card.md", "evaluation.json", "head.safetensors"]
    assert sorted(os.listdir(out)) == [*names, "model.onnx", "model.yaml"]
    model = audw2s.load(str(out))
    metadata = model.sess.get_modelmeta().custom_metadata_map
    assert metadata == {
        "name": "mine",
        "sampling_rate": "16000",
        "max_dur": "30",
        "version": audw2s.__version__,
        "origins": '{"corpora": {"clips": "unknown"}, "models": {"whisper": "MIT"}}',
    }
    with open(out / "evaluation.json") as file:
        (evaluation,) = json.load(file)
    assert evaluation["model"] == "mine"
    assert evaluation["sha256"] == model_sha256(str(out))
    assert evaluation["corpora"]["clips"]["penalty"] == 10
    assert "| CCC, mean ± std of 6 folds by speaker |" in result.output
    assert result.stdout.strip() in (out / "card.md").read_text()
    table = read_corpus(corpus)
    network, _ = fit_teacher(encoder, table, size="toy", layers=(1, 2), penalty=10)
    for length in (0.3, 0.6, 2.001):
        signal = voice(7, length)[None]
        with torch.inference_mode():
            expected = network(torch.from_numpy(signal))[1].numpy()
        actual = model(signal, 16000)["logits"]
        np.testing.assert_allclose(actual, expected, atol=1e-4)
    weights = onnx.load(str(out / "model.onnx")).graph.initializer
    assert onnx.TensorProto.FLOAT16 in {weight.data_type for weight in weights}


def test_the_command_fits_categories(encoder, corpus, tmp_path):
    """What is fitted to categories is in the evaluation and in the card."""
    table = read_corpus(corpus)
    table["emotion"] = ["joy", "anger", "calm"] * 8
    rated, acted = str(tmp_path / "rated.csv"), str(tmp_path / "acted.csv")
    table.to_csv(rated, index=False)
    more = table[["file", "speaker", "emotion"]].copy()
    more.loc[::2, "emotion"] = "fear"
    more.to_csv(acted, index=False)
    settings = tmp_path / "categories.toml"
    settings.write_text("corpora = ['acted.csv']\nweight = 0.5\n")
    out = tmp_path / "model"
    arguments = ["teacher", encoder, rated, "--out", str(out), "--size", "toy"]
    arguments += ["--layers", "0", "--scale", "1", "5", "--quiet"]
    command = [*arguments, "--categories", str(settings)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    with open(out / "evaluation.json") as file:
        (evaluation,) = json.load(file)
    assert evaluation["corpora"]["rated"]["categories"] == {
        "corpora": ["acted"],
        "num_clips": 12,
        "dimensions": ["valence"],
        "weight": 0.5,
        "means": {},
        "source": "",
    }
    told = "valence fitted to 12 clips of acted by their category as well"
    assert told in result.output
    table.drop(columns="emotion").to_csv(rated, index=False)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "no column 'emotion'" in result.output


def test_categories_that_are_written_differently_are_named(encoder, corpus, tmp_path):
    table = read_corpus(corpus)[:6]
    rated = table.assign(emotion=["joy", "anger", "calm"] * 2)
    acted = table[["file", "speaker"]].assign(emotion=["Joy", "anger"] * 3)
    acted.to_csv(tmp_path / "acted.csv", index=False)
    categories = Categories((str(tmp_path / "acted.csv"),))
    options = {"size": "toy", "layers": (0,), "scale": (1, 5), "num_folds": 2}
    message = "3 of 6 clips .*: Joy. There are ratings of anger, calm, joy."
    with pytest.warns(DataWarning, match=message):
        fit_teacher(encoder, rated, categories=categories, **options)
    acted["emotion"] = "Joy"
    acted.to_csv(tmp_path / "acted.csv", index=False)
    with pytest.raises(ValueError, match="6 of 6 clips .* no mean rating: Joy"):
        fit_teacher(encoder, rated, categories=categories, **options)


def test_clips_with_categories_are_in_the_folds_of_their_speakers(
    corpus, tmp_path, monkeypatch
):
    """Speakers of the rated corpus by folder and name, unknown ones by file."""
    rated = read_corpus(corpus)[:6].assign(emotion="joy")
    rated.loc[5, "speaker"] = None
    files = [*rated["file"], str(tmp_path / "a.wav")]
    acted = pd.DataFrame({"file": files, "emotion": "joy"})
    acted["speaker"] = ["01", "00", "02", "04", "09", None, "00"]
    acted.to_csv(tmp_path / "acted.csv", index=False)
    categories = Categories((str(tmp_path / "acted.csv"),))

    def made(network, table, verbose):
        return table, np.zeros((len(table), 1, 1))

    monkeypatch.setattr(fit, "with_features", made)
    folds = list(np.arange(6) % 3 == np.arange(3)[:, None])
    weak = weak_labels(None, rated, folds, categories, False)
    assert weak.folds.tolist() == [1, 0, 2, 1, -1, 2, -1]


def test_raters_may_be_rows(encoder, corpus, fitted):
    """Each clip counts once, with the mean of those who rated it."""
    table, network, report = fitted
    rows = []
    for rater in (1, 2, 3):
        names = {f"rater{rater}_{name}": name for name in DIMENSIONS}
        rated = table[list(names)].rename(columns=names)
        rows.append(table[["file", "start", "end", "speaker"]].join(rated))
    options = {"size": "toy", "layers": (1, 2), "num_folds": 3, "scale": (1, 5)}
    other, again = fit_teacher(encoder, pd.concat(rows, ignore_index=True), **options)
    assert again == report
    torch.testing.assert_close(other.adv.weight, network.adv.weight)


def test_the_command_refuses_an_export_that_differs(encoder, tmp_path, monkeypatch):
    corpus = make_corpus(str(tmp_path / "small"), 2, 2)
    real = fit.export_teacher

    def broken(network):
        with torch.no_grad():
            network.adv.bias += 1e-3
        model = real(network)
        with torch.no_grad():
            network.adv.bias -= 1e-3
        return model

    monkeypatch.setattr(fit, "export_teacher", broken)
    out = str(tmp_path / "model")
    arguments = ["teacher", encoder, corpus, "--out", out, "--size", "toy", "--quiet"]
    result = CliRunner().invoke(app, [*arguments, "--layers", "0"])
    assert result.exit_code == 2
    assert "differs from the network by 1.0e-03" in result.output
    assert not os.path.exists(out)


@pytest.mark.parametrize("length", [64, 8000, 30000, 200000, 479999])
def test_variants_of_a_clip_have_their_lengths(length):
    clip = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    before = clip.copy()
    for seed in range(5):
        forms = variants(clip, 30, np.random.default_rng(seed))
        assert len(forms) == len(VARIANTS)
        whole, part, twice, paused, *disturbed = forms
        assert {form.shape for form in disturbed} == {clip.shape}
        assert all(np.isfinite(form).all() for form in disturbed)
        np.testing.assert_array_equal(whole, before)
        assert len(part) == min(length, len(part)) <= 40000
        start = np.flatnonzero(clip == part[0])[0]
        np.testing.assert_array_equal(part, clip[start : start + len(part)])
        np.testing.assert_array_equal(twice, np.tile(clip, 2)[: len(twice)])
        assert len(twice) <= 128000
        assert length <= len(paused) <= min(length + 2 * 19200, 480000)
        assert {form.dtype for form in forms} == {clip.dtype}
    np.testing.assert_array_equal(clip, before)
