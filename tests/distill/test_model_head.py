"""The last layer of a packaged student, fitted to another model's outputs."""

import pathlib

import numpy as np
import onnx
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

import audw2s
from audw2s.distill.cli import app
from audw2s.distill.model_head import with_head
from audw2s.model.store import properties

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"


def outputs(model, clip, name):
    return audw2s.load(model)(clip[None], 16000)[name][0]


@pytest.fixture(scope="module")
def clips():
    paths = sorted(SPEECH.iterdir())
    return [soundfile.read(path, dtype="float32")[0] for path in paths]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    files = [str(path) for path in sorted(SPEECH.iterdir())]
    for name, part in {"some": files[:3], "others": files[3:]}.items():
        pd.DataFrame({"file": part}).to_csv(folder / f"{name}.csv", index=False)
    corpora = [f"{folder / 'some.csv'}=2", str(folder / "others.csv")]
    options = ["--out", str(folder / "model"), "--penalty", "1e-6", "--quiet"]
    done = CliRunner().invoke(app, ["fit-head", "wav2small", *corpora, *options])
    assert done.exit_code == 0, done.output
    return str(folder / "model")


def test_hidden_states_stay_and_values_are_those_of_the_teacher(fitted, clips):
    """With next to no penalty, as there are more hidden states than clips."""
    for clip in clips:
        hidden = outputs("wav2small", clip, "hidden_states")
        np.testing.assert_array_equal(outputs(fitted, clip, "hidden_states"), hidden)
        expected = outputs("whisper-tiny-adv", clip, "logits")
        np.testing.assert_allclose(outputs(fitted, clip, "logits"), expected, atol=0.01)


def test_the_folder_says_which_model_was_fitted(fitted):
    entries = properties(onnx.load(audw2s.load(fitted).path))
    assert entries["head_fitted_from"] == audw2s.models().sha256["wav2small"]
    assert entries["name"] == "wav2small"
    assert entries["token_hop"] == "64"


def test_one_pass_and_windows_use_the_new_head(fitted, clips):
    feature = audw2s.Feature(fitted)
    expected = outputs(fitted, clips[0], "logits")
    np.testing.assert_allclose(
        feature.process_signal(clips[0], 16000).to_numpy()[0], expected, atol=1e-4
    )


def test_a_last_layer_that_is_not_linear_is_refused():
    node = onnx.helper.make_node("Relu", ["signal"], ["logits"])
    graph = onnx.helper.make_graph([node], "g", [], [])
    with pytest.raises(ValueError, match="isn't linear"):
        with_head(onnx.helper.make_model(graph), np.zeros((3, 1)), np.zeros(3))
