"""Ridge regression against its primal closed form, and folds by speaker."""

import numpy as np
import pytest
from fabricated import primal_ridge
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from audw2s.distill.teachers.ridge import cross_validate
from audw2s.distill.teachers.ridge import fit_ridge
from audw2s.evaluation.speakers import folds_by_speaker


def problem(seed, num_clips, num_features):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((num_clips, num_features))
    features = features * rng.uniform(0.1, 10, num_features) + rng.uniform(-5, 5)
    return features, rng.random((num_clips, 3))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(3, 30),
    st.integers(1, 40),
    st.floats(0.1, 1e4),
)
def test_dual_form_is_the_primal_form(seed, num_clips, num_features, penalty):
    features, targets = problem(seed, num_clips, num_features)
    weight, bias = fit_ridge(features, targets, penalty)
    expected_weight, expected_bias = primal_ridge(features, targets, penalty)
    np.testing.assert_allclose(weight, expected_weight, atol=1e-6)
    np.testing.assert_allclose(bias, expected_bias, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("abcdefgh"), min_size=2), st.integers(2, 10))
def test_folds_share_no_speaker(speakers, num_folds):
    speakers = np.array(speakers)
    if len(set(speakers)) < 2:
        with pytest.raises(ValueError, match="two speakers"):
            folds_by_speaker(speakers, num_folds)
        return
    folds = folds_by_speaker(speakers, num_folds)
    assert (np.sum(folds, axis=0) == 1).all()
    for fold in folds:
        assert fold.any()
        assert not set(speakers[fold]) & set(speakers[~fold])


def test_a_head_does_not_know_its_own_fold():
    features, targets = problem(0, 24, 5)
    features = np.stack([features, features**2], axis=1)
    folds = folds_by_speaker(np.arange(24) % 6, 3)
    before = cross_validate(features, targets, 1.0, folds)
    changed = targets.copy()
    changed[folds[0]] += 100
    after = cross_validate(features, changed, 1.0, folds)
    np.testing.assert_array_equal(before[folds[0]], after[folds[0]])
    assert (np.abs(before - after)[~folds[0]] > 1).all()
