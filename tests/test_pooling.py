"""Pooling over any ranges, against softmax written out."""

from types import SimpleNamespace

import numpy as np
from full import examples
from hypothesis import given
from hypothesis import strategies as st

from audw2s.inference.frames import RunningMoments
from audw2s.inference.pooling import SegmentPooler


def literal(lin, sof):
    """``sum over t of softmax(sof)_t * lin_t``, in 80 bits."""
    lin, sof = lin.astype(np.longdouble), sof.astype(np.longdouble)
    weights = np.exp(sof - sof.max(axis=0))
    return (weights / weights.sum(axis=0) * lin).sum(axis=0).astype(float)


def make_pool(ranges, size):
    """Pooler of tokens that come from no signal, and give no other values."""
    tokens = SimpleNamespace(
        weight=np.zeros((3, size)), outputs=lambda hidden_states: hidden_states
    )
    tokens.hop, tokens.context, tokens.block, tokens.has_speech = 64, 0, 1, False
    numbered = ((first, last, 0) for first, last in ranges)
    return SegmentPooler(tokens, RunningMoments(), numbered)


def results(pool):
    """Values without the share of speech, which is unknown."""
    return [values[:-1] for values in pool.finish()]


def pooled(ranges, lin, sof, edges):
    pool = make_pool(sorted(ranges), lin.shape[1])
    for first, last in zip([0, *edges], [*edges, len(lin)], strict=True):
        if last > first:
            pool.add(first, np.hstack([lin, sof])[first:last])
    return results(pool)


@examples(100)
@given(
    num_tokens=st.integers(1, 120),
    scale=st.sampled_from([0.0, 1.0, 10.0, 100.0, 1000.0]),
    edges=st.lists(st.integers(0, 120), max_size=6),
    ranges=st.lists(
        st.tuples(st.integers(0, 119), st.integers(1, 2**50)), min_size=1, max_size=9
    ),
    seed=st.integers(0, 99),
)
def test_pooling_equals_a_softmax_over_each_range(
    num_tokens, scale, edges, ranges, seed
):
    """Also where values of ``sof`` lie hundreds apart, and ranges reach further."""
    rng = np.random.default_rng(seed)
    lin, sof = rng.standard_normal((2, num_tokens, 3)).astype(np.float32)
    sof *= scale
    ranges = [(a % num_tokens, a % num_tokens + length) for a, length in ranges]
    edges = sorted(edge for edge in edges if edge < num_tokens)
    found = pooled(ranges, lin, sof, edges)
    assert len(found) == len(ranges)
    for (first, last), values in zip(sorted(ranges), found, strict=True):
        expected = literal(lin[first:last], sof[first:last])
        np.testing.assert_allclose(values, expected, atol=2e-5)


def test_pooling_keeps_its_precision_over_hours():
    """A loud end changes nothing of what was summed before it, or after it."""
    rng = np.random.default_rng(0)
    lin, sof = rng.standard_normal((2, 1000, 4)).astype(np.float32)
    sof[500] += 80
    pool = make_pool([(0, 2**50), (990_000, 990_400)], 4)
    for number in range(1000):
        loud = sof if number == 500 else sof - 60
        pool.add(1000 * number, np.hstack([lin, loud]))
    (whole, late) = results(pool)
    np.testing.assert_allclose(whole, lin[500], atol=1e-5)
    np.testing.assert_allclose(late, literal(lin[:400], sof[:400]), atol=1e-5)


def test_ranges_are_pooled_as_tokens_arrive():
    taken = []

    def endless():
        number = 0
        while True:
            taken.append(number)
            yield 10 * number, 10 * number + 20
            number += 1

    pool = make_pool(endless(), 1)
    pool.add(0, np.ones((100, 2), np.float32))
    # One ahead, to know when it begins
    assert len(taken) == 11
    assert len(pool.open) == 1
    # The last one begins behind the last token, and has that one
    assert [values.tolist() for values in results(pool)] == [[1.0]] * 11


def test_gaps_are_skipped():
    pool = make_pool([(5, 10), (100, 110)], 1)
    # And the token before, which may be the last one
    assert pool.wanted(0) == (4, 10)
    ones = np.ones((5, 2), np.float32)
    pool.add(5, ones)
    assert pool.wanted(10) == (99, 110)
    pool.add(100, ones * [2, 1])
    assert pool.wanted(105) == (105, 110)
    assert [values.tolist() for values in results(pool)] == [[1.0], [2.0]]
    assert pool.wanted(110) is None


def test_shares_of_speech_beside_a_gap():
    """The mean around a token ends at the gap, and at the end of the recording."""
    logits = np.random.default_rng(0).standard_normal(90)
    ranges = [(2, 40), (10, 70), (65, 80), (88, 2**50), (90, 95)]
    pool = make_pool(ranges, 1)
    pool.has_speech, pool.tokens.smoothing = True, 5
    pool.tokens.speech_weight, pool.tokens.speech_bias = np.ones(1), 0.0
    tokens = np.stack([logits, np.zeros(90)], axis=1)
    for first, last in ((2, 7), (7, 40), (60, 61), (61, 90)):
        pool.add(first, tokens[first:last])
    is_speech = np.zeros(90, bool)
    for first, last in ((2, 40), (60, 90)):
        for token in range(first, last):
            around = logits[max(first, token - 2) : min(last, token + 3)]
            is_speech[token] = around.mean() > 0
    shares = [values[-1] for values in pool.finish()]
    expected = [is_speech[first:last].mean() for first, last in ranges[:-1]]
    # Behind the end it is that of the last token
    np.testing.assert_allclose(shares, [*expected, is_speech[-1]])
