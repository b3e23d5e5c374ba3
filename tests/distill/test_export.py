"""ONNX forms agree with their networks, and contain nothing else."""

import copy
import os

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from commands import invoke
from fabricated import noise
from fabricated import random_encoder
from fabricated import run
from fabricated import voice
from fabricated import weights_of
from fabricated import with_weights
from safetensors.torch import save_file
from torch import nn

import audw2s
from audw2s.distill.export import check_parity
from audw2s.distill.export import export_student
from audw2s.distill.export import halve
from audw2s.distill.export import parity
from audw2s.distill.export import probes
from audw2s.distill.export import student_to_onnx
from audw2s.distill.export import to_onnx
from audw2s.distill.quantise import properties
from audw2s.distill.students.mobilenet import SqueezeExcite
from audw2s.distill.students.mobilenet import conv
from audw2s.distill.students.student import Student
from audw2s.distill.students.wav2small2 import Wav2Small2
from audw2s.distill.teachers.whisper import WhisperTeacher
from audw2s.inference.frames import Tokens
from audw2s.inference.network import Network
from audw2s.inference.pooling import pooled_as_a_whole
from audw2s.model.find import model_sha256
from audw2s.model.store import save

LENGTHS = [64, 65, 95, 96, 97, 1001, 7999, 8000, 8001, 12345, 31999, 48001]


@pytest.fixture(scope="module")
def whisper():
    encoder = random_encoder()
    # As Whisper's weights are published
    encoder = encoder.half().float()
    torch.manual_seed(1)
    return WhisperTeacher(encoder, (1, 2)).eval()


@pytest.fixture(scope="module")
def whisper_onnx(whisper):
    return to_onnx(whisper)


def signals():
    return ((str(length), noise(length, length)) for length in LENGTHS)


def test_a_student_and_its_onnx_form_agree_at_odd_lengths(student, student_onnx):
    assert parity(student, student_onnx, signals()) <= 1e-5


def test_a_student_and_its_onnx_form_agree_on_probes(student, student_onnx):
    assert parity(student, student_onnx) <= 1e-5


def test_a_teacher_and_its_onnx_form_agree_at_odd_lengths(whisper, whisper_onnx):
    assert parity(whisper, whisper_onnx, signals()) <= 1e-4


def test_metadata_describe_the_network(student_onnx):
    """Not of the graph, which zeros were added to."""
    assert properties(student_onnx) == {
        "parameters": "72659",
        "gmac": "0.390967",
        "token_hop": "64",
        "token_context": "6",
        "epsilon": "0",
    }


@pytest.mark.parametrize("level", [-40, -60, -90])
def test_the_level_changes_no_value_in_one_pass_and_in_the_graph(
    student_onnx, tmp_path, level
):
    """Both add what the graph's properties say to the variance of a signal."""
    path = str(tmp_path / "model.onnx")
    onnx.save(student_onnx, path)
    properties = {entry.key: entry.value for entry in student_onnx.metadata_props}
    hop, context = (int(properties[f"token_{k}"]) for k in ("hop", "context"))
    tokens = Tokens(path, hop, context)
    signal = voice(0, 1.0)
    quiet = signal * np.float32(10 ** (level / 20))
    session = onnxruntime.InferenceSession(path)
    loud = session.run(["logits"], {"signal": signal[None]})[0][0]
    actual = session.run(["logits"], {"signal": quiet[None]})[0][0]
    np.testing.assert_allclose(actual, loud, atol=1e-3)
    values = pooled_as_a_whole(tokens, quiet)[: len(loud)]
    np.testing.assert_allclose(values, loud, atol=1e-3)


def test_students_with_global_context_have_no_token_metadata():
    torch.manual_seed(0)
    layers = [conv(1, 4, 3, stride=2), SqueezeExcite(4), nn.Conv2d(4, 2, 1)]
    network = Student(layers, 26).eval()
    model = student_to_onnx(network)
    assert properties(model).keys() == {"parameters", "gmac"}
    assert parity(network, model, signals()) <= 1e-5


def test_export_student_writes_a_model_folder(student, tmp_path):
    """A folder of a training becomes one whose windows are pooled from tokens."""
    path = str(tmp_path / "student.safetensors")
    save_file(student.state_dict(), path, metadata={"student": "wav2small"})
    folder = str(tmp_path / "model")
    sha256, worst = export_student(str(tmp_path), folder, "mine")
    assert sha256 == model_sha256(folder)
    assert worst <= 1e-5
    network = Network(folder)
    told = {"parameters", "gmac", "token_hop", "token_context", "max_dur", "student"}
    assert told <= network.properties.keys()
    assert (network.name, network.tokens.hop, network.tokens.context) == ("mine", 64, 6)
    for length in (64, 8001, 100_001):
        signal = noise(length)
        (expected,) = network.open()(signal[None], 16000, outputs="logits")
        *values, share = network(signal)
        np.testing.assert_allclose(values, expected, atol=1e-4)
        # It has no layer for speech yet
        assert np.isnan(share)


def test_a_student_is_called_as_its_architecture_by_default(tmp_path):
    """Two architectures aren't mixed in tables, where nobody has named them."""
    metadata = {"student": "wav2small-2.0"}
    path = str(tmp_path / "student.safetensors")
    save_file(Wav2Small2().state_dict(), path, metadata=metadata)
    folder = str(tmp_path / "model")
    result = invoke("distill", "export", tmp_path, "--out", folder)
    assert result.exit_code == 0, result.output
    assert Network(folder).name == "wav2small-2.0"


def test_logits_are_the_head_of_the_hidden_states(student, student_onnx):
    hidden_states, logits = run(student_onnx, noise(5000))
    weight, bias = (p.detach().numpy() for p in student.adv.parameters())
    assert hidden_states.shape == (1, 169)
    np.testing.assert_allclose(hidden_states @ weight.T + bias, logits, atol=1e-5)


def test_probes_are_float32_of_odd_lengths():
    actual = list(probes())
    assert all(signal.dtype == np.float32 and signal.ndim == 1 for _, signal in actual)
    assert min(len(signal) for _, signal in actual) == 64
    assert sum(len(signal) % 160 != 0 for _, signal in actual) > len(actual) / 2


def test_a_changed_weight_fails_the_parity_check(student, student_onnx):
    bias = student.adv.bias.detach().numpy() + 2e-5
    model = with_weights(student_onnx, {"adv.bias": bias})
    with pytest.raises(ValueError, match="differs from the network by 2.*1e-05"):
        check_parity(student, model, 1e-5, signals())


def test_large_logits_may_differ_by_their_rounding(student, student_onnx):
    """Such as those of short trainings for silence."""
    large = copy.deepcopy(student)
    for parameter in large.adv.parameters():
        parameter.data *= 100
    named = dict(large.adv.named_parameters())
    weights = {f"adv.{name}": p.detach().numpy() for name, p in named.items()}
    assert check_parity(large, with_weights(student_onnx, weights), 1e-5) < 1e-5
    weights["adv.bias"] = weights["adv.bias"] * 1.01 + 1
    with pytest.raises(ValueError, match="differs from the network"):
        check_parity(large, with_weights(student_onnx, weights), 1e-5)


def test_nan_fails_the_parity_check(student, student_onnx):
    model = with_weights(student_onnx, {"adv.bias": np.full(3, np.nan)})
    with pytest.raises(ValueError, match="differs from the network by nan"):
        check_parity(student, model, 1e-5, signals())


def test_weights_stored_as_float16_change_no_value(whisper_onnx):
    halved = halve(with_weights(whisper_onnx, {}))
    onnx.checker.check_model(halved)
    before = weights_of(whisper_onnx)
    after = weights_of(halved)
    halves = [name for name in before if f"{name}.half" in after]
    assert {"positions.weight", "conv1.weight"} <= set(halves)
    for name in halves:
        assert after[f"{name}.half"].dtype == np.float16
        np.testing.assert_array_equal(after[f"{name}.half"], before[name])
    saved = len(whisper_onnx.SerializeToString()) - len(halved.SerializeToString())
    assert saved > 1.8 * sum(before[name].size for name in halves)
    for length in (65, 8001, 20000):
        before, after = (run(model, noise(length)) for model in (whisper_onnx, halved))
        np.testing.assert_array_equal(before[1], after[1])


def test_only_exact_weights_are_stored_as_float16(student_onnx):
    """A student's weights are no float16 numbers: they stay."""
    halved = halve(with_weights(student_onnx, {}))
    trained = [w for w in weights_of(halved).values() if w.shape == (338, 169)]
    assert [weight.dtype for weight in trained] == [np.float32]


def test_a_file_contains_no_path_of_the_machine(student_onnx, whisper_onnx):
    folder = os.path.dirname(os.path.abspath(audw2s.__file__))
    for model in (student_onnx, whisper_onnx):
        content = model.SerializeToString()
        assert folder.encode() not in content
        assert b"site-packages" not in content
        assert b"pkg.torch" not in content


def test_a_model_folder_is_loaded_by_audonnx(student, student_onnx, tmp_path):
    folder = str(tmp_path / "model")
    model = with_weights(student_onnx, {})
    sha256 = save(model, folder, {"name": "toy", "max_dur": "60"})
    assert sorted(os.listdir(folder)) == ["model.onnx", "model.yaml"]
    assert sha256 == model_sha256(folder)
    model = audw2s.load(folder)
    assert model.labels("logits") == ["arousal", "dominance", "valence"]
    signal = noise(5001)[None]
    with torch.inference_mode():
        expected = student(torch.from_numpy(signal))[1].numpy()
    np.testing.assert_allclose(model(signal, 16000)["logits"], expected, atol=1e-5)
    metadata = model.sess.get_modelmeta().custom_metadata_map
    assert metadata == {"name": "toy", "max_dur": "60"}


def test_model_file_is_replaced(student_onnx, tmp_path):
    model = with_weights(student_onnx, {})
    first = save(model, str(tmp_path), {"name": "a"})
    second = save(model, str(tmp_path), {"name": "b"})
    assert first != second
    assert save(model, str(tmp_path), {"name": "a"}) == first
