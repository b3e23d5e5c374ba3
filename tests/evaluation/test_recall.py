"""Unweighted average recall."""

import audmetric
import numpy as np
import pytest

from audw2s.evaluation.intervals import resample
from audw2s.evaluation.recall import recalls
from audw2s.evaluation.recall import uar


def test_recall_of_every_resample_is_that_of_audmetric():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 4, (2, 60))
    groups = rng.integers(0, 6, 60)
    # Of two groups only
    truth[(truth == 3) & (groups > 1)] = 1
    draws = resample(groups, 40, 0)
    values = recalls(truth, predicted, groups, draws)
    lacking = (draws[:, :2] == 0).all(axis=1)
    assert 0 < lacking.sum() < 20
    np.testing.assert_array_equal(np.isnan(values), lacking)
    values, draws = values[~lacking], draws[~lacking]
    for value, counts in zip(values, draws, strict=True):
        rows = np.concatenate(
            [np.flatnonzero(groups == g) for g in range(6) for _ in range(counts[g])]
        )
        expected = audmetric.unweighted_average_recall(truth[rows], predicted[rows])
        assert value == pytest.approx(expected)
    expected = audmetric.unweighted_average_recall(truth, predicted)
    assert uar(truth, predicted) == pytest.approx(expected)
