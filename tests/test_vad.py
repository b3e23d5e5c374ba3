"""Values of speech only, against a literal implementation, by all ways to get them."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from results import values

import audw2s
from audw2s.audio.preprocess import load
from audw2s.audio.speech import marked
from audw2s.audio.speech import only_speech
from audw2s.audio.speech import speech_probabilities
from audw2s.audio.speech_frames import FRAME
from audw2s.audio.speech_frames import speech_frames
from audw2s.audio.times import SECOND
from audw2s.corpus.prediction import predict
from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor

NAMES = ["arousal", "dominance", "valence"]


def noise(duration, seed=0):
    rng = np.random.default_rng(seed)
    return (0.003 * rng.standard_normal(round(16000 * duration))).astype(np.float32)


@pytest.fixture
def clip(clips):
    return load(clips[0])


@pytest.fixture
def recording(clip):
    """Two times the same words, in 4 s of room noise."""
    parts = [noise(1.5, 1), clip[:30000], noise(2), clip[:40000], noise(0.5, 2)]
    return np.concatenate(parts)


def mask_of(signal):
    frames = speech_frames(speech_probabilities(signal))
    return np.repeat(frames, FRAME)[: len(signal)]


def pooled(tokens, normalised, is_speech, first=0, last=None):
    """A/D/V of the tokens of speech in a range of samples."""
    made = tokens.make(normalised.astype(np.float32)).astype(np.float64)
    centres = np.arange(len(made)) * 64 + 32
    chosen = is_speech[np.minimum(centres, len(is_speech) - 1)]
    chosen &= (centres >= first) & (centres < (last or len(normalised)))
    lin, sof = np.split(made[chosen], 2, axis=1)
    weights = np.exp(sof - sof.max(axis=0))
    hidden_states = (weights * lin).sum(axis=0) / weights.sum(axis=0)
    return tokens.outputs(hidden_states)


@pytest.mark.parametrize("repeats", [1, 5])
def test_whole_recordings_are_pooled_over_speech(recording, repeats):
    """5 repeats are longer than what is held in memory."""
    signal = np.tile(recording, repeats)
    is_speech = mask_of(signal)
    level = signal[is_speech].astype(np.float64)
    normalised = (signal - level.mean()) / level.std()
    tokens = Network("wav2small").tokens
    (row,) = Predictor(vad=True).signal(signal, 16000)
    expected = pooled(tokens, normalised, is_speech)
    np.testing.assert_allclose(row.values[0], expected, atol=1e-4)
    assert row.speech == pytest.approx(is_speech.sum() / 16000, abs=1e-4)
    assert row.status == "ok"


def test_windows_are_pooled_over_speech_of_their_surroundings(recording):
    is_speech, size = mask_of(recording), 2 * 16000
    hops = -(-len(recording) // 64)
    normalised = np.zeros_like(recording)
    for hop in range(hops):
        low = min(max(0, hop - 250), hops - 500)
        around = slice(64 * low, 64 * (low + 500))
        level = recording[around][is_speech[around]].astype(np.float64)
        own = slice(64 * hop, 64 * hop + 64)
        if len(level):
            normalised[own] = (recording[own] - level.mean()) / level.std()
    tokens = Network("wav2small").tokens
    rows = Predictor(vad=True, win_dur=2, hop_dur=0.5).signal(recording, 16000)
    assert len(rows) > 10
    for number, row in enumerate(rows):
        first = 8000 * number
        last = min(first + size, len(recording))
        speech = is_speech[first:last].sum() / 16000
        assert row.speech == pytest.approx(speech, abs=0.005)
        if speech < 0.29:
            assert row.status == "no_speech"
            assert np.isnan(row.values).all()
        if speech > 0.31:
            assert row.status == "ok"
            expected = pooled(tokens, normalised, is_speech, first, last)
            np.testing.assert_allclose(row.values[0], expected, atol=1e-4)
    assert {row.status for row in rows} == {"ok", "no_speech"}


def test_other_models_get_the_speech(recording):
    (row,) = Predictor("whisper-tiny-adv", vad=True).signal(recording, 16000)
    speech = only_speech(recording, marked(recording))
    (expected,) = Predictor("whisper-tiny-adv").signal(speech, 16000)
    np.testing.assert_allclose(row.values, expected.values, atol=1e-6)
    assert row.speech == pytest.approx(len(speech) / 16000)


@pytest.mark.parametrize("name", ["wav2small", "wav2small-int8", "whisper-tiny-adv"])
@pytest.mark.parametrize("quiet", [np.zeros(320000, np.float32), noise(20)])
def test_silence_before_anger_does_not_count(name, quiet, clips):
    anger = load(next(clip for clip in clips if "anger" in clip))
    predictor = Predictor(name, vad=True)
    (alone,) = predictor.signal(anger, 16000)
    (row,) = predictor.signal(np.concatenate([quiet, anger]), 16000)
    np.testing.assert_allclose(row.values, alone.values, atol=0.03)
    assert row.speech == pytest.approx(alone.speech, abs=0.15)


@pytest.mark.parametrize("settings", [{}, {"win_dur": 2}, {"exact": True}])
@pytest.mark.parametrize("name", ["wav2small", "whisper-tiny-adv"])
def test_without_speech_there_is_no_value(name, settings):
    rows = Predictor(name, vad=True, **settings).signal(noise(5), 16000)
    assert {row.status for row in rows} == {"no_speech"}
    assert all(np.isnan(row.values).all() for row in rows)
    assert rows[0].message == "0.0 s of speech, at least 0.3 s are needed"
    assert rows[0].speech == 0


def test_exact_windows_are_those_of_recordings_of_their_own(recording):
    predictor = Predictor(vad=True, win_dur=2, exact=True)
    for row in predictor.signal(recording, 16000):
        first, last = (round(t / SECOND * 16000) for t in (row.start, row.end))
        (own,) = Predictor(vad=True).signal(recording[first:last], 16000)
        np.testing.assert_allclose(row.values, own.values, atol=1e-5)
        assert row.status == own.status


def test_segments_of_a_recording(recording):
    series = audw2s.Feature(vad=True).process_signal(recording, 16000, start=1, end=4)
    index = pd.MultiIndex.from_arrays(
        [pd.to_timedelta([1, 4], unit="s"), pd.to_timedelta([4, 6], unit="s")],
        names=["start", "end"],
    )
    feature = audw2s.Feature(vad=True)
    both = feature.process_signal_from_index(recording, 16000, index)
    np.testing.assert_allclose(values(both)[0], values(series)[0], atol=1e-4)


def test_a_channel_without_speech_has_no_values(recording):
    signal = np.stack([recording, noise(len(recording) / 16000)])
    feature = audw2s.Feature(vad=True, mixdown=False, channels=[0, 1])
    (found,) = feature.process_signal(signal, 16000).to_numpy()
    (alone,) = audw2s.Feature(vad=True).process_signal(recording, 16000).to_numpy()
    np.testing.assert_allclose(found[:3], alone, atol=1e-5)
    assert np.isnan(found[3:]).all()
    with pytest.warns(UserWarning, match="no_speech"):
        audw2s.Feature(vad=True).process_signal(signal[1], 16000)


def test_all_ways_give_the_same(recording, tmp_path):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, recording, 16000, "FLOAT")
    expected = values(audw2s.Feature(vad=True).process_file(path))
    table = predict([path], Predictor(vad=True))
    np.testing.assert_allclose(table[NAMES], expected, atol=1e-6)
    process = audw2s.Process(vad=True).process_file(path).iloc[0]
    np.testing.assert_allclose([process[n] for n in NAMES], expected[0], atol=1e-6)
    curve = audw2s.curve(path, vad=True, rate=1, win_dur=2)
    start, end = 4.0 - 1, 4.0 + 1
    window = audw2s.Feature(vad=True).process_file(path, start=start, end=end)
    point = curve.loc["4s", NAMES].astype(float)
    np.testing.assert_allclose(point, values(window)[0], atol=1e-6)
    assert curve["status"].iloc[0] == "no_speech"


def test_settings_tell_of_vad():
    for kind in (audw2s.Feature, audw2s.Process, audw2s.Segment):
        assert "vad: true" in kind(vad=True).to_yaml_s()
    assert audw2s.Feature(vad=True).provenance["vad"]


def test_segments_are_those_of_speech(recording):
    index = audw2s.Segment(vad=True, tolerance=9).process_signal(recording, 16000)
    starts, ends = (index.get_level_values(n).total_seconds() for n in index.names)
    assert len(index) == 2
    np.testing.assert_allclose(starts, [1.5, 5.375], atol=0.3)
    np.testing.assert_allclose(ends, [3.375, 7.875], atol=0.3)


@pytest.mark.parametrize("size", [1600, 5000])
def test_streams_pool_speech_only(recording, size):
    signal = np.concatenate([recording, noise(3)])
    stream = audw2s.Stream(vad=True)
    moments = [
        stream.push(signal[first : first + size])
        for first in range(0, len(signal), size)
    ]
    last = stream.finish()
    by_status = {moment.status: moment for moment in moments}
    assert set(by_status) == {"waiting", "no_speech", "ok"}
    assert last.status == "no_speech"
    assert np.isnan([*last.window.values()]).all()
    alone = audw2s.Stream()
    alone.push(only_speech(recording, marked(recording)))
    expected = [*alone.finish().total.values()]
    # Pauses are left out of the level in both, tokens at the cuts differ
    np.testing.assert_allclose([*last.total.values()], expected, atol=0.06)


def test_streams_do_not_depend_on_chunks(recording):
    totals = []
    for size in (333, 1600, len(recording)):
        stream = audw2s.Stream(vad=True)
        for first in range(0, len(recording), size):
            stream.push(recording[first : first + size])
        totals.append([*stream.finish().total.values()])
    np.testing.assert_allclose(totals, totals[:1] * 3, atol=1e-4)
