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
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from audw2s.distill import loop
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import read_data
from audw2s.distill.exits.epochs import autocast
from audw2s.distill.exits.epochs import logits_of_exits
from audw2s.distill.exits.epochs import run_epochs
from audw2s.distill.exits.export import export_exits
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.networks import load_front_end
from audw2s.distill.exits.networks import load_network
from audw2s.distill.exits.networks import make_network
from audw2s.distill.exits.published import load_backbone
from audw2s.distill.exits.results import Predictions
from audw2s.distill.exits.scratch import ScratchNetwork
from audw2s.distill.exits.train import exit_loss
from audw2s.distill.exits.train import train


@pytest.fixture(autouse=True)
def one_thread():
    """Sums over several threads are added in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
    front = load_front_end(config)
    data = read_data(config, front, verbose=False)
    return train(config, data, front, str(folder), verbose=False), data


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
    for actual, logits in zip(stored.logits, expected.values(), strict=True):
        np.testing.assert_allclose(actual, logits, atol=1e-6)
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


def test_all_epochs_are_trained_if_none_is_chosen(config, tmp_path):
    config = dataclasses.replace(config, choose_epoch=False, learning_rate=3e-2)
    outcome, _ = run(config, tmp_path / "all")
    assert outcome["epoch"] == 2
    last = json.loads((tmp_path / "all" / "devel" / "history.json").read_text())[-1]
    devel = Predictions(str(tmp_path / "all" / "devel.parquet"))
    for depth, logits in zip(devel.depths, devel.logits, strict=True):
        assert last[f"exit {depth}"] == pytest.approx(score(devel.truth, logits))


def test_a_teacher_that_is_not_detached_learns_from_its_students(config):
    backbone = load_backbone(config.backbone, config.samples)
    inputs = backbone.front(torch.randn(4, SAMPLES)).detach()
    gradients = []
    for weight, detach in ((0.0, True), (1.0, True), (1.0, False)):
        settings = dataclasses.replace(config, beta=weight, detach_teacher=detach)
        network = make_network(settings, backbone, 3).eval()
        loss = exit_loss(settings)(network, inputs, torch.tensor([0, 1, 2, 0]))
        loss.backward()
        # Only the teacher's head has no students above it
        gradients.append(network.exits["3"].linear1.weight.grad)
    assert torch.equal(gradients[0], gradients[1])
    assert not torch.equal(gradients[1], gradients[2])


def test_layerwise_distillation_keeps_all_its_blocks(config, tmp_path):
    settings = {"method": "layerwise", "layerwise_depth": 1, "epochs": 1}
    config = dataclasses.replace(config, **settings)
    run(config, tmp_path)
    network, metadata = load_network(str(tmp_path))
    blocks = network.exits["1"].block.blocks
    assert len(blocks) == 3
    count = sum(p.numel() for p in blocks[0].parameters())
    single = make_network(
        dataclasses.replace(config, layerwise_targets=(3,)),
        load_backbone(config.backbone, config.samples),
        3,
    )
    assert metadata["parameters"]["1"] == single.num_parameters(1) + 2 * count


def test_networks_from_scratch_are_trained_on_spectrograms(config, tmp_path):
    config = dataclasses.replace(config, method="cnn-4", epochs=1, batch_size=8)
    outcome, data = run(config, tmp_path)
    assert data.inputs.shape[1:] == (80, 50)
    network, _ = load_network(str(tmp_path))
    stored = Predictions(str(tmp_path / "test.parquet"))
    expected = logits_of_exits(network, data, data.part(config, "test"))
    np.testing.assert_allclose(stored.logits[0], expected["0"], atol=1e-6)
    assert outcome["parameters"]["0"] == network.num_parameters()
    with pytest.raises(ValueError, match="it has no exits"):
        export_exits(str(tmp_path), str(tmp_path / "model"), "toy")


def test_adversarial_training_adds_the_loss_of_changed_spectrograms(config):
    torch.manual_seed(0)
    network = ScratchNetwork("cnn-4", 3, SAMPLES).eval()
    inputs, truth = torch.randn(4, 80, 50), torch.tensor([0, 1, 2, 0])
    with_adversarial = dataclasses.replace(config, method="vgg-16-adversarial")
    clean = exit_loss(config)
    actual = exit_loss(with_adversarial)(network, inputs, truth)
    values = inputs.clone().requires_grad_()
    before = clean(network, values, truth)
    before.backward()
    changed = inputs + with_adversarial.epsilon * values.grad.sign()
    after = clean(network, changed, truth)
    assert after > before
    assert actual.item() == pytest.approx((before + after).item() / 2)


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
