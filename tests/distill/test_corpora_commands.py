"""Commands on corpora in their published layouts."""

import json
import os

import audmetric
import numpy as np
import pandas as pd
import pytest
from evaluations import evaluate
from fabricated import TOY
from fabricated import random_encoder
from layouts import published_means
from safetensors.torch import save_file
from typer.testing import CliRunner

import audw2s
from audw2s.audio.preprocess import load
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.distill.cli import app
from audw2s.distill.teachers.fit import fit_teacher
from audw2s.distill.teachers.whisper import SIZES
from audw2s.errors import DataWarning
from audw2s.evaluation.agreement import RATERS
from audw2s.model.registry import DIMENSIONS


def logits_of(files):
    model = audw2s.load("wav2small")
    return np.stack([model(load(f)[None], 16000)["logits"][0] for f in files])


def test_the_scale_of_a_corpus_is_known(msp, tmp_path):
    """Parquet keeps it, CSV doesn't."""
    table = read_corpus(msp)
    assert rating_scale(table, (0, 10)) == (0, 10)
    table.to_parquet(tmp_path / "kept.parquet")
    assert rating_scale(read_corpus(str(tmp_path / "kept.parquet"))) == (1, 7)
    table.to_csv(tmp_path / "lost.csv")
    with pytest.warns(DataWarning, match="the scale is taken to be 1 to 7"):
        assert rating_scale(read_corpus(str(tmp_path / "lost.csv"))) == (1, 7)
    with pytest.raises(ValueError, match="lowest and highest rating, not 5, 5"):
        rating_scale(table, (5, 5))


def check(result, table, reference):
    predicted = logits_of(table["file"])
    for number, name in enumerate(DIMENSIONS):
        pair = reference[:, number], predicted[:, number]
        assert result[name]["ccc"] == pytest.approx(
            audmetric.concordance_cc(*pair), rel=1e-4
        )
        assert result[name]["reference_mean"] == pytest.approx(pair[0].mean(), rel=1e-4)


def test_a_model_is_evaluated_on_msp_podcast_and_iemocap(msp, iemocap):
    """Each corpus has its scale, also if they are pooled."""
    evaluation, clips = evaluate("wav2small", [msp, iemocap])
    podcast, acted = evaluation["corpora"].values()
    assert (podcast["scale"], acted["scale"]) == ([1, 7], [1, 5])
    tables = read_corpus(msp), read_corpus(iemocap)
    first = (tables[0][list(DIMENSIONS)].to_numpy() - 1) / 6
    second = (published_means() - 1) / 4
    check(podcast, tables[0], first)
    check(acted, tables[1], second)
    both = np.concatenate([first, second])
    check(evaluation["pooled"], pd.concat(tables), both)
    assert (podcast["num_speakers"], podcast["num_unknown"]) == (2, 2)
    assert (acted["num_speakers"], acted["num_unknown"]) == (4, 0)
    assert podcast[RATERS] == []
    assert len(acted[RATERS]) == 3
    json.dumps(evaluation, allow_nan=False)


@pytest.mark.parametrize(
    "part, options, expected",
    [("Train", [], [1, 7]), ("Train", ["--scale", "0", "8"], [0, 8])],
)
def test_the_command_evaluates_parts_of_corpora(msp, tmp_path, part, options, expected):
    out = str(tmp_path / "out")
    arguments = ["evaluate", "wav2small", f"{msp}:{part}", "--out", out, "--quiet"]
    result = CliRunner().invoke(app, [*arguments, *options])
    assert result.exit_code == 0, result.output
    with open(os.path.join(out, "evaluation.json")) as file:
        ((name, result),) = json.load(file)[0]["corpora"].items()
    assert name == "MSP-PODCAST-Publish-1.11:Train"
    assert result["scale"] == expected
    table = read_corpus(f"{msp}:{part}")
    low, high = expected
    reference = (table[list(DIMENSIONS)].to_numpy() - low) / (high - low)
    check(result, table, reference)


def test_an_evaluation_against_a_model_needs_no_scale(msp):
    evaluation, _ = evaluate("wav2small", [msp], against="wav2small")
    (result,) = evaluation["corpora"].values()
    assert "scale" not in result


def test_the_command_labels_parts_of_corpora(msp, iemocap, tmp_path):
    out = tmp_path / "labels.parquet"
    corpora = [f"{msp}:Test3", f"{iemocap}:Session1"]
    arguments = ["label", *corpora, "--teacher", "wav2small", "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert result.exit_code == 0, result.output
    labels = pd.read_parquet(out)
    files = pd.concat(map(read_corpus, corpora))["file"].tolist()
    assert labels["file"].tolist() == files
    np.testing.assert_allclose(labels[list(DIMENSIONS)], logits_of(files), atol=1e-6)


def test_the_command_trains_on_parts_of_corpora(msp, iemocap, tmp_path):
    """Paths of parts are relative to the folder of the settings."""
    config = tmp_path / "student.toml"
    parts = [f"{os.path.basename(msp)}:Train", f"{os.path.basename(iemocap)}:Session5"]
    shares = "".join(f'"{part}" = 1\n' for part in parts)
    settings = 'teacher = "wav2small"\nsteps = 1\nbatch_size = 2\neval_every = 1\n'
    settings += f"crop_dur = [0.2, 0.3]\n[corpora]\n{shares}"
    config.write_text(settings)
    out = str(tmp_path / "run")
    result = CliRunner().invoke(app, ["train", str(config), "--out", out, "--quiet"])
    assert result.exit_code == 0, result.output
    trained_on = os.path.join(out, "config.json")
    # Two of its part Train, and one whose audio is in Session5 as well
    with pytest.raises(ValueError, match="3 of 5 clips of 'MSP.*' were trained on"):
        evaluate("wav2small", [msp], trained_on=trained_on)
    held_out = f"{iemocap}:Session1"
    evaluate("wav2small", [held_out], trained_on=trained_on)


def test_a_teacher_is_fitted_on_the_scale_of_its_corpus(msp, tmp_path, monkeypatch):
    monkeypatch.setitem(SIZES, "toy", TOY)
    encoder = str(tmp_path / "encoder.safetensors")
    save_file(random_encoder().state_dict(), encoder)
    table = read_corpus(msp)
    _, report = fit_teacher(encoder, table, size="toy", layers=(1,), num_folds=2)
    assert report["scale"] == [1, 7]
    mean = (table["valence"].mean() - 1) / 6
    assert report["valence"]["reference_mean"] == pytest.approx(mean, rel=1e-5)
    _, report = fit_teacher(
        encoder, table, size="toy", layers=(1,), num_folds=2, scale=(0, 10)
    )
    assert report["scale"] == [0, 10]
    mean = table["valence"].mean() / 10
    assert report["valence"]["reference_mean"] == pytest.approx(mean, rel=1e-5)
