"""Batches and trainings: what they depend on, and that they go on and learn."""

import copy
import dataclasses
import json
import os

import numpy as np
import pandas as pd
import pytest
import torch
from fabricated import make_corpus
from fabricated import primal_ridge
from fabricated import voice
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from safetensors.torch import load_file

import audw2s
from audw2s.catalogue import DIMENSIONS
from audw2s.distill import augment
from audw2s.distill import train as training
from audw2s.distill.batches import Batches
from audw2s.distill.batches import as_float
from audw2s.distill.batches import read_clips
from audw2s.distill.batches import spread_evenly
from audw2s.distill.corpora.table import read_corpus
from audw2s.distill.label import label
from audw2s.distill.losses import ccc_loss
from audw2s.distill.students import load_student
from audw2s.distill.train import Config
from audw2s.distill.train import refit
from audw2s.distill.train import train


@pytest.fixture(autouse=True)
def one_thread():
    """As sums over threads come in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def config(corpus, teacher, tmp_path):
    noise = make_corpus(str(tmp_path / "noise"), 1, 2, seed=9)
    return Config(
        {corpus: 1.0},
        teacher=teacher,
        noise=(noise,),
        steps=6,
        batch_size=4,
        crop_dur=(0.2, 0.3),
        paused=0.3,
        spliced=0.3,
        reverb=0.3,
        equalised=0.3,
        band_limited=0.3,
        loudness=0.3,
        warmup=2,
        eval_every=2,
        ema=0.9,
    )


def test_a_batch_is_a_function_of_its_number(config):
    first, second = Batches(config, verbose=False), Batches(config, verbose=False)
    second.make(0)
    for step in (3, 1):
        for one, other in zip(first.make(step), second.make(step), strict=True):
            assert torch.equal(one, other)
    assert not torch.equal(first.make(0)[0][0, :100], first.make(1)[0][0, :100])


def test_labels_are_what_the_teacher_hears(config, teacher):
    signals, labels = Batches(config, verbose=False).make(0)
    model = audw2s.load(teacher)
    for signal, found in zip(signals.numpy(), labels.numpy(), strict=True):
        # A copy: how ONNX runtime sums depends on where in memory a signal begins
        expected = model(signal[None].copy(), 16000)["logits"][0]
        np.testing.assert_array_equal(expected, found)
    assert signals.dtype == labels.dtype == torch.float32
    assert 3200 <= signals.shape[1] <= 4800


def test_speakers_are_held_out(config, corpus):
    batches = Batches(config, verbose=False)
    table = read_corpus(corpus)
    clips = [clip.tobytes() for clip in read_clips(table, verbose=False)]
    heard = table["speaker"][[clips.index(c.tobytes()) for c in batches.clips]]
    held = [clips.index(c.tobytes()) for c, _ in batches.validation]
    assert len(heard) + len(held) == len(table)
    assert set(heard).isdisjoint(table["speaker"][held])


def test_stored_labels(config, corpus, teacher, tmp_path):
    out = str(tmp_path / "labels.parquet")
    labels = label(read_corpus(corpus), teacher, out, verbose=False)
    alone = {"noise": (), "mixup": 0.0}
    fixed = dataclasses.replace(config, labels=out, **alone)
    batches = Batches(fixed, verbose=False)
    known = {row.tobytes() for row in labels[list(DIMENSIONS)].to_numpy(np.float32)}
    _, found = batches.make(0)
    assert all(row.tobytes() in known for row in found.numpy())
    labels.head(3).to_parquet(out)
    with pytest.raises(ValueError, match=r"\d+ clips have no label"):
        Batches(fixed, verbose=False)


def test_nobody_to_hold_out(config, tmp_path):
    lonely = make_corpus(str(tmp_path / "lonely"), 1, 3)
    with pytest.raises(ValueError, match="none can be held out"):
        Batches(dataclasses.replace(config, corpora={lonely: 1.0}), verbose=False)


@pytest.mark.parametrize("verbose", [True, False])
def test_progress_is_shown_if_wanted(corpus, capsys, verbose):
    read_clips(read_corpus(corpus), verbose=verbose)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("Read audio" in captured.err) == verbose


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 99))
def test_crop_keeps_a_stretch_or_all(size, length, seed):
    signal = np.arange(1.0, size + 1)
    found = augment.crop(signal, length, np.random.default_rng(seed))
    assert len(found) == length
    kept = found[found > 0]
    assert len(kept) == min(size, length)
    assert (np.diff(kept) == 1).all()


@settings(max_examples=40)
@given(st.integers(0, 999), st.floats(-10, 40))
def test_mix_has_the_wanted_ratio(seed, ratio):
    rng = np.random.default_rng(seed)
    signal, other = rng.standard_normal((2, 500)) * rng.uniform(0.01, 1, (2, 1))
    before = signal.copy(), other.copy()
    added = augment.mix(signal, other, ratio) - signal
    found = 20 * np.log10(np.std(signal) / np.std(added))
    assert found == pytest.approx(ratio, abs=0.5)
    np.testing.assert_array_equal((signal, other), before)


def test_speed_changes_pitch_and_length():
    time = np.arange(16000) / 16000
    tone = np.sin(2 * np.pi * 400 * time).astype(np.float32)
    faster = augment.change_speed(tone, 1.25)
    assert len(faster) == pytest.approx(12800, abs=2)
    spectrum = np.abs(np.fft.rfft(faster, 16000))
    assert spectrum.argmax() == pytest.approx(500, abs=2)


def test_clips_are_kept_with_sixteen_bits(corpus):
    table = read_corpus(corpus).head(1)
    (clip,) = read_clips(table, verbose=False)
    expected = audw2s.signal.load(table["file"][0])
    assert clip.dtype == np.int16
    np.testing.assert_allclose(as_float(clip), expected, atol=1e-4)


def test_an_interrupted_training_ends_in_the_same_weights(
    config, tmp_path, monkeypatch
):
    whole, broken = str(tmp_path / "whole"), str(tmp_path / "broken")
    train(config, whole, verbose=False)
    real = training.update

    def update(state, *args):
        if state.step == stop:
            raise KeyboardInterrupt
        return real(state, *args)

    monkeypatch.setattr(training, "update", update)
    for stop in (3, 5):
        with pytest.raises(KeyboardInterrupt):
            train(config, broken, verbose=False)
        assert not os.path.exists(os.path.join(broken, "student.safetensors"))
    stop = None
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


def test_a_training_writes_what_it_was(config, tmp_path):
    folder = str(tmp_path / "run")
    config = dataclasses.replace(config, steps=1)
    student = train(config, folder, verbose=False)
    assert sorted(os.listdir(folder)) == [
        "checkpoint.safetensors",
        "config.json",
        "curves.png",
        "history.json",
        "student.safetensors",
    ]
    with open(os.path.join(folder, "config.json")) as file:
        assert json.load(file) == json.loads(json.dumps(dataclasses.asdict(config)))
    _, loaded = load_student(os.path.join(folder, "student.safetensors"))
    signal = torch.randn(1, 2000)
    with torch.inference_mode():
        assert torch.equal(student(signal)[1], loaded(signal)[1])


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
    unheard = Batches(config, verbose=False).make(10_000)

    def loss(network):
        with torch.inference_mode():
            return ccc_loss(unheard[1], network.eval()(unheard[0])[1]).item()

    before = loss(training.State(config).network)
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

    state = training.State(config)
    state.network.body[0][0].register_forward_hook(note("convolution"))
    state.network.logmel.register_forward_hook(note("logmel"))
    state.network.pooling.register_forward_hook(note("pooling"))
    state.network(torch.randn(2, 2000))
    assert seen == {
        "convolution": torch.bfloat16,
        "logmel": torch.float32,
        "pooling": torch.float32,
    }
    student = train(config, str(tmp_path / "run"), verbose=False)
    assert all(p.dtype == torch.float32 for p in student.parameters())
    assert student.body(torch.randn(1, 1, 20, 26)).dtype == torch.float32


TOML = """
teacher = "{teacher}"
noise = ["noise"]
labels = "labels.parquet"
crop_dur = [1.0, 2.0]
[corpora]
"a/b.csv" = 1
"/absolute.csv" = 2
"""


def test_configuration_from_a_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(TOML.format(teacher="whisper-tiny-adv"))
    config = Config.from_toml(str(path))
    folder = str(tmp_path)
    assert config.corpora == {f"{folder}/a/b.csv": 1.0, "/absolute.csv": 2.0}
    assert config.noise == (f"{folder}/noise",)
    assert config.labels == f"{folder}/labels.parquet"
    assert config.teacher == "whisper-tiny-adv"
    assert config.crop_dur == (1.0, 2.0)
    path.write_text(TOML.format(teacher="models/mine"))
    assert Config.from_toml(str(path)).teacher == f"{folder}/models/mine"
    mean = "mean(wav2small, whisper-tiny-adv)"
    path.write_text(f'teacher = "{mean}"\n[corpora]\n"." = 1\n')
    assert Config.from_toml(str(path)).teacher == mean


@pytest.mark.parametrize(
    "text, message",
    [
        ("rate = 1\n[corpora]\na = 1", r"unknown keys \['rate'\]"),
        ("steps = 1", "corpora"),
        ("[corpora]", "corpora"),
        ("corpora = ['a']", "corpora"),
        ("steps = ", "Invalid value"),
        ("student = 'x'\n[corpora]\na = 1", "'student' is one of"),
        ("precision = 'fp8'\n[corpora]\na = 1", "'precision' is one of"),
    ],
)
def test_configurations_that_mean_nothing(tmp_path, text, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Config.from_toml(str(path))


def test_labels_table_needs_its_columns(tmp_path):
    pd.DataFrame({"name": ["a"]}).to_csv(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="needs a column 'file'"):
        read_corpus(str(tmp_path / "a.csv"))


@given(
    st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=200),
)
def test_weights_spread_values_evenly(values):
    values = np.array(values)
    weights = spread_evenly(values)
    assert weights.sum() == pytest.approx(1)
    assert weights.max() <= 10 * weights.min() * (1 + 1e-9)
    tenths = np.clip(np.floor(values * 10), 0, 9)
    shares = {tenth: weights[tenths == tenth].sum() for tenth in set(tenths)}
    counts = {tenth: (tenths == tenth).sum() for tenth in shares}
    if max(counts.values()) <= 10 * min(counts.values()):
        assert min(shares.values()) == pytest.approx(max(shares.values()))


def test_balance_draws_rare_clips_more_often(config, monkeypatch):
    balanced = dataclasses.replace(config, balanced=True)
    heard = Batches.hear
    arousal = iter([0.9, *[0.1] * 1000])

    def rare(self, signal):
        return np.append(next(arousal), heard(self, signal)[1:])

    monkeypatch.setattr(Batches, "hear", rare)
    shares = Batches(balanced, verbose=False).shares
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(min(0.5, 10 * shares[1]))
    assert np.ptp(shares[1:]) == pytest.approx(0)


def test_start_goes_on_from_an_earlier_student(config, tmp_path):
    first = train(config, str(tmp_path / "first"), verbose=False)
    later = dataclasses.replace(config, start=str(tmp_path / "first"))
    state = training.State(later)
    for name, value in first.state_dict().items():
        torch.testing.assert_close(state.network.state_dict()[name], value)
    missing = dataclasses.replace(config, start=str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError):
        training.State(missing)


def test_the_last_layer_is_fitted_again(student):
    signals = [torch.from_numpy(voice(seed, 0.1)) for seed in range(850)]
    clips = [(signal, torch.rand(3)) for signal in signals]
    network = copy.deepcopy(student)
    refit(network, clips[:800], penalty=2.0)
    assert torch.equal(network.adv.weight, student.adv.weight)
    refit(network, clips, penalty=2.0)
    with torch.inference_mode():
        hidden = torch.cat([student(signal[None])[0] for signal, _ in clips])
    labels = np.array([label.numpy() for _, label in clips])
    weight, bias = primal_ridge(hidden.double().numpy(), labels, 2.0)
    np.testing.assert_allclose(
        network.adv.weight.detach(), weight, rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(network.adv.bias.detach(), bias, rtol=1e-4, atol=1e-3)
    before, after = student.state_dict(), network.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"adv.weight", "adv.bias"}


def test_undisturbed_clips_are_as_they_were_read(config, teacher):
    batches = Batches(config, verbose=False)
    clips = batches.undisturbed(1000)
    read = {clip.tobytes() for clip in batches.clips}
    assert len(clips) == len(batches.clips)
    model = audw2s.load(teacher)
    for signal, values in clips:
        assert (signal.numpy() * 32768).astype(np.int16).tobytes() in read
        heard = model(signal.numpy()[None].copy(), 16000)["logits"][0]
        np.testing.assert_array_equal(values, heard)
