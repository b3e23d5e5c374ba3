"""Hidden states are those of the models, and stand in the order of the table."""

import shutil

import audformat
import audobject
import numpy as np
import onnx
import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile

import audw2s
from audw2s.corpus.options import Options
from audw2s.corpus.shards import Writer
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import model_path

MODELS = ["wav2small", "whisper-tiny-adv"]
SIZES = {"wav2small": 169, "whisper-tiny-adv": 2304}
NAMES = list(audw2s.DIMENSIONS)


def hidden_states(model: str, signal: np.ndarray) -> np.ndarray:
    """What a model gives as it is."""
    return audw2s.load(model)(signal[None], 16000)["hidden_states"][0]


def head(hidden: np.ndarray) -> np.ndarray:
    """A/D/V of the student's hidden states, by the weights in its file."""
    found = {
        weight.name: onnx.numpy_helper.to_array(weight)
        for weight in onnx.load(model_path("wav2small")).graph.initializer
    }
    return hidden @ found["adv.weight"].T + found["adv.bias"]


@pytest.fixture
def folder(tmp_path, speech):
    """Five files, of which one can't be read and one is missing."""
    root = tmp_path / "corpus"
    root.mkdir()
    for number in range(3):
        part = speech[4000 * number : 4000 * number + 20000]
        soundfile.write(root / f"{number}.wav", part, 16000, subtype="FLOAT")
    (root / "bad.wav").write_bytes(b"bad")
    names = ["2.wav", "bad.wav", "0.wav", "no.wav", "1.wav", "2.wav"]
    (root / "list.txt").write_text("\n".join(names))
    return root


def test_embeddings_of_whole_files_by_two_models(folder, tmp_path, monkeypatch):
    out, fine = str(tmp_path / "out"), Writer.flush
    options = {"model": MODELS, "embeddings": True, "shard_size": 2}
    written = []

    def full(self):
        if written and self.rows:
            raise OSError(28, "No space left on device")
        written.append(self.rows)
        return fine(self)

    monkeypatch.setattr(Writer, "flush", full)
    with pytest.raises(OSError, match="No space left on device"):
        audw2s.annotate(str(folder / "list.txt"), out, **options)
    monkeypatch.setattr(Writer, "flush", fine)
    frame = audw2s.annotate(str(folder / "list.txt"), out, **options)
    assert len(list((tmp_path / "out" / "parts").iterdir())) > 1
    found = pq.read_table(tmp_path / "out" / "embeddings.parquet")
    columns = [f"{model}.hidden_states" for model in MODELS]
    assert found.column_names == ["file", "start", "end", *columns]
    for model, column in zip(MODELS, columns, strict=True):
        kind = found.schema.field(column).type
        assert (kind.list_size, str(kind.value_type)) == (SIZES[model], "float")
    found = pd.read_parquet(tmp_path / "out" / "embeddings.parquet")
    same = ["file", "start", "end"]
    pd.testing.assert_frame_equal(found[same], frame[same])
    assert found.attrs == frame.attrs
    for _, row in found.iterrows():
        for model, column in zip(MODELS, columns, strict=True):
            if row["file"] in ("bad.wav", "no.wav"):
                assert row[column] is None
            else:
                signal = soundfile.read(folder / row["file"], dtype="float32")[0]
                expected = hidden_states(model, signal)
                np.testing.assert_allclose(row[column], expected, atol=2e-5)
    with pytest.raises(ValueError, match="embeddings True, now False"):
        audw2s.annotate(str(folder / "list.txt"), out, model=MODELS)


def test_embeddings_of_segments_and_windows(tmp_path, speech):
    """A/D/V is a linear function of the hidden states, however they were processed."""
    soundfile.write(tmp_path / "a.wav", speech, 16000, subtype="FLOAT")
    rows = ["file,start,end", "a.wav,1.5,3", "a.wav,0.25,2.5", "a.wav,9,10"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    for number, options in enumerate([{}, {"win_dur": 1.0, "hop_dur": 0.5}]):
        out = tmp_path / f"out{number}"
        about = {"embeddings": True, **options}
        frame = audw2s.annotate(str(tmp_path / "list.csv"), str(out), **about)
        found = pd.read_parquet(out / "embeddings.parquet")
        assert len(found) == len(frame) == (3 if number == 0 else 7)
        assert found["start"].tolist() == frame["start"].tolist()
        assert found["wav2small.hidden_states"].iloc[-1] is None
        hidden = np.stack(found["wav2small.hidden_states"].iloc[:-1])
        values = frame[NAMES].iloc[:-1]
        np.testing.assert_allclose(head(hidden), values, atol=1e-4)


def test_columns_of_feature_are_those_of_annotate(folder, tmp_path):
    window = {"win_dur": 1.0, "hop_dur": 0.5}
    files = [str(folder / name) for name in ("0.wav", "1.wav", "bad.wav")]
    (folder / "list.txt").write_text("\n".join(files))
    out = str(tmp_path / "out")
    audw2s.annotate(str(folder / "list.txt"), out, embeddings=True, **window)
    table = pd.read_parquet(tmp_path / "out" / "embeddings.parquet")
    feature = audw2s.Feature(embeddings=True, **window)
    index, cache = audformat.filewise_index(files), str(tmp_path / "cache")
    with pytest.warns(UserWarning, match="bad.wav: unreadable"):
        frame = feature.process_index(index, cache_root=cache)
    assert list(frame) == [f"hidden_states-{number}" for number in range(169)]
    keys = frame.index.to_frame(index=False)
    pd.testing.assert_frame_equal(keys, table[list(keys)], check_dtype=False)
    assert frame.iloc[-1].isna().all()
    expected = np.stack(table["wav2small.hidden_states"].iloc[:-1])
    np.testing.assert_allclose(frame.iloc[:-1], expected, atol=1e-5)
    # The cache tells embeddings from values
    with pytest.warns(UserWarning, match="bad.wav: unreadable"):
        values = audw2s.Feature(**window).process_index(index, cache_root=cache)
    np.testing.assert_allclose(head(frame), values, atol=1e-4)
    again = audobject.from_yaml_s(feature.to_yaml_s())
    pd.testing.assert_frame_equal(again.process_files(files[:2]), frame.iloc[:-1])


def test_columns_of_channels_and_of_other_models(speech):
    stereo = np.stack([speech, speech[::-1]])
    feature = audw2s.Feature(embeddings=True, channels=[0, 1], mixdown=False)
    frame = feature.process_signal(stereo, 16000)
    found = np.reshape(frame, (2, -1))
    expected = [hidden_states("wav2small", np.ascontiguousarray(s)) for s in stereo]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    frame = audw2s.Feature("whisper-tiny-adv", embeddings=True)(speech, 16000)
    assert frame.shape == (1, 2304, 1)
    expected = hidden_states("whisper-tiny-adv", speech)
    np.testing.assert_allclose(frame[0, :, 0], expected, atol=2e-5)


@pytest.mark.parametrize("model", MODELS)
def test_exact_windows_equal_the_model(speech, model):
    about = {"win_dur": 1.0, "hop_dur": 1.0, "exact": True}
    rows = Predictor(model, hidden_states=True, **about).signal(speech[:30000], 16000)
    plain = Predictor(model, **about).signal(speech[:30000], 16000)
    for number, (row, other) in enumerate(zip(rows, plain, strict=True)):
        window = speech[16000 * number : 16000 * (number + 1)][: 30000 - 16000 * number]
        np.testing.assert_allclose(
            row.values[0, 3:], hidden_states(model, window), atol=2e-5
        )
        np.testing.assert_allclose(row.values[:, :3], other.values, atol=1e-6)


def test_embeddings_of_long_recordings(speech):
    """A student processes them in one pass; a model that can't, in blocks of 30 s."""
    long = np.tile(speech, 11)
    assert 30 * 16000 < len(long) < 60 * 16000
    (row,) = Predictor("wav2small", hidden_states=True).signal(long, 16000)
    np.testing.assert_allclose(
        row.values[0, 3:], hidden_states("wav2small", long), atol=1e-4
    )
    (row,) = Predictor("whisper-tiny-adv", hidden_states=True).signal(long, 16000)
    parts = long[: 30 * 16000], long[30 * 16000 :]
    expected = np.average(
        [hidden_states("whisper-tiny-adv", part) for part in parts],
        axis=0,
        weights=[len(part) for part in parts],
    )
    np.testing.assert_allclose(row.values[0, 3:], expected, atol=1e-4)


def test_ensembles_have_the_embeddings_of_their_models(speech):
    name = "mean(wav2small, whisper-tiny-adv)"
    (row,) = Predictor(name, hidden_states=True).signal(speech, 16000)
    expected = np.concatenate([hidden_states(model, speech) for model in MODELS])
    np.testing.assert_allclose(row.values[0, 3:], expected, atol=2e-5)


def test_model_without_hidden_states(tmp_path, clips):
    graph = onnx.load(model_path("wav2small"))
    (hidden,) = [o for o in graph.graph.output if o.name == "hidden_states"]
    graph.graph.output.remove(hidden)
    folder = tmp_path / "student"
    folder.mkdir()
    onnx.save(graph, folder / "model.onnx")
    (tmp_path / "clips").mkdir()
    shutil.copy(clips[0], tmp_path / "clips")
    options = {"model": str(folder), "embeddings": True}
    with pytest.raises(ValueError, match="has no output 'hidden_states'"):
        audw2s.annotate(str(tmp_path / "clips"), str(tmp_path / "out"), **options)
    with pytest.raises(ValueError, match="has no output 'hidden_states'"):
        audw2s.Feature(str(folder), embeddings=True)
    with pytest.raises(ValueError, match="embeddings needs 'out'"):
        audw2s.annotate(str(tmp_path / "clips"), **options)


def test_device(tmp_path, clips):
    import onnxruntime

    with pytest.raises(ValueError, match="cuda:1 and so on, not 'gpu'"):
        audw2s.annotate(clips[0], device="gpu")
    assert "device" not in Options().identity
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(ValueError, match="onnxruntime can't use 'cuda:1' here"):
            audw2s.annotate(str(tmp_path), str(tmp_path / "out"), device="cuda:1")
        assert not (tmp_path / "out").exists()
