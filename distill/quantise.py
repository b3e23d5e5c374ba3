"""Quantise a student to eight-bit integers, for a smaller and faster model.

Choices and their reasons (``tests/benchmark/quantisation.py`` compares others):

- Static, as pairs of QuantizeLinear and DequantizeLinear, weights per channel. The
  ranges of activations are the lowest and highest values that clips give.
- The front end stays in float: 256 steps are too few for a spectrum, whose powers
  span ten decades. So does the first convolution, which integers make no quicker.
- Outputs of the two matrices of the pooling stay in float, for the softmax over time.
- Weights use seven of their eight bits. Processors without VNNI add two products
  in 16 bits: with eight bits some of these sums don't fit, and values would depend
  on the processor. The coarser rounding mostly shifts all values of a dimension alike:
  the last bias is corrected by the mean shift.
- Exports have 16 channels for 13 already
  (:func:`audw2s.distill.optimise_graph.widened`), which suits kernels of integers
  even more than those of floats.
"""

import copy
import math
import os
import tempfile
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader
from onnxruntime.quantization import QuantFormat
from onnxruntime.quantization import QuantType
from onnxruntime.quantization import quantize_static

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.clips import readable_clips
from audw2s.distill.speech_layer import moved_layer
from audw2s.distill.speech_layer import without_layer
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.model.find import members
from audw2s.model.find import sha256
from audw2s.model.load import load
from audw2s.model.origins import PROPERTY
from audw2s.model.origins import origins_of
from audw2s.model.registry import DIMENSIONS
from audw2s.model.store import properties
from audw2s.model.store import save
from audw2s.version import __version__

TOLERANCE = 0.01
"""Largest mean absolute difference to the float model, for each dimension."""

CLIP_DUR = 10.0
"""Seconds of a clip that are used: ranges don't grow with its length."""

PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Tells ONNX Runtime that batch normalisations are folded already."""


def quantise(model: onnx.ModelProto, clips: Iterable[np.ndarray]) -> onnx.ModelProto:
    """Quantise a student, as the module describes.

    The order of the clips doesn't matter.

    Args:
        model: float32 model, made by :func:`audw2s.distill.export.student_to_onnx`
        clips: clips for calibration, each ``(num_samples,)``, float32, 16 kHz

    Returns:
        model with the same inputs, outputs and properties

    Raises:
        ValueError: if there are no clips, if the model is quantised already, gives
            NaN, or has nothing to quantise

    """
    clips = list(clips)
    if not clips:
        raise ValueError("There are no clips to calibrate with.")
    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise ValueError("The model is quantised already.")
    expected = logits(model, clips)
    if not np.isfinite(expected).all():
        raise ValueError("The model gives NaN, which integers can't represent.")
    integers = static(transposed(without_layer(model)), clips)
    return moved_layer(model, centred(integers, expected, clips))


def transposed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Put weights of matrix products on the right, as a copy.

    ``W @ x`` becomes the transpose of ``x.T @ W.T``: only weights on the right are
    quantised per channel, and by kernels of integers.
    """
    model = copy.deepcopy(model)
    weights = {weight.name: weight for weight in model.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        spectral = not any(n.op_type == "Log" for n in nodes)
        if node.op_type != "MatMul" or node.input[0] not in weights or spectral:
            nodes.append(node)
            continue
        (left, right), (result,) = node.input, node.output
        values = np.ascontiguousarray(onnx.numpy_helper.to_array(weights[left]).T)
        weights[left].CopyFrom(onnx.numpy_helper.from_array(values, left))
        rows, turned = f"{result}.rows", f"{result}.turned"
        node.input[:], node.output[:] = [rows, left], [turned]
        nodes += [_flip(right, rows), node, _flip(turned, result)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _flip(source: str, target: str) -> onnx.NodeProto:
    """Transpose each matrix of a batch."""
    return onnx.helper.make_node(
        "Transpose", [source], [target], name=f"{target}.flip", perm=[0, 2, 1]
    )


def static(
    model: onnx.ModelProto, clips: Sequence[np.ndarray], **options: object
) -> onnx.ModelProto:
    """Quantise what comes after the first convolution.

    Args:
        model: in float32
        clips: clips for calibration
        options: options of ``onnxruntime.quantization.quantize_static``

    Raises:
        ValueError: if there is nothing in the model to quantise

    """
    chosen = {
        "nodes_to_quantize": integer_nodes(model),
        "quant_format": QuantFormat.QDQ,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
        "per_channel": True,
        "reduce_range": True,
        "extra_options": {"OpTypesToExcludeOutputQuantization": ["MatMul"]},
    }
    prepared = copy.deepcopy(model)
    onnx.helper.set_model_props(prepared, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        # From a model in memory, quantize_static would move the weights into files
        source, target = (os.path.join(folder, name) for name in ("in", "out"))
        onnx.save(prepared, source)
        quantize_static(source, target, _Reader(clips), **(chosen | options))
        quantised = onnx.load(target)
    onnx.helper.set_model_props(quantised, properties(model))
    # Remove the shapes that quantize_static inferred
    del quantised.graph.value_info[:]
    quantised.graph.value_info.extend(model.graph.value_info)
    return quantised


def integer_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that are quantised.

    Raises:
        ValueError: if there are none

    """
    constants = {weight.name for weight in model.graph.initializer}
    # The front end ends with a logarithm
    spectral: set[str] = set()
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Log" or not spectral.isdisjoint(node.input):
            spectral.update(node.output)
            nodes.append(node)
    convolutions = [node for node in nodes if node.op_type == "Conv"]
    products = [n for n in nodes if n.op_type == "MatMul" and n.input[1] in constants]
    between = [node for node in nodes if node.op_type in ("Relu", "MaxPool")]
    names = [node.name for node in [*convolutions[1:], *products]]
    if not names:
        raise ValueError(
            "The model has no convolution or matrix after a log-mel spectrogram, "
            "as students have: there is nothing to quantise."
        )
    return names + [node.name for node in between]


class _Reader(CalibrationDataReader):
    """Clips in the form that ONNX Runtime needs for calibration."""

    def __init__(self, clips: Sequence[np.ndarray]):
        self.clips = iter(clips)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next clip, ``None`` at the end."""
        clip = next(self.clips, None)
        return None if clip is None else {"signal": clip[None]}


def centred(
    model: onnx.ModelProto, expected: np.ndarray, clips: Sequence[np.ndarray]
) -> onnx.ModelProto:
    """Copy of a model whose last bias is shifted, so that logits are right on average.

    Args:
        model: quantised
        expected: expected logits ``(num_clips, 3)``
        clips: clips of these logits

    """
    differences = expected - logits(model, clips)
    # Exact sums don't depend on the order of the clips
    shift = [math.fsum(column) / len(clips) for column in differences.T]
    model = copy.deepcopy(model)
    last = next(node for node in model.graph.node if "logits" in node.output)
    for weight in model.graph.initializer:
        if weight.name in last.input and list(weight.dims) == [len(DIMENSIONS)]:
            bias = (onnx.numpy_helper.to_array(weight) + shift).astype(np.float32)
            weight.CopyFrom(onnx.numpy_helper.from_array(bias, weight.name))
    return model


def logits(model: onnx.ModelProto, clips: Iterable[np.ndarray]) -> np.ndarray:
    """Logits ``(num_clips, 3)`` of a model for clips, float64; on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    values = [session.run(["logits"], {"signal": clip[None]})[0] for clip in clips]
    return np.concatenate(values).astype(np.float64)


def draw_clips(
    corpora: Sequence[str],
    num_clips: int,
    seed: int = 0,
    *,
    columns: Mapping[str, str] | None = None,
    verbose: bool = False,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw clips to calibrate with, and others to check the result on.

    Args:
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        num_clips: clips per corpus and kind; half of the corpus if it has fewer
        seed: seed of the draw
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        verbose: show progress bars

    Returns:
        two lists of arrays ``(num_samples,)``, float32, 16 kHz, cut to
        :data:`CLIP_DUR`

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if a corpus has one clip only

    """
    rng = np.random.default_rng(seed)
    calibration, held_out = [], []
    for path in corpora:
        table = read_corpus(path, columns)
        if len(table) < 2:
            raise ValueError(f"'{path}' needs at least two clips, it has one.")
        table = table.iloc[rng.permutation(len(table))[: 2 * num_clips]]
        whole = readable_clips(table, verbose=verbose)
        clips = [clip[: int(CLIP_DUR * SAMPLING_RATE)] for _, clip in whole]
        if len(clips) < 2:
            raise ValueError(f"'{path}' needs at least two clips that can be read.")
        calibration += clips[: len(clips) // 2]
        held_out += clips[len(clips) // 2 :]
    return calibration, held_out


def agreement(expected: np.ndarray, logits: np.ndarray) -> dict[str, dict]:
    """Compare logits ``(num_clips, 3)``.

    Returns:
        ``difference`` (mean absolute) and ``ccc``, each by dimension

    Examples:
        >>> expected = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
        >>> agreement(expected, expected + [0.0, 0.25, 0.5])["difference"]
        {'arousal': 0.0, 'dominance': 0.25, 'valence': 0.5}

    """
    means = np.abs(expected - logits).mean(axis=0)
    difference = dict(zip(DIMENSIONS, map(float, means), strict=True))
    return {"difference": difference, "ccc": ccc_by_dimension(expected, logits)}


def in_words(figures: dict[str, dict]) -> str:
    """Agreement of logits in words.

    Examples:
        >>> in_words({"difference": {"valence": 0.004}, "ccc": {"valence": 0.9991}})
        'by 0.0040 (valence) on average, CCC 0.9991'

    """
    differences = (f"{v:.4f} ({k})" for k, v in figures["difference"].items())
    cccs = ("unknown" if v is None else f"{v:.4f}" for v in figures["ccc"].values())
    return f"by {', '.join(differences)} on average, CCC {', '.join(cccs)}"


def quantise_student(
    model: str,
    corpora: Sequence[str],
    out: str,
    name: str | None = None,
    *,
    num_clips: int = 30,
    columns: Mapping[str, str] | None = None,
    verbose: bool = False,
) -> tuple[str, dict[str, dict]]:
    """Quantise a student, and write a model folder.

    Args:
        model: name or folder of the student, see :func:`audw2s.load`
        corpora: corpora with clips for calibration and for a check; the result depends
            on them, so their licences have to allow it
        out: folder of the model
        name: name of the model, by default that of the student with ``-int8``
        num_clips: clips per corpus for calibration; as many others for the check
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        verbose: show progress bars

    Returns:
        sha256 of the ONNX file, and how well it agrees with the student on clips
        that it wasn't calibrated with, see :func:`agreement`

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if there is no such model, it can't be quantised, a clip can't
            be read, or a dimension differs by more than :data:`TOLERANCE`; nothing
            is written

    """
    if members(model):
        raise ValueError(f"'{model}' is several models: quantise one.")
    student = load(model)
    labels = student.labels("logits")
    original = onnx.load(student.path)
    entries = properties(original)
    if "student" not in entries:
        raise ValueError(f"'{model}' wasn't written by 'audw2s distill export'.")
    calibration, held_out = draw_clips(
        corpora, num_clips, columns=columns, verbose=verbose
    )
    quantised = quantise(original, calibration)
    order = [labels.index(dimension) for dimension in DIMENSIONS]
    both = (logits(graph, held_out)[:, order] for graph in (original, quantised))
    figures = agreement(*both)
    # Not "any larger": NaN has to fail
    if not all(value <= TOLERANCE for value in figures["difference"].values()):
        raise ValueError(
            f"In integers the model differs {in_words(figures)} on {len(held_out)} "
            f"clips, {TOLERANCE:g} at most is allowed. It was not written."
        )
    entries |= {
        "name": name or f"{entries['name']}-int8",
        "version": __version__,
        "quantised": "int8",
        PROPERTY: origins_of(model).to_json(),
        "quantised_from": sha256(student.path),
    }
    return save(quantised, out, entries, labels=labels), figures
