"""Trainings of students: they resume, learn, and write their settings."""

import contextlib
import copy
import dataclasses
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from fabricated import primal_ridge
from fabricated import voice
from full import full
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from audw2s.distill import loop
from audw2s.distill import train as training
from audw2s.distill.batches import Batches
from audw2s.distill.fit_head import fit_head
from audw2s.distill.losses import ccc_loss
from audw2s.distill.store import prepare
from audw2s.distill.students import load_student
from audw2s.distill.train import make_student
from audw2s.distill.train import train
from audw2s.distill.train import use_precision
from audw2s.model.registry import DIMENSIONS

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """Sums over several threads are added in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@contextlib.contextmanager
def interrupted(monkeypatch, step):
    """A training that is interrupted before a step."""
    real = loop.descend

    def descend(state, *args):
        if state.step == step:
            raise KeyboardInterrupt
        return real(state, *args)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "descend", descend)
        yield


@pytest.mark.parametrize(("settings", "rate"), [("config", 0.0), ("imitating", 0.02)])
def test_an_interrupted_training_ends_in_the_same_weights(
    settings, rate, request, tmp_path, monkeypatch
):
    config = dataclasses.replace(request.getfixturevalue(settings), muon_rate=rate)
    whole, broken = str(tmp_path / "whole"), str(tmp_path / "broken")
    train(config, whole, verbose=False)
    for step in (3, 5):
        with interrupted(monkeypatch, step), pytest.raises(KeyboardInterrupt):
            train(config, broken, verbose=False)
        assert not os.path.exists(os.path.join(broken, "student.safetensors"))
    train(config, broken, verbose=False)
    for name in ("student.safetensors", "checkpoint.safetensors"):
        one = load_file(os.path.join(whole, name))
        other = load_file(os.path.join(broken, name))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    histories = []
    for folder in (whole, broken):
        with open(os.path.join(folder, "history.json")) as file:
            histories.append(json.load(file))
    assert histories[0] == histories[1]
    assert [entry["step"] for entry in histories[0]] == [2, 4, 6]


def test_a_training_writes_its_student_and_its_settings(config, tmp_path):
    folder = str(tmp_path / "run")
    config = dataclasses.replace(config, steps=1)
    student = train(config, folder, verbose=False)
    assert sorted(os.listdir(folder)) == [
        "checkpoint.safetensors",
        "clips.parquet",
        "config.json",
        "curves.png",
        "history.json",
        "logs",
        "origins.json",
        "student.safetensors",
    ]
    with open(os.path.join(folder, "config.json")) as file:
        assert json.load(file) == json.loads(json.dumps(dataclasses.asdict(config)))
    _, loaded = load_student(os.path.join(folder, "student.safetensors"))
    signal = torch.randn(1, 2000)
    with torch.inference_mode():
        assert torch.equal(student(signal)[1], loaded(signal)[1])


def test_the_kernels_that_are_kept_are_limited(config, tmp_path, monkeypatch):
    """But for those who set a limit of their own."""
    limit = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
    config = dataclasses.replace(config, steps=1)
    for given, expected in ((None, "32"), ("64", "64")):
        monkeypatch.setenv(limit, given or "")
        if given is None:
            monkeypatch.delenv(limit)
        train(config, str(tmp_path / expected), verbose=False)
        assert os.environ[limit] == expected


def test_other_settings_are_refused(config, tmp_path):
    folder = str(tmp_path / "run")
    train(dataclasses.replace(config, steps=2), folder, verbose=False)
    changed = dataclasses.replace(config, steps=2, learning_rate=1.0, seed=3)
    with pytest.raises(
        ValueError, match=r"\['learning_rate', 'seed'\].*Choose another"
    ):
        train(changed, folder, verbose=False)


def test_a_student_learns_its_teacher(config, tmp_path):
    config = dataclasses.replace(
        config,
        noise=(),
        mixup=0.0,
        prosody=0.0,
        paused=0.0,
        spliced=0.0,
        reverb=0.0,
        equalised=0.0,
        band_limited=0.0,
        loudness=0.0,
        steps=50,
        batch_size=16,
        crop_dur=(0.3, 0.4),
        learning_rate=1e-2,
        ema=0.8,
        eval_every=50,
        seed=1,
    )
    unused = Batches(config, verbose=False).make(10_000)

    def loss(network):
        with torch.inference_mode():
            return ccc_loss(unused[1], network.eval()(unused[0])[1]).mean().item()

    before = loss(make_student(config, CPU))
    student = train(config, str(tmp_path / "run"), verbose=False)
    assert before > 0.9
    assert loss(student) < 0.6


def test_half_precision_is_for_the_convolutions_only(config, tmp_path):
    config = dataclasses.replace(config, precision="bf16", steps=2)
    seen = {}

    def note(name):
        def hook(module, inputs, output):
            seen[name] = output.dtype

        return hook

    network = make_student(config, CPU)
    use_precision(network, config)
    network.body[0][0].register_forward_hook(note("convolution"))
    network.logmel.register_forward_hook(note("logmel"))
    network.pooling.register_forward_hook(note("pooling"))
    network(torch.randn(2, 2000))
    assert seen == {
        "convolution": torch.bfloat16,
        "logmel": torch.float32,
        "pooling": torch.float32,
    }
    student = train(config, str(tmp_path / "run"), verbose=False)
    assert all(p.dtype == torch.float32 for p in student.parameters())
    assert student.body(torch.randn(1, 1, 20, 26)).dtype == torch.float32


def test_a_training_starts_from_an_earlier_student(config, tmp_path):
    first = train(config, str(tmp_path / "first"), verbose=False)
    later = dataclasses.replace(config, start=str(tmp_path / "first"))
    weights = make_student(later, CPU).state_dict()
    for name, value in first.state_dict().items():
        torch.testing.assert_close(weights[name], value)
    missing = dataclasses.replace(config, start=str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError):
        make_student(missing, CPU)
    other = dataclasses.replace(later, student="mobilenetv3-small")
    with pytest.raises(ValueError, match="is of the student 'wav2small', and"):
        make_student(other, CPU)


def test_the_last_layer_is_fitted_in_closed_form(student):
    """Ridge regression of what the trained layer leaves, then values are scaled.

    Their standard deviation is that of the labels.
    """
    rng = np.random.default_rng(0)
    signals = [torch.from_numpy(voice(seed, 0.1)) for seed in range(850)]
    draws = rng.uniform(0, 1, (850, 3)).astype(np.float32)
    clips = list(zip(signals, torch.from_numpy(draws), strict=True))
    network = copy.deepcopy(student)
    fit_head(network, clips[:800], penalty=2.0)
    assert torch.equal(network.adv.weight, student.adv.weight)
    fit_head(network, clips, penalty=2.0)
    with torch.inference_mode():
        hidden, logits = student(torch.stack(signals))
    features, labels = hidden.double().numpy(), draws.astype(np.float64)
    trained = logits.double().numpy()
    weight, bias = primal_ridge(features, labels - trained, 2.0)
    shrunk = trained + features @ weight.T + bias
    mean, std = shrunk.mean(axis=0), shrunk.std(axis=0)
    expected = mean + (shrunk - mean) * labels.std(axis=0) / std
    with torch.inference_mode():
        values = network.adv(hidden).double().numpy()
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=2e-3)
    np.testing.assert_allclose(values.std(axis=0), labels.std(axis=0), rtol=1e-2)
    before, after = student.state_dict(), network.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"adv.weight", "adv.bias"}


def test_curves_are_written_for_tensorboard(config, tmp_path, monkeypatch):
    folder = str(tmp_path / "run")
    with interrupted(monkeypatch, 3), pytest.raises(KeyboardInterrupt):
        train(config, folder, verbose=False)
    # TensorBoard orders its files by the second in which they were begun
    time.sleep(1.1)
    train(config, folder, verbose=False)
    logs = EventAccumulator(os.path.join(folder, "logs")).Reload()
    with open(os.path.join(folder, "history.json")) as file:
        history = json.load(file)
    for tag, key in [("loss", "loss"), *((f"ccc/{n}", n) for n in DIMENSIONS)]:
        events = logs.Scalars(tag)
        assert [event.step for event in events] == [2, 4, 6]
        expected = [entry[key] for entry in history]
        np.testing.assert_allclose([e.value for e in events], expected, rtol=1e-6)


def test_the_weights_of_the_best_evaluation_become_the_student(
    config, tmp_path, monkeypatch
):
    scores = iter([0.1, 0.5, 0.3])

    def validate(network, clips):
        seen.append(copy.deepcopy(network.state_dict()))
        return dict.fromkeys(DIMENSIONS, next(scores))

    seen = []
    monkeypatch.setattr(training, "validate", validate)
    best = dataclasses.replace(config, keep="best")
    student = train(best, str(tmp_path / "run"), verbose=False)
    weights = student.state_dict()
    assert all(torch.equal(weights[key], seen[1][key]) for key in weights)
    assert not all(torch.equal(weights[key], seen[2][key]) for key in weights)


def test_stored_batches_are_used_by_several_trainings(config, tmp_path, monkeypatch):
    config = dataclasses.replace(config, distinct=3)
    store = str(tmp_path / "store")
    prepare(config, store, verbose=False)
    assert sorted(os.listdir(store)) == [
        *(f"{number:06d}.safetensors" for number in range(3)),
        "batches.json",
        "clips.csv",
    ]
    one = train(config, str(tmp_path / "one"), store=store, verbose=False)
    other = train(config, str(tmp_path / "other"), verbose=False)
    weights = other.state_dict()
    assert all(torch.equal(v, weights[k]) for k, v in one.state_dict().items())
    made = []
    monkeypatch.setattr(Batches, "make", lambda self, number: made.append(number))
    again = dataclasses.replace(config, seed=5, learning_rate=1e-3)
    train(again, str(tmp_path / "again"), store=store, verbose=False)
    assert not made


def test_a_loss_that_is_not_finite_is_an_error(config, tmp_path):
    wild = dataclasses.replace(config, learning_rate=1e30, warmup=0)
    with pytest.raises(FloatingPointError, match="lower 'learning_rate'"):
        train(wild, str(tmp_path / "run"), verbose=False)


SCRIPT = """
import json, sys, torch
from audw2s.distill.config import Config
from audw2s.distill.train import make_student
from audw2s.distill.train import train
from audw2s.distill.train import use_precision
settings, folder = json.loads(sys.argv[1]), sys.argv[2]
network = train(Config(**settings), folder, verbose=False)
total = sum(p.double().abs().sum().item() for p in network.parameters())
# A file each: what two processes print into one pipe may come interleaved.
with open(f"{folder}.{torch.distributed.get_rank()}", "w") as file:
    file.write(repr(total))
"""


@full
def test_two_processes_learn_together(config, tmp_path):
    """Each has other batches, and all have the same weights."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    settings = json.dumps(dataclasses.asdict(config))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    launch += ["--nproc-per-node", "2", str(script), settings]
    folder = str(tmp_path / "run")
    done = subprocess.run([*launch, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = (float((tmp_path / f"run.{rank}").read_text()) for rank in (0, 1))
    assert first == pytest.approx(second, rel=1e-12)
    single = train(config, str(tmp_path / "single"), verbose=False)
    total = sum(p.double().abs().sum().item() for p in single.parameters())
    assert first != pytest.approx(total, rel=1e-6)
    assert os.path.exists(os.path.join(folder, "student.safetensors"))
