"""Model folders with exits: their files and their use."""

import json
import os
import pickle
import shutil

import audformat
import audobject
import audonnx
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import soundfile
import torch
from encoders import SAMPLES
from encoders import SETTINGS
from encoders import random_backbone
from encoders import write_encoder
from fabricated import make_corpus
from full import sample
from typer.testing import CliRunner

import audw2s
from audw2s.commands.app import app
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.exits import evaluate
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import read_data
from audw2s.distill.exits.export import export_exits
from audw2s.distill.exits.model import ExitNetwork
from audw2s.distill.exits.model import SingleExit
from audw2s.distill.exits.networks import load_network
from audw2s.distill.exits.published import load_backbone
from audw2s.distill.exits.train import train
from audw2s.distill.export import parity
from audw2s.distill.export import to_onnx
from audw2s.model.cascade import Cascade
from audw2s.model.early_exit import softmax

LENGTHS = (64, 1001, 8000, 8001, 8003, 24681)
CLASSES = ["sadness", "anger", "neutral"]


def make(folder, target):
    """Train and export a toy; return the folders of both and of the corpus."""
    encoder, corpus = os.path.join(folder, "encoder"), os.path.join(folder, "corpus")
    write_encoder(encoder, "whisper", pretraining=False)
    corpus = make_corpus(corpus, 6, 3)
    table = pd.read_csv(corpus, dtype={"speaker": str})
    table["emotion"] = np.resize(CLASSES, len(table))
    table["emotion"] = table["emotion"].to_numpy()[
        np.arange(18) // 6 + np.arange(18) - 2
    ]
    table.to_csv(corpus, index=False)
    config = Config(
        encoder,
        corpus,
        target,
        classes=tuple(CLASSES) if target == "emotion" else (),
        exits=(1,),
        depth=2,
        epochs=1,
        samples=SAMPLES,
        learning_rate=1e-3,
        block="gru",
    )
    backbone = load_backbone(encoder, SAMPLES)
    data = read_data(config, backbone, verbose=False)
    run, out = os.path.join(folder, "run"), os.path.join(folder, "toy-exits")
    train(config, data, backbone, run, verbose=False)
    export_exits(run, out, "toy-exits")
    return {"run": run, "model": out, "corpus": corpus}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return make(str(tmp_path_factory.mktemp("toy")), "emotion")


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    return make(str(tmp_path_factory.mktemp("rated")), "dimensions")


@pytest.fixture
def copied(toy, tmp_path):
    return shutil.copytree(toy["model"], tmp_path / "copy")


def signal(length):
    rng = np.random.default_rng(length)
    return (0.1 * rng.standard_normal((1, length))).astype(np.float32)


def torch_logits(run, depth, values):
    network, _ = load_network(run)
    with torch.inference_mode():
        outputs = network(network.backbone.front(torch.from_numpy(values)))
    return outputs[depth].logits.numpy()


@pytest.mark.parametrize("length", LENGTHS)
def test_logits_of_each_exit_are_those_of_torch(toy, length):
    for depth in (1, 2):
        model = audw2s.load(toy["model"], exit=depth)
        actual = model(signal(length), 16000)["logits"]
        expected = torch_logits(toy["run"], depth, signal(length))
        np.testing.assert_allclose(actual, expected, atol=1e-4)
    chain = audw2s.load(toy["model"], exit="auto(1)")(signal(length), 16000)
    np.testing.assert_allclose(chain["logits"], expected, atol=1e-4)
    assert chain["exit"].tolist() == [[2]]


@pytest.mark.parametrize("name", sample(["wavlm", "wav2vec2", "hubert"], 3))
def test_exits_of_all_families_can_be_exported(name):
    network = ExitNetwork(random_backbone(name), (1,), 4, "lstm").eval()
    single = SingleExit(network, 1)
    assert parity(single, to_onnx(single)) < 1e-4


def weights_in(path):
    """Values of matrices; biases of recurrent layers are of one row."""
    shapes = [sorted(w.dims) for w in onnx.load(path).graph.initializer]
    return sum(np.prod(shape) for shape in shapes if len(shape) > 1 and shape[-2] > 1)


def test_only_the_needed_layers_are_in_a_file(toy):
    network, _ = load_network(toy["run"])
    counts = {
        depth: weights_in(os.path.join(toy["model"], f"exit{depth}.onnx"))
        for depth in (1, 2)
    }

    def matrices(module):
        return sum(p.numel() for p in module.parameters() if p.dim() > 1)

    layer, block = (
        matrices(m) for m in (network.backbone.layers[1], network.exits["1"].block)
    )
    assert counts[2] - counts[1] == pytest.approx(layer - block, abs=20)
    part = weights_in(os.path.join(toy["model"], "part2.onnx"))
    assert part == pytest.approx(layer + matrices(network.exits["2"]), abs=20)


def test_audonnx_loads_the_folder(toy):
    model = audonnx.load(toy["model"])
    assert model.path.endswith("exit2.onnx")
    assert model.labels("logits") == CLASSES
    shallow = audonnx.load(toy["model"], model_file="exit1.yaml")
    expected = audw2s.load(toy["model"], exit=1)(signal(9000), 16000)
    actual = shallow(signal(9000), 16000)
    np.testing.assert_array_equal(actual["logits"], expected["logits"])
    assert "toy-exits" in open(os.path.join(toy["model"], "card.md")).read()


@pytest.mark.parametrize("exit", [None, 1, "auto", "auto(0.4)"])
def test_interfaces_give_scores_of_classes(toy, exit, clips):
    feature = audw2s.Feature(toy["model"], exit=exit, max_signal_dur=SAMPLES / 16000)
    frame = feature.process_files(clips)
    assert list(frame.columns) == CLASSES
    model = audw2s.load(toy["model"], exit=exit)
    values, rate = soundfile.read(clips[0], dtype="float32")
    logits = model(values[None, :SAMPLES], rate)["logits"]
    np.testing.assert_allclose(frame.to_numpy()[0], softmax(logits)[0], atol=1e-5)
    np.testing.assert_allclose(frame.sum(axis=1), 1, atol=1e-5)
    process = audw2s.Process(toy["model"], exit=exit, win_dur=0.4, num_workers=2)
    process = pickle.loads(pickle.dumps(process))
    y = process.process_signal(signal(16001), 16000)
    assert len(y) == 5 and list(y.iloc[0]) == CLASSES
    again = audobject.from_yaml_s(feature.to_yaml_s())
    assert again.provenance == feature.provenance


def test_each_exit_has_another_provenance(toy):
    exits = (1, 2, "auto", "auto(0.4)")
    actual = {audw2s.Feature(toy["model"], exit=e).provenance["sha256"] for e in exits}
    assert len(actual) == 4
    assert audw2s.Feature(toy["model"], exit="2").provenance == (
        audw2s.Feature(toy["model"]).provenance
    )


def test_loaded_models_are_accepted(toy):
    for exit in (1, "auto(0.4)"):
        model = audw2s.load(toy["model"], exit=exit)
        feature = audw2s.Feature(model)
        expected = audw2s.Feature(toy["model"], exit=exit)
        assert feature.provenance == expected.provenance
        frames = [f.process_signal(signal(9000), 16000) for f in (feature, expected)]
        pd.testing.assert_frame_equal(*frames)
    with pytest.raises(ValueError, match="loaded already"):
        audw2s.Feature(audw2s.load(toy["model"]), exit=1)


def test_unusable_input_has_a_row_of_nan(toy, tmp_path):
    missing = str(tmp_path / "missing.wav")
    with pytest.warns(UserWarning, match="missing"):
        frame = audw2s.Feature(toy["model"], exit=1).process_files([missing])
    assert frame.shape == (1, 3) and frame.isna().all(axis=None)


def test_segments_are_found_by_scores_of_classes(toy, clips):
    index = audformat.filewise_index(clips[:2])
    everything = audw2s.Segment(toy["model"], exit=1, where="anger >= 0")
    nothing = audw2s.Segment(toy["model"], exit=1, where="anger > 1 or neutral > 1")
    assert len(everything.process_index(index)) >= 2
    assert len(nothing.process_index(index)) == 0
    with pytest.raises(ValueError, match="neither one of sadness, anger, neutral"):
        audw2s.Segment(toy["model"], where="arousal > 0.5")


def test_layers_above_the_exit_do_not_run(toy):
    model = audw2s.load(toy["model"], exit="auto(0)")
    assert isinstance(model, Cascade)
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    path = os.path.join(toy["model"], "part2.onnx")
    options.profile_file_prefix = os.path.join(toy["run"], "profile")
    deep = onnxruntime.InferenceSession(path, options)
    model.sess.sessions[1] = deep

    actual = model(signal(9000), 16000)
    assert actual["exit"].tolist() == [[1]]
    shallow = audw2s.load(toy["model"], exit=1)(signal(9000), 16000)
    np.testing.assert_allclose(actual["logits"], shallow["logits"], atol=1e-6)
    with open(deep.end_profiling()) as file:
        assert not [e for e in json.load(file) if e["name"] == "model_run"]


def test_a_changed_file_is_not_opened(copied):
    path = copied / "exit1.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(audw2s.CorruptModelError, match="exit1.onnx has sha256"):
        audw2s.load(str(copied), exit=1)
    audw2s.load(str(copied), exit=2)
    os.remove(copied / "part2.onnx")
    with pytest.raises(FileNotFoundError, match="part2.onnx' isn't there. Export"):
        audw2s.load(str(copied), exit="auto")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"labels": 3}', None],
    ids=["empty", "list", "no", "3", "up"],
)
def test_a_damaged_index_is_an_error(copied, text):
    path = copied / "exits.json"
    if text is None:
        text = path.read_text().replace('"exit1.onnx"', '"../exit1.onnx"')
    path.write_text(text)
    with pytest.raises(audw2s.CorruptModelError, match="exits.json' is damaged"):
        audw2s.load(str(copied))


@pytest.mark.parametrize(
    "exit, error",
    [
        (7, "no exit 7, it has 1, 2 and auto"),
        ("deep", "An exit is a layer such as 3"),
        ("auto(2)", "An exit is a layer such as 3"),
        (True, "An exit is a layer such as 3"),
    ],
)
def test_unknown_exits_are_errors(toy, exit, error):
    with pytest.raises(ValueError, match=error):
        audw2s.Feature(toy["model"], exit=exit)


def test_classes_are_refused_where_dimensions_are_needed(toy, clips):
    with pytest.raises(ValueError, match="'wav2small' has no exits"):
        audw2s.load("wav2small", exit=1)
    for use in (
        lambda: audw2s.curve(clips[0], toy["model"]),
        lambda: audw2s.Stream(toy["model"]),
        lambda: audw2s.load(f"mean(wav2small, {toy['model']})"),
    ):
        with pytest.raises(ValueError, match="predicts classes"):
            use()


def test_exits_of_dimensions_are_used_as_other_models(rated, clips):
    feature = audw2s.Feature(rated["model"], exit=1)
    frame = feature.process_files(clips[:1])
    assert list(frame.columns) == ["arousal", "dominance", "valence"]
    model = audw2s.load(rated["model"], exit=1)
    actual = model(signal(8001), 16000)["logits"]
    expected = torch_logits(rated["run"], 1, signal(8001))
    np.testing.assert_allclose(actual, expected, atol=1e-4)
    assert len(audw2s.curve(clips[0], rated["model"], rate=1)) > 1
    with pytest.raises(ValueError, match="gives values: choose an exit"):
        audw2s.load(rated["model"], exit="auto")
    assert not [name for name in os.listdir(rated["model"]) if "part" in name]


def invoke(*command):
    return CliRunner().invoke(app, [str(part) for part in command])


def test_the_commands_predict_evaluate_and_export_exits(toy, rated, tmp_path, clips):
    done = invoke("predict", clips[0], "--model", toy["model"], "--exit", "auto(0.2)")
    assert done.exit_code == 0, done.output
    assert "sadness  anger  neutral" in done.output
    command = ("distill", "exits", "evaluate", toy["model"], toy["corpus"])
    done = invoke(*command, "--out", tmp_path / "out", "--quiet")
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert set(result["exits"]) == {"1", "2"}
    layers = [point["layers"] for point in result["curve"]]
    assert layers == sorted(layers) and (layers[0], layers[-1]) == (1, 2)
    ends = result["curve"][0], result["curve"][-1]
    for point, depth in zip(ends, ("1", "2"), strict=True):
        assert point["score"] == pytest.approx(result["exits"][depth]["score"])
    assert (tmp_path / "out" / "adaptive.png").exists()
    command = ("distill", "exits", "evaluate", rated["model"], rated["corpus"])
    done = invoke(*command, "--target", "dimensions", "--out", tmp_path / "adv")
    assert done.exit_code == 0, done.output
    assert "CCC, 95 % interval | ms | arousal | dominance | valence" in done.output
    done = invoke(*command, "--out", tmp_path / "adv")
    assert done.exit_code == 2 and "gives values, which 'emotion' isn't" in done.output
    done = invoke(*command[:3], "wav2small", rated["corpus"], "--out", tmp_path)
    assert done.exit_code == 2 and "'wav2small' has no exits" in done.output
    done = invoke("distill", "exits", "export", tmp_path, "--out", tmp_path / "none")
    assert done.exit_code == 2 and "No trained network" in done.output


def test_the_corpus_of_an_evaluation_is_named_as_its_folder(toy, tmp_path, monkeypatch):
    table = read_corpus(toy["corpus"])
    monkeypatch.setattr(evaluate, "read_corpus", lambda *_: table)
    result = evaluate.evaluate_exits(toy["model"], "emodb/", str(tmp_path))
    assert result["corpus"] == "emodb"


def test_exits_are_evaluated_on_the_classes_that_a_corpus_has(toy, tmp_path):
    table = read_corpus(toy["corpus"])[["file", "speaker", "emotion"]]
    corpus, clips = tmp_path / "two.csv", table[table["emotion"] != "anger"]
    clips.to_csv(corpus, index=False)
    command = ("distill", "exits", "evaluate", toy["model"], corpus, "--out", tmp_path)
    done = invoke(*command, "--quiet")
    assert done.exit_code == 0, done.output
    assert "The corpus has no clips of anger." in done.output
    result = json.loads((tmp_path / "evaluation.json").read_text())
    assert result["missing"] == ["anger"]
    for depth in (1, 2):
        model = audw2s.load(toy["model"], exit=depth)
        signals = [soundfile.read(file, dtype="float32")[0] for file in clips["file"]]
        logits = [model(signal[None], 16000)["logits"][0] for signal in signals]
        right = [CLASSES[values.argmax()] for values in logits] == clips["emotion"]
        expected = right.groupby(clips["emotion"]).mean().mean()
        assert result["exits"][str(depth)]["score"] == pytest.approx(expected)
    table.assign(emotion="joy").to_csv(corpus, index=False)
    done = invoke(*command, "--quiet")
    assert done.exit_code == 2 and "is of class ['anger', 'neutral'" in done.output


def test_the_tests_cover_all_families_of_encoders():
    assert {entry["model_type"] for entry in SETTINGS.values()} == {
        *("wav2vec2", "wavlm", "hubert", "whisper")
    }
