"""Export a torch network to an ONNX file that takes the raw signal."""

import logging
import os
import warnings
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from audw2s.distill.optimise_graph import OptimisedStudent
from audw2s.distill.optimise_graph import locality
from audw2s.distill.optimise_graph import widened
from audw2s.distill.origins import of_training
from audw2s.distill.students import load_student
from audw2s.distill.students.student import Student
from audw2s.model.cascade import CascadeSession
from audw2s.model.origins import PROPERTY
from audw2s.model.store import properties
from audw2s.model.store import save
from audw2s.version import __version__

TOLERANCE = 1e-4
"""Largest difference of logits that an export of an encoder may make."""


def tolerance(network: nn.Module) -> float:
    """Largest difference of logits that an export of a student may make.

    Rounding adds up over the layers of MobileNets.

    Examples:
        >>> tolerance(nn.Linear(9, 9)), tolerance(nn.Linear(1000, 1000))
        (1e-05, 0.0001)

    """
    return 1e-5 if num_parameters(network) < 1_000_000 else TOLERANCE


def to_onnx(
    network: nn.Module, inner: Sequence[str] = (), batches: bool = False
) -> onnx.ModelProto:
    """Export a network: ``signal`` [1, time] to ``hidden_states`` and ``logits``.

    Args:
        network: torch module, from ``(batch, time)`` to hidden states and logits
        inner: names of further values that it returns: in the graph they are inner
            values with these names, and no outputs
        batches: see :func:`export_graph`

    """
    outputs = ["hidden_states", "logits", *inner]
    example = torch.randn(1, 32000)
    model = export_graph(network, "signal", example, outputs, batches)
    model.graph.value_info.extend(model.graph.output[2:])
    del model.graph.output[2:]
    return model


def export_graph(
    network: nn.Module,
    name: str,
    example: torch.Tensor,
    outputs: Sequence[str],
    batches: bool = False,
) -> onnx.ModelProto:
    """Export a network with one input.

    Args:
        network: torch module
        name: name of the input; a ``signal`` may have any length from 64 samples on
        example: example of the input
        outputs: names of the outputs
        batches: whether the graph can take several signals at once. Its file declares
            one, as audonnx allows a single free axis

    """
    # The exporter warns of torchvision and of its own deprecations on each call
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    free = {1: torch.export.Dim("time", min=64)} if name == "signal" else {}
    if batches:
        example = example.repeat(2, 1)
        free[0] = torch.export.Dim("batch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # Recurrent layers keep a list of their weights
        warnings.filterwarnings("ignore", "The tensor attributes", UserWarning)
        program: Any = torch.onnx.export(
            network.eval(),
            (example,),
            input_names=[name],
            output_names=list(outputs),
            dynamic_shapes=(free or None,),
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    model = strip(program.model_proto)
    if batches:
        for value in [*model.graph.input, *model.graph.output]:
            value.type.tensor_type.shape.dim[0].dim_value = 1
    return model


def student_to_onnx(student: nn.Module) -> onnx.ModelProto:
    """Export a student, with a graph that is optimised for speed where possible.

    Properties of the model are ``parameters`` and ``gmac`` (for 5 s) of the network,
    without added zeros. If windows can be pooled from the tokens of one pass, it has
    ``token_hop`` in samples, ``token_context`` in tokens, and the ``epsilon`` that the
    network adds to the variance of a signal.
    """
    parameters = str(num_parameters(student, mel=True))
    counts = {"parameters": parameters, "gmac": gmac(student)}
    if not isinstance(student, Student):
        model = to_onnx(student)
    else:
        optimised = OptimisedStudent(student).eval()
        model = widened(to_onnx(optimised, ("normalised", "tokens")))
        if reach := locality(student):
            hop, context = reach
            counts |= {"token_hop": str(hop), "token_context": str(context)}
            counts["epsilon"] = f"{student.normalise.epsilon:g}"
    onnx.helper.set_model_props(model, counts)
    return model


def num_parameters(network: nn.Module, *, mel: bool = False) -> int:
    """Number of parameters of a network.

    Args:
        network: torch module
        mel: whether mel weights count, which are fixed, as in the paper of Wav2Small

    Examples:
        >>> from audw2s.distill.students.wav2small import Wav2Small
        >>> num_parameters(Wav2Small()), num_parameters(Wav2Small(), mel=True)
        (71801, 72659)

    """
    values: list[torch.Tensor] = list(network.parameters())
    if mel:
        buffers = network.named_buffers()
        values += [v for k, v in buffers if k.split(".")[-1].startswith("mel")]
    return sum(value.numel() for value in values)


def gmac(student: nn.Module) -> str:
    """Billions of multiply-accumulates for 5 s, including the front end."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        student(torch.zeros(1, 80000))
    return f"{counter.get_total_flops() / 2e9:.6f}"


def strip(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove the exporter's notes on its own work, in place.

    They are a fifth of a small model's size, and contain paths of the machine.
    """
    del model.graph.value_info[:]
    del model.functions[:]
    model.graph.doc_string = ""
    for part in [model.graph, *model.graph.input, *model.graph.output]:
        del part.metadata_props[:]
    for part in [*model.graph.node, *model.graph.initializer]:
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def halve(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store weights as float16 where that is exact, in place.

    The graph casts them to float32 when it is loaded, so that results don't change.
    Whisper's weights are published in float16.
    """
    casts = []
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 1000:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name, stored = weight.name, f"{weight.name}.half"
        weight.CopyFrom(onnx.numpy_helper.from_array(half, stored))
        to = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [stored], [name], to=to))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def probes() -> Iterator[tuple[str, np.ndarray]]:
    """Signals on which a network and its export are compared.

    Yields:
        name and ``(num_samples,)``, float32, of odd lengths

    """
    rng = np.random.default_rng(0)
    for length in (64, 65, 333, 1001, 7999, 8001, 24681, 80000, 159999):
        noise = rng.standard_normal(length) * 0.1
        yield f"noise {length}", noise.astype(np.float32)
    time = np.arange(33333) / 16000
    yield "silence", np.zeros(33333, np.float32)
    yield "constant", np.full(33333, 0.25, np.float32)
    yield "tone", (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    sweep = np.sin(2 * np.pi * (50 * time + 1800 * time**2))
    yield "sweep", (0.5 * sweep).astype(np.float32)
    yield "loud", (3 * sweep).astype(np.float32)
    yield "quiet", (1e-4 * sweep).astype(np.float32)


def parity(
    network: nn.Module,
    model: onnx.ModelProto | CascadeSession,
    signals: Iterator[tuple[str, np.ndarray]] | None = None,
) -> float:
    """Largest difference of logits between a network and its export; may be NaN.

    Relative to the largest logit of a signal if that is above 1, as rounding is.

    Args:
        network: torch module
        model: export of the network, or a session of its parts
        signals: names and arrays ``(num_samples,)``, :func:`probes` by default

    """
    session: Any = model
    if isinstance(model, onnx.ModelProto):
        session = onnxruntime.InferenceSession(model.SerializeToString())
    differences = []
    for _, signal in signals or probes():
        with torch.inference_mode():
            expected = network(torch.from_numpy(signal[None]))[1].numpy()
        (logits,) = session.run(["logits"], {"signal": signal[None]})
        scale = max(1, np.abs(expected).max())
        differences.append(np.abs(expected - logits).max() / scale)
    return float(np.max(differences))


def check_parity(
    network: nn.Module,
    model: onnx.ModelProto | CascadeSession,
    largest: float = TOLERANCE,
    signals: Iterator[tuple[str, np.ndarray]] | None = None,
) -> float:
    """Make sure that an export has the same logits as its network.

    Args:
        network: torch module
        model: export of the network, or a session of its parts
        largest: largest difference of logits that is allowed, by default that of
            encoders
        signals: names and arrays ``(num_samples,)``, :func:`probes` by default

    Returns:
        largest difference

    Raises:
        ValueError: if the difference is larger

    """
    worst = parity(network, model, signals)
    # Not "worst > largest": NaN has to fail
    if not worst <= largest:
        raise ValueError(
            f"The ONNX form differs from the network by {worst:.1e}, "
            f"{largest:.0e} at most is allowed. It was not written."
        )
    return worst


def export_student(run: str, folder: str, name: str | None = None) -> tuple[str, float]:
    """Export a trained student to a model folder.

    Args:
        run: folder of a training, with a ``student.safetensors``
        folder: folder of the model
        name: name of the model, by default that of its architecture

    Returns:
        sha256 of the ONNX file, and the largest difference to the network

    Raises:
        FileNotFoundError: if the training has no student yet
        ValueError: if the weights don't fit, or a logit differs by more than
            :func:`tolerance`; nothing is written

    """
    architecture, network = load_student(os.path.join(run, "student.safetensors"))
    model = student_to_onnx(network)
    worst = check_parity(network, model, tolerance(network))
    entries = properties(model)
    known = {"sampling_rate": "16000", "max_dur": "30"}
    entries |= {"name": name or architecture, **known}
    entries |= {"version": __version__, "student": architecture}
    entries |= {PROPERTY: of_training(run).to_json()}
    return save(model, folder, entries), worst
