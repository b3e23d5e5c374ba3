"""Cost of a model: parameters, operations, memory, time.

All for 5 s of speech, as in the paper's table, on the CPU and on one thread. A mean
of models costs what its members do, one after the other.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnxruntime import GraphOptimizationLevel

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.inference.network import Network
from audw2s.interpreter import interpreter
from audw2s.model.find import members
from audw2s.model.find import model_path

DURATION = 5.0
"""Duration in seconds of the signal that costs are counted and measured for."""

NUM_ROUNDS = 31
"""Default number of rounds in which each model is timed."""

WEIGHTS = {"Conv": 1, "ConvInteger": 1, "FusedConv": 1, "QLinearConv": 3}
"""Input of a convolution that has its weights ``(out, in / groups, *kernel)``."""

PRODUCTS = ("MatMul", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul")
"""Products of matrices: the last axis of the first input is summed over."""

GENERAL_PRODUCTS = ("Gemm", "QGemm")
"""Products of two matrices of which the first may be transposed."""

SCALES = {
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QGemm": (1, 2, 4, 5, 7, 8),
}
"""Inputs that are scales and zero points of quantised values."""

SOFTMAX = ("Softmax", "QLinearSoftmax")
"""Operations that weigh tokens."""

NOT_COUNTED = (
    *("Attention", "MultiHeadAttention", "QAttention"),
    *("GRU", "LSTM", "RNN"),
    *("ConvTranspose", "Einsum", "MatMulNBits"),
)
"""Operations with products that aren't counted, so that a sum would be wrong."""


class Operation(NamedTuple):
    """An operation of a graph that ran, with the shapes that were really there."""

    kind: str
    inputs: list[list[int]]
    output: list[int]


def signal(duration: float = DURATION) -> np.ndarray:
    """Noise ``(1, num_samples)``, the same on each call."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((1, int(duration * SAMPLING_RATE)))
    return (0.1 * values).astype(np.float32)


def observe(path: str, duration: float = DURATION) -> list[Operation]:
    """Run a graph once and note the shapes of all that it does.

    Not by ``onnx.shape_inference``, which doesn't know shapes behind the slices and
    minima of Whisper.

    Args:
        path: path of the ONNX file
        duration: duration of the signal in seconds

    Returns:
        operations in the order in which they ran

    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # The graph as it is in the file: nothing fused, no weights rearranged
    options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = os.path.join(folder, "profile")
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        session.run(None, {session.get_inputs()[0].name: signal(duration)})
        with open(session.end_profiling(), encoding="utf-8") as file:
            events = json.load(file)
    notes = [event.get("args", {}) for event in events]
    return [_operation(note) for note in notes if "input_type_shape" in note]


def _operation(arguments: dict) -> Operation:
    """Read an entry of the profile; a shape is noted as ``{type: shape}``."""
    inputs, outputs = (
        [shape for entry in arguments[key] for shape in entry.values()]
        for key in ("input_type_shape", "output_type_shape")
    )
    return Operation(arguments["op_name"], inputs, outputs[0] if outputs else [])


def gmac(operations: Iterable[Operation]) -> float | None:
    """Billions of multiply-accumulates of convolutions and matrix products.

    The front end counts, and zeros that fill channels do: all as it is in the graph.

    Args:
        operations: operations of one run, see :func:`observe`

    Returns:
        the sum, ``None`` if there is an operation whose products aren't counted

    Examples:
        >>> gmac([Operation("MatMul", [[1, 1000, 100], [100, 20]], [1, 1000, 20])])
        0.002
        >>> gmac([Operation("LSTM", [[9, 1, 4]], [9, 1, 1, 4])]) is None
        True

    """
    operations = list(operations)
    if any(operation.kind in NOT_COUNTED for operation in operations):
        return None
    return sum(map(_macs, operations)) / 1e9


def _macs(operation: Operation) -> int:
    """Multiply-accumulates: values of the output times products in each."""
    kind, inputs, output = operation
    if kind in WEIGHTS:
        return math.prod(output) * math.prod(inputs[WEIGHTS[kind]][1:])
    if kind in PRODUCTS:
        return math.prod(output) * inputs[0][-1]
    if kind in GENERAL_PRODUCTS:
        # (rows, summed) or its transpose, times (summed, columns)
        return math.prod(inputs[0]) * output[1]
    return 0


def tokens_per_second(
    longer: Sequence[Operation], shorter: Sequence[Operation]
) -> float | None:
    """Number of tokens per second of speech, according to the graph.

    The last softmax of the graph weighs the tokens that are pooled over time, or that
    are attended to in transformers without attentive pooling. Its axis of time is the
    one that is shorter for a shorter signal.

    Args:
        longer: operations for :data:`DURATION` seconds, see :func:`observe`
        shorter: operations for fewer seconds

    Returns:
        tokens per second, ``None`` if there is no softmax, or not one such length

    Examples:
        >>> longer = Operation("Softmax", [[1, 1250, 169]], [1, 1250, 169])
        >>> shorter = Operation("Softmax", [[1, 625, 169]], [1, 625, 169])
        >>> tokens_per_second([longer], [shorter])
        250.0
        >>> tokens_per_second([longer], [longer]) is None
        True

    """
    pair = [[o.output for o in run if o.kind in SOFTMAX] for run in (longer, shorter)]
    if not all(pair):
        return None
    long, short = (outputs[-1] for outputs in pair)
    lengths = {a for a, b in zip(long, short, strict=True) if a != b}
    return lengths.pop() / DURATION if len(lengths) == 1 else None


def num_parameters(model: onnx.ModelProto) -> int:
    """Count the values that a graph is stored with, its fixed front end included.

    Shapes and indices (int64), single numbers, and the scales and zero points of
    quantised weights don't count; zeros that fill channels do. A batch normalisation
    that was folded into its convolution has one value per channel left.

    Examples:
        >>> num_parameters(onnx.load(model_path("whisper-tiny-adv")))
        6617331

    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    scales = set()
    for node in model.graph.node:
        inputs = dict(enumerate(node.input))
        scales |= {inputs.get(place) for place in SCALES.get(node.op_type, ())}
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    sizes = [
        math.prod(tensor.dims)
        for name, tensor in tensors.items()
        if tensor.data_type != onnx.TensorProto.INT64 and name not in scales
    ]
    return sum(size for size in sizes if size > 1)


def graph_cost(path: str) -> dict[str, float | None]:
    """Cost that follows from an ONNX file alone, see :func:`costs`.

    Metadata of exported students have the figures of the network; its graph has more,
    as channels are padded with zeros. Other graphs are counted.

    Examples:
        >>> cost = graph_cost(model_path("wav2small"))
        >>> cost["parameters"], round(cost["gmac"], 3)
        (72659, 0.391)

    """
    model, operations = onnx.load(path), observe(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    cost = {
        "parameters": num_parameters(model),
        "gmac": gmac(operations),
        "onnx_bytes": os.path.getsize(path),
        "tokens_per_second": tokens_per_second(operations, observe(path, DURATION / 2)),
    }
    if "parameters" in metadata and "gmac" in metadata:
        cost["parameters"] = int(metadata["parameters"])
        cost["gmac"] = float(metadata["gmac"])
    return cost


def files(name: str) -> list[str]:
    """Paths of the ONNX files of a model, or of the members of a mean.

    Examples:
        >>> [os.path.basename(path) for path in files("wav2small")]
        ['model.onnx']

    """
    parts = members(name)
    if not parts:
        return [model_path(name)]
    return [path for part in parts for path in files(part)]


def summed(parts: Sequence[dict[str, float | None]]) -> dict[str, float | None]:
    """Cost of several graphs that run one after the other.

    A sum with an unknown figure is unknown. Tokens don't add up: they are those of
    all graphs, ``None`` if they differ.

    Examples:
        >>> one = {"gmac": 0.5, "tokens_per_second": 50.0}
        >>> summed([one, one])
        {'gmac': 1.0, 'tokens_per_second': 50.0}
        >>> summed([one, {"gmac": None, "tokens_per_second": 250.0}])
        {'gmac': None, 'tokens_per_second': None}

    """
    total: dict[str, float | None] = {}
    for key in parts[0]:
        values = [part[key] for part in parts]
        if key == "tokens_per_second":
            total[key] = values[0] if len(set(values)) == 1 else None
        else:
            total[key] = None if None in values else sum(filter(None, values))
    return total


def latencies(models: Sequence[str], num_rounds: int = NUM_ROUNDS) -> np.ndarray:
    """Time models in interleaved rounds, on one thread, when they are warm.

    On a busy machine the rounds of all models suffer alike; the CPU time of the
    thread, which excludes waiting, suffers least.

    Args:
        models: names or folders, see :func:`audw2s.load`
        num_rounds: number of rounds in which each model processes 5 s

    Returns:
        ``(2, num_rounds, num_models)``, in seconds: latency and time on the CPU

    """
    networks = [Network(model) for model in models]
    noise = signal()[0]
    times = np.empty((num_rounds, len(networks), 2))
    for network in networks:
        network(noise)
    for row in times:
        for number, network in enumerate(networks):
            start = time.perf_counter(), time.thread_time()
            network(noise)
            row[number] = time.perf_counter(), time.thread_time()
            row[number] -= start
    return np.moveaxis(times, -1, 0)


def peak_ram(model: str | None) -> int:
    """Largest memory of a fresh process that loads a model and processes 5 s.

    It is that of the whole process: Python, its libraries, the model.

    Args:
        model: name or folder, ``None`` for a process that only imports what the
            others do

    Returns:
        in bytes

    Raises:
        ChildProcessError: if the process fails, say as there is no memory left

    """
    code = "import sys; from audw2s.evaluation.cost import _run; print(_run(sys.argv))"
    done = subprocess.run(
        [interpreter(), "-c", code, *([model] if model else [])],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ChildProcessError(
            f"The process that measures the memory of '{model}' ended with "
            f"{done.returncode}: {reason}"
        )
    return int(done.stdout)


def _run(arguments: list[str]) -> int:
    """Process 5 s in the fresh process, return its peak memory in bytes."""
    for model in arguments[1:]:
        Network(model)(signal()[0])
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            # Not ru_maxrss: on Linux it starts with the peak of the process that
            # started this one, which holds several models
            (line,) = (line for line in file if line.startswith("VmHWM"))
            return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def costs(
    models: Sequence[str], num_rounds: int = NUM_ROUNDS
) -> list[dict[str, float | None]]:
    """Measure what models cost for 5 s, on one thread of this machine.

    Args:
        models: names or folders, see :func:`audw2s.load`
        num_rounds: see :func:`latencies`

    Returns:
        for each model ``parameters``, ``gmac``, ``onnx_bytes``,
        ``tokens_per_second``, ``peak_ram_bytes`` of a whole process,
        ``latency_ms`` and ``cpu_ms`` (medians) and ``latency_ratio`` to the first
        model (median over rounds); ``None`` for what doesn't follow from the graph

    Raises:
        ValueError: if there is no such model
        ChildProcessError: see :func:`peak_ram`

    """
    graphs = [summed([graph_cost(path) for path in files(model)]) for model in models]
    memory = [peak_ram(model) for model in models]
    times, busy = latencies(models, num_rounds)
    ratios = np.median(times / times[:, :1], axis=0)
    milliseconds = 1000 * np.median([times, busy], axis=1)
    names = ("peak_ram_bytes", "latency_ms", "cpu_ms", "latency_ratio")
    measured = zip(memory, *milliseconds.tolist(), ratios.tolist(), strict=True)
    return [
        graph | dict(zip(names, values, strict=True))
        for graph, values in zip(graphs, measured, strict=True)
    ]
