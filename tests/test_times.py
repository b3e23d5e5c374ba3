"""Times are audformat's, to the nanosecond, whatever writes them."""

import audformat
import audinterface
import numpy as np
import pandas as pd
import pytest
import soundfile
from full import FULL

import audw2s
from audw2s.audio.times import SECOND
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.prediction import predict
from audw2s.distill.label import label
from audw2s.inference.pipeline import Predictor

NUM_FILES = 600
"""Some 10 of them end elsewhere if their ends are rounded. The suite has these, and the
first 100."""

RATES = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of random lengths and rates."""
    root = tmp_path_factory.mktemp("lengths")
    rng = np.random.default_rng(0)
    made, num_odd = [], 0
    for number in range(NUM_FILES):
        rate = int(rng.choice(RATES))
        seconds = rng.choice([0, 1, 3], p=[0.9, 0.07, 0.03])
        size = int(seconds * rate + rng.integers(rate // 100, rate // 5))
        path = str(root / f"{number:04d}.wav")
        signal = rng.uniform(-0.1, 0.1, size)
        rounded = pd.Timedelta(round(size / rate * 1e9), unit="ns")
        is_odd = pd.to_timedelta(size / rate, unit="s") != rounded
        num_odd += is_odd
        if is_odd or number < 100 or FULL:
            soundfile.write(path, signal, rate, subtype="PCM_16")
            made.append(path)
    assert num_odd >= 10
    return made


@pytest.fixture(scope="module")
def index(files):
    """What audformat says."""
    return audformat.utils.to_segmented_index(
        audformat.filewise_index(files), allow_nat=False
    )


def of_table(table):
    return audformat.segmented_index(table["file"], table["start"], table["end"])


@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process])
def test_files_of_an_interface(files, index, interface):
    assert interface().process_files(files).index.equals(index)


def test_files_of_predict(files, index):
    assert of_table(predict(files, Predictor())).equals(index)


def test_files_of_annotate(files, index, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("\n".join(files))
    assert of_table(audw2s.annotate(str(path))).equals(index)
    ends = index.get_level_values("end")
    short = index[ends < pd.Timedelta("1s")]
    table = audw2s.annotate(str(path), max_dur=0.001)
    assert (table["status"] == "too_long").all()
    assert of_table(table)[ends < pd.Timedelta("1s")].equals(short)


def test_files_of_label(files, index, tmp_path):
    table = pd.DataFrame({"file": files})
    table.to_csv(tmp_path / "corpus.csv", index=False)
    corpus = read_corpus(str(tmp_path / "corpus.csv"))
    out = str(tmp_path / "labels.parquet")
    labels = label(corpus, "wav2small", out, verbose=False)
    assert of_table(labels).equals(
        audformat.utils.to_segmented_index(audformat.filewise_index(files))
    )
    durations = pd.to_timedelta(labels["duration"], unit="s").dt.as_unit("ns")
    assert durations.tolist() == index.get_level_values("end").tolist()


def test_windows_of_the_interface(files):
    """Those that are whole have audinterface's index."""
    ours = audw2s.Feature(win_dur=0.03, hop_dur=0.0125)
    theirs = audinterface.Feature(
        ["size"],
        process_func=lambda signal, rate: float(signal.shape[1]),
        sampling_rate=16000,
        resample=True,
        win_dur=0.03,
        hop_dur=0.0125,
    )
    index = theirs.process_files(files[:100]).index
    found = ours.process_files(files[:100]).index
    assert len(index) > 1000
    assert index.isin(found).all()
    # One of each file may be left over
    assert len(found) <= len(index) + 100


def test_tables_join_with_those_of_opensmile(shared):
    import opensmile

    paths = sorted(str(path) for path in (shared / "emodb").glob("*.flac"))
    lengths = [soundfile.info(path).frames for path in paths]
    # Where rounding isn't what audformat does, and some others
    odd = [
        path
        for path, size in zip(paths, lengths, strict=True)
        if pd.to_timedelta(size / 16000, unit="s") != pd.Timedelta(size * 62500)
    ]
    assert odd
    chosen = [*odd[:5], *paths[:5]]
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02)
    tables = [audw2s.Feature().process_files(chosen), smile.process_files(chosen)]
    joined = [pd.concat(tables, axis=1), tables[1].join(tables[0])]
    # With pandas 2, audformat joins openSMILE's tables to none of audinterface's
    if pd.__version__ >= "3":
        joined.append(audformat.utils.concat(tables))
    for table in joined:
        assert len(table) == len(chosen)
        assert table.notna().all(axis=None)


def spans(result):
    index = result if isinstance(result, pd.MultiIndex) else result.index
    starts, ends = (index.get_level_values(name) for name in ("start", "end"))
    return [
        (start / SECOND, end / SECOND) for start, end in zip(starts, ends, strict=True)
    ]


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).uniform(-0.1, 0.1, (1, 48003)).astype(np.float32)


@pytest.fixture(params=["file", "signal"])
def process(request, tmp_path, noise):
    """Process a part of 3.0001875 s, as a file or as a signal."""
    path = str(tmp_path / "noise.wav")
    soundfile.write(path, noise.T, 16000, subtype="FLOAT")

    def call(interface, **kwargs):
        if request.param == "file":
            return interface.process_file(path, **kwargs)
        return interface.process_signal(noise, 16000, file=path, **kwargs)

    return call


PARTS = [
    ({"start": -1}, (2.0001875, 3.0001875), slice(32003, None)),
    ({"end": -1}, (0, 2.0001875), slice(None, 32003)),
    ({"start": -2, "end": -1}, (1.0001875, 2.0001875), slice(16003, 32003)),
    ({"start": -5}, (0, 3.0001875), slice(None)),
    ({"start": "-16000"}, (2.0001875, 3.0001875), slice(32003, None)),
    ({"end": 5}, (0, 3.0001875), slice(None)),
    ({"start": 1.00003}, (1.00003, 3.0001875), slice(16000, None)),
    ({"start": 1.00003, "end": 2.00001}, (1.00003, 2.00001), slice(16000, 32000)),
    ({"start": "16000", "end": "32000"}, (1, 2), slice(16000, 32000)),
    ({"start": "500ms"}, (0.5, 3.0001875), slice(8000, None)),
]


@pytest.mark.filterwarnings("ignore:.*truncated")
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("part", "span", "samples"), PARTS)
def test_segments_lie_on_audformat_times(process, noise, exact, part, span, samples):
    found = process(audw2s.Feature(exact=exact), **part)
    assert spans(found) == [span]
    if exact:
        expected = audw2s.Feature().process_signal(noise[:, samples], 16000)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    windows = process(audw2s.Feature(exact=exact, win_dur=0.3), **part)
    assert spans(windows)[0][0] == span[0]
    assert spans(windows)[-1][1] == span[1]
    segments = process(audw2s.Segment(exact=exact, tolerance=9), **part)
    assert spans(segments) == [span]


@pytest.mark.parametrize("exact", [False, True])
def test_a_segment_that_starts_off_the_grid_ends_with_the_file(files, exact):
    """An open one; its end is audformat's, too."""
    index = audformat.segmented_index(files[:50], ["3210123ns"] * 50)
    found = audw2s.Feature(exact=exact).process_index(index).index
    expected = audformat.utils.to_segmented_index(index, allow_nat=False)
    assert found.equals(expected)


def test_a_segment_beyond_the_end_is_empty(process):
    with pytest.warns(UserWarning, match="empty: starts at 5.000 s of 3.000 s"):
        assert spans(process(audw2s.Feature(), start=5, end=6)) == [(5, 5)]


@pytest.mark.filterwarnings("ignore:.*silent")
def test_windows_of_short_input_lie_in_the_padding(process):
    found = process(audw2s.Feature(win_dur=1, min_signal_dur=5))
    assert spans(found) == [(k / 2, k / 2 + 1) for k in range(9)]
    assert found.notna().all(axis=None)
    assert spans(process(audw2s.Feature(min_signal_dur=5))) == [(0, 5)]
    assert spans(process(audw2s.Feature(min_signal_dur=2))) == [(0, 3.0001875)]
    assert spans(process(audw2s.Feature(min_signal_dur=3), start=1)) == [(1, 4)]


def test_short_input_that_may_be_longer_is_not_truncated(noise):
    for kwargs in ({}, {"exact": True}, {"win_dur": 1, "hop_dur": 1}):
        predictor = Predictor(max_signal_dur=5, **kwargs)
        rows = predictor.signal(noise, 16000)
        assert {row.status for row in rows} == {"ok"}
        rows = Predictor(max_signal_dur=2, **kwargs).signal(noise, 16000, start=0.5)
        assert {row.status for row in rows} == {"ok"}
        assert rows[-1].end == pd.Timedelta("2.5s")


@pytest.mark.parametrize(
    "name", ["win_dur", "hop_dur", "min_signal_dur", "max_signal_dur"]
)
@pytest.mark.parametrize(
    "value", [float("nan"), pd.NaT, 0, -1, float("inf"), "3", "1 furlong"]
)
@pytest.mark.parametrize("interface", [audw2s.Feature, audw2s.Process, audw2s.Segment])
def test_invalid_durations(interface, name, value):
    durations = {"win_dur": 1.0, "hop_dur": 1.0, name: value}
    with pytest.raises(ValueError, match=f"'{name}' has to be"):
        interface(**durations)


def test_samples_count_at_16_khz(noise):
    """In every argument, whatever the rate of the input is."""
    feature = audw2s.Feature(win_dur="8000", hop_dur="4000")
    found = feature.process_signal(noise, 8000, start="16000", end="32000")
    assert spans(found) == [(1, 1.5), (1.25, 1.75), (1.5, 2)]
    segment = audw2s.Segment(min_dur="16000", min_silence="4800")
    index = segment.process_signal(noise, 8000, start="16000", end="32000")
    assert spans(index) == [(1, 2)]
    cut = audw2s.Feature(max_signal_dur="16000").process_signal(noise, 8000)
    assert spans(cut) == [(0, 1)]


def test_curves(noise):
    """A value each 10 ms, the last one where the signal ends."""
    frame = audw2s.curve(noise[0, : 16000 * 29 // 100], sampling_rate=16000, rate=100)
    expected = pd.timedelta_range(0, periods=30, freq="10ms", name="time")
    assert frame.index.tolist() == expected.tolist()
