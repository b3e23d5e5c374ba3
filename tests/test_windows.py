import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audw2s.windows import windows


def literal(total, rate, win_dur, hop_dur, min_samples):
    """Starts and ends in samples, by the rule in words."""
    size = round(win_dur * rate)
    found, number = [], 0
    while round(number * hop_dur * rate) + size <= total:
        first = round(number * hop_dur * rate)
        found.append((first, first + size))
        number += 1
    first = round(number * hop_dur * rate)
    if not found:
        return [(0, total)]
    if total > found[-1][1] and total - first >= min_samples:
        found.append((first, total))
    return found


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=8),
    st.integers(1, 30),
    st.integers(1, 40),
    st.integers(1, 10),
)
def test_windows_follow_the_rule(sizes, win, hop, min_samples):
    total, rate = sum(sizes), 10
    signal = np.arange(total)[None]
    edges = np.cumsum([0, *sizes])
    blocks = [signal[:, a:b] for a, b in zip(edges, edges[1:], strict=False)]
    found = list(windows(blocks, rate, win / 10, hop / 10, min_samples=min_samples))
    expected = literal(total, rate, win / 10, hop / 10, min_samples)
    assert [w[0].tolist() for _, w in found] == [list(range(a, b)) for a, b in expected]
    assert [start for start, _ in found] == [n * (hop / 10) for n in range(len(found))]


def test_no_drift_over_hours():
    blocks = (np.broadcast_to(np.float32(0), (1, 16000 * 60)) for _ in range(120))
    starts = [start for start, _ in windows(blocks, 16000, 1.0, 1 / 3)]
    assert abs(starts[-1] - (2 * 3600 - 1)) < 1e-6
    assert abs(starts[3000] - 1000) < 1e-9


def test_no_blocks_no_windows():
    assert list(windows([], 16000, 1.0, 1.0)) == []
