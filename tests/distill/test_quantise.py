"""Quantised students agree with their float models."""

import itertools
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import soundfile
from fabricated import noise
from fabricated import run
from fabricated import voice
from fabricated import weights_of
from fabricated import with_weights
from full import sample
from typer.testing import CliRunner

import audw2s
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill import quantise as module
from audw2s.distill.cli import app
from audw2s.distill.clips import usable_clips
from audw2s.distill.export import probes
from audw2s.distill.quantise import agreement
from audw2s.distill.quantise import draw_clips
from audw2s.distill.quantise import integer_nodes
from audw2s.distill.quantise import logits
from audw2s.distill.quantise import properties
from audw2s.distill.quantise import quantise
from audw2s.distill.quantise import quantise_student
from audw2s.distill.quantise import static
from audw2s.distill.quantise import transposed
from audw2s.distill.speech_layer import without_layer
from audw2s.inference.network import Network
from audw2s.model.find import model_path
from audw2s.model.find import model_sha256
from audw2s.model.store import save

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"
LENGTHS = [64, 65, 95, 96, 97, 333, 1001, 7999, 8001, 12345, 48001, 159999]


@pytest.fixture(scope="module")
def original():
    return onnx.load(model_path("wav2small"))


@pytest.fixture(scope="module")
def drawn():
    """Example clips: three to calibrate with, three others."""
    return draw_clips([str(SPEECH)], 3)


@pytest.fixture(scope="module")
def quantised(original, drawn):
    return quantise(original, drawn[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Model folder that was calibrated with the example clips."""
    out = str(tmp_path_factory.mktemp("quantised") / "wav2small-int8")
    quantise_student("wav2small", [str(SPEECH)], out)
    return out


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_quantised_student_agrees_on_clips_it_was_not_calibrated_with(
    original, quantised, drawn
):
    figures = agreement(logits(original, drawn[1]), logits(quantised, drawn[1]))
    assert max(figures["difference"].values()) <= module.TOLERANCE


def test_the_packaged_model_agrees_on_a_corpus(original, shared):
    table = read_corpus(os.path.join(shared, "ravdess.csv")).iloc[::30]
    clips = usable_clips(table)[1]
    packaged = onnx.load(model_path("wav2small-int8"))
    figures = agreement(logits(original, clips), logits(packaged, clips))
    assert max(figures["difference"].values()) <= 0.01
    assert min(figures["ccc"].values()) >= 0.99
    assert os.path.getsize(model_path("wav2small-int8")) <= 120_000


def test_the_quantised_file_is_smaller(original, quantised):
    size = len(quantised.SerializeToString())
    assert size <= 120_000
    assert size < 0.42 * len(original.SerializeToString())


def test_weights_are_integers(quantised):
    integers = [
        values
        for values in weights_of(quantised).values()
        if values.dtype == np.int8 and values.ndim > 1
    ]
    shapes = sorted(values.shape for values in integers)
    convolutions = [(13, 16, 3, 3)] + [(16, 16, 3, 3)] * 5
    assert shapes == sorted([*convolutions, (169, 338)])
    # Seven bits: two products of them and a byte fit in 16 bits
    largest = max(int(np.abs(values.astype(int)).max()) for values in integers)
    assert largest == 64
    assert 2 * 255 * largest < 2**15


def test_the_front_end_stays_in_float(original, quantised):
    before, after = weights_of(original), weights_of(quantised)
    large = {n for n, v in after.items() if v.dtype == np.float32 and v.size > 600}
    assert large == {"dft", "mel"}
    for name in large:
        np.testing.assert_array_equal(after[name], before[name])
    before, after = (
        [node.op_type for node in model.graph.node if node.input[0] not in constants]
        for model, constants in ((original, before), (quantised, after))
    )
    end = before.index("Log")
    assert after[:end] == before[:end]


@pytest.mark.parametrize("length", LENGTHS)
def test_signals_of_any_length_are_accepted(original, quantised, length):
    signal = noise(length, length)
    hidden_states, values = run(quantised, signal)
    assert hidden_states.shape == (1, 169)
    assert values.shape == (1, 3)
    np.testing.assert_allclose(values, run(original, signal)[1], atol=0.1)


def test_probes_give_finite_values(quantised):
    """Among them silence, a constant, and what is too loud or too quiet."""
    for name, signal in probes():
        for values in run(quantised, signal):
            assert np.isfinite(values).all(), name


def test_logits_are_the_head_of_the_hidden_states(quantised):
    hidden_states, values = run(quantised, voice(1, 2.0))
    weights = weights_of(quantised)
    expected = hidden_states @ weights["adv.weight"].T + weights["adv.bias"]
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_tokens_can_be_cut_out(original, quantised):
    """What is named within the graph is still there, and all that leads from it."""
    assert quantised.graph.value_info == original.graph.value_info
    signal = voice(1, 2.0)
    values = signal[None]
    for start, end in itertools.pairwise(["signal", "normalised", "tokens"]):
        cut = onnx.utils.Extractor(quantised).extract_model([start], [end])
        session = onnxruntime.InferenceSession(cut.SerializeToString())
        (values,) = session.run(None, {start: values})
    lin, sof = np.split(values[0].T.astype(float), 2, axis=1)
    shares = np.exp(sof) / np.exp(sof).sum(axis=0)
    expected, _ = run(quantised, signal)
    np.testing.assert_allclose((lin * shares).sum(axis=0), expected[0], atol=1e-5)


def test_metadata_are_preserved(original, quantised):
    metadata = properties(quantised)
    assert metadata == properties(original)
    kept = {"parameters", "gmac", "token_hop", "token_context"}
    assert kept <= metadata.keys()


def test_mean_logits_are_those_of_the_float_model(original, quantised, drawn):
    expected = logits(original, drawn[0]).mean(axis=0)
    actual = logits(quantised, drawn[0]).mean(axis=0)
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    before = logits(static(original, drawn[0]), drawn[0]).mean(axis=0)
    assert np.abs(before - expected).max() > 1e-3


def test_the_given_model_is_not_changed(original, drawn):
    before = original.SerializeToString(deterministic=True)
    quantise(original, drawn[0])
    assert original.SerializeToString(deterministic=True) == before


def test_the_order_of_clips_changes_nothing(original, quantised, drawn):
    again = quantise(original, reversed(drawn[0]))
    assert again.SerializeToString() == quantised.SerializeToString()


def test_same_file_from_another_process(folder, tmp_path):
    """Sets of names have another order there."""
    code = "from audw2s.distill.cli import app; app()"
    arguments = ["quantise", "wav2small", str(SPEECH), "--out", str(tmp_path)]
    for seed in sample(("1", "2"), 2):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--quiet"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert result.returncode == 0, result.stderr
        # Nor does ONNX Runtime tell what it is at
        assert result.stderr == ""
        assert model_sha256(str(tmp_path)) == model_sha256(folder)


def test_a_model_folder_is_written(folder, original):
    assert sorted(os.listdir(folder)) == ["model.onnx", "model.yaml"]
    model = audw2s.load(folder)
    assert model.labels("logits") == ["arousal", "dominance", "valence"]
    metadata = model.sess.get_modelmeta().custom_metadata_map
    assert metadata == properties(original) | {
        "name": "wav2small-int8",
        "version": audw2s.__version__,
        "quantised": "int8",
        "quantised_from": model_sha256("wav2small"),
        "origins": '{"corpora": {}, "models": {"wav2small": "CC BY 4.0"}}',
    }
    values = model(noise(5001)[None], 16000)
    assert values["hidden_states"].shape == (1, 169)
    assert values["logits"].shape == (1, 3)


def test_the_interface_uses_the_quantised_student(folder):
    """A batch of files gives what each of them gives, near what floats give."""
    files = [str(path) for path in sorted(SPEECH.iterdir())]
    feature = audw2s.Feature(folder, num_workers=2)
    one_pass = feature.process_files(files)
    exact = pd.concat([feature.process_file(file) for file in files])
    np.testing.assert_array_equal(one_pass.to_numpy(), exact.to_numpy())
    assert one_pass.attrs["audw2s"]["model"] == "wav2small-int8"
    floats = audw2s.Feature("wav2small").process_files(files)
    difference = np.abs(one_pass.to_numpy() - floats.to_numpy()).mean(axis=0)
    assert difference.max() <= module.TOLERANCE


@pytest.mark.parametrize("duration", [0.01, 1.3, 7.7])
def test_windows_are_pooled_from_one_pass(folder, duration):
    """Pooled from tokens in pieces, values are those of the whole graph."""
    network = Network(folder)
    assert (network.tokens.hop, network.tokens.context) == (64, 6)
    signal = voice(3, duration)
    (expected,) = audw2s.load(folder)(signal[None], 16000, outputs="logits")
    # Of the 256 steps of an activation, rounding before may lead to the next one
    np.testing.assert_allclose(network(signal)[:3], expected, atol=1e-3)


def test_the_command_writes_a_quantised_student(tmp_path, folder):
    out = tmp_path / "small"
    arguments = ["--out", out, "--name", "small", "--num-clips", 2]
    result = invoke("quantise", "wav2small", SPEECH, *arguments, "--quiet")
    assert result.exit_code == 0, result.output
    sha256 = model_sha256(str(out))
    start = f"{out}: sha256 {sha256}, differs from wav2small by 0.0"
    assert result.stdout.startswith(start)
    # Of two clips, whose arousal and dominance are nearly the same
    assert re.search(r"\(valence\) on average, CCC .*, (1\.0|0\.9)", result.stdout)
    assert result.stderr == ""
    assert audw2s.Feature(str(out)).process_files([]).empty
    # Other clips were drawn
    assert sha256 != model_sha256(folder)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("nobody", SPEECH), "There is no model 'nobody'."),
        (("wav2small", "nowhere.csv"), "is no folder, no list of files"),
        (("mean(wav2small, wav2small)", SPEECH), "is several models: quantise one."),
        (("whisper-tiny-adv", SPEECH), "wasn't written by 'audw2s distill export'."),
    ],
)
def test_errors_are_one_sentence(tmp_path, arguments, message):
    out = tmp_path / "model"
    result = invoke("quantise", *arguments, "--out", out, "--num-clips", 1, "--quiet")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert not out.exists()


def test_a_student_that_loses_too_much_is_refused(original, tmp_path):
    """One channel as loud as this leaves one step in 256 to the others."""
    weights = weights_of(original)
    name = "body.4.0.weight_bias"
    bias = np.where(np.arange(16) == 0, 3000.0, weights[name])
    metadata = {"name": "loud", "student": "wav2small"}
    save(with_weights(original, {name: bias}), str(tmp_path / "loud"), metadata)
    out = tmp_path / "model"
    message = (
        r"differs by .*\(arousal\), .* on average, CCC .* on 3 clips, 0.01 at most"
    )
    with pytest.raises(ValueError, match=message):
        quantise_student(str(tmp_path / "loud"), [str(SPEECH)], str(out))
    assert not out.exists()


def test_students_that_give_nan_are_refused(original, drawn):
    model = with_weights(original, {"adv.bias": np.full(3, np.nan)})
    with pytest.raises(ValueError, match="The model gives NaN"):
        quantise(model, drawn[0])


def test_nan_in_integers_is_refused(quantised, tmp_path, monkeypatch):
    model = with_weights(quantised, {"adv.bias": np.full(3, np.nan)})
    monkeypatch.setattr(module, "quantise", lambda *_: model)
    with pytest.raises(ValueError, match=r"differs by nan \(arousal\)"):
        quantise_student("wav2small", [str(SPEECH)], str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_models_without_convolutions_are_refused(original, drawn):
    model = onnx.ModelProto()
    model.CopyFrom(original)
    for node in model.graph.node:
        if node.op_type == "Log":
            node.op_type = "Sqrt"
    with pytest.raises(ValueError, match="there is nothing to quantise"):
        quantise(model, drawn[0])


def test_quantised_models_are_refused(quantised, drawn):
    with pytest.raises(ValueError, match="The model is quantised already"):
        quantise(quantised, drawn[0])


def test_no_clips_are_an_error(original):
    with pytest.raises(ValueError, match="There are no clips to calibrate with"):
        quantise(original, [])


def test_integers_start_after_the_first_convolution(original):
    kinds = {node.name: node.op_type for node in original.graph.node}
    plain = transposed(without_layer(original))
    actual = [kinds[name] for name in integer_nodes(plain)]
    counts = {kind: actual.count(kind) for kind in actual}
    assert counts == {"Conv": 6, "MatMul": 1, "Relu": 7, "MaxPool": 1}


def test_clips_are_drawn_from_each_corpus(tmp_path):
    for name, level, count in (("a", 0.2, 9), ("b", 0.4, 3)):
        os.mkdir(tmp_path / name)
        for number in range(count):
            signal = np.full(200, level + number / 100)
            soundfile.write(tmp_path / name / f"{number}.wav", signal, 16000)
    corpora = [str(tmp_path / name) for name in "ab"]

    def draw(seed=0, num_clips=2):
        return [
            [round(100 * c[0]) for c in p] for p in draw_clips(corpora, num_clips, seed)
        ]

    calibration, held_out = draw()
    assert [level // 20 for level in calibration] == [1, 1, 2]
    assert [level // 20 for level in held_out] == [1, 1, 2, 2]
    assert not set(calibration) & set(held_out)
    assert draw() == [calibration, held_out]
    assert draw(seed=1) != [calibration, held_out]
    assert sorted(sum(draw(num_clips=99), [])) == [*range(20, 29), 40, 41, 42]


def test_clips_are_cut_to_ten_seconds(tmp_path):
    for number in range(2):
        soundfile.write(tmp_path / f"{number}.wav", noise(200_000), 16000)
    (one,), (other,) = draw_clips([str(tmp_path)], 30)
    assert len(one) == len(other) == 160_000


def test_a_corpus_of_one_clip_is_an_error(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(2000), 16000)
    with pytest.raises(ValueError, match="needs at least two clips, it has one"):
        draw_clips([str(tmp_path)], 30)
