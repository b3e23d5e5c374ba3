"""CCC as loss, as metric and in the bootstrap."""

import audmetric
import numpy as np
import pandas as pd
import pytest
from full import examples
from hypothesis import given
from hypothesis import strategies as st

from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.ccc import ccc
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.ccc import ccc_of_resamples
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.intervals import resample
from audw2s.model.registry import DIMENSIONS


def literal_ccc(truth, prediction):
    """Lin (1989), with sums written out."""
    n = len(truth)
    mean_t, mean_p = sum(truth) / n, sum(prediction) / n
    var_t = sum((t - mean_t) ** 2 for t in truth) / n
    var_p = sum((p - mean_p) ** 2 for p in prediction) / n
    pairs = zip(truth, prediction, strict=True)
    cov = sum((t - mean_t) * (p - mean_p) for t, p in pairs) / n
    return 2 * cov / (var_t + var_p + (mean_t - mean_p) ** 2)


seeds = st.integers(0, 2**32 - 1)


def draw_pair(seed, size=20, columns=3):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((size, columns))
    gain, offset = rng.uniform(-2, 2), rng.uniform(-2, 2)
    return truth, gain * truth + offset + rng.standard_normal((size, columns))


@examples(40)
@given(seeds)
def test_loss_is_one_minus_the_mean_ccc(seed):
    torch = pytest.importorskip("torch")
    losses = pytest.importorskip("audw2s.distill.losses")
    truth, prediction = draw_pair(seed)
    columns = range(truth.shape[1])
    expected = [literal_ccc(truth[:, i], prediction[:, i]) for i in columns]
    found = ccc(torch.from_numpy(truth), torch.from_numpy(prediction))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    loss = losses.ccc_loss(torch.from_numpy(truth), torch.from_numpy(prediction))
    np.testing.assert_allclose(loss.numpy(), 1 - np.array(expected), atol=1e-12)
    x, y = torch.from_numpy(truth), torch.from_numpy(prediction)
    shares = tuple(range(1, truth.shape[1] + 1))
    total = losses.total_loss(x, y, {"ccc": 2.0, "l1": 0.5, "mse": 0.1}, shares).item()
    literal = 0.0
    for i in columns:
        error = truth[:, i] - prediction[:, i]
        one = 2 * (1 - expected[i]) + 0.5 * abs(error).mean() + 0.1 * (error**2).mean()
        literal += shares[i] / sum(shares) * one
    assert total == pytest.approx(literal)
    other = [audmetric.concordance_cc(truth[:, i], prediction[:, i]) for i in columns]
    np.testing.assert_allclose(expected, other, atol=1e-12)


def test_loss_of_constant_predictions_has_a_gradient_without_nan():
    torch = pytest.importorskip("torch")
    losses = pytest.importorskip("audw2s.distill.losses")
    truth = torch.full((4, 3), 0.5)
    prediction = torch.full((4, 3), 0.5, requires_grad=True)
    loss = losses.total_loss(truth, prediction, {"ccc": 1.0}, (1, 1, 1))
    loss.backward()
    assert loss.item() == 1
    assert prediction.grad.isfinite().all()


@examples(25)
@given(seeds)
def test_ccc_of_resamples_is_that_of_repeated_clips(seed):
    truth, prediction = (x[:, 0] for x in draw_pair(seed, columns=1))
    rng = np.random.default_rng(seed)
    groups = np.unique(rng.integers(0, 6, len(truth)), return_inverse=True)[1]
    draws = resample(groups, 5, seed)
    found = ccc_of_resamples(truth, prediction, groups, draws)
    for draw, value in zip(draws, found, strict=True):
        assert draw.sum() == groups.max() + 1
        repeated = np.repeat(np.arange(len(truth)), draw[groups])
        expected = audmetric.concordance_cc(truth[repeated], prediction[repeated])
        assert value == pytest.approx(expected, abs=1e-9)


def test_ccc_of_resamples_far_from_zero():
    """Sums of squares lose digits if values aren't centred first."""
    truth, prediction = draw_pair(0, columns=1)
    groups, draws = np.arange(20), np.ones((1, 20), int)
    near = ccc_of_resamples(truth[:, 0], prediction[:, 0], groups, draws)
    far = ccc_of_resamples(truth[:, 0] + 1e6, prediction[:, 0] + 1e6, groups, draws)
    assert far == pytest.approx(near, abs=1e-6)


def test_ccc_of_a_resample_where_nothing_varies():
    values = np.array([0.5, 0.5, 0.1])
    draws = np.array([[3, 0, 0]])
    assert ccc_of_resamples(values, values, np.arange(3), draws) == [0.0]


def test_intervals_cover_the_true_value():
    """Of intervals from clips that are independent, nearly 95 % hold the truth."""
    true_ccc = 2 * 0.6 / (1 + 0.6**2 + 0.64 + 0.1**2)
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = rng.standard_normal(150)
        prediction = 0.6 * truth + 0.8 * rng.standard_normal(150) + 0.1
        groups = np.arange(150)
        draws = resample(groups, 300, seed)
        low, high = interval(ccc_of_resamples(truth, prediction, groups, draws))
        covered += low < true_ccc < high
    assert 0.88 < covered / 200 < 0.99


def clips(speakers, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((len(speakers), 3))
    predicted = truth + 0.2 * rng.standard_normal(truth.shape)
    frame = pd.DataFrame(
        np.hstack([predicted, truth]), columns=[*DIMENSIONS, *REFERENCE]
    )
    return frame.assign(speaker=list(map(str, speakers)), corpus="c", left_out="")


def test_clips_of_a_speaker_are_resampled_together():
    """Speakers who differ in offset make the interval wider than clips would."""
    speakers = np.repeat(np.arange(8), 30)
    frame = clips(speakers)
    for name in DIMENSIONS:
        frame[name] += np.random.default_rng(1).standard_normal(8)[speakers]
    wide = summarise(frame)
    narrow = summarise(frame.assign(speaker=list(map(str, range(len(frame))))))
    assert wide["resampled"] == narrow["resampled"] == "speakers"
    for name in DIMENSIONS:
        widths = [r[name]["high"] - r[name]["low"] for r in (wide, narrow)]
        assert widths[0] > 1.5 * widths[1]
        assert wide[name]["ccc"] == narrow[name]["ccc"]


def test_few_speakers_are_resampled_by_clip():
    assert summarise(clips([0, 1, 2, 3] * 5))["resampled"] == "clips"
    assert summarise(clips([0, 1, 2, 3, 4] * 4))["resampled"] == "speakers"


def test_speakers_of_two_corpora_are_not_the_same():
    frame = clips([0, 1, 2] * 4)
    frame.loc[:5, "corpus"] = "other"
    assert summarise(frame)["num_speakers"] == 6


def test_summary_has_the_values_of_audmetric():
    frame = clips([0, 1, 2] * 10)
    frame.loc[3, "left_out"] = "missing"
    frame.loc[3, "arousal"] = np.nan
    result = summarise(frame)
    used = frame.drop(index=3)
    assert (result["num_clips"], result["left_out"]) == (29, {"missing": 1})
    for name in DIMENSIONS:
        pair = used[f"reference_{name}"].to_numpy(), used[name].to_numpy()
        found = result[name]
        assert found["ccc"] == pytest.approx(audmetric.concordance_cc(*pair))
        assert found["pearson"] == pytest.approx(audmetric.pearson_cc(*pair))
        assert found["low"] < found["ccc"] < found["high"]
        assert found["mean"] == pytest.approx(pair[1].mean())
        assert found["reference_std"] == pytest.approx(pair[0].std())


def test_summary_is_reproducible():
    frame = clips(range(20))
    assert summarise(frame) == summarise(frame)


def test_summary_where_nothing_varies():
    frame = clips(range(6)).assign(valence=0.5)
    result = summarise(frame)["valence"]
    assert (result["ccc"], result["pearson"]) == (0.0, None)


def test_summary_without_clips():
    frame = clips(range(3)).assign(left_out=["", "missing", "missing"])
    with pytest.raises(ValueError, match="Of 3 clips 1 can be compared.*missing"):
        summarise(frame)


def test_raters_are_compared_with_the_others():
    rng = np.random.default_rng(0)
    raters = rng.random((3, 10, 3))
    raters[0, 4] = np.nan
    (first, second, _) = rater_agreement(raters)
    known = np.arange(10) != 4
    expected = literal_ccc(
        (raters[1, known, 0] + raters[2, known, 0]) / 2, raters[0, known, 0]
    )
    assert first["arousal"] == pytest.approx(expected)
    others = np.where(known, (raters[0, :, 2] + raters[2, :, 2]) / 2, raters[2, :, 2])
    assert second["valence"] == pytest.approx(literal_ccc(others, raters[1, :, 2]))
    assert rater_agreement(raters[:1]) == []


def test_ccc_of_a_single_clip():
    one = np.zeros((1, 3))
    assert ccc_by_dimension(one, one) == dict.fromkeys(DIMENSIONS)
