"""What interfaces are given: NumPy's numbers, lists, indices, roots, other models."""

import os
import pathlib
import pickle
import warnings

import audformat
import audinterface
import audobject
import audonnx
import numpy as np
import pandas as pd
import pytest
import soundfile
from results import values

import audw2s


def test_segment_is_called_as_its_parent(clips):
    segment = audw2s.Segment(tolerance=0.05, min_dur=0.5)
    signal, rate = soundfile.read(clips[1], dtype="float32")
    index = segment(signal, rate)
    assert index.equals(segment.process_signal(signal, rate))
    assert len(index) > 1
    theirs = audinterface.Segment(process_func=segment)
    assert theirs.process_files(clips).equals(segment.process_files(clips))
    rest = audinterface.Segment(process_func=segment, invert=True)
    assert len(rest.process_file(clips[1])) < 2
    feature = audw2s.Feature(segment=theirs)
    assert feature.process_files(clips).index.equals(segment.process_files(clips))


PLAIN = {
    "win_dur": 2,
    "hop_dur": 0.5,
    "channels": 0,
    "num_workers": 2,
    "exact": True,
    "resample": True,
}
NUMPY = {
    "win_dur": np.int64(2),
    "hop_dur": np.float32(0.5),
    "channels": np.int32(0),
    "num_workers": np.int64(2),
    "exact": np.True_,
    "resample": np.bool_(True),
}


@pytest.mark.parametrize(
    "interface",
    [
        audw2s.Feature(),
        audw2s.Segment(),
        audw2s.Feature(segment=audinterface.Segment(process_func=audw2s.Segment())),
    ],
)
def test_each_file_has_its_times(interface, clips):
    for times in ({"starts": [0, 1]}, {"ends": np.ones(4)}, {"starts": ["1s"]}):
        with pytest.raises(ValueError, match="a time for each of the 3 files"):
            interface.process_files(clips[:3], **times)


@pytest.mark.parametrize("unknown", [pd.NaT, "NaT", "", float("nan"), None])
def test_times_that_are_not_known_are_those_of_the_file(unknown, clips):
    feature = audw2s.Feature()
    expected = feature.process_files(clips[:2])
    for times in (unknown, [unknown, unknown]):
        found = feature.process_files(clips[:2], starts=times, ends=times)
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process, audw2s.Segment])
def test_numbers_of_numpy(interface, clips):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = interface("wav2small", **NUMPY)
        text = found.to_yaml_s()
    expected = interface("wav2small", **PLAIN)
    assert text == expected.to_yaml_s()
    files = {"starts": np.int64(1), "ends": np.float32(2)}
    found = found.process_files(clips[:2], **files)
    expected = expected.process_files(clips[:2], starts=1, ends=2)
    assert found.equals(expected)


@pytest.mark.parametrize(
    "channels", [np.array([1, 0]), (np.int8(1), 0), [np.int64(1), 0]]
)
def test_channels_of_numpy(channels, speech):
    stereo = np.stack([speech, speech[::-1]])
    feature = audw2s.Feature(channels=channels, mixdown=False)
    expected = audw2s.Feature(channels=[1, 0], mixdown=False)
    found = feature.process_signal(stereo, np.int64(16000))
    assert list(found.columns) == list(expected.process_signal(stereo, 16000).columns)
    np.testing.assert_array_equal(found, expected.process_signal(stereo, 16000))
    assert audobject.from_yaml_s(feature.to_yaml_s()).id == feature.id


@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process, audw2s.Segment])
@pytest.mark.parametrize("kind", [str, pathlib.Path, os.fsencode])
def test_one_file_is_no_list(interface, kind, clips):
    with pytest.raises(ValueError, match="has to be a list of files.*process_file"):
        interface().process_files(kind(clips[0]))


def test_paths_are_files(clips):
    path = pathlib.Path(clips[0])
    feature, segment = audw2s.Feature(), audw2s.Segment()
    expected = feature.process_file(clips[0])
    pd.testing.assert_frame_equal(feature.process_file(path), expected)
    pd.testing.assert_frame_equal(feature.process_files([path]), expected)
    assert segment.process_file(path).equals(segment.process_file(clips[0]))


@pytest.mark.parametrize(
    "index, match",
    [
        (["a.wav"], "not of type 'list'"),
        (pd.Series(["a.wav"]), "not of type 'Series'"),
        (pd.DataFrame({"file": ["a.wav"]}), "not of type 'DataFrame'"),
        (pd.Index([1, 2]), "not 1 of type 'int'"),
        (pd.RangeIndex(3), "not 0 of type 'int'"),
        (audinterface.utils.signal_index([0], [1]), "it has start, end"),
        (pd.MultiIndex.from_tuples([("a", "b")], names=["file", "id"]), "file, id"),
    ],
)
@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process])
def test_other_objects_are_not_an_index(interface, index, match):
    for kwargs in ({}, {"preserve_index": True}, {"root": "/"}):
        with pytest.raises(ValueError, match=match):
            interface().process_index(index, **kwargs)


@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process, audw2s.Segment])
def test_an_index_without_files_asks_for_root(interface, clips, tmp_path):
    names = [os.path.basename(clip) for clip in clips]
    index = audformat.filewise_index(names)
    for kwargs in ({}, {"root": str(tmp_path)}, {"cache_root": str(tmp_path)}):
        text = "None of the 6 files.*set 'root' to"
        with pytest.raises(FileNotFoundError, match=text):
            interface().process_index(index, **kwargs)
    some = audformat.filewise_index([names[0], "missing.wav"])
    root = os.path.dirname(clips[0])
    with pytest.warns(UserWarning, match="missing.wav: missing"):
        assert len(interface().process_index(some, root=root)) >= 2
    absent = audformat.filewise_index([str(tmp_path / "none.wav")])
    with pytest.warns(UserWarning, match="none.wav: missing"):
        assert len(interface().process_index(absent)) == 1


def half(signal, sampling_rate):
    return 0.5 * signal[:, :16000]


def transformed(transform) -> audonnx.Model:
    path = audw2s.load("wav2small").path
    labels = {"logits": ["arousal", "dominance", "valence"]}
    return audonnx.Model(path, labels=labels, transform=transform)


@pytest.mark.parametrize("kwargs", [{}, {"exact": True}, {"win_dur": 2}])
def test_transform_of_a_model(kwargs, clips):
    model = transformed(audonnx.Function(half))
    signal, rate = soundfile.read(clips[0], dtype="float32")
    whole = model(signal[None], rate, outputs="logits")
    feature = audw2s.Feature(model, **kwargs)
    frame = feature.process_files(clips[:2])
    if not kwargs.get("win_dur"):
        np.testing.assert_allclose(values(frame)[:1], whole, atol=1e-6)
    plain = audw2s.Feature(**kwargs).process_files(clips[:2])
    assert np.abs(values(frame) - values(plain)).max() > 1e-3
    assert feature.provenance["sha256"] != audw2s.Feature().provenance["sha256"]
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(feature))))
    assert again.provenance == feature.provenance
    many = audw2s.Feature(model, num_workers=2, multiprocessing=True, **kwargs)
    for other in (again, many):
        np.testing.assert_array_equal(other.process_files(clips[:2]), frame)


def test_a_transform_that_cannot_be_written_to_yaml():
    for interface in (audw2s.Feature, audw2s.Process, audw2s.Segment):
        with pytest.raises(ValueError, match="input 'signal' is a function.*Function"):
            interface(transformed(half))


def test_mean_is_opened_by_audonnx(tmp_path, speech):
    name = "mean(wav2small, wav2small-int8)"
    model = audw2s.load(name)
    model.to_yaml(str(tmp_path / "new" / "model.yaml"))
    again = audonnx.load(str(tmp_path / "new"), num_workers=2)
    assert again.name == name
    expected = model(speech[None], 16000)
    for output, found in again(speech[None], 16000).items():
        np.testing.assert_allclose(found, expected[output], atol=1e-5)
    with pytest.raises(ValueError, match="has to end on .yaml"):
        model.to_yaml(str(tmp_path / "model.txt"))
