"""THE grid of windows; both ways, exact and in one pass, take it from there."""

from functools import partial

import numpy as np
import pytest
import soxr
from full import examples
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from audw2s.audio.preprocess import array_blocks
from audw2s.audio.quality import Report
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import Grid
from audw2s.audio.times import resampled_size
from audw2s.inference.frames import Tokens
from audw2s.inference.pipeline import Predictor
from audw2s.inference.pooling import SegmentPooler
from audw2s.inference.pooling import window_ranges
from audw2s.inference.row import Segment


def literal(total, win_dur, hop_dur):
    """First and last samples, by the rule in words."""
    size = round(win_dur * 16000)
    found, number = [], 0
    while round(number * hop_dur * 16000) + size <= total:
        first = round(number * hop_dur * 16000)
        found.append((first, first + size))
        number += 1
    first = round(number * hop_dur * 16000)
    if not found:
        return [(0, total)]
    if total > found[-1][1] and total - first >= 64:
        found.append((first, total))
    return found


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=8),
    st.integers(4, 300),
    st.integers(4, 400),
)
def test_windows_follow_the_rule(sizes, win, hop):
    total = sum(sizes)
    signal = np.arange(total)[None]
    edges = np.cumsum([0, *sizes])
    blocks = [signal[:, a:b] for a, b in zip(edges, edges[1:], strict=False)]
    grid = Grid(win / 1000, hop / 1000)
    expected = literal(total, win / 1000, hop / 1000)
    assert list(grid.windows(total)) == expected
    found = [window[0] for window in grid.cut(blocks)]
    assert [len(window) for window in found] == [b - a for a, b in expected]
    assert [w[0] for w in found if len(w)] == [a for a, b in expected if a < b]


@pytest.mark.parametrize(
    ("rest", "count"), [(0, 1), (1, 1), (63, 1), (64, 2), (65, 2), (16000, 2)]
)
def test_a_remainder_of_64_samples_is_a_window(rest, count):
    """It is what is left after the last full window, and from there to the end."""
    grid = Grid(1.0, 1.0)
    windows = list(grid.windows(16000 + rest))
    assert windows == [(0, 16000), (16000, 16000 + rest)][:count]
    for exact in (False, True):
        predictor = Predictor(win_dur=1, hop_dur=1, exact=exact)
        rng = np.random.default_rng(0)
        signal = rng.uniform(-0.1, 0.1, 16000 + rest)
        rows = predictor.signal(signal, 16000)
        assert len(rows) == count
        assert all(np.isfinite(row.values).all() for row in rows)


def test_a_remainder_inside_a_window_is_no_window():
    """With much overlap the last full window reaches the end."""
    assert list(Grid(2.0, 0.5).windows(40000)) == [(0, 32000), (8000, 40000)]
    # One sample more is in no window yet; the window that holds it is whole but for it
    assert list(Grid(2.0, 0.5).windows(40001))[-1] == (16000, 40001)


def test_no_drift_over_hours():
    windows = list(Grid(1.0, 1 / 3).windows(2 * 3600 * 16000))
    assert windows[-1] == (16000 * (2 * 3600 - 1), 16000 * 2 * 3600)
    assert windows[3000][0] == 16000 * 1000


def test_no_samples_give_no_windows():
    assert list(Grid(1.0, 1.0).cut([])) == []


def odd_signal(size, rate, seed):
    """Noise, of which some is constant, clipped, or not a number."""
    rng = np.random.default_rng(seed)
    signal = rng.uniform(-0.1, 0.1, (1 + seed % 2, size)).astype(np.float32)
    for kind in rng.choice(4, 3):
        first, length = rng.integers(0, size + 1), rng.integers(1, rate)
        part = signal[:, first : first + length]
        part[:] = [part, 0.25, np.sign(part), np.nan][kind]
    return signal


@pytest.fixture(scope="module")
def silent_network():
    """A network that says nothing: all else is real, and thousands take seconds."""

    def run(self, windows):
        assert all(window.shape[1] >= 64 for window in windows)
        nothing = np.array([0, 0, 0, np.nan], np.float32)
        return [np.tile(nothing, (len(window), 1)) for window in windows]

    def make(self, normalised):
        return np.zeros((len(normalised) // 64, 2 * self.weight.shape[1]), np.float32)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Predictor, "run", run)
        patch.setattr(Tokens, "make", make)
        patch.setattr(SegmentPooler, "_mark", lambda *_: None)
        patch.setattr(
            SegmentPooler, "_shares", lambda _, ranges: np.full(len(ranges), np.nan)
        )
        yield


DURATIONS = st.one_of(
    st.integers(64, 40000).map(lambda samples: samples / 16000),
    st.floats(0.004, 2.5),
    st.sampled_from([0.25, 0.5, 1.0, 1 / 3, 2.0]),
)
HOPS = DURATIONS.filter(lambda duration: duration > 0.02)
TIMES = st.one_of(
    st.none(),
    st.floats(-4, 6),
    st.integers(-64000, 96000).map(lambda samples: samples / 16000),
)


@settings(examples(2000), derandomize=True)
@given(
    size=st.one_of(st.integers(0, 200), st.integers(0, 64000)),
    rate=st.sampled_from([16000, 16000, 16000, 8000, 11025, 32000, 44100]),
    win_dur=st.one_of(st.none(), DURATIONS),
    hop_dur=HOPS,
    start=TIMES,
    end=TIMES,
    seed=st.integers(0, 20),
    longest=st.one_of(st.none(), st.none(), st.floats(0.01, 3)),
)
def test_exact_and_one_pass_have_the_same_rows(
    silent_network, size, rate, win_dur, hop_dur, start, end, seed, longest
):
    read = partial(array_blocks, odd_signal(size, rate, seed), rate)
    found = []
    for exact in (False, True):
        predictor = Predictor(
            win_dur=win_dur,
            hop_dur=win_dur and hop_dur,
            max_signal_dur=longest,
            exact=exact,
        )
        # With another segment, so that one pass is more than one
        segments = predictor.segments(read, [(start or 0.0, end), (0.5, 1.5)])
        rows = [row for rows in segments for row in rows]
        for row in rows:
            has_values = np.isfinite(row.values).all()
            assert has_values == (row.status not in UNUSABLE), row
        found.append([(len(rows)) for rows in segments])
        found[-1] += [row._replace(values=None, speech=None) for row in rows]
    assert found[0] == found[1]


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 44100, 48000])
def test_size_after_resampling_is_that_of_soxr(rate):
    for size in range(rate, rate + 20):
        resampled = soxr.resample(np.zeros(size, np.float32), rate, 16000)
        assert resampled_size(size, rate) == len(resampled)


@given(st.integers(1, 200_000), st.data(), st.integers(1000, 192_000))
def test_no_segment_reaches_beyond_the_samples_at_16_khz(size, data, rate):
    first = data.draw(st.integers(0, size))
    report = Report(sampling_rate=rate, num_samples=size)
    segment = Segment(first / rate, None, size / rate)
    assume(length := resampled_size(size - first, rate))
    ((start, stop, _),) = window_ranges(report, segment, 0, None, hop=1)
    assert stop - start == length
    assert stop <= resampled_size(size, rate)


def test_windows_are_clipped_on_their_own():
    """What is at full scale in one window says nothing of the others."""
    rng = np.random.default_rng(0)
    signal = rng.uniform(-0.1, 0.1, 5 * 44100)
    signal[2 * 44100 : 2 * 44100 + 45] = 1
    signal[4 * 44100 : 4 * 44100 + 44] = 1
    for exact in (False, True):
        predictor = Predictor(win_dur=1, hop_dur=1, exact=exact)
        rows = predictor.signal(signal, 44100)
        statuses = [row.status for row in rows]
        assert statuses == ["ok", "ok", "clipped", "ok", "ok"]
        assert rows[2].message.startswith("0.1 % of the samples at full scale")
        (row,) = Predictor(exact=exact).signal(signal, 44100)
        assert row.status == "ok"


def test_windows_of_truncated_files_are_truncated():
    """All of them, but those with a reason of their own."""
    rng = np.random.default_rng(0)
    signal = rng.uniform(-0.1, 0.1, 48000)
    signal[16000:32000] = 0
    for exact in (False, True):
        predictor = Predictor(win_dur=1, hop_dur=1, exact=exact)
        rows = predictor.signal(signal, 16000, end=5.0)
        assert [row.status for row in rows] == ["truncated", "silent", "truncated"]
        assert rows[0].message.startswith("read 3.000 s of 5.000 s")
