"""Optimise the graph of a student: the same values from fewer, wider operations.

According to ONNX Runtime's profiler, a plain export spends its time in convolutions, in
reordering their 13 channels, and in many small operations of front end and pooling.
Therefore:

- Time is the last axis, not mel: kernels of convolutions run along that axis, six
  places at a time but for its ends, and 26 or 13 bands are mostly ends.
- The two parts of the spectrum are one convolution, a last 1×1 convolution is part of
  the matrix that follows, and that matrix is one for both halves of the pooling.
- Channels are widened in the ONNX graph, see :func:`widened`.
"""

import copy
import math
from collections.abc import Container
from collections.abc import Iterator

import numpy as np
import onnx
import torch
from torch import nn

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.distill.students.student import Student

LANES = 16
"""Channels that kernels of ONNX Runtime process at a time (8 with AVX2)."""

MAX_CONTEXT_DUR = 1.0
"""Longest context in seconds on each side of a token for blocks of tokens."""


class OptimisedStudent(nn.Module):
    """Student with an optimised graph, for export; weights are copies.

    Besides hidden states and logits it returns the values from which any window can be
    pooled in one pass: the normalised signal, and ``lin`` and ``sof`` of each token,
    concatenated.

    Shape:
        - signal ``(batch, time)``, 16 kHz, at least 64 samples
        - hidden states ``(batch, size)``
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped
        - normalised ``(batch, time)``
        - tokens ``(batch, 2 * size, tokens)``

    Args:
        student: trained student in evaluation mode

    Examples:
        >>> from audw2s.distill.students.wav2small import Wav2Small
        >>> outputs = OptimisedStudent(Wav2Small().eval())(torch.zeros(2, 16000))
        >>> [tuple(output.shape) for output in outputs]
        [(2, 169), (2, 3), (2, 16000), (2, 338, 250)]

    """

    def __init__(self, student: Student):
        super().__init__()
        student = copy.deepcopy(student)
        front, layers = student.logmel, list(student.body)
        self.normalise = student.normalise
        self.hop_length = front.hop_length
        self.dft = _fixed(torch.cat([front.real, front.imag]))
        # Powers of both parts are added up by the product with the mel filters
        self.mel = _fixed(torch.cat([front.mel, front.mel]).T)
        pooling = student.pooling
        weight = torch.cat([pooling.lin.weight, pooling.sof.weight]).double()
        bias = torch.cat([pooling.lin.bias, pooling.sof.bias]).double()
        last = layers[-1]
        if isinstance(last, nn.Conv2d) and _is_projection(last):
            weight, bias = _absorbed(weight, bias, last)
            layers.pop()
        self.body = _transposed(nn.Sequential(*layers))
        self.weight = _fixed(weight.float())
        self.bias = _fixed(bias[:, None].float())
        self.adv = student.adv

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return hidden states, logits, the normalised signal and the tokens."""
        normalised = self.normalise(signal)
        parts = nn.functional.conv1d(
            normalised[:, None], self.dft, stride=self.hop_length
        )
        power = self.mel @ (parts * parts)
        logmel = torch.log(torch.clamp(power, min=1e-10)) * (10 / math.log(10))
        maps = self.body(logmel[:, None])
        tokens = self.weight @ maps.flatten(1, 2) + self.bias
        lin, sof = tokens.chunk(2, dim=1)
        hidden_states = (lin * sof.softmax(dim=2)).sum(dim=2)
        return hidden_states, self.adv(hidden_states), normalised, tokens


def _transposed(body: nn.Module) -> nn.Module:
    """Change layers for ``(time, mel)`` to ``(mel, time)``, in place."""
    for layer in body.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight = _fixed(layer.weight.transpose(2, 3))
            for name in ("kernel_size", "stride", "padding", "dilation"):
                setattr(layer, name, getattr(layer, name)[::-1])
    return body


def _fixed(values: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().clone().contiguous(), requires_grad=False)


def _is_projection(layer: nn.Conv2d) -> bool:
    """Whether a convolution is 1×1."""
    is_single = layer.kernel_size == layer.stride == (1, 1)
    return is_single and layer.padding == (0, 0) and layer.groups == 1


def _absorbed(
    weight: torch.Tensor, bias: torch.Tensor, projection: nn.Conv2d
) -> tuple[torch.Tensor, torch.Tensor]:
    """Merge a 1×1 convolution into the following matrix over (channels, mel)."""
    mixing = projection.weight[:, :, 0, 0].double()
    split = weight.view(len(weight), projection.out_channels, -1)
    if projection.bias is not None:
        bias = bias + torch.einsum("ocm,c->o", split, projection.bias.double())
    return torch.einsum("ocm,ci->oim", split, mixing).flatten(1), bias


def locality(student: nn.Module) -> tuple[int, int] | None:
    """Hop and context of a student's tokens.

    Measured with NaN in the input, which reaches all values that depend on it.

    Returns:
        samples from token to token, and number of tokens on each side that a token
        depends on; ``None`` if that is the whole clip, or more than
        :data:`MAX_CONTEXT_DUR`, or if the student pools in another way

    Examples:
        >>> from audw2s.distill.students.wav2small import Wav2Small
        >>> locality(Wav2Small())
        (64, 6)

    """
    if not isinstance(student, Student):
        return None
    num_samples = 2**17
    student = copy.deepcopy(student).eval()

    def tokens(signal: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return student.body(student.logmel(signal))

    hop = num_samples // tokens(torch.zeros(1, num_samples)).shape[2]
    middle = num_samples // hop // 2
    poisoned = torch.zeros(1, num_samples)
    poisoned[:, middle * hop : (middle + 1) * hop] = math.nan
    reached = tokens(poisoned)[0].isnan().any(dim=2).any(dim=0).nonzero()[:, 0]
    context = max(middle - int(reached.min()), int(reached.max()) - middle)
    if context * hop > MAX_CONTEXT_DUR * SAMPLING_RATE:
        return None
    return hop, context


def widened(model: onnx.ModelProto) -> onnx.ModelProto:
    """Pad convolutions of few channels with zeros to :data:`LANES`, as a copy.

    This changes no value, and is faster. It is done where only ReLU and max-pooling lie
    between two convolutions, so that the added channels stay zero.
    """
    wide = copy.deepcopy(model)
    weights = {weight.name: weight for weight in wide.graph.initializer}
    for first, second in _pairs(wide.graph, weights):
        for name in first.input[1:]:
            _append_zeros(weights[name], axis=0)
        _append_zeros(weights[second.input[1]], axis=1)
    return wide


def _pairs(
    graph: onnx.GraphProto, weights: Container[str]
) -> Iterator[tuple[onnx.NodeProto, onnx.NodeProto]]:
    """Pairs of convolutions where only the second one uses the output of the first."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for first in graph.node:
        following = readers.get(first.output[0], [])
        while len(following) == 1 and following[0].op_type in ("Relu", "MaxPool"):
            following = readers.get(following[0].output[0], [])
        pair = [first, *following]
        if len(pair) == 2 and all(_is_plain(node, weights) for node in pair):
            yield first, following[0]


def _is_plain(node: onnx.NodeProto, weights: Container[str]) -> bool:
    """Whether a node is a convolution, ungrouped, with constant weights."""
    groups = [entry.i for entry in node.attribute if entry.name == "group"]
    constant = all(name in weights for name in node.input[1:])
    return node.op_type == "Conv" and groups in ([], [1]) and constant


def _append_zeros(weight: onnx.TensorProto, axis: int) -> None:
    values = onnx.numpy_helper.to_array(weight)
    widths = [(0, 0)] * values.ndim
    widths[axis] = (0, max(0, LANES - values.shape[axis]))
    weight.CopyFrom(onnx.numpy_helper.from_array(np.pad(values, widths), weight.name))
