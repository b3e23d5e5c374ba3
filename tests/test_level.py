"""The level around each sample, against a literal second implementation."""

import math

import numpy as np
import pytest
from full import examples
from hypothesis import given
from hypothesis import strategies as st

from audw2s.audio.samples import HOP
from audw2s.inference.frames import RunningMoments
from audw2s.inference.frames import SlidingNormaliser


def literal(signal, dur, past=False, first_dur=0.5, counts=None, epsilon=1e-7):
    """Level of each hop of 64 samples, from the samples themselves."""
    num_hops = math.ceil(len(signal) / HOP)
    size = num_hops if math.isinf(dur) else max(1, round(dur * 16000 / HOP))
    out = []
    for hop in range(num_hops):
        if past:
            low = max(0, hop + 1 - size)
            least = min(size, max(1, round(first_dur * 16000 / HOP)))
            high = max(hop + 1, least)
        else:
            low = min(max(0, hop - size // 2), max(0, num_hops - size))
            high = low + size
        around = signal[low * HOP : high * HOP].astype(np.float64)
        if counts is not None:
            around = around[np.repeat(counts(low, high), HOP)[: len(around)]]
            around = around if len(around) else np.zeros(1)
        own = signal[hop * HOP : (hop + 1) * HOP]
        out.append(
            (own - around.mean()) / math.sqrt(max(around.var() + epsilon, 1e-14))
        )
    return np.concatenate(out)


def every_third_is_out(first, last):
    """Hops that count: all but each third block of five hops."""
    return np.arange(first, last) // 5 % 3 != 1


def in_pieces(level, signal, sizes):
    edges = np.cumsum(sizes)
    parts = [
        level.push(piece) for piece in np.split(signal, edges[edges < len(signal)])
    ]
    return np.concatenate([*parts, level.push(signal[:0], last=True)])


@examples(60)
@given(
    length=st.integers(64, 3000),
    dur=st.sampled_from([0.004, 0.02, 0.05, 0.3, math.inf]),
    past=st.booleans(),
    counts=st.sampled_from([None, every_third_is_out]),
    sizes=st.lists(st.integers(1, 700), max_size=12),
    seed=st.integers(0, 9),
)
def test_level_is_that_of_the_window_around(length, dur, past, counts, sizes, seed):
    rng = np.random.default_rng(seed)
    signal = rng.standard_normal(length) * np.linspace(0.01, 0.5, length) + 0.1
    signal = signal.astype(np.float32)
    if past and math.isinf(dur):
        return
    before = signal.copy()
    level = SlidingNormaliser(dur, past=past, first_dur=0.03, counts=counts)
    found = in_pieces(level, signal, sizes)
    expected = literal(signal, dur, past, first_dur=0.03, counts=counts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-4)
    np.testing.assert_array_equal(signal, before)


def test_normaliser_keeps_no_more_than_its_duration():
    level = SlidingNormaliser(0.5)
    held = []
    for _ in range(50):
        level.push(np.ones(1600, np.float32))
        held.append(len(level.waiting))
    assert max(held[10:]) <= 0.5 * 16000 + 1600
    assert len(level.sums) <= 0.5 * 16000 / HOP + 30


def test_normalisation_by_the_past_has_no_delay():
    level = SlidingNormaliser(2.0, past=True, first_dur=0.1)
    assert len(level.push(np.ones(1500, np.float32))) == 0
    assert len(level.push(np.ones(164, np.float32))) == 1664
    assert len(level.push(np.ones(64, np.float32))) == 64


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_moments_of_a_long_recording(offset):
    rng = np.random.default_rng(0)
    signal = (0.01 * rng.standard_normal(100_001) + offset).astype(np.float32)
    moments = RunningMoments()
    for block in np.split(signal, [1, 5000, 5000, 77_777]):
        moments.update(block)
    wide = signal.astype(np.float64)
    expected = (wide - wide.mean()) / np.sqrt(wide.var() + 1e-7)
    np.testing.assert_allclose(moments.push(signal), expected, atol=1e-3)
    np.testing.assert_allclose(moments.mean, wide.mean(), atol=1e-12)
    np.testing.assert_allclose(
        moments.square - moments.mean**2, wide.var(), rtol=1e-9, atol=1e-14
    )
