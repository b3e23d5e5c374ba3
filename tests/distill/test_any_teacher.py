"""Teachers that aren't from this package: functions of Python, any ONNX model."""

import json
import pathlib

import numpy as np
import onnx
import pytest
from commands import invoke
from onnx import parser

import audw2s
from audw2s.distill.batches import Batches
from audw2s.distill.config import Config
from audw2s.distill.students import load_student
from audw2s.distill.teachers.python import Function
from audw2s.distill.teachers.python import teacher_sha256
from audw2s.inference.network import Network

CODE = """
import numpy as np

def predict(signal):
    assert signal.dtype == np.float32 and signal.ndim == 1
    return np.sqrt(np.mean(signal**2)), np.abs(signal).max(), 0.5
"""

GRAPH = """
<ir_version: 8, opset_import: ["" : 18]>
loudness (float[1, time] signal)
    => (float[1, 1] valence, float[1, 1] arousal, float[1, 1] dominance) {
    magnitude = Abs (signal)
    axis = Constant <value = int64[1] {1}> ()
    arousal = ReduceMean (magnitude, axis)
    dominance = ReduceMax (magnitude, axis)
    valence = Sub (dominance, arousal)
}
"""


@pytest.fixture
def function(tmp_path) -> str:
    (tmp_path / "mine.py").write_text(CODE)
    return f"{tmp_path / 'mine.py'}:predict"


@pytest.fixture
def graph(tmp_path) -> str:
    (tmp_path / "loudness").mkdir()
    onnx.save(parser.parse_model(GRAPH), tmp_path / "loudness" / "model.onnx")
    return str(tmp_path / "loudness")


def train(corpus, teacher, tmp_path) -> Config:
    settings = {
        "corpora": {corpus: 1.0},
        "teacher": teacher,
        "batch_size": 4,
        "steps": 2,
        "eval_every": 2,
    }
    path = tmp_path / "settings.toml"
    table = settings.pop("corpora")
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    lines += ["[corpora]", *(f"{json.dumps(key)} = 1.0" for key in table)]
    path.write_text("\n".join(lines))
    result = invoke("distill", "train", path, "--out", tmp_path / "run", "--quiet")
    assert result.exit_code == 0, result.output
    assert load_student(str(tmp_path / "run" / "student.safetensors"))[0] == "wav2small"
    return Config.from_toml(str(path))


def test_a_function_of_python_is_a_teacher(function, corpus, tmp_path):
    # Its path is relative to the settings
    config = train(corpus, "mine.py:predict", tmp_path)
    assert config.teacher == function
    batches = Batches(config, verbose=False)
    signals, labels = batches.make(0)
    for signal, label in zip(signals.numpy(), labels.numpy(), strict=True):
        expected = [np.sqrt(np.mean(signal**2)), np.abs(signal).max(), 0.5]
        np.testing.assert_allclose(label, expected, rtol=1e-6)
    assert batches.identity["teacher"] == teacher_sha256(function)
    exported = tmp_path / "student"
    assert (
        invoke("distill", "export", tmp_path / "run", "--out", exported).exit_code == 0
    )
    told = invoke("export", exported, tmp_path / "hub", "--to", "hub").stdout
    assert "Licence: unknown. It follows from" in told
    assert "mine.py:predict (unknown)" in told
    assert "a column 'licence' of the corpus' table names it" in told


def test_an_onnx_model_with_three_named_outputs_is_a_teacher(graph, corpus, tmp_path):
    signal = np.random.default_rng(0).standard_normal(16000).astype(np.float32) / 9
    mean, largest = np.abs(signal).mean(), np.abs(signal).max()
    values = Network(graph)(signal)[:3]
    np.testing.assert_allclose(values, [mean, largest, largest - mean], rtol=1e-5)
    table = audw2s.Feature(graph, win_dur=0.5).process_signal(signal, 16000)
    assert list(table) == list(audw2s.DIMENSIONS)
    train(corpus, graph, tmp_path)
    out = tmp_path / "head"
    result = invoke(
        *("distill", "fit-head", "wav2small", corpus, "--teacher", graph),
        *("--out", out, "--quiet"),
    )
    assert result.exit_code == 0, result.output


def test_functions_that_are_no_teachers(tmp_path, function, corpus):
    path = pathlib.Path(function.rpartition(":")[0])
    with pytest.raises(FileNotFoundError, match="nowhere.py"):
        Function(str(tmp_path / "nowhere.py:predict"))
    with pytest.raises(ValueError, match="has no function 'predicted'"):
        Function(f"{path}:predicted")
    path.write_text("def predict(signal): return 0.5, 0.5")
    with pytest.raises(ValueError, match="has to return arousal, dominance, valence"):
        Function(function)(np.zeros(100, np.float32))
    labelled = invoke(
        *("distill", "label", corpus, "--teacher", function),
        *("--out", tmp_path / "labels.parquet"),
    )
    assert labelled.exit_code == 2
    assert "can't label a table" in labelled.stderr
