"""Scores of exits, their fusion, and adaptive exits."""

import audmetric
import numpy as np
import pytest

from audw2s.distill.exits.metrics import adaptive
from audw2s.distill.exits.metrics import fused
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.metrics import score_with_interval
from audw2s.model.early_exit import softmax


def test_the_score_of_values_is_their_mean_ccc():
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(40, 3))
    outputs = truth + 0.3 * rng.standard_normal((40, 3))
    pairs = zip(truth.T, outputs.T, strict=True)
    expected = [audmetric.concordance_cc(t, o) for t, o in pairs]
    assert score(truth, outputs) == pytest.approx(np.mean(expected))
    result = score_with_interval(
        truth, outputs, np.array([f"{k % 8}" for k in range(40)])
    )
    assert result["dominance"] == pytest.approx(expected[1])
    assert result["low"] < result["score"] < result["high"]
    assert result["resampled"] == "speakers"


def test_fusion_and_adaptive_exits_choose_an_exit_for_each_clip():
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((3, 50, 4))
    for clip in range(50):
        scores = softmax(logits[:, clip])
        margin = [np.sort(s)[-1] - np.sort(s)[-2] for s in scores]
        surest = logits[int(np.argmax(margin)), clip]
        assert np.array_equal(fused(logits)[clip], surest)
        for wanted in (0.0, 0.4, 1.0):
            number = next((k for k in range(3) if margin[k] >= wanted), 2)
            outputs, chosen = adaptive(logits, wanted)
            assert chosen[clip] == number
            assert np.array_equal(outputs[clip], logits[number, clip])
