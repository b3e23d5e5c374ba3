"""MobileNetV3 (arXiv 1905.02244), the body of students."""

from typing import NamedTuple

from torch import nn

from audw2s.distill.students.mobilenet import MobileNet
from audw2s.distill.students.mobilenet import conv
from audw2s.distill.students.mobilenet import inverted_residual


class Block(NamedTuple):
    """Arguments of :func:`audw2s.distill.students.mobilenet.inverted_residual`."""

    kernel: int
    width: int
    num_out: int
    squeeze: bool
    activation: type[nn.Module]
    stride: int


SMALL = [
    Block(3, 16, 16, True, nn.ReLU, 2),
    Block(3, 72, 24, False, nn.ReLU, 2),
    Block(3, 88, 24, False, nn.ReLU, 1),
    Block(5, 96, 40, True, nn.Hardswish, 2),
    *[Block(5, 240, 40, True, nn.Hardswish, 1)] * 2,
    Block(5, 120, 48, True, nn.Hardswish, 1),
    Block(5, 144, 48, True, nn.Hardswish, 1),
    Block(5, 288, 96, True, nn.Hardswish, 2),
    *[Block(5, 576, 96, True, nn.Hardswish, 1)] * 2,
]
LARGE = [
    Block(3, 16, 16, False, nn.ReLU, 1),
    Block(3, 64, 24, False, nn.ReLU, 2),
    Block(3, 72, 24, False, nn.ReLU, 1),
    Block(5, 72, 40, True, nn.ReLU, 2),
    *[Block(5, 120, 40, True, nn.ReLU, 1)] * 2,
    Block(3, 240, 80, False, nn.Hardswish, 2),
    Block(3, 200, 80, False, nn.Hardswish, 1),
    *[Block(3, 184, 80, False, nn.Hardswish, 1)] * 2,
    Block(3, 480, 112, True, nn.Hardswish, 1),
    Block(3, 672, 112, True, nn.Hardswish, 1),
    Block(5, 672, 160, True, nn.Hardswish, 2),
    *[Block(5, 960, 160, True, nn.Hardswish, 1)] * 2,
]


def layers(rows: list[Block], size: int) -> list[nn.Module]:
    """First convolution, the blocks of a table, and the last 1×1 convolution."""
    first = conv(1, 16, 3, stride=2, activation=nn.Hardswish)
    widths = [16, *(row.num_out for row in rows)]
    pairs = zip(widths, rows, strict=False)
    blocks = [inverted_residual(width, **row._asdict()) for width, row in pairs]
    return [first, *blocks, conv(widths[-1], size, activation=nn.Hardswish)]


class MobileNetV3Small(MobileNet):
    """MobileNetV3-Small, 1.598M parameters with the log-mel's.

    Examples:
        >>> network = MobileNetV3Small()
        >>> sum(p.numel() for p in network.parameters()) + network.logmel.mel.numel()
        1598237

    """

    def __init__(self):
        # Deviation: the paper's table has squeeze and excite at the last convolution
        # too; the 2.5M parameters that it gives leave no room for that
        super().__init__(layers(SMALL, 576), 576)


class MobileNetV3Large(MobileNet):
    """MobileNetV3-Large, 4.825M parameters with the log-mel's.

    Examples:
        >>> network = MobileNetV3Large()
        >>> sum(p.numel() for p in network.parameters()) + network.logmel.mel.numel()
        4824749

    """

    def __init__(self):
        super().__init__(layers(LARGE, 960), 960)
