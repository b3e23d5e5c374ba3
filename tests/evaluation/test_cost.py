"""Costs: parameters and products counted twice, memory of a process of its own."""

import math

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import QuantType
from onnxruntime.quantization import quantize_dynamic

from audw2s.evaluation.cost import Operation
from audw2s.evaluation.cost import gmac
from audw2s.evaluation.cost import graph_cost
from audw2s.evaluation.cost import latencies
from audw2s.evaluation.cost import num_parameters
from audw2s.evaluation.cost import observe
from audw2s.evaluation.cost import peak_ram
from audw2s.model.find import model_path

MODELS = ("wav2small", "whisper-tiny-adv")


def wav2small_macs():
    """Of 80,000 samples, from the paper's numbers alone; and those of mel filters."""
    frames = (80000 - 64) // 32 + 1
    front = 2 * 33 * 64 * frames
    mel = 33 * 26 * frames
    first = frames * 26 * 13 * 9
    before = 2 * frames * 26 * 13 * 13 * 9
    after = (4 * 9 + 1) * 1250 * 13 * 13 * 13
    pooling = 2 * 1250 * 169 * 169
    return front + first + before + after + pooling + 169 * 3, mel


def wide_macs():
    """Of its graph: the last 1×1 convolution is part of a matrix, 16 channels for 13.

    Each part of the spectrum has the mel filters to itself, and each token its share of
    speech.
    """
    frames = (80000 - 64) // 32 + 1
    front = frames * 66 * (64 + 26)
    before = frames * 26 * 9 * 16 * (1 + 16 + 16)
    after = 1250 * 13 * 9 * 16 * (16 + 16 + 16 + 13)
    speech = 1250 * 169
    return front + before + after + 1250 * 169 * 338 + 169 * 3 + speech


def whisper_macs():
    """Three layers of Whisper tiny, 100 frames and 50 tokens a second."""
    front = 501 * 402 * 400 + 500 * 201 * 80
    convolutions = 500 * 384 * 80 * 3 + 250 * 384 * 384 * 3
    projections = 4 * 250 * 384 * 384
    attention = 2 * 6 * 250 * 250 * 64
    feed_forward = 2 * 250 * 384 * 1536
    layers = 3 * (projections + attention + feed_forward)
    return front + convolutions + layers + 2 * 384 * 3 * 3


def wav2small_parameters():
    """Batch normalisations have two parameters per channel."""
    front = 2 * 33 * 64 + 33 * 26
    body = 13 * 9 + 6 * 13 * 13 * 9 + 7 * 2 * 13 + 13 * 13 + 13
    return front + body + 2 * (169 * 169 + 169) + 169 * 3 + 3


def wide_parameters():
    """Batch normalisations are folded into convolutions: a bias per channel."""
    front = 66 * 64 + 66 * 26
    weights = 9 * 16 * (1 + 5 * 16 + 13)
    speech = 169
    return front + weights + 6 * 16 + 13 + 169 * 338 + 338 + 169 * 3 + 3 + speech


def whisper_parameters():
    front = 402 * 400 + 201 * 80
    convolutions = 384 * 80 * 3 + 384 + 384 * 384 * 3 + 384
    attention = 4 * 384 * 384 + 3 * 384
    feed_forward = 2 * 384 * 1536 + 1536 + 384
    layers = 3 * (attention + feed_forward + 4 * 384)
    return front + convolutions + 1500 * 384 + layers + 2 * 384 * 3 * 3 + 3


def test_costs_are_those_of_a_literal_count():
    small, large = (graph_cost(model_path(name)) for name in MODELS)
    without_mel, mel = wav2small_macs()
    # The file has six digits of it
    assert small["gmac"] == pytest.approx((without_mel + mel) / 1e9, abs=5e-7)
    # As the student documents it, which doesn't count the product with mel filters
    assert round(without_mel / 1e9, 3) == 0.389
    assert large["gmac"] == pytest.approx(whisper_macs() / 1e9, abs=1e-12)
    assert small["parameters"] == wav2small_parameters() == 72_659
    assert large["parameters"] == whisper_parameters() == 6_617_331
    assert [small["tokens_per_second"], large["tokens_per_second"]] == [250, 50]


@pytest.mark.parametrize("kept", [{}, {"parameters": "1"}, {"gmac": "1"}])
def test_parameters_of_graphs_without_metadata_are_counted(tmp_path, kept):
    path = str(tmp_path / "model.onnx")
    model = onnx.load(model_path("wav2small"))
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, path)
    counted = graph_cost(path)
    assert counted["gmac"] == pytest.approx(wide_macs() / 1e9, abs=1e-12)
    assert counted["parameters"] == wide_parameters()
    said = graph_cost(model_path("wav2small"))
    assert counted["gmac"] > said["gmac"]
    assert counted["parameters"] > said["parameters"]
    assert counted["tokens_per_second"] == said["tokens_per_second"] == 250


def test_latencies():
    times = latencies(MODELS, num_rounds=2)
    assert times.shape == (2, 2, 2)
    assert np.all((times > 0) & (times < math.inf))


def test_shapes_are_those_that_onnx_infers():
    model = onnx.load(model_path("wav2small"))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 80000
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in [*inferred.value_info, *inferred.output]
    }
    kinds = ("Conv", "MatMul", "Gemm", "Softmax")
    expected = [
        (node.op_type, shapes[node.output[0]])
        for node in model.graph.node
        if node.op_type in kinds
    ]
    operations = observe(model_path("wav2small"))
    found = [(o.kind, o.output) for o in operations if o.kind in kinds]
    assert sorted(found) == sorted(expected)


def test_quantised_weights_count_as_well(tmp_path):
    path = str(tmp_path / "model.onnx")
    # Older versions of ONNX Runtime have no convolution of signed weights
    quantize_dynamic(model_path("wav2small"), path, weight_type=QuantType.QUInt8)
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert {"ConvInteger", "MatMulInteger"} <= kinds
    whole, quantised = graph_cost(model_path("wav2small")), graph_cost(path)
    assert quantised["onnx_bytes"] < whole["onnx_bytes"]
    assert quantised["tokens_per_second"] == whole["tokens_per_second"]
    # Not what the file says, which stays when it is quantised
    assert gmac(observe(path)) == gmac(observe(model_path("wav2small")))
    assert num_parameters(onnx.load(path)) == wide_parameters()


def test_constants_and_scales():
    make, array = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes = [
        make("Constant", [], ["weight"], value=array(np.ones((3, 4), np.float32))),
        make("DequantizeLinear", ["small", "scale", "zero"], ["weights"], axis=0),
    ]
    stored = {
        "small": np.ones((2, 5), np.int8),
        "scale": np.ones(2, np.float32),
        "zero": np.zeros(2, np.int8),
        "shape": np.ones(3, np.int64),
        "one": np.ones((), np.float32),
    }
    weights = [array(values, name) for name, values in stored.items()]
    graph = onnx.helper.make_graph(nodes, "graph", [], [], weights)
    assert num_parameters(onnx.helper.make_model(graph)) == 3 * 4 + 2 * 5


@pytest.mark.parametrize(
    "kind, inputs, output, macs",
    [
        ("Conv", [[1, 8, 100], [16, 8, 3]], [1, 16, 98], 98 * 16 * 8 * 3),
        ("Conv", [[1, 8, 9, 9], [8, 1, 3, 3], [8]], [1, 8, 7, 7], 49 * 8 * 9),
        ("QLinearConv", [[1, 8, 5], [], [], [4, 8, 1]], [1, 4, 5], 4 * 8 * 5),
        ("MatMul", [[2, 5, 7, 3], [3, 4]], [2, 5, 7, 4], 2 * 5 * 7 * 3 * 4),
        ("Gemm", [[5, 6], [6, 7]], [5, 7], 5 * 6 * 7),
        ("Gemm", [[6, 5], [6, 7]], [5, 7], 5 * 6 * 7),
        ("Relu", [[5, 6]], [5, 6], 0),
        ("Einsum", [[5, 6], [6, 7]], [5, 7], None),
    ],
)
def test_operations(kind, inputs, output, macs):
    expected = None if macs is None else macs / 1e9
    assert gmac([Operation(kind, inputs, output)]) == expected


def test_memory_is_measured_in_a_process_of_its_own():
    ballast = np.ones(2**26)
    assert peak_ram(None) < ballast.nbytes


def test_process_that_fails():
    with pytest.raises(ChildProcessError, match="memory of 'nobody'.*no model"):
        peak_ram("nobody")
