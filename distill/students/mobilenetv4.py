"""MobileNetV4 of convolutions (arXiv 2404.10518), the body of students."""

from typing import NamedTuple

from torch import nn

from audw2s.distill.students.mobilenet import MobileNet
from audw2s.distill.students.mobilenet import conv
from audw2s.distill.students.mobilenet import universal_inverted_bottleneck


class Block(NamedTuple):
    """Arguments of a block.

    See :func:`audw2s.distill.students.mobilenet.universal_inverted_bottleneck`.
    """

    first: int
    middle: int
    expansion: int
    num_out: int
    stride: int


SMALL = [
    Block(5, 5, 3, 96, 2),
    *[Block(0, 3, 2, 96, 1)] * 4,
    Block(3, 0, 4, 96, 1),
    Block(3, 3, 6, 128, 2),
    Block(5, 5, 4, 128, 1),
    Block(0, 5, 4, 128, 1),
    Block(0, 5, 3, 128, 1),
    *[Block(0, 3, 4, 128, 1)] * 2,
]
MEDIUM = [
    Block(3, 5, 4, 80, 2),
    Block(3, 3, 2, 80, 1),
    Block(3, 5, 6, 160, 2),
    *[Block(3, 3, 4, 160, 1)] * 2,
    Block(3, 5, 4, 160, 1),
    Block(3, 3, 4, 160, 1),
    Block(3, 0, 4, 160, 1),
    Block(0, 0, 2, 160, 1),
    Block(3, 0, 4, 160, 1),
    Block(5, 5, 6, 256, 2),
    Block(5, 5, 4, 256, 1),
    *[Block(3, 5, 4, 256, 1)] * 2,
    Block(0, 0, 4, 256, 1),
    Block(3, 0, 4, 256, 1),
    Block(3, 5, 2, 256, 1),
    Block(5, 5, 4, 256, 1),
    *[Block(0, 0, 4, 256, 1)] * 2,
    Block(5, 0, 2, 256, 1),
]
LARGE = [
    Block(3, 5, 4, 96, 2),
    Block(3, 3, 4, 96, 1),
    Block(3, 5, 4, 192, 2),
    *[Block(3, 3, 4, 192, 1)] * 3,
    Block(3, 5, 4, 192, 1),
    *[Block(5, 3, 4, 192, 1)] * 5,
    Block(3, 0, 4, 192, 1),
    Block(5, 5, 4, 512, 2),
    *[Block(5, 5, 4, 512, 1)] * 3,
    Block(5, 0, 4, 512, 1),
    Block(5, 3, 4, 512, 1),
    *[Block(5, 0, 4, 512, 1)] * 2,
    Block(5, 3, 4, 512, 1),
    Block(5, 5, 4, 512, 1),
    *[Block(5, 0, 4, 512, 1)] * 3,
]


def small_stem() -> list[nn.Module]:
    """Five convolutions to 64 channels, an eighth of the frames."""
    return [
        conv(1, 32, 3, stride=2, activation=nn.ReLU),
        conv(32, 32, 3, stride=2, activation=nn.ReLU),
        conv(32, 32, activation=nn.ReLU),
        conv(32, 96, 3, stride=2, activation=nn.ReLU),
        conv(96, 64, activation=nn.ReLU),
    ]


def fused_stem(num_channels: int) -> list[nn.Module]:
    """Convolution and a fused inverted bottleneck to 48 channels, a fourth."""
    width = 4 * num_channels
    return [
        conv(1, num_channels, 3, stride=2, activation=nn.ReLU),
        conv(num_channels, width, 3, stride=2, activation=nn.ReLU),
        conv(width, 48),
    ]


def layers(stem: list[nn.Module], num_in: int, rows: list[Block]) -> list[nn.Module]:
    """Stem, the blocks of a table, and the last 1×1 convolution to 960 channels."""
    widths = [num_in, *(row.num_out for row in rows)]
    blocks = [
        universal_inverted_bottleneck(width, **row._asdict())
        for width, row in zip(widths, rows, strict=False)
    ]
    return [*stem, *blocks, conv(widths[-1], 960, activation=nn.ReLU)]


class MobileNetV4Small(MobileNet):
    """MobileNetV4-Conv-Small, 3.114M parameters with the log-mel's.

    Examples:
        >>> network = MobileNetV4Small()
        >>> sum(p.numel() for p in network.parameters()) + network.logmel.mel.numel()
        3114173

    """

    def __init__(self):
        super().__init__(layers(small_stem(), 64, SMALL), 960)


class MobileNetV4Medium(MobileNet):
    """MobileNetV4-Conv-Medium, 9.056M parameters with the log-mel's.

    Examples:
        >>> network = MobileNetV4Medium()
        >>> sum(p.numel() for p in network.parameters()) + network.logmel.mel.numel()
        9055661

    """

    def __init__(self):
        super().__init__(layers(fused_stem(32), 48, MEDIUM), 960)


class MobileNetV4Large(MobileNet):
    """MobileNetV4-Conv-Large, 31.93M parameters with the log-mel's.

    Examples:
        >>> network = MobileNetV4Large()
        >>> sum(p.numel() for p in network.parameters()) + network.logmel.mel.numel()
        31931157

    """

    def __init__(self):
        super().__init__(layers(fused_stem(24), 48, LARGE), 960)
