"""Optimised graphs of students, and graphs that are cut at their tokens."""

import copy

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fabricated import noise
from fabricated import voice
from fabricated import weights_of
from torch import nn

from audw2s.distill import optimise_graph as fuse
from audw2s.distill.export import to_onnx
from audw2s.distill.optimise_graph import OptimisedStudent
from audw2s.distill.optimise_graph import locality
from audw2s.distill.optimise_graph import widened
from audw2s.distill.students import STUDENTS
from audw2s.distill.students.student import Student

LENGTHS = [64, 65, 95, 97, 333, 1001, 8001, 20011]
LOCAL = ("wav2small", "mobilenetv4-small")


def randomised(name):
    """A student with random weights and random statistics."""
    torch.manual_seed(0)
    network = STUDENTS[name]()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.bias):
                nn.init.normal_(values)
            for values in (module.running_var, module.weight):
                nn.init.uniform_(values, 0.5, 2)
    return network.eval()


def side_by_side(student, signal):
    """What the student's pooling makes of its tokens, before the softmax."""
    tokens, pooling = student.tokens(signal), student.pooling
    both = torch.cat([pooling.lin(tokens), pooling.sof(tokens)], dim=2)
    return both.transpose(1, 2)


@pytest.fixture(scope="module")
def plain(student):
    """Rearranged, but without zeros."""
    return to_onnx(OptimisedStudent(student).eval(), ("normalised", "tokens"))


def run(model, inputs, names=None):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(names, inputs)


@pytest.mark.parametrize("name", LOCAL)
def test_the_optimised_graph_gives_the_values_of_the_student(name):
    network = randomised(name)
    fused = OptimisedStudent(network).eval()
    for length in LENGTHS:
        signal = torch.from_numpy(np.stack([noise(length, seed) for seed in (1, 2)]))
        with torch.inference_mode():
            expected = [*network(signal), network.normalise(signal)]
            expected.append(side_by_side(network, signal))
            actual = fused(signal)
        for a, b in zip(expected, actual, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-5, err_msg=f"{length}")


@pytest.mark.parametrize(
    "layers, channels, absorbed",
    [
        ([nn.Conv2d(1, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 7, 1)], (5, 7), True),
        ([nn.Conv2d(1, 7, 1)], (1, 7), True),
        # Nothing is absorbed but a convolution of one value
        ([nn.Conv2d(1, 5, 1), nn.Conv2d(5, 7, 3, padding=1)], (7, 7), False),
        ([nn.Conv2d(1, 7, 1), nn.ReLU()], (7, 7), False),
    ],
)
def test_the_last_projection_is_merged_into_the_pooling(layers, channels, absorbed):
    torch.manual_seed(0)
    network = Student(copy.deepcopy(layers), channels[1] * 26).eval()
    fused = OptimisedStudent(network).eval()
    assert len(fused.body) == len(layers) - absorbed
    assert fused.weight.shape == (2 * channels[1] * 26, channels[0] * 26)
    signal = torch.from_numpy(noise(1001)[None])
    with torch.inference_mode():
        expected, actual = side_by_side(network, signal), fused(signal)[3]
        # Decibels that weren't normalised: values of 20, as sums of single precision
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=5e-5)
        for a, b in zip(network(signal), fused(signal)[:2], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=5e-5)


def test_the_student_is_not_changed(student):
    before = copy.deepcopy(student.state_dict())
    OptimisedStudent(student)
    locality(student)
    after = student.state_dict()
    assert before.keys() == after.keys()
    for key, values in before.items():
        torch.testing.assert_close(after[key], values, rtol=0, atol=0)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("wav2small", (64, 6)),
        ("mobilenetv4-small", (1024, 15)),
        # Squeeze and excite depends on all of the clip
        ("mobilenetv3-small", None),
        # Pools in another way
        ("wav2small-2.0", None),
    ],
)
def test_hop_and_context_of_tokens_are_measured(name, expected):
    assert locality(STUDENTS[name]().eval()) == expected


def test_tokens_with_long_context_are_not_local(monkeypatch):
    network = STUDENTS["mobilenetv4-small"]().eval()
    monkeypatch.setattr(fuse, "MAX_CONTEXT_DUR", 15 * 1024 / 16000)
    assert locality(network) == (1024, 15)
    monkeypatch.setattr(fuse, "MAX_CONTEXT_DUR", 15 * 1024 / 16000 - 0.001)
    assert locality(network) is None


@pytest.mark.parametrize("name", LOCAL)
def test_the_measured_context_is_sufficient_and_necessary(name):
    """Tokens of a stretch, from the stretch and what is around it."""
    torch.manual_seed(0)
    network = STUDENTS[name]().eval()
    # The first of a thousand frames counts little: rounding, and what is below zero,
    # would hide it
    for values in network.body.parameters():
        values.data.abs_()
    hop, context = locality(network)
    fused = OptimisedStudent(network).eval().double()
    fused.normalise = nn.Identity()
    first, last = 2 * context, 2 * context + 3
    rng = np.random.default_rng(0)
    # Loud, so that decibels are positive
    signal = 1e3 * torch.from_numpy(rng.standard_normal((1, (last + first) * hop + 33)))

    def error(around):
        segment = signal[:, (first - around) * hop : (last + around) * hop]
        actual = fused(segment)[3][0].T[around:][: last - first]
        return float((actual - whole[first:last]).abs().max() / whole.abs().max())

    with torch.inference_mode():
        whole = fused(signal)[3][0].T
        assert error(context) < 1e-13
        assert error(context + 1) < 1e-13
        assert error(context - 1) > 1e-10


def test_graph_can_be_cut_at_its_tokens(student, student_onnx):
    outputs = [value.name for value in student_onnx.graph.output]
    assert outputs == ["hidden_states", "logits"]
    inner = [value.name for value in student_onnx.graph.value_info]
    assert inner == ["normalised", "tokens"]
    onnx.checker.check_model(student_onnx, full_check=True)
    cut = onnx.utils.Extractor(student_onnx).extract_model(*[[name] for name in inner])
    signal = torch.from_numpy(voice(0, 1.5)[None])
    with torch.inference_mode():
        _, _, normalised, expected = OptimisedStudent(student).eval()(signal)
    (actual,) = run(cut, {"normalised": normalised.numpy()})
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_padded_channels_change_no_value(plain):
    wide = widened(plain)
    before, after = weights_of(plain), weights_of(wide)
    assert before["body.1.0.weight"].shape == (13, 13, 3, 3)
    assert after["body.1.0.weight"].shape == (16, 16, 3, 3)
    # Channels that no convolution reads are not padded
    assert after["body.7.0.weight"].shape == (13, 16, 3, 3)
    assert after["weight"].shape == before["weight"].shape == (338, 169)
    for name in before:
        inside = tuple(slice(size) for size in before[name].shape)
        np.testing.assert_array_equal(after[name][inside], before[name])
        assert np.count_nonzero(after[name]) == np.count_nonzero(before[name])
    assert wide.graph.value_info == plain.graph.value_info
    for signal in (noise(8001), voice(0, 1.5)):
        values = [run(model, {"signal": signal[None]}) for model in (plain, wide)]
        for a, b in zip(*values, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-5)


def test_graphs_of_many_channels_are_not_changed(student_onnx):
    assert widened(student_onnx) == student_onnx


@pytest.mark.parametrize(
    "between, group, wide",
    [
        (["Relu"], 1, True),
        (["Relu", "MaxPool"], 1, True),
        ([], 1, True),
        # Zeros don't stay zeros
        (["Sigmoid"], 1, False),
        # As many groups as channels, which have to stay
        (["Relu"], 5, False),
    ],
)
def test_channels_are_padded_only_where_they_stay_zero(between, group, wide):
    rng = np.random.default_rng(0)
    kinds = {"MaxPool": "MaxPool <kernel_shape = [2, 2]>"}
    steps = [f"x{k + 1} = {kinds.get(t, t)} (x{k})" for k, t in enumerate(between, 1)]
    model = onnx.parser.parse_model(f"""
        <ir_version: 10, opset_import: ["": 18]>
        toy (float[1, 1, 9, 9] x0) => (float[1, 5, N, N] y) {{
            x1 = Conv (x0, weight0, bias0)
            {" ".join(steps)}
            y = Conv <group = {group}> (x{len(between) + 1}, weight1, bias1)
        }}""")
    for number, shape in enumerate([(5, 1, 3, 3), (5, 5 // group, 3, 3)]):
        for name, size in (("weight", shape), ("bias", shape[:1])):
            values = rng.standard_normal(size).astype(np.float32)
            weight = onnx.numpy_helper.from_array(values, f"{name}{number}")
            model.graph.initializer.append(weight)
    made = widened(model)
    assert (weights_of(made)["weight0"].shape[0] == 16) == wide
    assert weights_of(model)["weight0"].shape[0] == 5
    signal = {"x0": rng.standard_normal((1, 1, 9, 9)).astype(np.float32)}
    (before,), (after,) = (run(m, signal) for m in (model, made))
    np.testing.assert_allclose(before, after, atol=1e-5)
