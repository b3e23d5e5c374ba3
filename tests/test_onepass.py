"""One pass over a recording says what many would, for any windows and segments."""

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from full import examples
from hypothesis import given
from hypothesis import strategies as st
from results import values

import audw2s
from audw2s.inference.frames import TokenStream
from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor

NAMES = ["arousal", "dominance", "valence"]


@pytest.fixture(scope="module")
def tokens():
    return Network("wav2small").tokens


@pytest.fixture
def recording(clips):
    """About 100 s of speech of several speakers, at several levels."""
    parts = []
    for number in range(6):
        for clip in clips:
            signal, _ = soundfile.read(clip, dtype="float32")
            parts.append(signal * 10 ** (-0.1 * (number % 4)))
    return np.concatenate(parts)


def graph(signal):
    """What the whole network says of all of a signal at once."""
    return audw2s.load("wav2small")(signal[None], 16000, outputs="logits")


@pytest.mark.parametrize("length", [480_001, 700_000, 1_234_567])
def test_long_recordings_are_one_pass(recording, length):
    signal = np.resize(recording, length)
    frame = audw2s.Feature().process_signal(signal, 16000)
    np.testing.assert_allclose(values(frame), graph(signal), atol=1e-4)


def test_long_files_are_one_pass(recording, tmp_path):
    """Read in blocks, twice, and resampled."""
    path = str(tmp_path / "long.wav")
    signal = np.stack([recording[:800_000], 0.5 * recording[:800_000]])
    soundfile.write(path, signal.T, 8000, subtype="FLOAT")
    report = audw2s.Feature(mixdown=False, channels=[0, 1]).process_file(path)
    import soxr

    for channel in (0, 1):
        whole = soxr.resample(signal[channel], 8000, 16000)
        expected = graph(whole.astype(np.float32))
        np.testing.assert_allclose(report[channel], expected, atol=1e-3)


@examples(25)
@given(
    sizes=st.lists(st.integers(1, 40_000), max_size=9),
    length=st.integers(64, 120_000),
    least=st.sampled_from([1, 25, None]),
)
def test_tokens_in_blocks_equal_one_run(tokens, sizes, length, least):
    rng = np.random.default_rng(length)
    signal = rng.standard_normal(length).astype(np.float32)
    expected = tokens.make(signal)
    stream = TokenStream(tokens, least=least)
    edges = np.cumsum(sizes)
    found = []
    for piece in np.split(signal, edges[edges < length]):
        found += list(stream.push(piece))
    found += list(stream.push(signal[:0], last=True))
    numbers = [n for first, made in found for n in range(first, first + len(made))]
    assert numbers == list(range(len(expected)))
    joined = np.concatenate([made for _, made in found])
    np.testing.assert_allclose(joined, expected, atol=2e-4)


def test_only_wanted_tokens_are_made(tokens):
    ranges = [(100, 110), (105, 130), (2000, 2100)]

    def wanted(number):
        left = [(max(a, number), b) for a, b in ranges if b > number]
        return left[0] if left else None

    rng = np.random.default_rng(0)
    signal = rng.standard_normal(64 * 3000).astype(np.float32)
    expected = tokens.make(signal)
    stream = TokenStream(tokens, wanted=wanted)
    made = {}
    for piece in np.split(signal, 30):
        for first, values_of in stream.push(piece):
            made |= {first + k: row for k, row in enumerate(values_of)}
        assert len(stream.waiting) <= 64 * 200
    assert sorted(made) == [*range(100, 130), *range(2000, 2100)]
    for number, row in made.items():
        np.testing.assert_allclose(row, expected[number], atol=2e-4)


def test_windows_of_a_short_file_are_close_to_exact_windows(clips):
    one_pass = audw2s.Feature(win_dur=2, hop_dur=0.5).process_files(clips)
    exact = audw2s.Feature(win_dur=2, hop_dur=0.5, exact=True).process_files(clips)
    assert one_pass.index.equals(exact.index)
    difference = np.abs(one_pass.to_numpy() - exact.to_numpy())
    assert 0 < difference.mean() < 0.03


def test_windows_are_segments_of_the_same_tokens(recording):
    """Rows of windows = rows of one segment each, with the same level around."""
    windows = Predictor(win_dur=3, hop_dur=1).signal(recording, 16000)
    starts = [row.start for row in windows]
    index = audformat.segmented_index(
        ["x"] * len(starts),
        pd.to_timedelta(starts, unit="s"),
        pd.to_timedelta([row.end for row in windows], unit="s"),
    )
    frame = audw2s.Feature().process_signal_from_index(recording, 16000, index)
    expected = np.stack([row.values[0] for row in windows])
    np.testing.assert_allclose(frame.to_numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_segment_does_not_depend_on_others(recording, tmp_path, rate):
    """Alone, in an index of many, in any order, from a file or a signal."""
    path = str(tmp_path / "meeting.wav")
    times = np.arange(int(60 * rate)) * 16000 / rate
    signal = np.interp(times, np.arange(len(recording)), recording).astype(np.float32)
    soundfile.write(path, signal, rate, subtype="FLOAT")
    rng = np.random.default_rng(0)
    starts = rng.uniform(0, 57, 30)
    ends = starts + rng.uniform(0.1, 3, 30)
    starts[3], ends[3] = 0, 60
    starts, ends = (pd.to_timedelta(t.round(3), unit="s") for t in (starts, ends))
    index = audformat.segmented_index([path] * 30, starts, ends)
    feature = audw2s.Feature(num_workers=2)
    frame = feature.process_index(index)
    assert frame.index.equals(index)
    shuffled = feature.process_index(index[::-1])
    np.testing.assert_allclose(shuffled[::-1], frame, atol=1e-4)
    from_signal = feature.process_signal_from_index(signal, rate, index)
    np.testing.assert_allclose(from_signal, frame, atol=1e-4)
    for number in (0, 3, 7, 29):
        exact = feature.process_file(path, start=starts[number], end=ends[number])
        np.testing.assert_allclose(values(exact)[0], frame.iloc[number], atol=1e-4)


def test_distant_segments_are_read_by_seeking(recording, tmp_path, monkeypatch):
    path = str(tmp_path / "long.wav")
    soundfile.write(path, np.resize(recording, 16000 * 300), 16000)
    read = []
    real = soundfile.SoundFile.read

    def counted(self, *args, **kwargs):
        block = real(self, *args, **kwargs)
        read.append(len(block))
        return block

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    index = audformat.segmented_index([path] * 2, ["10s", "250s"], ["12s", "252s"])
    frame = audw2s.Feature().process_index(index)
    assert frame.notna().all(axis=None)
    assert sum(read) < 30 * 16000


def test_a_file_is_read_once(recording, tmp_path, monkeypatch):
    path = str(tmp_path / "long.wav")
    soundfile.write(path, recording[: 16000 * 60], 16000)
    opened = []
    real = soundfile.SoundFile.__init__

    def counted(self, *args, **kwargs):
        opened.append(args)
        real(self, *args, **kwargs)

    monkeypatch.setattr(soundfile.SoundFile, "__init__", counted)
    starts = pd.to_timedelta(np.arange(200) * 0.25, unit="s")
    index = audformat.segmented_index([path] * 200, starts, starts + pd.Timedelta("2s"))
    audw2s.Feature().process_index(index)
    assert len(opened) == 1


def test_segments_have_statuses_of_their_own(speech):
    """What is odd in one segment is not told of another."""
    signal = np.tile(speech, 3)[: 16000 * 9].copy()
    signal[16000:32000] = 0
    signal[40000:40100] = np.nan
    signal[64000:65000] = 1.0
    spans = [(1.2, 1.8), (2.2, 3.2), (3.9, 4.5), (5, 7), (7, 7.3), (8, 12), (20, 21)]
    for exact in (False, True):
        predictor = Predictor(exact=exact)
        rows = [predictor.signal(signal, 16000, *span)[0] for span in spans]
        assert [row.status for row in rows] == [
            *("silent", "not_finite", "clipped", "ok", "short", "truncated", "empty")
        ]
        assert [np.isnan(row.values).any() for row in rows] == [
            *(False, True, False, False, False, False, True)
        ]
        assert rows[-1].message == "starts at 20.000 s of 9.000 s"
        assert rows[1].message == "holds 100 NaN or inf samples"


def test_windows_of_segments(recording):
    """Windows lie within their segment, the last one ends with it."""
    index = audformat.segmented_index(["x"] * 2, ["10s", "5.5s"], ["14.7s", "6s"])
    feature = audw2s.Feature(win_dur=2, hop_dur=1)
    frame = feature.process_signal_from_index(recording, 16000, index)
    spans = [tuple(t.total_seconds() for t in key[1:]) for key in frame.index]
    assert spans == [(10, 12), (11, 13), (12, 14), (13, 14.7), (5.5, 6)]
    exact = feature.process_signal(recording, 16000, start=10, end=14.7)
    np.testing.assert_allclose(frame.iloc[:4], exact, atol=1e-5)


def test_other_models_process_windows_one_by_one(clips):
    """A teacher has no tokens to pool: both ways are one."""
    settings_of = {"win_dur": 1, "hop_dur": 0.5}
    frames = [
        audw2s.Feature("whisper-tiny-adv", exact=exact, **settings_of).process_file(
            clips[0]
        )
        for exact in (False, True)
    ]
    np.testing.assert_array_equal(*frames)
