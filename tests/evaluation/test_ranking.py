"""Ranking of groups: areas under ROC curves."""

import numpy as np
import pandas as pd
import pytest
from full import examples
from hypothesis import given
from hypothesis import strategies as st

from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.evaluation.intervals import SEED
from audw2s.evaluation.ranking import rank
from audw2s.evaluation.ranking import rank_emotions
from audw2s.model.registry import DIMENSIONS


def draw(seed, count=60):
    rng = np.random.default_rng(seed)
    # Rounded, so that some are equal
    predicted = pd.DataFrame(rng.normal(size=(count, 3)).round(1), columns=DIMENSIONS)
    predicted["speaker"] = rng.integers(0, 7, count).astype(str)
    return predicted, pd.Series(rng.choice(["a", "b", "c"], count))


def literal_auc(first, second):
    wins = sum((x > y) + 0.5 * (x == y) for x in first for y in second)
    return wins / (len(first) * len(second))


@examples(20)
@given(st.integers(0, 999))
def test_areas_and_means(seed):
    predicted, groups = draw(seed)
    result = rank(predicted, groups, [("a", "b")])
    (pair,) = result["pairs"]
    for name in DIMENSIONS:
        first, second = (predicted[name][groups == group] for group in "ab")
        assert pair[name]["auc"] == pytest.approx(literal_auc(first, second))
        assert pair[name]["low"] <= pair[name]["high"]
        assert result["groups"]["c"][name] == pytest.approx(
            predicted[name][groups == "c"].mean()
        )
    assert result["groups"]["a"]["num_clips"] == (groups == "a").sum()


def test_intervals_are_those_of_resampled_speakers():
    predicted, groups = draw(0)
    found = rank(predicted, groups, [("a", "b")])["pairs"][0]["arousal"]
    names = np.unique(predicted["speaker"])
    draws = np.random.default_rng(SEED).multinomial(7, np.full(7, 1 / 7), NUM_RESAMPLES)
    areas, clips = (
        [],
        list(zip(predicted["speaker"], groups, predicted["arousal"], strict=True)),
    )
    for counts in draws:
        drawn = [
            clip for n in np.repeat(names, counts) for clip in clips if clip[0] == n
        ]
        pair = [[value for _, g, value in drawn if g == group] for group in "ab"]
        areas.append(literal_auc(*pair))
    low, high = np.quantile(areas, [0.025, 0.975])
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_clips_without_values_are_left_out():
    predicted, groups = draw(1)
    predicted.loc[groups == "c", "valence"] = np.nan
    groups[0] = None
    result = rank(predicted, groups, [])
    assert set(result["groups"]) == {"a", "b"}
    with pytest.raises(
        ValueError, match=r"No clips of \['c'\], there are \['a', 'b'\]"
    ):
        rank(predicted, groups, [("a", "c")])


def test_emotions_have_an_expected_ranking():
    """By any of their names; pairs of which one doesn't occur are left out."""
    predicted, _ = draw(2)
    names = np.array(["anger", "Sad", "N", None])[np.arange(60) % 4]
    found = rank_emotions(predicted, pd.Series(names))
    pairs = {(p["dimension"], p["above"], p["below"]): p for p in found["pairs"]}
    assert list(pairs) == [
        ("valence", "neutral", "anger"),
        ("arousal", "anger", "sadness"),
        ("arousal", "anger", "neutral"),
    ]
    anger, neutral = (predicted["valence"][k::4] for k in (0, 2))
    pair = pairs["valence", "neutral", "anger"]
    assert pair["auc"] == pytest.approx(literal_auc(neutral, anger))
    assert pair["low"] <= pair["auc"] <= pair["high"]
    assert found["resampled"] == "speakers"
    assert rank_emotions(predicted, pd.Series(["boredom"] * 60)) is None
    predicted.loc[names == "anger", "valence"] = np.nan
    assert rank_emotions(predicted, pd.Series(names)) is None
