"""Prediction intervals: calibration, coverage, and columns of predict and annotate."""

import itertools
import shutil

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app
from audw2s.evaluation import conformal
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.card import read
from audw2s.evaluation.conformal import calibrate
from audw2s.evaluation.conformal import half_widths
from audw2s.evaluation.conformal import residual
from audw2s.evaluation.render import card_table
from audw2s.evaluation.tables import INTERVALS
from audw2s.model.find import model_path
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER

MODEL = "whisper-tiny-adv"


def is_calibrated(entry):
    evaluations = read(f"{FOLDER}/{entry.name}/evaluation.json")
    results = [r for e in evaluations for r in e["corpora"].values()]
    return any(result.get(INTERVALS) for result in results)


CALIBRATED = [e.name for e in CATALOGUE.values() if e.packaged and is_calibrated(e)]


def held_out(num_clips=500, num_speakers=10):
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 1, (num_clips, 3))
    predicted = truth + rng.normal(0, [0.05, 0.1, 0.2], (num_clips, 3))
    clips = pd.DataFrame(
        np.hstack([predicted, truth]), columns=[*DIMENSIONS, *REFERENCE]
    )
    clips["speaker"] = [f"s{k % num_speakers}" for k in range(num_clips)]
    return clips.assign(file=[f"{k}.wav" for k in range(num_clips)], left_out="")


def test_residuals_hold_their_share_of_clips():
    errors = np.random.default_rng(0).exponential(size=999)
    for share in (0.5, 0.9, 0.99):
        limit = residual(errors, share)
        assert (errors <= limit).sum() == round(1000 * share)


def test_a_calibration_has_the_residuals_of_its_clips():
    clips = held_out()
    calibration = calibrate(clips)
    for name, reference in zip(DIMENSIONS, REFERENCE, strict=True):
        errors = np.sort(np.abs(clips[name] - clips[reference]))
        residuals = calibration[name]["residuals"]
        assert len(residuals) == 99 and residuals == sorted(residuals)
        # Of 500 clips the 451st: 0.9 times 501, rounded up
        assert residuals[89] == pytest.approx(errors[450], abs=1e-4)
        assert 0.87 <= np.mean(calibration[name]["coverage"]) <= 0.93
        assert len(calibration[name]["coverage"]) == 5


def test_few_speakers_and_unrated_dimensions_have_no_calibration():
    assert calibrate(held_out(num_speakers=2)) is None
    unrated = held_out().assign(reference_dominance=np.nan)
    assert list(calibrate(unrated)) == ["arousal", "valence"]


@pytest.mark.parametrize("model", CALIBRATED)
def test_intervals_of_packaged_models_cover_what_they_say(model):
    """On folds of EmoTale's unheard speakers, each calibrated on the others."""
    assert MODEL in CALIBRATED
    evaluations = read(f"{FOLDER}/{model}/evaluation.json")
    results = [r for e in evaluations for r in e["corpora"].values() if INTERVALS in r]
    assert results
    for result, name in itertools.product(results, DIMENSIONS):
        coverage = result[INTERVALS][name]["coverage"]
        print(model, name, np.round(coverage, 2))
        assert 0.87 <= np.mean(coverage) <= 0.93
        folds = f"ratings within, mean and range of {len(coverage)} folds"
        assert folds in card_table(evaluations)


def test_intervals_are_of_the_model_before_those_of_folds(monkeypatch):
    own, *others = (
        e
        for e in read(f"{FOLDER}/wav2small/evaluation.json")
        if e["against"] == "humans"
    )
    assert [list(e["corpora"]["emotale"]).count("folds") for e in others] == [1]
    expected = half_widths("wav2small", 0.9)
    stored = [*others, own]
    monkeypatch.setattr(conformal, "measured", lambda *_: stored)
    assert half_widths("wav2small", 0.9) == expected
    stored.remove(own)
    assert half_widths("wav2small", 0.9) != expected


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90])
def test_coverages_that_are_no_shares_are_refused(coverage):
    with pytest.raises(ValueError, match="cover .01 to .99 of the clips"):
        half_widths(MODEL, coverage)


def test_models_without_a_calibration_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no calibrated intervals"):
        half_widths("mean(wav2small, whisper-tiny-adv)", 0.9)
    folder = tmp_path / "model"
    shutil.copytree(f"{FOLDER}/{MODEL}", folder)
    assert half_widths(str(folder), 0.9) == half_widths(MODEL, 0.9)
    # Another model, and the evaluation of the former one
    shutil.copy(model_path("wav2small"), folder / "model.onnx")
    with pytest.raises(ValueError, match="no calibrated intervals"):
        half_widths(str(folder), 0.9)


def test_predict_adds_intervals(clips, tmp_path):
    files = [clips[0], str(tmp_path / "not_there.wav")]
    arguments = ["predict", *files, "--model", MODEL, "--out"]
    plain, wide = (str(tmp_path / f"{name}.csv") for name in ("plain", "wide"))
    CliRunner().invoke(app, [*arguments, plain])
    done = CliRunner().invoke(app, [*arguments, wide, "--intervals", "0.9"])
    assert done.exit_code == 1, done.output
    table, expected = pd.read_csv(wide), pd.read_csv(plain)
    widths = half_widths(MODEL, 0.9)
    for name in DIMENSIONS:
        both = table[[f"{name}_low", f"{name}_high"]].to_numpy()
        ends = table[name].to_numpy()[:, None] + [[-widths[name], widths[name]]]
        np.testing.assert_allclose(both, ends, atol=1e-6)
        assert np.isnan(both[1]).all()
    assert (table["intervals"] == 0.9).all()
    pd.testing.assert_frame_equal(table[list(expected)], expected)


def test_annotate_adds_intervals_of_each_model(clips, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(f"{clips[0]}\nnot_there.wav\n")
    shutil.copytree(f"{FOLDER}/{MODEL}", tmp_path / "other")
    models = [MODEL, str(tmp_path / "other")]
    out, options = str(tmp_path / "out"), {"model": models, "num_workers": 1}
    table = audw2s.annotate(str(path), out, intervals=0.8, **options)
    widths = half_widths(MODEL, 0.8)
    for model in (MODEL, "other"):
        for name in DIMENSIONS:
            low, high = (table[f"{model}.{name}_{end}"] for end in ("low", "high"))
            assert high[0] - low[0] == pytest.approx(2 * widths[name], abs=1e-5)
            assert np.isnan([low[1], high[1]]).all()
    stored = pd.read_parquet(f"{out}/table.parquet")
    pd.testing.assert_frame_equal(stored, table)
    assert table.attrs["audw2s"]["intervals"] == 0.8
    again = audw2s.annotate(str(path), out, **options)
    assert not [column for column in again if column.endswith(("_low", "_high"))]
