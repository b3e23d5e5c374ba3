"""What is said of recordings that can be read, and hardly be heard."""

import pathlib
import re

import numpy as np
import pytest

from audw2s.audio.statuses import STATUSES
from audw2s.audio.statuses import UNUSABLE
from audw2s.inference.pipeline import Predictor

ROOT = pathlib.Path(__file__).parents[1]


def in_16_bits(signal: np.ndarray, gain: float) -> np.ndarray:
    return (np.round(signal * gain * 2**15) / 2**15).astype(np.float32)


def delayed(signal: np.ndarray) -> np.ndarray:
    return np.roll(signal, 12)


SIGNALS = {
    "inverted": (lambda s: [s, -s], "cancelled"),
    "inverted, not by bit": (lambda s: [s, in_16_bits(-s, 0.999)], "cancelled"),
    "three that cancel": (lambda s: [s, -s / 2, -s / 2], "cancelled"),
    "inverted, of another gain": (lambda s: [s, -0.8 * s], "ok"),
    "one is dead": (lambda s: [s, 0 * s], "ok"),
    "one of 64 is alive": (lambda s: [s, *[0 * s] * 63], "ok"),
    "one is constant": (lambda s: [s, 0 * s + 0.25], "ok"),
    "two constants": (lambda s: [0 * s + 0.5, 0 * s - 0.25], "silent"),
    "one is late": (lambda s: [s, delayed(s)], "ok"),
    "nothing in common": (lambda s: [s, s[::-1]], "ok"),
    "-20 dB": (lambda s: [in_16_bits(s, 10**-1)], "ok"),
    "-40 dB": (lambda s: [in_16_bits(s, 10**-2)], "ok"),
    "-60 dB": (lambda s: [in_16_bits(s, 10**-3)], "quiet"),
    "-60 dB, in floating point": (lambda s: [s * 10**-3], "quiet"),
    "-60 dB, inverted": (lambda s: [s * 10**-3, -s * 10**-3], "quiet"),
    "-80 dB": (lambda s: [in_16_bits(s, 10**-4)], "quiet"),
}


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("win_dur", [None, 1.0])
@pytest.mark.parametrize("exact", [False, True])
def test_channels_and_level(speech, name, win_dur, exact):
    make, status = SIGNALS[name]
    predictor = Predictor("wav2small", win_dur=win_dur, exact=exact)
    signal = np.stack(make(speech)).astype(np.float32)
    rows = predictor.signal(signal, 16000)
    # EmoDB's clips end in silence
    found = {row.status for row in rows[:-1] or rows}
    assert found == {status}
    for row in rows:
        assert np.isnan(row.values).all() == (row.status in UNUSABLE)
        assert row.message or row.status == "ok"


def test_message_on_cancelled_channels_names_a_channel_to_use(speech):
    signal = np.stack([speech, -speech])
    (row,) = Predictor("wav2small").signal(signal, 16000)
    assert "channels=0" in row.message
    (expected,) = Predictor("wav2small").signal(speech, 16000)
    (row,) = Predictor("wav2small", channels=0).signal(signal, 16000)
    assert row.status == "ok"
    np.testing.assert_array_equal(row.values, expected.values)
    (row,) = Predictor("wav2small", channels=[0, 1], mixdown=False).signal(
        signal, 16000
    )
    assert row.status == "ok"
    np.testing.assert_array_equal(row.values[0], expected.values[0])


def test_only_windows_in_which_channels_cancel_out_have_no_values(speech):
    twice = np.concatenate([speech, speech])
    signal = np.stack([twice, twice])
    signal[1, len(speech) :] *= -1
    rows = Predictor("wav2small", win_dur=1, hop_dur=1).signal(signal, 16000)
    last = len(speech) // 16000
    assert {row.status for row in rows[:last]} == {"ok"}
    assert {row.status for row in rows[last + 1 :][:-1]} == {"cancelled"}


@pytest.mark.parametrize("name", SIGNALS)
def test_statuses_do_not_depend_on_the_block_size(speech, name):
    signal = np.stack(SIGNALS[name][0](speech)).astype(np.float32)
    rng = np.random.default_rng(0)
    both = [
        Predictor("wav2small", win_dur=win_dur, hop_dur=0.31, exact=exact)
        for win_dur in (0.4, 0.53)
        for exact in (False, True)
    ]
    for _ in range(5):
        start, end = np.sort(rng.uniform(0, len(speech) / 16000, 2)).tolist()
        for one_pass, exact in zip(both[::2], both[1::2], strict=True):
            assert [
                row.status for row in one_pass.signal(signal, 16000, start, end)
            ] == [row.status for row in exact.signal(signal, 16000, start, end)]


def test_table_of_statuses():
    rows = re.findall(r"^\| (\w+) \| (.*) \| (given|NaN) \|$", text(), re.MULTILINE)
    assert {name: (meaning, values == "given") for name, meaning, values in rows} == {
        name: tuple(status) for name, status in STATUSES.items()
    }
    assert len(rows) == len(STATUSES)


def text() -> str:
    return (ROOT / "docs/statuses.md").read_text(encoding="utf-8")


CASES = {
    "05_phase_inverted_stereo.wav": "cancelled",
    "20_gain-60dB.wav": "quiet",
    "mutants/float_0001.wav": "out_of_range",
    "mutants/float_0078.wav": "not_finite",
}


@pytest.mark.parametrize("name", CASES)
def test_recordings_that_went_wrong(shared, name):
    path = str(shared.parent / "cases" / name)
    (row,) = Predictor("wav2small").file(path)
    assert row.status == CASES[name]
    for row in Predictor("wav2small", win_dur=1, hop_dur=0.5).file(path):
        assert np.isnan(row.values).all() == (row.status in UNUSABLE)
