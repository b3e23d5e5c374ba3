"""Errors of groups, of speakers, and by duration."""

import audmetric
import numpy as np
import pandas as pd
import pytest

from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.groups import by_duration
from audw2s.evaluation.groups import by_group
from audw2s.evaluation.groups import duration_edges
from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.evaluation.intervals import SEED
from audw2s.model.registry import DIMENSIONS


def fabricated(num_speakers=6, num_clips=60):
    """Clips of speakers with an offset each, and what is known of them."""
    rng = np.random.default_rng(0)
    speakers = np.arange(num_clips) % num_speakers
    truth = rng.random((num_clips, 3))
    predicted = truth + speakers[:, None] / 10 + 0.1 * rng.standard_normal(truth.shape)
    clips = pd.DataFrame(
        np.hstack([predicted, truth]), columns=[*DIMENSIONS, *REFERENCE]
    )
    clips["speaker"] = [f"s{number}" for number in speakers]
    clips["file"] = [f"{number}.wav" for number in range(num_clips)]
    clips["corpus"], clips["left_out"] = "c", ""
    clips["duration"] = rng.uniform(1, 9, num_clips)
    facts = clips[["corpus"]].assign(age=np.where(speakers < 5, 30, None))
    return clips, facts, speakers


def test_interval_of_the_bias_is_over_speakers():
    clips, facts, speakers = fabricated()
    (group,) = by_group(clips, facts, ["age"])
    assert (group["group"], group["num_clips"], group["num_speakers"]) == ("30", 50, 5)
    assert group["resampled"] == "speakers"
    error = (clips["valence"] - clips["reference_valence"]).to_numpy()
    draws = np.random.default_rng(SEED).multinomial(5, [0.2] * 5, NUM_RESAMPLES)
    biases = []
    for draw in draws:
        drawn = [error[speakers == s] for s in range(5) for _ in range(draw[s])]
        biases.append(np.concatenate(drawn).mean())
    actual = group["valence"]
    assert actual["bias"] == pytest.approx(error[speakers < 5].mean())
    assert actual["bias_low"] == pytest.approx(np.quantile(biases, 0.025))
    assert actual["bias_high"] == pytest.approx(np.quantile(biases, 0.975))
    expected = audmetric.concordance_cc(
        clips["reference_valence"][speakers < 5], clips["valence"][speakers < 5]
    )
    assert actual["ccc"] == pytest.approx(expected)


def test_groups_of_one_clip_have_no_values():
    clips, facts, _ = fabricated()
    facts["number"] = range(len(facts))
    clips.loc[7, "left_out"] = "missing"
    groups = by_group(clips, facts, ["number"])
    assert [group["num_clips"] for group in groups] == [1] * 7 + [0] + [1] * 52
    assert all(group["arousal"] is None for group in groups)


def test_each_speaker_has_a_row():
    clips, _, speakers = fabricated()
    clips.loc[0, "left_out"] = "missing"
    # Nobody knows who speaks in this one
    clips.loc[6, "speaker"] = None
    rows = by_group(clips, clips, ["speaker"])
    assert [row["num_clips"] for row in rows] == [8, 10, 10, 10, 10, 10]
    error = (clips["dominance"] - clips["reference_dominance"]).abs()
    actual = rows[3]["dominance"]["mean_absolute_error"]
    assert actual == pytest.approx(error[speakers == 3].mean())


def test_errors_by_duration_are_those_of_each_bin():
    clips, _, _ = fabricated()
    edges = duration_edges(clips)
    rows = by_duration(clips, edges)
    assert [row["num_clips"] for row in rows] == [12] * 5
    for row, low, high in zip(rows, edges, edges[1:], strict=False):
        part = clips[clips["duration"].between(row["shortest"], row["longest"])]
        assert low <= row["shortest"] < row["median"] < row["longest"] <= high
        pair = part["reference_arousal"], part["arousal"]
        error = (pair[0] - pair[1]).abs().mean()
        assert row["arousal"]["mean_absolute_error"] == pytest.approx(error)
        assert row["arousal"]["ccc"] == pytest.approx(audmetric.concordance_cc(*pair))
    assert len(duration_edges(clips[:6])) == 2
    (row,) = by_duration(clips.assign(duration=2.0), np.array([2.0]))
    assert row["num_clips"] == 60
