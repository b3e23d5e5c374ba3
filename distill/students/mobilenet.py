"""Blocks of MobileNets, and a student of such blocks."""

from typing import Any

import torch
from torch import nn

from audw2s.distill.students.student import Student


def divisible(width: float) -> int:
    """Nearest multiple of 8, but not more than a tenth below.

    Examples:
        >>> [divisible(width) for width in (3, 18, 20, 24)]
        [8, 24, 24, 24]

    """
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


def conv(
    num_in: int,
    num_out: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] = nn.Identity,
) -> nn.Sequential:
    """Convolution, batch normalisation, activation.

    Padded by half a kernel: a map of any size, also of one value, gives
    ``ceil(size / stride)``, the size of the papers' "same" padding.
    """
    # Deviation: "same" pads a strided map at its end first, this does so at both ends.
    # And the normalisation has PyTorch's epsilon and momentum: MobileNetV3's average
    # over 100 steps is for trainings of 100,000, those here have some 1,000
    layer = nn.Conv2d(
        num_in, num_out, kernel, stride, kernel // 2, groups=groups, bias=False
    )
    return nn.Sequential(layer, nn.BatchNorm2d(num_out), activation())


def depthwise(width: int, kernel: int, **options: Any) -> nn.Sequential:
    """Convolution of each channel alone, see :func:`conv` for the options."""
    return conv(width, width, kernel, groups=width, **options)


class Residual(nn.Sequential):
    """Layers whose input is added to their output.

    Shape:
        ``(batch, channels, time, mel)`` -> the same
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Apply the layers and add."""
        return maps + super().forward(maps)


def bottleneck(
    layers: list[nn.Module], num_in: int, num_out: int, stride: int
) -> nn.Sequential:
    """Add the input where sizes allow it."""
    keeps = stride == 1 and num_in == num_out
    return Residual(*layers) if keeps else nn.Sequential(*layers)


class SqueezeExcite(nn.Module):
    """Scale channels depending on their means over the clip (arXiv 1709.01507).

    With a hard sigmoid and a quarter of the channels, as in MobileNetV3.

    Shape:
        ``(batch, channels, time, mel)`` -> the same
    """

    def __init__(self, num_channels: int):
        super().__init__()
        squeezed = divisible(num_channels / 4)
        self.gate = nn.Sequential(
            nn.Conv2d(num_channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, num_channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Scale the maps."""
        return maps * self.gate(maps.mean(dim=(2, 3), keepdim=True))


def inverted_residual(
    num_in: int,
    num_out: int,
    *,
    kernel: int,
    width: int,
    stride: int,
    squeeze: bool,
    activation: type[nn.Module],
) -> nn.Sequential:
    """Block of MobileNetV3: expand, filter each channel, weigh channels, project."""
    options = {"stride": stride, "activation": activation}
    layers: list[nn.Module] = [depthwise(width, kernel, **options)]
    if width != num_in:
        layers.insert(0, conv(num_in, width, activation=activation))
    if squeeze:
        layers.append(SqueezeExcite(width))
    layers.append(conv(width, num_out))
    return bottleneck(layers, num_in, num_out, stride)


def universal_inverted_bottleneck(
    num_in: int, num_out: int, *, first: int, middle: int, expansion: int, stride: int
) -> nn.Sequential:
    """Block of MobileNetV4, with a depthwise convolution before or after expanding.

    Args:
        num_in: channels of the input
        num_out: channels of the output
        first: kernel before expanding, 0 for none
        middle: kernel after expanding, 0 for none; strides if it is there
        expansion: channels between, as a multiple of the input's
        stride: stride over time and mel

    """
    width = num_in * expansion
    layers: list[nn.Module] = [conv(num_in, width, activation=nn.ReLU)]
    if first:
        layers.insert(0, depthwise(num_in, first, stride=1 if middle else stride))
    if middle:
        layers.append(depthwise(width, middle, stride=stride, activation=nn.ReLU))
    layers.append(conv(width, num_out))
    return bottleneck(layers, num_in, num_out, stride)


class MobileNet(Student):
    """Student of Wav2Small's front end and pooling, and a MobileNet between them.

    The convolutions are those of the paper up to its last map, with one channel of
    input: a 32nd of the log-mel's frames, 15.8 tokens a second, and no mel axis left,
    as 26 bands halved five times are one. What follows there (mean over the map,
    1×1 convolution, classes) is left out. That the paper of Wav2Small does so is
    **inferred** from its sizes: 3.12M parameters and 16 tokens a second for
    MobileNetV4-Small, 3.11M and 15.8 here.

    Shape:
        - signal ``(batch, time)``, 16 kHz, at least 64 samples
        - hidden states ``(batch, size)``
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped

    Args:
        layers: convolutions, from one channel
        size: channels of their output

    Examples:
        >>> network = MobileNet([conv(1, 40, 3, stride=32)], 40).eval()
        >>> hidden_states, logits = network(torch.zeros(2, 16000))
        >>> hidden_states.shape, logits.shape
        (torch.Size([2, 40]), torch.Size([2, 3]))

    """
