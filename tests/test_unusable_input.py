"""Odd, damaged and missing input: every one has its row, and its reason."""

import os
import warnings

import audformat
import numpy as np
import pandas as pd
import pytest
from results import values

import audw2s
from audw2s.audio.statuses import UNUSABLE


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_through_every_method(damaged, tmp_path):
    feature = audw2s.Feature()
    files = [path for path, _ in damaged.values()]
    bad = np.array([status in UNUSABLE for _, status in damaged.values()])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = feature.process_files(files)
    assert list(frame.index.get_level_values("file")) == files
    np.testing.assert_array_equal(frame.isna().all(axis=1), bad)
    np.testing.assert_array_equal(frame.isna().any(axis=1), bad)
    told = [str(w.message) for w in caught if w.category is UserWarning]
    for path, status in damaged.values():
        mine = [text for text in told if text.startswith(f"{path}: ")]
        expected = status in UNUSABLE or status in ("silent", "truncated")
        assert [status in text for text in mine] == [True] * expected

    # The good rows are those that the good files alone give
    good = feature.process_files([f for f, b in zip(files, bad, strict=True) if not b])
    pd.testing.assert_frame_equal(frame[~bad], good)
    index = audformat.filewise_index(files)
    kept = feature.process_index(index, preserve_index=True)
    np.testing.assert_array_equal(kept.to_numpy(), frame.to_numpy())
    assert kept.index.equals(index)
    names = [os.path.basename(file) for file in files]
    rooted = feature.process_files(names, root=str(tmp_path))
    np.testing.assert_array_equal(rooted.to_numpy(), frame.to_numpy())
    folder = feature.process_folder(str(tmp_path), filetype="wav")
    assert set(folder.index.get_level_values("file")) >= {
        path for path in files if path.endswith(".wav") and os.path.isfile(path)
    }
    for path, one in zip(files, values(frame), strict=True):
        np.testing.assert_array_equal(values(feature.process_file(path))[0], one)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        windowed = audw2s.Process(win_dur=1).process_files(files)
    assert set(windowed.index.get_level_values("file")) == set(files)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "signal, rate, usable",
    [
        (np.zeros((1, 0)), 16000, False),
        (np.zeros(0), 16000, False),
        (np.ones((1, 63)), 16000, False),
        (np.zeros((1, 64)), 16000, True),
        (np.full((2, 16000), np.nan), 16000, False),
        (np.array([[1e308] * 16000]), 16000, False),
        (np.zeros((1, 16000)), 16000, True),
        (np.random.default_rng(0).integers(-9000, 9000, (2, 16000), np.int16), 8000, 1),
        (np.random.default_rng(0).uniform(-1, 1, 192000), 192000, True),
        (np.random.default_rng(0).uniform(-1, 1, (6, 44100)), 44100, True),
        (
            np.asfortranarray(np.random.default_rng(0).uniform(-1, 1, (2, 999))),
            96000,
            1,
        ),
    ],
)
@pytest.mark.parametrize("win_dur", [None, 0.5])
def test_odd_signals(signal, rate, usable, win_dur):
    before = signal.copy()
    signal.setflags(write=False)
    feature = audw2s.Feature(win_dur=win_dur)
    frame = feature.process_signal(signal, rate)
    assert len(frame) >= 1
    assert frame.notna().all(axis=None) == bool(usable)
    np.testing.assert_array_equal(signal, before)
    if not usable:
        strict = audw2s.Feature(win_dur=win_dur, on_error="raise")
        with pytest.raises(audw2s.UnusableSignalError, match="Signal: "):
            strict.process_signal(signal, rate)


def test_on_error_raise_names_the_file(damaged):
    strict = audw2s.Process(on_error="raise")
    for path, status in damaged.values():
        if status not in UNUSABLE:
            continue
        with pytest.raises(audw2s.UnusableSignalError) as error:
            strict.process_file(path)
        assert path in str(error.value)
        assert status in str(error.value)


def test_a_nan_affects_only_its_windows(speech):
    signal = speech.copy()
    signal[18000] = np.nan
    feature = audw2s.Feature(win_dur=1, hop_dur=0.5)
    with pytest.warns(
        UserWarning, match="Signal: 2 of 6 windows: not_finite: holds 1 "
    ):
        frame = feature.process_signal(signal, 16000)
    clean = feature.process_signal(speech, 16000)
    hit = [s.total_seconds() <= 1.125 < e.total_seconds() for s, e in frame.index]
    np.testing.assert_array_equal(frame.isna().any(axis=1), hit)
    pd.testing.assert_frame_equal(frame[~np.array(hit)], clean[~np.array(hit)])


def test_input_that_does_not_fit_the_arguments(speech):
    feature = audw2s.Feature(resample=False)
    with pytest.warns(UserWarning, match="sampling_rate: 8000 Hz"):
        assert feature.process_signal(speech, 8000).isna().all(axis=None)
    feature = audw2s.Feature(channels=1)
    with pytest.warns(UserWarning, match="channels: Channels .1. were selected"):
        assert feature.process_signal(speech, 16000).isna().all(axis=None)
    with pytest.raises(TypeError, match="takes no arguments"):
        feature.process_signal(speech, 16000, process_func_args={"a": 1})
    with pytest.raises(ValueError, match="num_channels, num_samples"):
        feature.process_signal(np.zeros((2, 2, 2)), 16000)
