"""What exits are trained on, and measured by."""

import os

import audmetric
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.exits.blocks import BLOCKS
from audw2s.distill.exits.blocks import make_block
from audw2s.distill.exits.clips import SAMPLES
from audw2s.distill.exits.clips import fit
from audw2s.distill.exits.metrics import adaptive
from audw2s.distill.exits.metrics import fused
from audw2s.distill.exits.metrics import recalls
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.metrics import summarise
from audw2s.distill.exits.metrics import uar
from audw2s.distill.exits.splits import split
from audw2s.evaluation.intervals import resample
from audw2s.model.scores import softmax


@given(st.integers(1, 50), st.integers(1, 50))
def test_clips_are_tiled_or_cut(length, samples):
    signal = np.arange(length, dtype=np.float32)
    expected = np.tile(signal, samples // length + 1)[:samples]
    found = fit(torch.from_numpy(signal[None]), samples)
    assert np.array_equal(found[0].numpy(), expected)


def test_clips_are_as_long_as_in_the_paper():
    assert SAMPLES / 16000 == 5.984


def lstm(hidden, state):
    """From zeros on, step by step."""
    w, u, b, c = (
        state[f"rnn.{name}_l0"].double().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    width = hidden.shape[1]
    h, cell, found = np.zeros(width), np.zeros(width), []
    for x in hidden:
        i, f, g, o = np.split(w @ x + b + u @ h + c, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(cell)
        found.append(h)
    return np.array(found)


def gru(hidden, state):
    w, u, b, c = (
        state[f"rnn.{name}_l0"].double().numpy()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h, found = np.zeros(hidden.shape[1]), []
    for x in hidden:
        (r, z, n), (p, q, m) = np.split(w @ x + b, 3), np.split(u @ h + c, 3)
        z = sigmoid(z + q)
        h = (1 - z) * np.tanh(n + sigmoid(r + p) * m) + z * h
        found.append(h)
    return np.array(found)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def selu(x):
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


@pytest.mark.parametrize("name, literal", [("lstm", lstm), ("gru", gru)])
def test_recurrent_blocks(name, literal):
    torch.manual_seed(0)
    block = make_block(name, 6).eval()
    hidden = torch.randn(2, 7, 6)
    with torch.inference_mode():
        found = block(hidden).numpy()
        assert np.array_equal(found, block(hidden).numpy())
    for one, values in zip(hidden.double().numpy(), found, strict=True):
        x = literal(one, block.state_dict())
        x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
        np.testing.assert_allclose(values, selu(x), atol=1e-5)


def test_convolutional_block():
    torch.manual_seed(0)
    block = make_block("cnn", 6).train()
    hidden = torch.randn(2, 7, 6)
    x = block.conv.weight.item() * hidden.double().numpy()
    expected = np.maximum(0, (x - x.mean()) / np.sqrt(x.var() + 1e-5))
    np.testing.assert_allclose(block(hidden).detach().numpy(), expected, atol=1e-5)
    assert sum(p.numel() for p in block.parameters()) == 3
    assert set(BLOCKS) == {"cnn", "lstm", "gru"}


def speakers(count, clips=3):
    names = [f"{k:02d}" for k in range(count)]
    return pd.DataFrame({"speaker": np.repeat(names, clips)})


@given(st.integers(3, 20), st.integers(2, 5), st.integers(0, 9))
def test_speakers_are_in_one_part_and_tested_once(count, num_folds, seed):
    table = speakers(count)
    if num_folds > count:
        with pytest.raises(ValueError, match="can't be dealt"):
            split(table, num_folds=num_folds, seed=seed)
        return
    tested = []
    for fold in range(num_folds):
        try:
            parts = split(table, fold=fold, num_folds=num_folds, seed=seed)
        except ValueError as error:
            # Two of three speakers may be the test
            assert count == 3, error
            return
        assert (parts.groupby(table["speaker"]).nunique() == 1).all()
        assert set(parts) == {"train", "devel", "test"}
        tested += list(table["speaker"][parts == "test"].unique())
    assert sorted(tested) == list(table["speaker"].unique())


def test_splits_of_users_are_taken():
    table = speakers(3, 1).assign(split=["train", "Dev", "test"])
    assert list(split(table)) == ["train", "devel", "test"]
    with pytest.raises(ValueError, match="found \\['holdout'\\]"):
        split(table.assign(split="holdout"))
    with pytest.raises(ValueError, match="no clips to be the devel and test part"):
        split(table.assign(split="train"))
    table = speakers(2, 2).assign(split=["train", "devel", "test", "test"])
    with pytest.raises(ValueError, match="Speaker '00' is in two parts"):
        split(table)


def test_recall_is_that_of_audmetric_on_every_resample():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 4, (2, 60))
    groups = rng.integers(0, 6, 60)
    # Of two groups only
    truth[(truth == 3) & (groups > 1)] = 1
    draws = resample(groups, 40, 0)
    found = recalls(truth, predicted, groups, draws)
    lacking = (draws[:, :2] == 0).all(axis=1)
    assert 0 < lacking.sum() < 20
    np.testing.assert_array_equal(np.isnan(found), lacking)
    found, draws = found[~lacking], draws[~lacking]
    for values, counts in zip(found, draws, strict=True):
        rows = np.concatenate(
            [np.flatnonzero(groups == g) for g in range(6) for _ in range(counts[g])]
        )
        expected = audmetric.unweighted_average_recall(truth[rows], predicted[rows])
        assert values == pytest.approx(expected)
    expected = audmetric.unweighted_average_recall(truth, predicted)
    assert uar(truth, predicted) == pytest.approx(expected)


def test_values_are_measured_by_ccc():
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(40, 3))
    outputs = truth + 0.3 * rng.standard_normal((40, 3))
    pairs = zip(truth.T, outputs.T, strict=True)
    expected = [audmetric.concordance_cc(t, o) for t, o in pairs]
    assert score(truth, outputs) == pytest.approx(np.mean(expected))
    found = summarise(truth, outputs, np.array([f"{k % 8}" for k in range(40)]))
    assert found["dominance"] == pytest.approx(expected[1])
    assert found["low"] < found["score"] < found["high"]
    assert found["resampled"] == "speakers"


def test_fusion_and_adaptive_exits_clip_by_clip():
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((3, 50, 4))
    for clip in range(50):
        scores = softmax(logits[:, clip])
        margin = [np.sort(s)[-1] - np.sort(s)[-2] for s in scores]
        surest = logits[int(np.argmax(margin)), clip]
        assert np.array_equal(fused(logits)[clip], surest)
        for wanted in (0.0, 0.4, 1.0):
            number = next((k for k in range(3) if margin[k] >= wanted), 2)
            outputs, chosen = adaptive(logits, wanted)
            assert chosen[clip] == number
            assert np.array_equal(outputs[clip], logits[number, clip])


@pytest.fixture
def demos(tmp_path):
    names = {
        "DEMOS": ["PR_f_01_tri01.wav", "NP_m_02_rab03.wav", "NP_f_01_col02.wav"],
        "NEU": ["NEU_m_02_neu01.wav"],
    }
    for folder, files in names.items():
        os.makedirs(tmp_path / "DEMoS" / folder)
        for file in files:
            path = tmp_path / "DEMoS" / folder / file
            soundfile.write(path, np.zeros(800), 16000)
    return tmp_path / "DEMoS"


def test_demos(demos):
    (demos / "DEMOS" / "._PR_f_01_tri01.wav").write_bytes(b"")
    table = read_corpus(str(demos)).set_index("emotion")
    assert sorted(table.index) == ["anger", "guilt", "neutral", "sadness"]
    assert table.loc["sadness", "speaker"] == table.loc["guilt", "speaker"] == "f_01"
    assert table.loc["anger", "gender"] == "male"
    assert table["prototypical"].sum() == 1
    table = read_corpus(f"{demos}:DEMOS")
    assert "neutral" not in set(table["emotion"])
    with pytest.raises(ValueError, match="has no part 'Test'"):
        read_corpus(f"{demos}:Test")
    (demos / "NEU" / "other.wav").write_bytes(b"")
    with pytest.raises(ValueError, match="other.wav' isn't named as DEMoS"):
        read_corpus(str(demos))
