"""Order of groups: areas under ROC curves, and what the command prints."""

import json

import numpy as np
import pandas as pd
import pytest
from fabricated import make_corpus
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import audw2s
from audw2s.catalogue import DIMENSIONS
from audw2s.cli import app
from audw2s.distill.order import order


def draw(seed, count=60):
    rng = np.random.default_rng(seed)
    # Rounded, so that some are equal
    heard = pd.DataFrame(rng.normal(size=(count, 3)).round(1), columns=DIMENSIONS)
    heard["speaker"] = rng.integers(0, 7, count).astype(str)
    return heard, pd.Series(rng.choice(["a", "b", "c"], count))


def literal_auc(first, second):
    wins = sum((x > y) + 0.5 * (x == y) for x in first for y in second)
    return wins / (len(first) * len(second))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999))
def test_areas_and_means(seed):
    heard, groups = draw(seed)
    result = order(heard, groups, [("a", "b")], 50)
    (pair,) = result["pairs"]
    for name in DIMENSIONS:
        first, second = (heard[name][groups == group] for group in "ab")
        assert pair[name]["auc"] == pytest.approx(literal_auc(first, second))
        assert pair[name]["low"] <= pair[name]["high"]
        assert result["groups"]["c"][name] == pytest.approx(
            heard[name][groups == "c"].mean()
        )
    assert result["groups"]["a"]["num_clips"] == (groups == "a").sum()


def test_intervals_are_those_of_drawn_speakers():
    heard, groups = draw(0)
    found = order(heard, groups, [("a", "b")], 300, seed=4)["pairs"][0]["arousal"]
    names = np.unique(heard["speaker"])
    draws = np.random.default_rng(4).multinomial(7, np.full(7, 1 / 7), 300)
    areas = []
    for counts in draws:
        parts = [heard["speaker"] == name for name in np.repeat(names, counts)]
        rows = np.concatenate([np.flatnonzero(part) for part in parts])
        values, drawn = heard["arousal"].to_numpy()[rows], groups.to_numpy()[rows]
        areas.append(literal_auc(values[drawn == "a"], values[drawn == "b"]))
    low, high = np.quantile(areas, [0.025, 0.975])
    assert (found["low"], found["high"]) == pytest.approx((low, high))


def test_clips_without_values_are_left_out():
    heard, groups = draw(1)
    heard.loc[groups == "c", "valence"] = np.nan
    groups[0] = None
    result = order(heard, groups, [], 10)
    assert set(result["groups"]) == {"a", "b"}
    with pytest.raises(
        ValueError, match=r"No clips of \['c'\], there are \['a', 'b'\]"
    ):
        order(heard, groups, [("a", "c")], 10)


def test_command(tmp_path):
    path = make_corpus(str(tmp_path), 2, 4)
    table = pd.read_csv(path)
    table["emotion"] = ["anger", "sadness"] * 4
    table.to_csv(path, index=False)
    out = str(tmp_path / "order.json")
    runner = CliRunner()
    command = ["distill", "order", "wav2small", path, "--quiet", "--out", out]
    done = runner.invoke(app, [*command, "--pair", "anger:sadness"])
    assert done.exit_code == 0, done.output
    with open(out) as file:
        said = json.load(file)
    files = [str(tmp_path / file) for file in table["file"]]
    values = audw2s.Feature().process_files(files)["arousal"].to_numpy()
    first, second = values[::2], values[1::2]
    assert said["pairs"][0]["arousal"]["auc"] == literal_auc(first, second)
    assert said["sha256"] == audw2s.models().sha256["wav2small"]
    area = f"{said['pairs'][0]['arousal']['auc']:.2f}"
    assert f"| anger above sadness | {area} [" in done.output
    done = runner.invoke(app, [*command, "--by", "mood"])
    assert done.exit_code == 2
    assert "no column 'mood'" in done.output
    done = runner.invoke(app, [*command, "--pair", "anger"])
    assert done.exit_code == 2
    assert "ABOVE:BELOW" in done.output
