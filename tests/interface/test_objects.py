"""What objects show of themselves, and how models are copied and pickled."""

import copy
import os
import pickle
import shutil
import warnings

import audformat.testing
import audonnx
import numpy as np
import pytest

import audw2s
from audw2s.inference.pipeline import Predictor

INTERFACES = [audw2s.Feature, audw2s.Process, audw2s.Segment]
MODELS = ["wav2small", "wav2small-int8", "mean(wav2small, wav2small-int8)"]
SILENCE = np.zeros((1, 16000), np.float32)


def test_interfaces_show_their_model_and_what_is_not_the_default():
    for interface in INTERFACES:
        assert repr(interface()) == f"{interface.__name__}('wav2small')"
    feature = audw2s.Feature(
        "wav2small-int8", win_dur="500ms", channels=[0, 1], mixdown=False
    )
    expected = "channels=[0, 1], mixdown=False, win_dur=0.5, hop_dur=0.25"
    assert repr(feature) == f"Feature('wav2small-int8', {expected})"
    again = eval(repr(feature), {"Feature": audw2s.Feature})
    assert again.provenance == feature.provenance
    segment = audw2s.Segment(where="arousal > 0.6", min_dur=2)
    assert repr(segment) == "Segment('wav2small', where='arousal > 0.6', min_dur=2.0)"
    assert repr(audw2s.Process(audw2s.load())) == "Process('wav2small')"


def test_rows_and_streams_show_values_and_status(speech):
    (row,) = Predictor().signal(speech, 16000)
    values = np.array2string(row.values, precision=3)
    assert repr(row) == f"Row(0.00 to {len(speech) / 16000:.2f} s, {values}, ok)"
    (row,) = Predictor().file("none.wav")
    assert repr(row) == ("Row(0.00 to nan s, [[nan nan nan]], missing: no such file)")
    stream = audw2s.Stream()
    moment = stream.push(speech)
    assert f"window: arousal {moment.window['arousal']:.3f}, dominance" in repr(moment)
    assert repr(stream).endswith(f"after {len(speech) / 16000:.1f} s")


@pytest.mark.parametrize("interface", INTERFACES)
def test_a_folder_without_matches_names_the_types_in_it(interface, tmp_path, clips):
    for number, clip in enumerate(clips[:2]):
        shutil.copy(clip, tmp_path / f"{number}.flac")
    (tmp_path / "README").touch()
    (tmp_path / "folder").mkdir()
    text = r"has no files of type 'wav', types are flac \(2\), none \(1\); subfolders"
    with pytest.warns(UserWarning, match=text):
        assert not len(interface().process_folder(str(tmp_path)))
    with pytest.warns(UserWarning, match="of type 'ogg', it is empty; subfolders"):
        interface().process_folder(str(tmp_path / "folder"), filetype="ogg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        interface().process_folder(root=str(tmp_path), filetype="flac")


@pytest.mark.parametrize("interface", INTERFACES)
def test_tables_are_neither_files_nor_an_index(interface):
    db = audformat.testing.create_db(minimal=True)
    db.schemes["value"] = audformat.Scheme("float")
    audformat.testing.add_table(db, "table", "segmented", columns="value")
    table = db["table"]
    for given in (table, table.df, table.index):
        with pytest.raises(ValueError, match="'files' has to be a list.*process_index"):
            interface().process_files(given)
    for given in (table, table.df):
        with pytest.raises(ValueError, match="type '.*': give its attribute 'index'"):
            interface().process_index(given)


@pytest.mark.parametrize("interface", INTERFACES)
@pytest.mark.parametrize(
    "shape, match",
    [
        ((2, 3, 16000), r"not \(2, 3, 16000\)"),
        ((), r"not \(\)"),
        ((16000, 2), r"shape \(16000, 2\) would have 16000 channels.*give signal.T"),
    ],
)
def test_wrong_shapes_are_named(interface, shape, match):
    with pytest.raises(ValueError, match=match):
        interface().process_signal(np.zeros(shape), 16000)
    with pytest.raises(ValueError, match=match):
        audw2s.curve(np.zeros(shape), sampling_rate=16000)


@pytest.mark.parametrize("rate", [0, -1, None, "16000", np.nan, np.inf, 16000.5])
def test_wrong_sampling_rates_are_named(rate):
    text = f"positive whole number such as 16000, got {rate!r}"
    for interface in INTERFACES:
        with pytest.raises(ValueError, match=text):
            interface().process_signal(SILENCE, rate)
    with pytest.raises(ValueError, match=text):
        audw2s.Stream(sampling_rate=rate)
    with pytest.raises(ValueError, match=f"got {rate!r}. Other input"):
        audw2s.Feature(sampling_rate=rate)


def test_plots_need_a_dictionary_of_curves(speech):
    frame = audw2s.curve(speech, sampling_rate=16000, rate=1)
    for given, name in ((frame, "DataFrame"), ([frame], "list"), ({}, "an empty one")):
        with pytest.raises(ValueError, match=f"a dictionary.*got {name}"):
            audw2s.plot_curves(given)
    stereo = np.stack([speech, speech])
    figure = audw2s.plot_curves({"wav2small": frame}, stereo)
    assert len(figure.axes) == 4


@pytest.mark.parametrize("name", MODELS)
def test_models_are_copied_and_pickled_by_name(name, speech):
    model = audw2s.load(name)
    expected = model(speech, 16000, outputs="logits")
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(again) is type(model) and again.sess is not model.sess
        assert again.to_yaml_s() == model.to_yaml_s()
        np.testing.assert_array_equal(again(speech, outputs="logits"), expected)


def test_a_pickled_model_whose_file_changed_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packaged = [os.path.dirname(audw2s.load(name).path) for name in MODELS[:2]]
    shutil.copytree(packaged[0], "student")
    content = pickle.dumps(audw2s.load("student"))
    monkeypatch.chdir(os.sep)
    assert pickle.loads(content).path == str(tmp_path / "student" / "model.onnx")
    shutil.copytree(packaged[1], tmp_path / "student", dirs_exist_ok=True)
    with pytest.raises(audw2s.CorruptModelError, match="had .* when it was pickled"):
        pickle.loads(content)


def test_yaml_of_a_model_is_that_of_audonnx(tmp_path):
    model = audw2s.load()
    model.to_yaml(str(tmp_path / "model.yaml"))
    again = audonnx.load(str(tmp_path))
    assert type(again) is audonnx.Model and again.id == model.id


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "signal, rate, match",
    [
        (SILENCE, 8000, "at 16000 Hz, not at 8000"),
        (SILENCE, "16000", "not at '16000'"),
        (np.zeros((2, 16000), np.float32), 16000, r"not \(2, 16000\)"),
        (np.zeros((16000, 2), np.float32), 16000, r"not \(16000, 2\)"),
        (np.zeros((1, 16000), np.int16), 16000, "float32 in -1…1, not of int16"),
        (np.zeros((1, 16000)), 16000, "not of float64"),
        ({"signal": np.zeros((2, 8000), np.float32)}, 16000, r"not \(2, 8000\)"),
    ],
)
def test_models_refuse_what_audonnx_would_misread(name, signal, rate, match):
    with pytest.raises(ValueError, match=match):
        audw2s.load(name)(signal, rate)
