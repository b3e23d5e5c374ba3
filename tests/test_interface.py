"""The interfaces, on real speech: what they take, return and keep."""

import inspect
import os
import pickle
import warnings

import audformat
import audformat.testing
import audinterface
import audobject
import audonnx
import numpy as np
import pandas as pd
import pytest
import soundfile
from results import NAMES
from results import values

import audw2s

MODELS = ["wav2small", "whisper-tiny-adv"]


@pytest.fixture(params=MODELS)
def model(request) -> str:
    return request.param


def assert_same(found, expected) -> None:
    """Two results of the same method are equal, NaN where the other is NaN."""
    index = found if isinstance(found, pd.Index) else found.index
    wanted = expected if isinstance(expected, pd.Index) else expected.index
    assert index.equals(wanted)
    if not isinstance(found, pd.Index):
        np.testing.assert_array_equal(values(found), values(expected))


def test_all_arguments_of_audinterface():
    ours = {"model", "on_error", "device"}
    function = {"feature_names", "name", "params"} | {
        f"process_func{part}"
        for part in ("", "_args", "_is_mono", "_applies_sliding_window")
    }
    for interface in (audw2s.Feature, audw2s.Process, audw2s.Segment):
        base = getattr(audinterface, interface.__name__)
        wanted = set(inspect.signature(base).parameters) - function
        found = set(inspect.signature(interface).parameters)
        assert issubclass(interface, base)
        assert found >= wanted | ours
        for method in [m for m in dir(base) if m.startswith("process_")]:
            theirs, mine = (
                inspect.signature(getattr(c, method)) for c in (base, interface)
            )
            assert list(theirs.parameters) == list(mine.parameters)


def test_equals_the_session(model, clips):
    """Interface = audonnx = ONNX session, on real speech."""
    network = audw2s.load(model)
    feature, process = audw2s.Feature(model), audw2s.Process(model)
    for clip in clips:
        signal, rate = soundfile.read(clip, dtype="float32")
        (session,) = network.sess.run(["logits"], {"signal": signal[None]})
        by_audonnx = network(signal[None], rate)["logits"]
        np.testing.assert_array_equal(by_audonnx, session)
        frame = feature.process_file(clip)
        assert list(frame.columns) == NAMES
        assert list(process.process_file(clip).iloc[0]) == NAMES
        for result in (frame, process.process_signal(signal, rate)):
            np.testing.assert_allclose(values(result), session, atol=2e-6)
        assert feature(signal, rate).shape == (1, 3, 1)


def test_stereo_is_the_mean_of_the_channels(speech):
    stereo = np.stack([speech, 0.5 * speech[::-1]])
    feature = audw2s.Feature()
    mixed = feature.process_signal(stereo, 16000)
    mean = feature.process_signal(stereo.mean(axis=0), 16000)
    np.testing.assert_allclose(mixed, mean, atol=1e-5)
    each = audw2s.Feature(mixdown=False, channels=[1, 0])
    frame = each.process_signal(stereo, 16000)
    assert list(frame.columns) == [(c, name) for c in (1, 0) for name in NAMES]
    for channel in (0, 1):
        exact = feature.process_signal(stereo[channel], 16000)
        np.testing.assert_array_equal(frame[channel], exact)
    dicts = audw2s.Process(mixdown=False).process_signal(stereo, 16000).iloc[0]
    assert dicts[1]["valence"] == frame[(1, "valence")].iloc[0]


@pytest.mark.parametrize("rate", [16000, 44100])
def test_exact_windows_are_processed_one_by_one(speech, rate):
    """Every window's row is what its own samples give."""
    signal = np.interp(
        np.arange(int(len(speech) * rate / 16000)) * 16000 / rate,
        np.arange(len(speech)),
        speech,
    ).astype(np.float32)
    windows = audw2s.Feature(win_dur=1, hop_dur="250ms", exact=True)
    frame = windows.process_signal(signal, rate)
    feature = audw2s.Feature(exact=True)
    duration = len(signal) / rate
    starts = frame.index.get_level_values("start").total_seconds()
    ends = frame.index.get_level_values("end").total_seconds()
    np.testing.assert_allclose(starts, 0.25 * np.arange(len(frame)))
    np.testing.assert_allclose(ends, np.minimum(starts + 1, duration), atol=1e-9)
    assert ends[-1] == pytest.approx(duration)
    assert ends[-2] < duration
    for (start, end), row in frame.iterrows():
        exact = feature.process_signal(signal, rate, start=start, end=end)
        tolerance = 1e-6 if rate == 16000 else 0.02  # resampled at its edges
        np.testing.assert_allclose(values(exact)[0], row, atol=tolerance)


def test_long_recordings_are_the_mean_of_blocks(speech):
    """Nothing in memory or in the network grows with the recording."""
    max_dur = 30
    signal = np.tile(speech, 25)[: 16000 * 70]
    network = audw2s.load("whisper-tiny-adv")
    blocks = [signal[s : s + 16000 * max_dur] for s in range(0, len(signal), 480000)]
    logits = [network(b[None], outputs="logits")[0] for b in blocks]
    expected = np.average(logits, axis=0, weights=[len(b) for b in blocks])
    frame = audw2s.Feature("whisper-tiny-adv").process_signal(signal, 16000)
    np.testing.assert_allclose(values(frame)[0], expected, atol=1e-6)


def test_min_and_max_signal_dur(speech):
    feature = audw2s.Feature(min_signal_dur=5, max_signal_dur="6s")
    padded = np.pad(speech, (0, 80000 - len(speech)))
    frame = feature.process_signal(speech, 16000)
    plain = audw2s.Feature().process_signal(padded, 16000)
    np.testing.assert_allclose(values(frame), values(plain), atol=1e-6)
    # As audinterface has it
    assert frame.index[0][1].total_seconds() == 5
    cut = audw2s.Feature(max_signal_dur=1).process_signal(speech, 16000)
    first = audw2s.Feature().process_signal(speech[:16000], 16000)
    np.testing.assert_array_equal(values(cut), values(first))
    assert len(feature.process_signal(np.zeros(3), 16000).dropna()) == 1


def test_segments_of_an_index(clips):
    index = audformat.segmented_index(
        [clips[0], clips[1], clips[0], clips[0]],
        ["0.1s", "0s", "0.5s", "1s"],
        ["0.9s", pd.NaT, "1.234567891s", "99s"],
    )
    feature = audw2s.Feature()
    with pytest.warns(UserWarning, match="truncated"):
        frame = feature.process_index(index)
    signal, rate = soundfile.read(clips[0], dtype="float32")
    expected = feature.process_signal(signal, rate, start=0.1, end=0.9)
    np.testing.assert_allclose(values(frame)[0], values(expected)[0], atol=1e-6)
    assert list(frame.index.get_level_values("start")) == list(
        index.get_level_values("start")
    )
    found, wanted = (i.get_level_values("end") for i in (frame.index, index))
    assert found[0] == wanted[0]
    assert found[2] == wanted[2]
    # As audinterface has it: there is no more
    (end,) = audformat.utils.to_segmented_index(
        audformat.filewise_index(clips[:1]), allow_nat=False
    ).get_level_values("end")
    assert found[3] == end
    keep = audw2s.Feature(keep_nat=True).process_file(clips[0])
    assert pd.isna(keep.index.get_level_values("end")[0])


@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process, audw2s.Segment])
def test_yaml_and_pickle(interface, clips, model):
    kwargs = {"win_dur": pd.Timedelta("1.5s"), "hop_dur": "500ms"}
    first = interface(model, num_workers=2, max_signal_dur=3, **kwargs)
    text = first.to_yaml_s()
    second = audobject.from_yaml_s(text)
    third = pickle.loads(pickle.dumps(first))
    results = [each.process_files(clips[:2]) for each in (first, second, third)]
    for result in results[1:]:
        assert_same(result, results[0])
    assert second.to_yaml_s() == text
    assert "num_workers" not in text
    assert first.id == second.id


@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process, audw2s.Segment])
def test_workers_agree(interface, clips):
    files = [*clips, "missing.wav"]
    with pytest.warns(UserWarning, match="missing"):
        exact = interface().process_files(files)
    for kwargs in ({}, {"multiprocessing": True}):
        many = interface(num_workers=2, **kwargs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert_same(many.process_files(files), exact)


def test_cache_depends_on_the_model(clips, tmp_path):
    index = audformat.filewise_index(clips[:2])
    cache = str(tmp_path / "cache")
    results = {}
    for name in MODELS:
        for kwargs in ({}, {"win_dur": 1}):
            feature = audw2s.Feature(name, **kwargs)
            fresh = feature.process_index(index)
            for _ in range(2):
                kept = feature.process_index(index, cache_root=cache)
                pd.testing.assert_frame_equal(kept, fresh)
            results[name, len(fresh)] = kept
    assert len(results) == 4
    series = audw2s.Process().process_index(index, cache_root=cache)
    assert isinstance(series.iloc[0], dict)
    assert not [f for _, _, files in os.walk(cache) for f in files if "tmp" in f]


def test_results_carry_their_provenance(clips, tmp_path):
    feature = audw2s.Feature(win_dur=1)
    frame = feature.process_files(clips[:1])
    assert frame.attrs["audw2s"] == feature.provenance
    assert feature.provenance == {
        "model": "wav2small",
        "sha256": audw2s.models().sha256["wav2small"],
        "version": audw2s.__version__,
        "win_dur": 1.0,
        "hop_dur": 0.5,
        "exact": False,
        "vad": False,
    }
    frame.to_parquet(tmp_path / "a.parquet")
    again = pd.read_parquet(tmp_path / "a.parquet")
    assert again.attrs["audw2s"]["sha256"] == feature.provenance["sha256"]
    assert audw2s.Process().process_files(clips[:1]).attrs["audw2s"]["version"]


def test_outputs_are_selected_by_name(clips):
    """A model with another order can't give swapped columns."""
    network = audw2s.load("whisper-tiny-adv")
    path = network.path
    swapped = audonnx.Model(
        path, labels={"logits": ["valence", "arousal", "dominance"]}
    )
    mine = audw2s.Feature(swapped).process_files(clips)
    usual = audw2s.Feature(network).process_files(clips)
    np.testing.assert_array_equal(mine["valence"], usual["arousal"])
    np.testing.assert_array_equal(mine["dominance"], usual["valence"])
    with pytest.raises(ValueError, match="No output of the model is labelled"):
        audw2s.Feature(audonnx.Model(path))
    again = pickle.loads(pickle.dumps(audw2s.Feature(swapped)))
    np.testing.assert_array_equal(again.process_files(clips), mine)


@pytest.mark.parametrize(
    "kwargs, match",
    [
        ({"model": "wav2smal"}, "Known are 'wav2small', .*'whisper-tiny-adv'"),
        ({"hop_dur": 1}, "win_dur"),
        ({"win_dur": 0}, "'win_dur' has to be at least"),
        ({"win_dur": 1, "hop_dur": -1}, "'hop_dur' has to be at least"),
        ({"sampling_rate": 8000}, "16000 Hz"),
        ({"on_error": "ignore"}, "on_error"),
        ({"mixdown": False}, "channels="),
    ],
)
def test_wrong_arguments(kwargs, match):
    with pytest.raises(ValueError, match=match):
        audw2s.Feature(**kwargs)


def test_an_empty_index_gives_an_empty_frame():
    feature = audw2s.Feature()
    for frame in (
        feature.process_files([]),
        feature.process_index(audformat.filewise_index()),
        feature.process_index(audformat.segmented_index()),
    ):
        assert list(frame.columns) == NAMES
        assert len(frame) == 0


def test_database_as_a_research_script_does(clips, tmp_path):
    db = audformat.testing.create_db(minimal=True)
    names = []
    for number, clip in enumerate(clips):
        signal, rate = soundfile.read(clip)
        names.append(f"audio/{number}.wav")
        (tmp_path / "audio").mkdir(exist_ok=True)
        soundfile.write(tmp_path / names[-1], signal, rate)
    db["files"] = audformat.Table(audformat.filewise_index(names))
    db.save(str(tmp_path))
    db = audformat.Database.load(str(tmp_path))
    interface = audw2s.Feature()
    frame = interface.process_index(db.files, root=db.root)
    assert list(frame.index.get_level_values("file")) == list(db.files)
    direct = interface.process_files(clips)
    np.testing.assert_allclose(frame, direct, atol=1e-4)  # 16 bit


def test_signal_from_index(speech):
    feature = audw2s.Feature()
    index = audinterface.utils.signal_index([0, 1, 0.5], [1, 2.5, 3])
    frame = feature.process_signal_from_index(speech, 16000, index)
    assert frame.index.equals(index)
    for (start, end), row in frame.iterrows():
        exact = feature.process_signal(speech, 16000, start=start, end=end)
        np.testing.assert_allclose(values(exact)[0], row, atol=1e-6)
    series = audw2s.Process().process_signal_from_index(speech, 16000, index)
    np.testing.assert_allclose(values(series), frame, atol=1e-7)


def first_second(signal, sampling_rate):
    return audinterface.utils.signal_index([0], [1])


def test_segments_of_other_interfaces(clips, tmp_path):
    segment = audinterface.Segment(process_func=first_second)
    feature = audw2s.Feature(segment=segment)
    frame = feature.process_files(clips)
    expected = audw2s.Feature().process_files(clips, ends=1)
    np.testing.assert_array_equal(frame, expected)
    with pytest.raises(ValueError, match="Leave 'cache_root' out"):
        feature.process_index(audformat.filewise_index(clips), cache_root=str(tmp_path))
