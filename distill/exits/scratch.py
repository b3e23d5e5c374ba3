"""Baselines from scratch: convolutional networks on log-mel spectrograms.

The paper names them with their numbers of parameters, and nothing else: their layers
are those of the networks of these names, and the spectrogram is Whisper's (80 bands,
100 frames a second).
"""

from collections.abc import Callable
from collections.abc import Iterator

import torch
from torch import nn

from audw2s.distill.exits.backbones import SAMPLES
from audw2s.distill.exits.backbones import FrontEnd
from audw2s.distill.exits.backbones import Trainable
from audw2s.distill.exits.model import ExitOutput
from audw2s.distill.export import num_parameters
from audw2s.distill.teachers.whisper import WhisperLogMel

VGG16 = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)
"""Channels of the convolutions between two poolings."""

RESNET50 = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Inner channels and number of the blocks of each stage."""


class Spectrogram(FrontEnd):
    """Log-mel spectrogram ``(batch, 80, frames)``, a fixed front end."""

    def __init__(self, samples: int = SAMPLES):
        super().__init__(samples)
        self.logmel = WhisperLogMel()

    def front(self, signal: torch.Tensor) -> torch.Tensor:
        """Return the spectrogram."""
        return self.logmel(super().front(signal))


class ScratchNetwork(Trainable):
    """Convolutions, mean over time and frequency, one linear layer.

    Args:
        name: name of the network, one of :data:`SCRATCH`
        num_outputs: number of classes or dimensions
        samples: number of samples to which each clip is tiled or cut

    """

    depths = (0,)
    """It has one exit, which is after no layer of an encoder."""

    def __init__(self, name: str, num_outputs: int, samples: int = SAMPLES):
        super().__init__()
        self.backbone = Spectrogram(samples)
        self.body, width = SCRATCH[name]()
        self.linear = nn.Linear(width, num_outputs)

    def num_parameters(self, depth: int = 0) -> int:
        """Parameters of the network."""
        return num_parameters(self)

    def forward(self, inputs: torch.Tensor) -> dict[int, ExitOutput]:
        """Output of the network for spectrograms ``(batch, 80, frames)``."""
        embedding = self.body(inputs[:, None]).float().mean(dim=(2, 3))
        return {0: ExitOutput(embedding, embedding, self.linear(embedding))}


def convolution(
    channels: int, width: int, kernel: int, stride: int = 1
) -> Iterator[nn.Module]:
    """Yield a convolution that keeps the size, and its normalisation."""
    yield nn.Conv2d(channels, width, kernel, stride, kernel // 2, bias=False)
    yield nn.BatchNorm2d(width)


def plain(stages: tuple[tuple[int, ...], ...], kernel: int) -> tuple[nn.Module, int]:
    """Stages of convolutions with a pooling after each, and their width."""
    layers: list[nn.Module] = []
    channels = 1
    for stage in stages:
        for width in stage:
            layers += [*convolution(channels, width, kernel), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers), channels


class Bottleneck(nn.Module):
    """Block of ResNet-50: 1×1, 3×3 and 1×1 convolution beside a shortcut."""

    def __init__(self, channels: int, inner: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            *convolution(channels, inner, 1),
            nn.ReLU(inplace=True),
            *convolution(inner, inner, 3, stride),
            nn.ReLU(inplace=True),
            *convolution(inner, 4 * inner, 1),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != 4 * inner:
            self.shortcut.extend(convolution(channels, 4 * inner, 1, stride))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the rectified sum."""
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet50() -> tuple[nn.Module, int]:
    """Stages of blocks, and their width."""
    layers = [*convolution(1, 64, 7, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for number, (inner, count) in enumerate(RESNET50):
        for place in range(count):
            stride = 2 if number and not place else 1
            layers.append(Bottleneck(channels, inner, stride))
            channels = 4 * inner
    return nn.Sequential(*layers), channels


ADVERSARIAL = "vgg-16-adversarial"
"""Network that learns from adversarial spectrograms as well."""

SCRATCH: dict[str, Callable[[], tuple[nn.Module, int]]] = {
    "cnn-4": lambda: plain(((64,), (128,), (256,), (512,)), 5),
    "vgg-16": lambda: plain(VGG16, 3),
    "resnet-50": resnet50,
    ADVERSARIAL: lambda: plain(VGG16, 3),
}
"""Networks by name, without their last layer."""


def adversarial(
    inputs: torch.Tensor, loss: Callable[[torch.Tensor], torch.Tensor], epsilon: float
) -> torch.Tensor:
    """Inputs, changed by ``epsilon`` so that the loss rises fastest.

    The paper doesn't say which attack it trains with: this is the fast gradient sign
    method (arXiv 1412.6572).

    Args:
        inputs: spectrograms
        loss: loss as a function of spectrograms
        epsilon: change of each value

    Examples:
        >>> adversarial(torch.tensor([1.0, -2.0]), lambda x: x.square().sum(), 0.5)
        tensor([ 1.5000, -2.5000])

    """
    inputs = inputs.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(inputs), inputs)
    return (inputs + epsilon * gradient.sign()).detach()
