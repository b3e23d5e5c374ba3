"""Ridge regression against its closed form, folds by speaker, and categories."""

import numpy as np
import pytest
from fabricated import primal_ridge
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from audw2s.distill.teachers.categories import Categories
from audw2s.distill.teachers.head import NO_FOLD
from audw2s.distill.teachers.head import Heads
from audw2s.distill.teachers.head import WeakLabels
from audw2s.distill.teachers.head import without_arousal
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
def test_ridge_regression_follows_its_closed_form(
    seed, num_clips, num_features, penalty
):
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


def test_a_head_is_fitted_without_its_fold():
    features, targets = problem(0, 24, 5)
    features = np.stack([features, features**2], axis=1)
    folds = folds_by_speaker(np.arange(24) % 6, 3)
    before = Heads(features, targets, folds, 1.0).cross_validate()
    changed = targets.copy()
    changed[folds[0]] += 100
    after = Heads(features, changed, folds, 1.0).cross_validate()
    np.testing.assert_array_equal(before[folds[0]], after[folds[0]])
    assert (np.abs(before - after)[~folds[0]] > 1).all()


def test_values_have_the_standard_deviation_of_the_ratings():
    """By as much as held-out values do, which a fit draws together."""
    features, targets = problem(1, 600, 4)
    targets = targets + features[:, :3] / features[:, :3].std(axis=0)
    folds = folds_by_speaker(np.arange(600) % 20, 20)
    heads = Heads(features[:, None], targets, folds, 2000.0)
    weight, bias = heads.fit()
    plain_weight, plain_bias = fit_ridge(features, targets, 2000.0)
    factor = (weight / plain_weight)[:2]
    np.testing.assert_allclose(factor, np.broadcast_to(factor[:, :1], (2, 4)))
    assert (factor[:, 0] > 1.2).all()
    values, plain = features @ weight.T + bias, features @ plain_weight.T + plain_bias
    np.testing.assert_allclose(values.std(axis=0), targets.std(axis=0), rtol=0.1)
    np.testing.assert_allclose(values.mean(axis=0), plain.mean(axis=0), atol=0.02)


@pytest.mark.parametrize("share", [-0.5, 0.0, 0.8])
def test_valence_correlates_with_arousal_as_ratings_do(share):
    """Where a penalty lets valence follow arousal, on held-out clips as well."""
    rng = np.random.default_rng(4)
    arousal, valence = rng.standard_normal((2, 900))
    targets = np.column_stack([arousal, arousal, valence + share * arousal])
    noise = rng.standard_normal((900, 3))
    features = targets + np.column_stack([noise[:, 0], noise[:, 1], arousal])
    folds = folds_by_speaker(np.arange(900) % 30, 30)
    heads = Heads(features[:, None], targets, folds, 900.0)
    values = heads.cross_validate()[:, 0]
    goal = np.corrcoef(targets.T)[0, 2]
    assert np.corrcoef(values.T)[0, 2] == pytest.approx(goal, abs=0.02)
    weight, bias = heads._fit(frozenset())
    before = features @ weight.T + bias
    assert np.corrcoef(before.T)[0, 2] > goal + 0.1
    np.testing.assert_allclose(values.mean(axis=0), targets.mean(axis=0), atol=0.03)


@pytest.mark.parametrize("own", [0.0, 0.01])
def test_valence_that_is_but_arousal_keeps_its_head(own):
    """Of few clips, little would be left, and be scaled up."""
    rng = np.random.default_rng(5)
    targets, (arousal, valence) = rng.random((9, 3)), own * rng.random((2, 9))
    values = np.column_stack([arousal, arousal, arousal + own * valence])
    matrix, shift = without_arousal(targets, values)
    np.testing.assert_array_equal(matrix, np.eye(3))
    np.testing.assert_array_equal(shift, np.zeros(3))


def categorised(weight=1.0, **given):
    """Rated clips, clips of categories, and heads that are fitted to both."""
    features, targets = problem(2, 60, 5)
    rated = np.array(["joy", "anger", "calm"], object)[np.arange(60) % 3]
    more = problem(3, 40, 5)[0]
    labels = np.array(["joy", "anger", "fear", None], object)[np.arange(40) % 4]
    folds = folds_by_speaker(np.arange(60) // 10, 6)
    settings = Categories(corpora=["a.csv"], weight=weight, **given)
    none = np.full(40, NO_FOLD)
    weak = WeakLabels(settings, more[:, None], labels, rated, none)
    heads = Heads(features[:, None], targets, folds, 10.0, weak)
    count = weak.describe(targets)["num_clips"]
    return (features, targets, rated), (more, labels), heads, count


def test_categories_count_as_clips_of_their_mean_rating():
    """Twice as much as the same clips twice; in valence alone; fear is unknown."""
    (features, targets, rated), (more, labels), heads, count = categorised(2.0)
    assert count == 20
    known = np.isin(labels, ["joy", "anger"])
    means = [targets[rated == label].mean(axis=0) for label in labels[known]]
    rows = np.concatenate([features, more[known], more[known]])
    expected = primal_ridge(rows, np.concatenate([targets, means, means]), 10.0)
    plain = primal_ridge(features, targets, 10.0)
    weight, bias = heads._fit(frozenset())
    np.testing.assert_allclose(weight[:2], plain[0][:2], atol=1e-8)
    np.testing.assert_allclose(weight[2], expected[0][2], atol=1e-8)
    np.testing.assert_allclose(bias[2], expected[1][2], atol=1e-8)


def test_categories_without_rated_clips_use_the_given_mean():
    means = {"fear": {"valence": 0.25}, "joy": {"valence": 9.0}}
    (features, targets, rated), (more, labels), heads, count = categorised(
        means=means, source="a paper"
    )
    assert count == 30
    known = np.isin(labels, ["joy", "anger", "fear"])
    valence = {name: targets[rated == name, 2].mean() for name in ("joy", "anger")}
    given = [valence.get(label, 0.25) for label in labels[known]]
    rows = np.concatenate([features, more[known]])
    both = np.concatenate([targets[:, 2], given])[:, None]
    weight, _ = heads._fit(frozenset())
    np.testing.assert_allclose(
        weight[2], primal_ridge(rows, both, 10.0)[0][0], atol=1e-8
    )


def test_mean_ratings_of_categories_leave_out_the_fold():
    (features, targets, rated), (more, labels), heads, _ = categorised()
    before = heads.cross_validate()
    changed = targets.copy()
    changed[heads.folds[0]] += 100
    other = Heads(features[:, None], changed, heads.folds, 10.0, heads.weak)
    after = other.cross_validate()
    np.testing.assert_array_equal(before[heads.folds[0]], after[heads.folds[0]])
    assert np.abs(before[~heads.folds[0]] - after[~heads.folds[0]]).min() > 0


def test_categories_of_held_out_speakers_are_held_out():
    """Those of a fold change no value of its clips."""
    (features, targets, rated), (more, labels), heads, _ = categorised()
    folds = np.arange(40) % 5 - 1
    changed = np.where((folds == 0)[:, None], more + 100, more)

    def predicted(more):
        settings = heads.weak.settings
        weak = WeakLabels(settings, more[:, None], labels, rated, folds)
        return Heads(
            features[:, None], targets, heads.folds, 10.0, weak
        ).cross_validate()

    before, after = predicted(more), predicted(changed)
    same = {"rtol": 0, "atol": 1e-6}
    np.testing.assert_allclose(before[heads.folds[0]], after[heads.folds[0]], **same)
    assert np.abs(before - after)[~heads.folds[0]].max() > 0.01


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("corpora = []", "'corpora'"),
        ("corpora = ['a.csv']\nweight = 0", "'weight' is a number above 0, got 0"),
        ("corpora = ['a.csv']\ndimensions = ['joy']", "some of .*'valence'"),
        ("corpora = ['a.csv']\nmeans.fear.valence = 0.2", "'means' need a 'source'"),
        (
            "corpora = ['a.csv']\nsource = 'x'\nmeans.fear.arousal = 0.2",
            "means of 'fear' are of .'arousal'., those of .'valence'. are needed",
        ),
    ],
)
def test_settings_of_categories_that_do_not_fit_are_errors(tmp_path, text, message):
    path = tmp_path / "categories.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        Categories.from_toml(str(path))
    assert str(path) in str(error.value)
