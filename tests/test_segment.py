import audformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audw2s
from audw2s.interface import steady


def spans(index) -> list[tuple[float, float]]:
    starts = index.get_level_values("start").total_seconds()
    ends = index.get_level_values("end").total_seconds()
    return list(zip(starts, ends, strict=True))


@pytest.fixture
def recording(speech) -> np.ndarray:
    """Speech, 1 s of silence, speech, 2 s of silence."""
    silence = np.zeros(16000, np.float32)
    return np.concatenate([speech, silence, speech[::-1], silence, silence])


def test_silence_is_left_out(recording, speech):
    index = audw2s.Segment(tolerance=10).process_signal(recording, 16000)
    length = len(speech) / 16000
    found = np.array(spans(index))
    assert found.shape == (2, 2)
    expected = [[0, length], [length + 1, 2 * length + 1]]
    np.testing.assert_allclose(found, expected, atol=0.35)
    rest = audw2s.Segment(tolerance=10, invert=True).process_signal(recording, 16000)
    borders = [*found[:, 1], *found[:, 0][1:], len(recording) / 16000]
    np.testing.assert_allclose(sorted(np.ravel(spans(rest))), sorted(borders)[-4:])


@pytest.mark.parametrize("hop_dur", [0.5, 3])
@pytest.mark.parametrize("given", [{}, {"exact": True}, {"max_signal_dur": 5.5}])
def test_segments_reach_the_end_whatever_the_hop(hop_dur, given):
    signal = 0.1 * np.random.default_rng(0).standard_normal((1, 5 * 16000 + 14400))
    segment = audw2s.Segment(win_dur=1, hop_dur=hop_dur, tolerance=2, **given)
    index = segment.process_signal(signal, 16000)
    end = given.get("max_signal_dur", 5.9)
    assert index.get_level_values("end").total_seconds()[-1] == end
    index = segment.process_signal(signal, 16000, start=1, end=5.2)
    assert index.get_level_values("end").total_seconds()[-1] == 5.2


def test_tolerance_cuts_where_values_change(clips, recording):
    calm = spans(audw2s.Segment(tolerance=10).process_signal(recording, 16000))
    cut = spans(
        audw2s.Segment(tolerance=0.01, min_dur=0.5).process_signal(recording, 16000)
    )
    assert len(cut) > len(calm)
    assert sum(b - a for a, b in cut) == pytest.approx(sum(b - a for a, b in calm))
    assert all(a < b for a, b in cut)


def test_where_holds_for_each_segment_by_itself(clips):
    everything = audw2s.Segment(tolerance=0.05).process_files(clips)
    frame = audw2s.Feature().process_index(everything)
    threshold = round(float(frame["arousal"].median()), 3)
    where = f"arousal > {threshold} and valence < 2"
    segment = audw2s.Segment(tolerance=0.05, where=where)
    found = segment.process_files(clips)
    expected = frame.index[frame["arousal"] > threshold]
    assert found.equals(expected)
    assert 0 < len(found) < len(everything)
    values = audw2s.Feature(segment=segment).process_files(clips)
    assert (values["arousal"] > threshold).all()
    assert values.index.equals(expected)


def test_signal_and_file_agree(clips):
    import soundfile

    segment = audw2s.Segment(tolerance=0.05)
    signal, rate = soundfile.read(clips[0], dtype="float32")
    by_signal = segment.process_signal(signal, rate, file=clips[0])
    assert by_signal.equals(segment.process_file(clips[0]))
    later = segment.process_signal(signal, rate, start=0.5)
    assert min(spans(later))[0] >= 0.5
    part = segment.process_file(clips[0], start=0.5)
    np.testing.assert_allclose(spans(later), spans(part))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_unusable_input_is_not_lost(damaged, clips):
    files = [path for path, _ in damaged.values()]
    feature = audw2s.Feature(segment=audw2s.Segment())
    frame = feature.process_files(files)
    silent = damaged["silence.wav"][0]
    found = set(frame.index.get_level_values("file"))
    assert found == set(files) - {silent}
    none = audw2s.Segment(where="arousal > -9").process_files(files)
    usable = set(frame.dropna().index.get_level_values("file"))
    assert set(none.get_level_values("file")) == usable
    table = pd.Series("label", audw2s.Segment().process_files(clips), dtype="string")
    assert len(audw2s.Segment().process_table(table)) >= len(table)


def test_an_invalid_condition_is_refused_at_once():
    with pytest.raises(ValueError, match="is no condition"):
        audw2s.Segment(where="loudness > 1")


@given(
    st.lists(st.sampled_from([-100.0, -70.0, -30.0, -20.0]), min_size=1, max_size=80),
    st.floats(0, 1),
)
def test_sounding_spans_are_ordered_and_loud(level, min_silence):
    level = np.array(level)
    duration = len(level) * steady.FRAME_DUR
    found = steady.sounding(level, duration, threshold=-40, min_silence=min_silence)
    times = np.ravel(found)
    assert (np.diff(times) >= -1e-9).all()
    assert ((times >= 0) & (times <= duration + 1e-9)).all()
    centres = (np.arange(len(level)) + 0.5) * steady.FRAME_DUR
    covered = np.array([any(a <= c <= b for a, b in found) for c in centres])
    loud = level >= max(np.percentile(level, 95) - 40, -80)
    assert covered[loud].all()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.floats(0, 1),
    st.integers(1, 5),
)
def test_steady_runs_cover_all_windows(values, tolerance, min_count):
    array = np.array(values)[:, None]
    runs = steady.steady(array, tolerance, min_count)
    assert runs[0][0] == 0
    assert runs[-1][1] == len(values)
    assert [a for _, a in runs[:-1]] == [b for b, _ in runs[1:]]
    if len(runs) > 1:
        assert all(b - a >= min_count for a, b in runs)
    if min_count == 1:
        for first, last in runs:
            for end in range(first + 1, last):
                mean = np.mean(values[first:end])
                assert abs(values[end] - mean) <= tolerance + 1e-9


def test_cache_depends_on_the_settings(clips, tmp_path):
    index = audformat.filewise_index(clips)
    cache = str(tmp_path)
    for tolerance in (0.02, 10):
        segment = audw2s.Segment(tolerance=tolerance, min_dur=0.5)
        fresh = segment.process_files(clips)
        for _ in range(2):
            assert segment.process_index(index, cache_root=cache).equals(fresh)
        feature = audw2s.Feature(segment=segment)
        for _ in range(2):
            frame = feature.process_index(index, cache_root=cache)
            assert frame.index.equals(fresh)
    assert len(list(tmp_path.rglob("*.pkl"))) == 4
