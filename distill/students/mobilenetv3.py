"""MobileNetV3 (arXiv 1905.02244), the body of students."""

from torch import nn

from audw2s.distill.students.mobilenet import MobileNet
from audw2s.distill.students.mobilenet import conv
from audw2s.distill.students.mobilenet import inverted_residual

# Kernel, channels between, channels out, squeeze and excite, hard swish, stride
SMALL = [
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
]
LARGE = [
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
]


def layers(rows: list[tuple], size: int) -> list[nn.Module]:
    """First convolution, the blocks of a table, and the last 1×1 convolution."""
    made: list[nn.Module] = [conv(1, 16, 3, stride=2, activation=nn.Hardswish)]
    num_in = 16
    for kernel, width, num_out, squeeze, swish, stride in rows:
        made.append(
            inverted_residual(
                num_in,
                num_out,
                kernel=kernel,
                width=width,
                stride=stride,
                squeeze=squeeze,
                activation=nn.Hardswish if swish else nn.ReLU,
            )
        )
        num_in = num_out
    return [*made, conv(num_in, size, activation=nn.Hardswish)]


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
