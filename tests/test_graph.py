"""Published graphs are made to take the signal as it is."""

import numpy as np
import onnx
import onnxruntime
import pytest
from loopback import CARD

from audw2s.model.hub.graph import read_published

LENGTHS = (64, 399, 400, 401, 8001, 24681)


def raw_graph(opset):
    """The signal as hidden states; 1, 2 and 3 times its maximum as logits."""
    make, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    axes = {"axes": [1]} if opset < 18 else {}
    inputs = ["signal"] if opset < 18 else ["signal", "axes"]
    nodes = [
        make("Identity", ["signal"], ["hidden_states"]),
        make("ReduceMax", inputs, ["largest"], **axes),
        make("Mul", ["largest", "head"], ["logits"]),
    ]
    values = {"head": np.float32([[1, 2, 3]]), "axes": np.int64([1])}
    outputs = [("hidden_states", [1, "time"]), ("logits", [1, 3])]
    return onnx.helper.make_graph(
        nodes,
        "raw",
        [tensor("signal", onnx.TensorProto.FLOAT, [1, "time"])],
        [tensor(name, onnx.TensorProto.FLOAT, shape) for name, shape in outputs],
        [onnx.numpy_helper.from_array(v, k) for k, v in values.items()],
    )


@pytest.mark.parametrize("opset", [11, 13, 17, 18])
def test_normalisation_is_put_before_older_graphs(tmp_path, opset):
    graph = raw_graph(opset)
    imports = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=7)
    onnx.save(model, tmp_path / "model.onnx")
    (tmp_path / "model.yaml").write_text(CARD)
    found = read_published(str(tmp_path))
    onnx.checker.check_model(found)
    session = onnxruntime.InferenceSession(found.SerializeToString())
    rng = np.random.default_rng(0)
    for length in LENGTHS:
        signal = (0.1 * rng.standard_normal(length)).astype(np.float32)
        hidden, logits = session.run(None, {"signal": signal[None]})
        x = signal.astype(np.float64)
        whole = (x - x.mean()) / np.sqrt(x.var() + 1e-7)
        assert hidden.shape == (1, max(400, len(signal)))
        np.testing.assert_allclose(hidden[0, : len(x)], whole, atol=1e-5)
        assert not hidden[0, len(x) :].any()
        np.testing.assert_allclose(
            logits[0], hidden.max() * np.array([1, 2, 3]), rtol=1e-5
        )


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (CARD.replace("arousal, dominance", "dominance, arousal"), "has labels"),
        ("$os.system: {command: touch /}", "has labels {}"),
        ("[", "can't be read"),
    ],
)
def test_labels_in_another_order(tmp_path, card, words):
    (tmp_path / "model.yaml").write_text(card)
    with pytest.raises(ValueError, match=words):
        read_published(str(tmp_path))
