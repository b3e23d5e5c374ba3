"""Live values are those of one pass, however the signal is cut."""

import pathlib

import numpy as np
import pytest
import soundfile
import soxr
from full import examples
from hypothesis import given
from hypothesis import strategies as st
from test_level import literal
from test_pooling import literal as softmax

import audw2s
from audw2s.inference.network import Network

SPEECH = pathlib.Path(__file__).parents[1] / "examples" / "speech"
NAMES = ["arousal", "dominance", "valence"]


@pytest.fixture(scope="module")
def tokens():
    return Network("wav2small").tokens


@pytest.fixture(scope="module")
def talk():
    path = sorted(SPEECH.iterdir())[0]
    return soundfile.read(path, dtype="float32")[0]


def expected(tokens, signal, win_dur):
    """A/D/V of the last window and of all, from one run over the whole signal."""
    normalised = literal(signal, win_dur, past=True, epsilon=tokens.epsilon)
    made = tokens.make(normalised.astype(np.float32))
    lin, sof = np.split(made, 2, axis=1)
    size = round(win_dur * tokens.rate)
    return [
        tokens.outputs(softmax(lin[first:], sof[first:]))
        for first in (max(0, len(lin) - size), 0)
    ]


def listen(stream, signal, sizes):
    edges = np.cumsum(sizes)
    for chunk in np.split(signal, edges[edges < len(signal)]):
        stream.push(chunk)
    return stream.finish()


@examples(12, 0.5)
@given(
    sizes=st.lists(st.integers(1, 20_000), max_size=8),
    length=st.integers(64, 90_000),
    win_dur=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_any_chunks_give_what_one_pass_gives(tokens, talk, sizes, length, win_dur):
    signal = np.resize(talk, length)
    before = signal.copy()
    moment = listen(audw2s.Stream(win_dur=win_dur), signal, sizes)
    window, total = expected(tokens, signal, win_dur)
    assert list(moment.window) == list(moment.total) == NAMES
    np.testing.assert_allclose(list(moment.window.values()), window, atol=1e-4)
    np.testing.assert_allclose(list(moment.total.values()), total, atol=1e-4)
    assert moment.time == length / 16000
    np.testing.assert_array_equal(signal, before)


def test_values_of_a_stream_are_those_of_the_samples_so_far(tokens, speech):
    """Behind by less than an update and the context of a token."""
    stream, seen = audw2s.Stream(win_dur=1), []
    for number, chunk in enumerate(np.split(speech[:48000], 60)):
        moment = stream.push(chunk)
        fed = (number + 1) * 800
        if fed < 8000:
            assert moment.status == "waiting"
            assert np.isnan(list(moment.window.values())).all()
            continue
        assert moment.status == "ok"
        lag = fed / 16000 - stream.stream.num_done / tokens.rate
        assert 0 <= lag < 0.1 + 0.024 + 0.05
        seen.append(list(moment.window.values()))
    assert len(np.unique(seen, axis=0)) >= 20


def test_close_to_windows_of_a_recording(clips):
    """What a live stream says at last, and what the file's last window says."""
    live, offline = [], []
    for clip in clips:
        signal, _ = soundfile.read(clip, dtype="float32")
        moment = listen(audw2s.Stream(win_dur=2), signal, [1600] * 99)
        live.append(list(moment.total.values()))
        offline.append(audw2s.Feature().process_file(clip).to_numpy()[0])
    assert np.abs(np.array(live) - offline).max() < 0.25
    assert np.abs(np.array(live) - offline).mean() < 0.06


def test_resampled_stereo_integers(speech):
    """As one array, resampled at once."""
    wide = soxr.resample(speech, 16000, 44100)
    stereo = np.stack([wide, 0.5 * wide])
    pcm = np.round(stereo * 2**15).clip(-(2**15), 2**15 - 1).astype(np.int16)
    stream = audw2s.Stream(sampling_rate=44100)
    for first in range(0, pcm.shape[1], 4410):
        stream.push(pcm[:, first : first + 4410])
    found = stream.finish()
    same = soxr.resample(pcm.mean(axis=0) / 2**15, 44100, 16000).astype(np.float32)
    plain = listen(audw2s.Stream(), same, [1600] * 99)
    for name in NAMES:
        assert found.total[name] == pytest.approx(plain.total[name], abs=5e-3)


def test_state_is_bounded(speech):
    stream = audw2s.Stream(win_dur=1)
    held = []
    for _ in range(40):
        for first in range(0, len(speech), 4000):
            stream.push(speech[first : first + 4000])
        tokens = sum(len(recent.tokens) for recent in stream.recent)
        samples = len(stream.level.waiting) + len(stream.stream.waiting)
        held.append((tokens, samples, len(stream.level.sums)))
    assert max(t for t, _, _ in held) <= 250 + 60
    assert max(s for _, s, _ in held) <= 6000
    assert max(h for _, _, h in held) <= 400


def test_odd_chunks(speech):
    stream = audw2s.Stream(win_dur=1)
    assert stream.push(np.zeros(0, np.float32)).status == "waiting"
    assert stream.push(np.zeros((2, 0))).time == 0
    assert stream.push(np.zeros(16000)).status == "silent"
    assert stream.push(speech[:16000]).status == "ok"
    bad = speech[:1600].copy()
    bad[5] = np.inf
    moment = stream.push(bad)
    assert moment.status == "not_finite"
    assert np.isfinite([*moment.window.values(), *moment.total.values()]).all()
    assert stream.push(speech[:16000]).status == "ok"
    with pytest.raises(TypeError, match="real numbers"):
        stream.push(np.array(["a"]))
    assert audw2s.Stream().finish().status == "waiting"


def test_wrong_use():
    with pytest.raises(ValueError, match="'whisper-tiny-adv' can't be used live"):
        audw2s.Stream("whisper-tiny-adv")
    with pytest.raises(ValueError, match="'win_dur' has to be at least 0.5 s"):
        audw2s.Stream(win_dur=0.1)
    provenance = audw2s.Stream(win_dur=3).provenance
    assert provenance["sha256"] == audw2s.models().sha256["wav2small"]
    assert provenance["win_dur"] == 3


@pytest.mark.parametrize("num_channels", [1, 2])
def test_transposed_blocks_are_refused(clips, num_channels):
    """Blocks of sounddevice and soundfile are (frames, channels)."""
    signal, rate = soundfile.read(clips[3], dtype="float32", always_2d=True)
    signal = np.tile(signal, num_channels)
    stream = audw2s.Stream(sampling_rate=rate)
    with pytest.raises(ValueError, match="is the array transposed.*chunk.T"):
        stream.push(signal[:1600])
    for first in range(0, len(signal), 1600):
        moment = stream.push(signal[first : first + 1600].T)
    assert moment.time == len(signal) / rate
    assert moment.status == "ok"


def test_push_after_finish_is_refused(speech):
    stream = audw2s.Stream()
    stream.push(speech)
    stream.finish()
    for call in (lambda: stream.push(speech), stream.finish):
        with pytest.raises(RuntimeError, match="over since finish"):
            call()


@pytest.mark.parametrize("dtype, zero", [(np.uint8, 128), (np.int8, 0)])
def test_eight_bits_are_samples_as_others(speech, dtype, zero):
    samples = np.round(speech * 128).clip(-128, 127)
    integers = (samples + zero).astype(dtype)
    floats = (samples / 128).astype(np.float32)
    found, expected = (
        listen(audw2s.Stream(), signal, [1600] * 99) for signal in (integers, floats)
    )
    assert found == expected
    for way in (audw2s.Feature(), audw2s.Feature(win_dur=1), audw2s.Feature(exact=1)):
        tables = [way.process_signal(signal, 16000) for signal in (integers, floats)]
        np.testing.assert_array_equal(*tables)
    curves = [audw2s.curve(s, sampling_rate=16000, rate=2) for s in (integers, floats)]
    assert curves[0].equals(curves[1])
