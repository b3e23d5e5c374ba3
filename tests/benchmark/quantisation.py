"""Ways to store a student in fewer bits: size, agreement with float32, speed.

Each scheme but the first few is what ``audw2s distill quantise`` does, with one
thing changed. All are calibrated with the same clips, and time is taken in one
process and on one thread, in interleaved rounds, for the same five seconds of speech.

    python tests/benchmark/quantisation.py [wav2small]
        [--calibration emodb.csv librispeech.csv emogator.csv]
        [--evaluation ravdess.csv] [--num-clips 30] [--rounds 31]

Without corpora, half of the example clips calibrate and the others evaluate: CCC
says little of so few. With 1,440 clips it takes a core a quarter of an hour.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization import QuantFormat
from onnxruntime.quantization import QuantType
from onnxruntime.quantization import quantize_dynamic
from recordings import CLIPS
from recordings import speech

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.clips import usable_clips
from audw2s.distill.quantise import PREPARED
from audw2s.distill.quantise import agreement
from audw2s.distill.quantise import centred
from audw2s.distill.quantise import draw_clips
from audw2s.distill.quantise import integer_nodes
from audw2s.distill.quantise import logits
from audw2s.distill.quantise import quantise
from audw2s.distill.quantise import static
from audw2s.distill.quantise import transposed
from audw2s.evaluation.processor import processor
from audw2s.model.load import load

Schemes = dict[str, Callable[[], onnx.ModelProto]]

FLOAT_SUMS = {"OpTypesToExcludeOutputQuantization": ["MatMul"]}


def storage_schemes(model: onnx.ModelProto) -> Schemes:
    """Calculate in float32, whatever the weights are stored as."""
    return {
        "float32, weights on the right": lambda: model,
        "float16 storage": lambda: stored(model, as_float16),
        "int8 storage": lambda: stored(model, as_int8),
    }


def stored(model: onnx.ModelProto, convert: Callable) -> onnx.ModelProto:
    """Store the weights of a network's integer nodes, as a graph restores them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes, weights = list(copy.graph.node), list(copy.graph.initializer)
    by_name = {node.name: node for node in nodes}
    inputs = [by_name[name].input for name in integer_nodes(model)]
    heavy = {names[1] for names in inputs if len(names) > 1}
    del copy.graph.node[:], copy.graph.initializer[:]
    for weight in weights:
        if weight.name in heavy:
            values = onnx.numpy_helper.to_array(weight)
            convert(copy.graph, weight.name, values)
        else:
            copy.graph.initializer.append(weight)
    copy.graph.node.extend(nodes)
    return copy


def as_float16(graph: onnx.GraphProto, name: str, values: np.ndarray) -> None:
    """Sessions cast it once, when they are opened."""
    half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
    graph.initializer.append(half)
    cast = onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT)
    graph.node.append(cast)


def as_int8(graph: onnx.GraphProto, name: str, values: np.ndarray) -> None:
    """As above; sessions would dequantise again in each run."""
    # (out, in, ...) of convolutions, (in, out) of matrices
    axes = (0,) if values.ndim == 2 else tuple(range(1, values.ndim))
    scale = np.abs(values).max(axis=axes, keepdims=True) / 127
    # Channels of zeros
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    integers = np.round(values / scale).astype(np.int8)
    for end, array in [("int8", integers), ("scale", scale)]:
        tensor = onnx.numpy_helper.from_array(array, f"{name}.{end}")
        graph.initializer.append(tensor)
    names = [f"{name}.{end}" for end in ("int8", "float", "scale")]
    cast = onnx.helper.make_node("Cast", names[:1], names[1:2], to=1)
    graph.node.extend([cast, onnx.helper.make_node("Mul", names[1:], [name])])


def dynamic(model: onnx.ModelProto) -> onnx.ModelProto:
    """Ranges of activations are found in each run."""
    prepared = onnx.ModelProto()
    prepared.CopyFrom(model)
    onnx.helper.set_model_props(prepared, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(prepared, f"{folder}/in")
        quantize_dynamic(
            f"{folder}/in",
            f"{folder}/out",
            nodes_to_quantize=integer_nodes(model),
            per_channel=True,
            # Signed convolutions don't exist
            weight_type=QuantType.QUInt8,
        )
        return onnx.load(f"{folder}/out")


def static_schemes(model: onnx.ModelProto, clips: list[np.ndarray]) -> Schemes:
    """Ours, with one thing changed in each."""
    kinds = {node.name: node.op_type for node in model.graph.node}
    names = integer_nodes(model)
    matrices = [name for name in names if kinds[name] == "MatMul"]
    others = [name for name in names if kinds[name] != "MatMul"]
    # The front end's are of one dimension
    weights = {weight.name: weight for weight in model.graph.initializer}
    convolutions = [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and len(weights[node.input[1]].dims) == 4
    ]

    expected = logits(model, clips)

    def ours(**options: object) -> onnx.ModelProto:
        return centred(static(model, clips, **options), expected, clips)

    def calibrated(method: CalibrationMethod, **options: object) -> onnx.ModelProto:
        # Histograms are of a clip at a time
        options |= FLOAT_SUMS | {"CalibStridedMinMax": 1}
        return ours(calibrate_method=method, extra_options=options)

    return {
        "everything": lambda: ours(nodes_to_quantize=None, extra_options={}),
        "first convolution too": lambda: ours(
            nodes_to_quantize=[*convolutions[:1], *names]
        ),
        "convolutions only": lambda: ours(nodes_to_quantize=others),
        "matrices only": lambda: ours(nodes_to_quantize=matrices),
        "sums as integers": lambda: ours(extra_options={}),
        "operators (QOperator)": lambda: ours(quant_format=QuantFormat.QOperator),
        "per tensor": lambda: ours(per_channel=False),
        "signed activations": lambda: ours(
            activation_type=QuantType.QInt8,
            extra_options=FLOAT_SUMS | {"ActivationSymmetric": True},
        ),
        "weights of 8 bits": lambda: ours(reduce_range=False),
        "percentile 99.99": lambda: calibrated(
            CalibrationMethod.Percentile, CalibPercentile=99.99
        ),
        "entropy": lambda: calibrated(CalibrationMethod.Entropy),
        "bias as it was": lambda: static(model, clips),
        "audw2s distill quantise": lambda: quantise(model, clips),
    }


def time_all(models: dict[str, onnx.ModelProto], rounds: int) -> dict[str, float]:
    """Median milliseconds, of rounds in which each model runs once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        for name, model in models.items()
    }
    signal = {"signal": speech(5).astype(np.float32)[None]}
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for number in range(rounds + 1):
        for name, session in sessions.items():
            start = time.perf_counter()
            session.run(["logits"], signal)
            # The first round warms up
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(taken) for name, taken in times.items()}


def describe(name: str, model: onnx.ModelProto, figures: dict, took: float) -> dict:
    """Make a row of the table."""
    return {
        "scheme": name,
        "KB": len(model.SerializeToString()) / 1000,
        **{f"CCC {key[0].upper()}": ccc for key, ccc in figures["ccc"].items()},
        "difference": max(figures["difference"].values()),
        "ms": took,
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="wav2small")
    parser.add_argument("--calibration", nargs="+", default=[str(CLIPS)])
    parser.add_argument("--evaluation", help="other clips of these by default")
    parser.add_argument("--num-clips", type=int, default=30, help="of each corpus")
    parser.add_argument("--rounds", type=int, default=31)
    arguments = parser.parse_args()
    calibration, clips = draw_clips(arguments.calibration, arguments.num_clips)
    if arguments.evaluation:
        clips = usable_clips(read_corpus(arguments.evaluation))[1]
    original = onnx.load(load(arguments.model).path)
    model = transposed(original)
    schemes = {"float32": lambda: original, **storage_schemes(model)}
    schemes |= {"dynamic": lambda: dynamic(model)}
    schemes |= static_schemes(model, calibration)
    # Calibration tells on the standard output what it is at
    with contextlib.redirect_stdout(None):
        models = {name: make() for name, make in schemes.items()}
    times = time_all(models, arguments.rounds)
    expected = logits(model, clips)
    rows = [
        describe(name, made, agreement(expected, logits(made, clips)), times[name])
        for name, made in models.items()
    ]
    table = pd.DataFrame(rows)
    table["/ float32"] = table["ms"] / table["ms"][0]
    print(f"{processor()}, {arguments.model}, {len(calibration)} clips calibrate,")
    print(f"{len(clips)} others evaluate; 5 s of speech, one thread, medians of")
    print(f"{arguments.rounds} rounds, onnxruntime {onnxruntime.__version__}")
    formats = {"KB": "{:.1f}", "ms": "{:.1f}", "/ float32": "{:.2f}"}
    formats = {name: form.format for name, form in formats.items()}
    print(table.to_string(index=False, formatters=formats, float_format="%.4f"))


if __name__ == "__main__":
    main()
