"""Evaluations: agreement and cards."""

import json
import os
import re

import audmetric
import numpy as np
import pandas as pd
import pytest
from evaluations import evaluate
from fabricated import make_corpus

import audw2s
from audw2s.audio.preprocess import load
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import ratings
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.card import store
from audw2s.evaluation.card import update_card
from audw2s.evaluation.plots import plot_evaluation
from audw2s.evaluation.render import card_table
from audw2s.model.find import model_sha256
from audw2s.model.registry import DIMENSIONS


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another corpus, of 3 speakers with the names of the first."""
    return make_corpus(str(tmp_path_factory.mktemp("other") / "more"), 3, 2, seed=5)


@pytest.fixture(scope="module")
def pooled(corpus, other, teacher, tmp_path_factory):
    renamed = str(tmp_path_factory.mktemp("renamed") / "other.parquet")
    read_corpus(other).to_parquet(renamed)
    return evaluate(teacher, [corpus, renamed])


def predictions_of(corpus, model):
    model = audw2s.load(model)
    files = read_corpus(corpus)["file"]
    return np.stack([model(load(f)[None], 16000)["logits"][0] for f in files])


def human(corpus):
    table = pd.read_csv(corpus)
    raters = [[f"rater{r}_{d}" for d in DIMENSIONS] for r in (1, 2, 3)]
    return (np.stack([table[columns] for columns in raters]) - 1) / 4


def test_a_model_is_compared_with_the_mean_of_raters(corpus, teacher):
    evaluation, clips = evaluate(teacher, [corpus])
    result = evaluation["corpora"]["clips"]
    predicted, raters = predictions_of(corpus, teacher), human(corpus)
    for number, name in enumerate(DIMENSIONS):
        pair = raters.mean(axis=0)[:, number], predicted[:, number]
        assert result[name]["ccc"] == pytest.approx(audmetric.concordance_cc(*pair))
        assert result[name]["pearson"] == pytest.approx(audmetric.pearson_cc(*pair))
        rest = raters[1:].mean(axis=0)[:, number]
        first = audmetric.concordance_cc(rest, raters[0][:, number])
        assert result[RATERS][0][name] == pytest.approx(first)
    assert len(result[RATERS]) == 3
    assert (result["num_clips"], result["num_speakers"]) == (24, 6)
    assert evaluation["against"] == "humans"
    assert evaluation["sha256"] == model_sha256(teacher)
    assert "pooled" not in evaluation
    assert clips["left_out"].eq("").all()


def test_a_model_agrees_with_itself(corpus, teacher):
    evaluation, _ = evaluate(teacher, [corpus], against=teacher)
    result = evaluation["corpora"]["clips"]
    assert all(result[name]["ccc"] == pytest.approx(1) for name in DIMENSIONS)
    assert all(result[name]["low"] == pytest.approx(1) for name in DIMENSIONS)
    assert evaluation["against"] == "toy"
    assert evaluation["against_sha256"] == evaluation["sha256"]
    assert RATERS not in result


def test_several_corpora_are_pooled(pooled, corpus, other, teacher):
    evaluation, clips = pooled
    assert list(evaluation["corpora"]) == ["clips", "other"]
    sizes = [evaluation["corpora"][name]["num_clips"] for name in ("clips", "other")]
    assert sizes == [24, 6]
    everything = evaluation["pooled"]
    assert (everything["num_clips"], everything["num_speakers"]) == (30, 9)
    predicted = np.concatenate(
        [predictions_of(corpus, teacher), predictions_of(other, teacher)]
    )
    rated = np.concatenate([human(corpus).mean(axis=0), human(other).mean(axis=0)])
    expected = audmetric.concordance_cc(rated[:, 2], predicted[:, 2])
    assert everything["valence"]["ccc"] == pytest.approx(expected)
    assert evaluation["corpora"]["other"]["resampled"] == "clips"
    assert clips["corpus"].value_counts().to_dict() == {"clips": 24, "other": 6}


def test_an_evaluation_contains_no_folder(pooled, tmp_path):
    text = json.dumps(pooled[0], allow_nan=False)
    assert os.path.dirname(str(tmp_path)) not in text


def test_clips_without_value_or_rating_are_left_out(corpus, teacher, tmp_path):
    table = read_corpus(corpus)
    table.loc[3, "file"] = "missing.wav"
    table.loc[5, [f"rater{r}_valence" for r in (1, 2, 3)]] = np.nan
    table.loc[6, "rater1_valence"] = np.nan
    path = str(tmp_path / "holes.parquet")
    table.to_parquet(path)
    evaluation, clips = evaluate(teacher, [path])
    result = evaluation["corpora"]["holes"]
    assert result["left_out"] == {"missing": 1, "not rated": 1}
    assert result["num_clips"] == 22
    used = [n for n in range(24) if n not in (3, 5)]
    rated = np.nanmean(
        table[[f"rater{r}_valence" for r in (1, 2, 3)]].loc[used].astype(float), axis=1
    )
    predicted = predictions_of(corpus, teacher)[used, 2]
    expected = audmetric.concordance_cc((rated - 1) / 4, predicted)
    assert result["valence"]["ccc"] == pytest.approx(expected)
    assert "without 1 missing; without 1 not rated" in card_table([evaluation])


def test_corpora_without_ratings_or_of_one_name_are_errors(corpus, teacher, tmp_path):
    with pytest.raises(ValueError, match="'audio' has no human ratings.*missing"):
        folder = os.path.join(os.path.dirname(corpus), "audio")
        evaluate(teacher, [folder])
    with pytest.raises(ValueError, match="needs another name"):
        evaluate(teacher, [corpus, corpus])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        evaluate(teacher, [str(tmp_path / "nowhere")])
    with pytest.raises(ValueError, match="no model 'unknown'"):
        evaluate("unknown", [corpus])


def save(table, folder, name):
    path = str(folder / f"{name}.parquet")
    table.to_parquet(path)
    return path


def test_a_corpus_may_have_ratings_of_two_dimensions(corpus, teacher, tmp_path):
    """A corpus may have ratings of arousal and valence alone."""
    whole = evaluate(teacher, [corpus])[0]["corpora"]["clips"]
    table = read_corpus(corpus)
    table = table.drop(columns=[f"rater{r}_dominance" for r in (1, 2, 3)])
    part = save(table, tmp_path, "part")
    evaluation, clips = evaluate(teacher, [part, corpus])
    result = evaluation["corpora"]["part"]
    assert result["dominance"] is None
    for name in ("arousal", "valence"):
        assert result[name] == whole[name]
    assert result["num_clips"] == 24
    assert set(result["error_by_tenth"]) == {"arousal", "valence"}
    assert evaluation["pooled"]["dominance"] is None
    text = card_table([evaluation])
    panels = plot_evaluation(evaluation, clips).axes
    assert [bool(axes.lines) for axes in panels] == [True, False, True]
    ccc = f"{whole['arousal']['ccc']:.2f} ["
    (row,) = [r for r in text.splitlines() if "| part | 24 of 6 speakers | CCC" in r]
    cells = row.split(" | ")
    assert cells[4].startswith(ccc) and cells[5] == "–"


def test_a_corpus_may_have_emotions_only(corpus, teacher, tmp_path):
    table = read_corpus(corpus)[["file", "speaker"]]
    table["emotion"] = ["Happy", "angry", "calm"] * 8
    acted = save(table, tmp_path, "acted")
    evaluation, clips = evaluate(teacher, [acted, corpus])
    result = evaluation["corpora"]["acted"]
    assert [result[name] for name in DIMENSIONS] == [None] * 3
    assert clips["left_out"].eq("").all()
    (pair,) = result["ranking"]["pairs"]
    assert (pair["dimension"], pair["above"], pair["below"]) == (
        *("valence", "happiness", "anger"),
    )
    valence = predictions_of(corpus, teacher)[:, 2]
    assert pair["auc"] == np.mean(valence[::3, None] > valence[1::3])
    assert result["ranking"]["resampled"] == "speakers"
    # Only one corpus has ratings
    assert "pooled" not in evaluation
    text = card_table([evaluation])
    assert "happiness > anger in valence, AUC, 95 % interval over speakers" in text
    assert not re.search(r"\bnan\b|None", text)


def test_intervals_are_over_clips_where_speakers_are_unknown(corpus, teacher, tmp_path):
    table = read_corpus(corpus).drop(columns="speaker")
    table["emotion"] = ["neutral", "anger"] * 12
    evaluation, _ = evaluate(teacher, [save(table, tmp_path, "who")])
    result = evaluation["corpora"]["who"]
    assert result["resampled"] == result["ranking"]["resampled"] == "clips"
    assert evaluation["speakers"] == []
    text = card_table([evaluation])
    assert "24, speakers unknown | CCC, 95 % interval over clips" in text
    assert "anger > neutral in arousal, AUC, 95 % interval over clips" in text


def test_measures_beside_the_ccc(corpus, teacher):
    evaluation, clips = evaluate(teacher, [corpus])
    result = evaluation["corpora"]["clips"]
    predicted, rated = predictions_of(corpus, teacher), human(corpus).mean(axis=0)
    for key, values in {"predicted": predicted, "reference": rated}.items():
        expected = audmetric.pearson_cc(values[:, 0], values[:, 2])
        assert result["arousal_with_valence"][key] == pytest.approx(expected)
    error = predicted[:, 2] - rated[:, 2]
    for row in result["error_by_tenth"]["valence"]:
        low = row["low"] - 1e-9
        inside = (low <= rated[:, 2]) & (rated[:, 2] < low + 0.1)
        assert row["num_clips"] == inside.sum()
        assert row["bias"] == pytest.approx(error[inside].mean(), abs=1e-6)
    ratio = predicted[:, 0].std() / rated[:, 0].std()
    correlation = audmetric.pearson_cc(predicted[:, 0], predicted[:, 2])
    text = card_table([evaluation])
    assert f"| std divided by that of the reference | {ratio:.2f} |" in text
    assert f"|  |  | predicted {correlation:.2f}, reference " in text
    speakers = read_corpus(corpus)["speaker"]
    assert [row["group"] for row in evaluation["speakers"]] == sorted(set(speakers))
    first = (speakers == "00").to_numpy()
    expected = audmetric.concordance_cc(rated[first, 0], predicted[first, 0])
    assert evaluation["speakers"][0]["arousal"]["ccc"] == pytest.approx(expected)


def test_evaluations_replace_those_of_the_same_reference(pooled, tmp_path):
    path = str(tmp_path / "evaluation.json")
    first = pooled[0]
    against = {**first, "against": "toy"}
    elsewhere = {**first, "model": "elsewhere", "sha256": "1"}
    assert store(first, path) == [first]
    assert store(against, path) == [first, against]
    again = {**first, "seed": 7}
    assert store(again, path) == [against, again]
    assert store(elsewhere, path) == [against, again, elsewhere]
    folds = {**first, "corpora": {k: {"folds": []} for k in first["corpora"]}}
    assert store(folds, path) == [against, again, elsewhere, folds]
    trained_anew = {**first, "sha256": "2"}
    assert store(trained_anew, path) == [elsewhere, trained_anew]
    with open(path) as file:
        assert json.load(file) == [elsewhere, trained_anew]


CARD = """# Toy

Before.

<!-- metrics -->
old
<!-- /metrics -->

After.
"""


def test_a_card_is_updated_between_its_marks(pooled, tmp_path):
    path = tmp_path / "card.md"
    path.write_text(CARD)
    update_card(str(path), [pooled[0]])
    update_card(str(path), [pooled[0]])
    text = path.read_text()
    before, _, rest = text.partition("<!-- metrics -->\n")
    table, _, after = rest.partition("<!-- /metrics -->\n")
    assert (before, after) == ("# Toy\n\nBefore.\n\n", "\nAfter.\n")
    assert table == f"\n{card_table([pooled[0]])}\n\n"
    valence = pooled[0]["pooled"]["valence"]
    low, high = valence["low"], valence["high"]
    assert f"| {valence['ccc']:.2f} [{low:.2f}, {high:.2f}] |" in table


@pytest.mark.parametrize(
    "text",
    [
        "no marks",
        "<!-- metrics -->",
        "<!-- /metrics -->\n<!-- metrics -->",
        CARD + CARD,
    ],
)
def test_a_card_without_marks_is_not_changed(pooled, tmp_path, text):
    path = tmp_path / "card.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="needs a line '<!-- metrics -->'"):
        update_card(str(path), [pooled[0]])
    assert path.read_text() == text


def test_rows_of_a_table_have_the_same_number_of_cells(pooled):
    tables = [t.splitlines() for t in card_table([pooled[0]]).split("\n\n")]
    tables = [lines for lines in tables if lines[0].startswith("|")]
    assert [{line.count("|") for line in lines} for lines in tables] == [{8}] * 3
    measures, speakers, _ = tables
    assert len(measures) == 2 + 7 + 7 + 6
    assert len(speakers) == 2 + 6 + 3


def test_a_picture_of_the_evaluation_shows_all_clips(pooled):
    for axes in plot_evaluation(*pooled).axes:
        corpora = [line for line in axes.lines if line.get_marker() != "None"]
        assert [len(line.get_xdata()) for line in corpora] == [24, 6]


def test_raters_of_emotale_agree_as_published(shared):
    """How well one agrees with the others, as the data's README tells it."""
    table = read_corpus(os.path.join(shared, "emotale.csv"))
    agreement = pd.DataFrame(rater_agreement(ratings(table, 1, 5))).round(2)
    assert agreement.min().tolist() == [0.76, 0.54, 0.77]
    assert agreement.max().tolist() == [0.80, 0.77, 0.82]


def test_the_teacher_agrees_with_its_corpus(shared, tmp_path):
    """Our teacher was fitted to these clips."""
    few = read_corpus(os.path.join(shared, "emotale.csv")).groupby("speaker").head(3)
    few.to_parquet(tmp_path / "few.parquet")
    corpus = str(tmp_path / "few.parquet")
    evaluation, _ = evaluate("whisper-tiny-adv", [corpus])
    result = evaluation["corpora"]["few"]
    assert (result["num_clips"], result["num_speakers"]) == (30, 10)
    assert result["arousal"]["ccc"] > 0.8
