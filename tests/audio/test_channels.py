"""Two speakers on two channels are two rows."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from commands import invoke

import audw2s
from audw2s.audio.channels import parse_channels
from audw2s.audio.preprocess import load
from audw2s.corpus.prediction import predict
from audw2s.inference.pipeline import Predictor

NAMES = ["arousal", "dominance", "valence"]


@pytest.fixture
def call(clips, tmp_path):
    """A call, one speaker on each channel, and each speaker alone."""
    speakers = [load(clip)[:40000] for clip in clips[:2]]
    paths = [str(tmp_path / name) for name in ("call.wav", "0.wav", "1.wav")]
    for path, signal in zip(paths, [np.stack(speakers), *speakers], strict=True):
        soundfile.write(path, signal.T, 16000, "FLOAT")
    return paths


@pytest.mark.parametrize("settings", [{}, {"win_dur": 1.0}, {"exact": True}])
def test_rows_of_a_channel_are_those_of_its_speaker_alone(call, settings):
    predictor = Predictor(**settings)
    table = predict(call[:1], predictor, channels="all")
    for channel in (0, 1):
        rows = table[table["channel"] == channel].reset_index(drop=True)
        alone = predict([call[1 + channel]], predictor)
        np.testing.assert_allclose(rows[NAMES], alone[NAMES], atol=1e-5)
        pd.testing.assert_frame_equal(
            rows[["start", "end", "status"]], alone[["start", "end", "status"]]
        )
    selected = predict(call[:1], predictor, channels=[1])
    np.testing.assert_array_equal(
        selected[NAMES], table.loc[table["channel"] == 1, NAMES]
    )


def test_a_silent_channel_has_its_status_and_the_other_is_ok(call, tmp_path):
    path = str(tmp_path / "half.wav")
    speaker = load(call[1])
    soundfile.write(path, np.stack([speaker, 0 * speaker]).T, 16000)
    table = predict([path], Predictor(), channels="all")
    assert table["status"].tolist() == ["ok", "silent"]


def test_every_requested_channel_has_a_row(call, tmp_path):
    files = [*call[:2], str(tmp_path / "missing.wav")]
    table = predict(files, Predictor(), channels=[0, 1])
    assert table["channel"].tolist() == [0, 1] * 3
    expected = ["ok", "ok", "ok", "channels", "missing", "missing"]
    assert table["status"].tolist() == expected
    table = predict(files, Predictor(), channels="all")
    assert table["channel"].isna().tolist() == [False, False, False, True]


@pytest.mark.parametrize("text", ["", "one", "0,", "-1", "0,0", "0 1"])
def test_what_is_no_channel_is_refused(text):
    with pytest.raises(ValueError, match="Channels"):
        parse_channels(text)


def test_commands_write_channels(call, tmp_path):
    out = tmp_path / "out.csv"
    assert invoke("predict", call[0], "--channels", "1", "--out", out).exit_code == 0
    table = pd.read_csv(out)
    assert list(table)[:3] == ["file", "channel", "start"]
    assert table["channel"].tolist() == [1]
    printed = invoke("predict", call[0], "--channels", "0,1")
    assert "channel" in printed.stdout.splitlines()[0]
    done = invoke("predict", call[0], "--channels", "left")
    assert done.exit_code == 2
    assert "'left'" in done.stderr


def test_curves_of_channels(call, tmp_path):
    out, plot = tmp_path / "out.csv", tmp_path / "out.svg"
    options = ("--channels", "all", "--rate", 4, "--out", out, "--plot", plot)
    done = invoke("curve", call[0], *options)
    assert done.exit_code == 0, done.stderr
    table = pd.read_csv(out)
    for channel in (0, 1):
        rows = table.loc[table["channel"] == channel, NAMES]
        curve = audw2s.curve(call[1 + channel], rate=4)
        np.testing.assert_allclose(rows, curve[NAMES], atol=1e-5)
    assert "channel 1" in plot.read_text()
