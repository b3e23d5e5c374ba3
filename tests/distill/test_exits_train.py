"""Trainings of exits: they resume, learn, and write their results."""

import contextlib
import dataclasses
import json
import os

import numpy as np
import pandas as pd
import pytest
import torch
from encoders import SAMPLES
from encoders import write_encoder
from fabricated import make_corpus
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from audw2s.commands.app import app
from audw2s.distill import loop
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import read_data
from audw2s.distill.exits.epochs import autocast
from audw2s.distill.exits.epochs import run_epochs
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.published import load_backbone
from audw2s.distill.exits.results import Predictions
from audw2s.distill.exits.results import collect
from audw2s.distill.exits.study import Study
from audw2s.distill.exits.train import load_network
from audw2s.distill.exits.train import logits_of_exits
from audw2s.distill.exits.train import make_network
from audw2s.distill.exits.train import train


@pytest.fixture(autouse=True)
def one_thread():
    """Sums over several threads are added in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("encoder"))
    write_encoder(folder)
    return folder


@pytest.fixture(scope="module")
def emotions(tmp_path_factory):
    """24 clips of 6 speakers, of three classes that differ in pitch."""
    path = make_corpus(str(tmp_path_factory.mktemp("emotions")), 6, 4)
    table = pd.read_csv(path, dtype={"speaker": str})
    names = ["anger", "neutral", "sadness"]
    table["emotion"] = [names[k % 3] for k in np.arange(24) // 6 + np.arange(24)]
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def config(encoder, emotions):
    return Config(
        encoder,
        emotions,
        exits=(1,),
        epochs=2,
        batch_size=5,
        samples=SAMPLES,
        learning_rate=1e-3,
        warmup=2,
        fall="cosine",
    )


def run(config, folder):
    backbone = load_backbone(config.backbone, config.samples)
    data = read_data(config, backbone, verbose=False)
    return train(config, data, backbone, str(folder), verbose=False), data


@contextlib.contextmanager
def interrupted(monkeypatch, step, part):
    """A training that is interrupted before a step of its first or second part."""
    real, begun = loop.descend, []

    def descend(state, *args):
        if state not in begun:
            begun.append(state)
        if state.step == step and len(begun) == part:
            raise KeyboardInterrupt
        return real(state, *args)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "descend", descend)
        yield


@pytest.mark.parametrize("method", ["distilled", "layerwise"])
def test_an_interrupted_training_ends_in_the_same_weights(
    config, tmp_path, monkeypatch, method
):
    config = dataclasses.replace(config, method=method, layerwise_depth=1)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    outcome, _ = run(config, whole)
    for step, part in ((5, 1), (4, 1), (1, 2)):
        with interrupted(monkeypatch, step, part), pytest.raises(KeyboardInterrupt):
            run(config, broken)
        assert not os.path.exists(broken / "outcome.json")
    assert run(config, broken)[0] == outcome
    one, other = (load_file(f / "network.safetensors") for f in (whole, broken))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    for part in ("devel", "test"):
        tables = [pd.read_parquet(f / f"{part}.parquet") for f in (whole, broken)]
        pd.testing.assert_frame_equal(*tables)


def test_a_training_writes_network_scores_and_predictions(config, tmp_path):
    outcome, data = run(config, tmp_path)
    assert sorted(os.listdir(tmp_path)) == [
        "devel",
        "devel.parquet",
        "network.safetensors",
        "outcome.json",
        "test",
        "test.parquet",
    ]
    files = ["curves.png", "history.json", "logs"]
    assert sorted(os.listdir(tmp_path / "devel")) == files
    history = json.loads((tmp_path / "devel" / "history.json").read_text())
    assert [entry["epoch"] for entry in history] == [1, 2]
    best = max(history, key=lambda entry: entry["score"])
    assert outcome["epoch"] == best["epoch"]
    devel = Predictions(str(tmp_path / "devel.parquet"))
    for depth, logits in zip(devel.depths, devel.logits, strict=True):
        assert best[f"exit {depth}"] == pytest.approx(score(devel.truth, logits))
    logs = EventAccumulator(str(tmp_path / "devel" / "logs")).Reload()
    values = [event.value for event in logs.Scalars("uar/exit 1")]
    assert values == pytest.approx([entry["exit 1"] for entry in history])
    # The stored network predicts what was written for the test part
    network, metadata = load_network(str(tmp_path))
    assert network.depths == (1, 3) and metadata["labels"] == list(data.labels)
    test = data.part(config, "test")
    expected = logits_of_exits(network, data, test)
    stored = Predictions(str(tmp_path / "test.parquet"))
    np.testing.assert_allclose(stored.logits, list(expected.values()), atol=1e-6)
    assert set(stored.speakers) == set(data.table["speaker"].iloc[test])
    with pytest.raises(ValueError, match=r"other settings of \['gamma'\]"):
        run(dataclasses.replace(config, gamma=2.0), tmp_path)


def test_all_exits_learn(config, tmp_path):
    config = dataclasses.replace(
        config, epochs=25, learning_rate=3e-3, warmup=0, fall="none", block="cnn"
    )
    backbone = load_backbone(config.backbone, config.samples)
    data = read_data(config, backbone, verbose=False)
    learnt = data.part(config, "train")
    network = make_network(config, backbone, 3)
    before = network.state_dict()
    before = {key: value.clone() for key, value in before.items()}
    losses = []

    def loss(network, inputs, truth):
        from audw2s.distill.exits.train import exit_loss

        losses.append(exit_loss(config)(network, inputs, truth))
        return losses[-1]

    run_epochs(network, config, data, learnt, str(tmp_path), loss=loss, verbose=False)
    first, last = (
        np.mean([v.item() for v in part]) for part in (losses[:3], losses[-3:])
    )
    assert last < 0.6 * first
    changed = {
        k for k, v in network.state_dict().items() if not torch.equal(v, before[k])
    }
    for part in ("convolutions", "layers.0", "layers.2"):
        assert any(key.startswith(f"backbone.{part}") for key in changed)
    assert {"exits.1.block.conv.weight", "exits.3.linear2.weight"} <= changed


def test_frozen_layers_are_not_trained(config, tmp_path):
    config = dataclasses.replace(config, frozen=1, epochs=1, precision="bf16")
    run(config, tmp_path)
    network, _ = load_network(str(tmp_path))
    published = load_backbone(config.backbone, config.samples).state_dict()
    for key, value in network.backbone.state_dict().items():
        lower = not key.startswith(("layers.1", "layers.2"))
        assert torch.equal(value, published[key]) == lower, key


def test_the_seed_and_the_precision_of_the_settings_are_used(config):
    backbone = load_backbone(config.backbone, config.samples)
    one, same, other = (
        make_network(dataclasses.replace(config, seed=seed), backbone, 3)
        for seed in (0, 0, 1)
    )
    assert torch.equal(one.exits["1"].linear1.weight, same.exits["1"].linear1.weight)
    assert not torch.equal(
        one.exits["1"].linear1.weight, other.exits["1"].linear1.weight
    )
    seen = []
    one.backbone.layers[0].feed_forward.intermediate_dense.register_forward_hook(
        lambda module, inputs, output: seen.append(output.dtype)
    )
    half = dataclasses.replace(config, precision="bf16")
    inputs = backbone.front(torch.randn(2, SAMPLES))
    for settings in (config, half):
        with autocast(settings.precision, torch.device("cpu")):
            outputs = one(inputs)
    assert seen == [torch.float32, torch.bfloat16]
    assert outputs[1].embedding.dtype == torch.float32


def test_a_loss_that_is_not_finite_is_an_error(config, tmp_path):
    wild = dataclasses.replace(config, learning_rate=1e30, warmup=0)
    with pytest.raises(FloatingPointError, match="lower 'learning_rate'"):
        run(wild, tmp_path)


@pytest.mark.parametrize(
    "settings, error",
    [
        ({"block": "rnn"}, "'block' is one of"),
        ({"similarity": "l3"}, "'similarity' is one of"),
        ({"epochs": 0}, "'epochs' has to be at least 1"),
        ({"exits": (3,)}, "Exits are layers below 3"),
        ({"target": "mood"}, "no column 'mood'"),
        ({"classes": ("joy", "anger")}, r"is of class \['joy'\]"),
    ],
)
def test_settings_that_do_not_fit_the_corpus_are_refused(
    config, tmp_path, settings, error
):
    with pytest.raises(ValueError, match=error):
        run(dataclasses.replace(config, **settings), tmp_path)


STUDY = """
backbone = "nowhere"
seeds = [0, 1]
exits = [1]
blocks = ["cnn"]
epochs = 1
batch_size = 8
samples = 8001
layerwise_depth = 1

[corpora.toy]
path = "nowhere.csv"

[corpora.rated]
path = "nowhere.csv"
target = "dimensions"
"""


def test_a_study_trains_all_methods_and_prints_its_tables(encoder, emotions, tmp_path):
    settings, out = tmp_path / "study.toml", str(tmp_path / "out")
    settings.write_text(STUDY)
    command = ["distill", "exits", "train", str(settings), "--out", out, "--quiet"]
    command += ["--backbone", encoder]
    command += ["--corpus", f"toy={emotions}", "--corpus", f"rated={emotions}"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    results = collect(out)
    methods = {"distilled-cnn-l2", "plain-1", "plain-deepest", "layerwise-cnn"}
    toy, rated = (results[name]["methods"] for name in ("toy", "rated"))
    assert set(toy) == set(rated) == methods
    distilled = toy["distilled-cnn-l2"]
    assert list(distilled["exits"]) == ["1", "3", "fusion"]
    assert list(rated["distilled-cnn-l2"]["exits"]) == ["1", "3"]
    # Each seed tests other speakers
    tests = [
        Predictions(os.path.join(out, "toy", f"plain-1-seed{seed}", "test.parquet"))
        for seed in (0, 1)
    ]
    assert not set(tests[0].speakers) & set(tests[1].speakers)
    scores = [score(one.truth, one.logits[0]) for one in tests]
    plain = toy["plain-1"]["exits"]["1"]["test"]
    assert plain["scores"] == pytest.approx(scores)
    assert plain["num_clips"] == sum(len(one.truth) for one in tests)
    gains = results["toy"]["gains"]
    assert [gain["exit"] for gain in gains] == [1, 3]
    ours = distilled["exits"]["1"]["test"]["scores"]
    assert gains[0]["differences"] == pytest.approx(np.subtract(ours, scores))
    assert gains[0]["low"] <= gains[0]["high"]
    assert distilled["curve"][0]["layers"] == 1
    assert distilled["curve"][-1]["layers"] == 3
    text = (tmp_path / "out" / "tables.md").read_text()
    assert text.strip() in done.output
    assert "| distilled-lstm-l2 (paper) | 3 | 36.2M | 83.3 / 85.7 |" in text
    assert text.count("(paper)") == 7 + 2 - 1
    assert os.path.exists(os.path.join(out, "toy-adaptive.png"))
    again = CliRunner().invoke(app, ["distill", "exits", "tables", out])
    assert again.output.strip() == text.strip()


def test_settings_of_a_study_are_read_and_checked(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    study = Study.from_toml(str(path))
    assert study.base["backbone"] == str(tmp_path / "nowhere")
    assert len(list(study.jobs())) == 2 * 2 * 4
    for text, error in [
        (STUDY.replace("epochs", "epoch"), r"unknown keys \['epoch'\]"),
        (STUDY.split("[corpora")[0], r"\[corpora.NAME\]"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=error):
            Study.from_toml(str(path))
    command = ["distill", "exits", "train", str(path), "--out", "out", "--corpus", "a"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2 and "NAME=PATH" in done.output
