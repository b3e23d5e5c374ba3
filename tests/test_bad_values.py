"""Numbers that make no sense, in a signal or in a model, never pass as a rating."""

import audonnx
import numpy as np
import onnx
import pandas as pd
import pytest
import soundfile
from full import full

import audw2s
from audw2s.audio.statuses import UNUSABLE
from audw2s.inference.frames import SlidingNormaliser
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import model_path
from audw2s.model.registry import DIMENSIONS

SPIKE = 16000
"""Number of the sample that makes no sense."""


@pytest.fixture
def long(speech):
    """66 s of speech."""
    return np.tile(speech, 20)[: 66 * 16000]


def with_spike(signal, value):
    signal = signal.copy()
    signal[..., SPIKE] = value
    return signal


def damaged_model(value: float) -> audonnx.Model:
    """Give wav2small, with a value among its weights that isn't finite."""
    model = onnx.load(model_path("wav2small"))
    weight = next(w for w in model.graph.initializer if w.name == "adv.weight")
    values = onnx.numpy_helper.to_array(weight).copy()
    values[0, 0] = value
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    return audonnx.Model(model, labels={"logits": list(DIMENSIONS)})


@pytest.mark.parametrize(
    "value, subtype", [(1e9, "DOUBLE"), (-1e9, "FLOAT"), (1e30, "FLOAT")]
)
def test_file_with_an_absurd_sample(tmp_path, speech, value, subtype):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, with_spike(speech, value), 16000, subtype=subtype)
    (row,) = Predictor().file(path)
    assert row.status == "out_of_range"
    assert row.message == "holds 1 samples beyond 32768, full scale is 1"
    assert np.isnan(row.values).all()
    with pytest.warns(UserWarning, match="a.wav: out_of_range: holds 1 samples"):
        assert audw2s.Feature().process_file(path).isna().all(axis=None)
    with pytest.raises(audw2s.UnusableSignalError, match="out_of_range"):
        audw2s.Feature(on_error="raise").process_file(path)


def test_samples_of_16_bits_as_floats_have_their_values(speech):
    integers = np.round(speech * 32767).astype(np.int16)
    (plain,) = Predictor().signal(integers, 16000)
    (floats,) = Predictor().signal(integers.astype(np.float32), 16000)
    np.testing.assert_allclose(floats.values, plain.values, atol=1e-3)
    assert floats.status not in UNUSABLE


@pytest.mark.parametrize("value", [1e9, pytest.param(1e30, marks=full), np.nan])
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_bad_sample_moves_no_window_that_does_not_hold_it(long, value, exact, rate):
    long = long[: 12 * 16000] if exact else long
    predictor = Predictor(win_dur=2, hop_dur=0.5, exact=exact)
    clean = predictor.signal(with_spike(long, 0), rate)
    rows = predictor.signal(with_spike(long, value), rate)
    time = pd.Timedelta(SPIKE / rate, unit="s")
    for row, other in zip(rows, clean, strict=True):
        assert row[:2] == other[:2]
        if row.start <= time < row.end:
            expected = "not_finite" if np.isnan(value) else "out_of_range"
            assert row.status == expected
            assert "holds 1 " in row.message
            assert np.isnan(row.values).all()
        else:
            assert row.status == other.status == "ok"
            np.testing.assert_array_equal(row.values, other.values)


@pytest.mark.parametrize("past", [False, True])
def test_a_loud_sample_does_not_change_the_level_elsewhere(long, past):
    loud = with_spike(long, 1e9)
    found, plain = (
        level.push(signal, last=True)
        for level, signal in (
            (SlidingNormaliser(2.0, past=past), loud),
            (SlidingNormaliser(2.0, past=past), long),
        )
    )
    reach = SPIKE + 2 * 16000 + 64
    np.testing.assert_allclose(found[reach:], plain[reach:], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("win_dur, exact", [(None, False), (1, False), (1, True)])
def test_a_model_that_gives_nan(speech, value, win_dur, exact):
    model = damaged_model(value)
    rows = Predictor(model, win_dur=win_dur, exact=exact).signal(speech, 16000)
    assert {row.status for row in rows} == {"no_value"}
    assert all(np.isnan(row.values).all() and row.message for row in rows)
    with pytest.warns(UserWarning, match="no_value: .*the model gives NaN or inf"):
        audw2s.Feature(model, win_dur=win_dur).process_signal(speech, 16000)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_stream_of_a_model_that_gives_nan(tmp_path, speech, value):
    path = tmp_path / "model.onnx"
    path.write_bytes(damaged_model(value).sess._model_bytes)
    model = audonnx.Model(str(path), labels={"logits": list(DIMENSIONS)})
    moment = audw2s.Stream(model).push(speech)
    assert moment.status == "no_value"
    assert np.isnan([*moment.window.values(), *moment.total.values()]).all()


@pytest.mark.parametrize(
    "value, status", [(np.inf, "not_finite"), (1e9, "out_of_range")]
)
def test_stream_counts_bad_samples_as_silence(speech, value, status):
    stream = audw2s.Stream(win_dur=1)
    moment = stream.push(with_spike(speech[: SPIKE + 100], value))
    assert moment.status == status
    assert moment.window == pytest.approx(
        audw2s.Stream(win_dur=1).push(with_spike(speech[: SPIKE + 100], 0)).window
    )
    assert stream.push(speech[:16200]).status == "ok"


@pytest.mark.parametrize(
    "other", [np.nan, 1e9, 1.0], ids=["not_finite", "out_of_range", "clipped"]
)
@pytest.mark.parametrize("win_dur", [None, 1])
@pytest.mark.parametrize("channels", [0, [-2]])
def test_only_selected_channels_are_checked(speech, other, win_dur, channels):
    stereo = np.stack([speech, np.full_like(speech, other)])
    rows = Predictor(channels=channels, win_dur=win_dur).signal(stereo, 16000)
    exact = Predictor(win_dur=win_dur).signal(speech, 16000)
    for row, expected in zip(rows, exact, strict=True):
        assert row.status == expected.status
        assert row.message == expected.message
        np.testing.assert_array_equal(row.values, expected.values)
    (row,) = Predictor(channels=[1]).signal(stereo, 16000)
    assert row.status != "ok"


def test_a_transposed_array_is_refused_for_any_channels(speech):
    with pytest.raises(ValueError, match=r"would have 16000 channels.*give signal\.T"):
        Predictor(channels=[0]).signal(np.zeros((16000, 2)), 16000)
