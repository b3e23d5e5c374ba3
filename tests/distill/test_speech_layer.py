"""A layer that tells speech by tokens: fitted, appended to graphs, and in rows."""

import numpy as np
import onnx
import pytest
from commands import invoke

import audw2s
from audw2s.distill.scenes import music
from audw2s.distill.scenes import scene
from audw2s.distill.speech_layer import Examples
from audw2s.distill.speech_layer import add_speech_layer
from audw2s.distill.speech_layer import auc
from audw2s.distill.speech_layer import fit_layer
from audw2s.distill.speech_layer import make_examples
from audw2s.distill.speech_layer import moved_layer
from audw2s.distill.speech_layer import with_layer
from audw2s.distill.speech_layer import without_layer
from audw2s.inference.network import Network
from audw2s.inference.pipeline import Predictor
from audw2s.inference.pooling import smoothed
from audw2s.model.find import model_path
from audw2s.model.store import properties
from audw2s.model.store import save


@pytest.fixture(scope="module")
def original():
    return onnx.load(model_path("wav2small"))


def literal_share(tokens, signal):
    """Share of speech by the layer, over a whole recording."""
    normalised = (signal - signal.mean()) / signal.std()
    made = tokens.make(normalised.astype(np.float32))
    weight, bias = tokens.speech_weight, tokens.speech_bias
    logits = made[:, : len(weight)] @ weight + bias
    around = [logits[max(0, k - 62) : k + 63].mean() for k in range(len(logits))]
    return float((np.array(around) > 0).mean())


@pytest.mark.parametrize("repeats", [0.4, 1, 3, 12])
def test_share_of_whole_recordings_is_literal(speech, repeats):
    """By the graph, in pieces, and read twice."""
    silence = 1e-3 * np.random.default_rng(0).standard_normal(len(speech))
    signal = np.concatenate([speech, silence.astype(np.float32)])
    signal = np.resize(signal, int(repeats * len(signal)))
    predictor = Predictor()
    expected = literal_share(predictor.network.tokens, signal)
    (row,) = predictor.signal(signal, 16000)
    assert expected > 0.2
    assert row.speech == pytest.approx(expected * len(signal) / 16000, abs=0.03)
    assert row.duration == pytest.approx(len(signal) / 16000)


def test_share_of_windows(speech):
    silence = 1e-3 * np.random.default_rng(0).standard_normal(64000)
    signal = np.concatenate([speech[:48000], silence.astype(np.float32)])
    rows = Predictor(win_dur=1, hop_dur=1).signal(signal, 16000)
    shares = [row.speech for row in rows]
    assert min(shares[:2]) > 0.7
    assert max(shares[4:]) < 0.1
    assert all("--vad" in row.message for row in rows[4:])
    assert not any(row.message for row in rows[:2])


def test_models_without_the_layer_know_nothing(speech):
    (row,) = Predictor("whisper-tiny-adv").signal(speech, 16000)
    assert np.isnan(row.speech)
    assert row.message == ""


def test_values_are_those_without_the_layer(original, speech, tmp_path):
    folder = str(tmp_path / "plain")
    save(without_layer(original), folder, properties(original))
    for signal in (speech[:1600], speech, np.resize(speech, 700000)):
        expected = Network(folder)(signal)
        found = Network("wav2small")(signal)
        np.testing.assert_array_equal(found[:3], expected[:3])
        assert np.isnan(expected[3])
        assert 0 <= found[3] <= 1


def test_a_layer_replaces_another_and_moves(original):
    plain = without_layer(original)
    assert len(plain.graph.output) == 2
    weight = np.arange(169, dtype=np.float32)
    once = with_layer(plain, weight, 2.0, 125)
    twice = with_layer(once, weight, 2.0, 125)
    assert once.SerializeToString() == twice.SerializeToString()
    moved = moved_layer(once, plain)
    assert moved.SerializeToString() == once.SerializeToString()
    assert without_layer(moved).SerializeToString() == plain.SerializeToString()
    values = [v for v in once.graph.initializer if v.name in ("speech.weight",)]
    assert sum(onnx.numpy_helper.to_array(v).size for v in values) == 169


def test_audonnx_gives_the_share(speech):
    model = audw2s.load("wav2small")
    share = model(speech[None], 16000, outputs="speech")
    assert share.shape == (1, 1)
    assert Network("wav2small")(speech)[-1] == pytest.approx(share.item(), abs=0.01)


def test_logistic_regression_is_at_its_optimum():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((500, 3)) * [1, 10, 0.1] + [0, 5, 1]
    logits = features @ [1.0, -0.2, 3.0] - 2
    is_speech = rng.random(500) < 1 / (1 + np.exp(-logits))
    weight, bias = fit_layer(Examples(features, is_speech))
    std = features.std(axis=0)

    def loss(weight, bias):
        signs = np.where(is_speech, 1, -1)
        errors = np.log1p(np.exp(-signs * (features @ weight + bias)))
        return errors.mean() + 1e-4 * np.square(weight * std).sum()

    least = loss(weight, bias)
    for step in rng.standard_normal((20, 4)) * 0.02:
        assert loss(weight + step[:3] / std, bias + step[3]) > least


def test_fitted_to_scenes_it_agrees_with_the_detector(speech, tmp_path):
    hiss = np.random.default_rng(1).standard_normal(48000).astype(np.float32)
    folder = str(tmp_path / "new")
    add_speech_layer("wav2small", folder, [speech], [hiss], num_scenes=3)
    tokens = Network(folder).tokens
    examples = make_examples(tokens, [speech], [hiss], num_scenes=2, seed=9)
    weight, bias = tokens.speech_weight, tokens.speech_bias
    assert auc(examples, weight, bias) > 0.85


def test_scenes_are_drawn_by_their_seed(speech):
    hiss = np.random.default_rng(1).standard_normal(48000).astype(np.float32)
    scenes = [scene([speech], [hiss], np.random.default_rng(k)) for k in (0, 0, 1)]
    np.testing.assert_array_equal(scenes[0], scenes[1])
    assert not np.array_equal(scenes[0], scenes[2])
    assert all(len(s) == 320000 and np.isfinite(s).all() for s in scenes)
    assert len(music(3.3, np.random.default_rng(0))) == 52800


def test_smoothing_is_a_mean(speech):
    values = np.random.default_rng(0).standard_normal((50, 2))
    found = smoothed(values, 7)
    for k in range(50):
        expected = values[max(0, k - 3) : k + 4].mean(axis=0)
        np.testing.assert_allclose(found[k], expected, atol=1e-12)


def test_command_refuses_what_has_no_tokens(tmp_path, clips):
    folder = str(tmp_path / "out")
    done = invoke(
        *("distill", "speech", "whisper-tiny-adv", clips[0].rsplit("/", 1)[0]),
        *("--noise", clips[0].rsplit("/", 1)[0], "--out", folder, "--quiet"),
    )
    assert done.exit_code == 2
    assert "no tokens" in done.stderr
