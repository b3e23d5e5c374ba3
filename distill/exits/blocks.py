"""Blocks between a layer of the encoder and its exit."""

from collections.abc import Callable
from collections.abc import Iterable
from functools import partial

import torch
from torch import nn


class Cnn(nn.Module):
    """One convolution of 1×1 over the map of time and width, normalised.

    Shape:
        ``(batch, tokens, width)`` -> ``(batch, tokens, width)``
    """

    def __init__(self, width: int):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the rectified map."""
        # The same as calling the convolution, and much faster on a processor
        scaled = self.conv.weight * hidden[:, None]
        return torch.relu(self.norm(scaled))[:, 0]


class Recurrent(nn.Module):
    """One recurrent layer as wide as the encoder, normalised, then SELU.

    Args:
        kind: class of the layer
        width: width of the hidden states

    Shape:
        ``(batch, tokens, width)`` -> ``(batch, tokens, width)``
    """

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], width: int):
        super().__init__()
        self.rnn = kind(width, width, batch_first=True)
        self.norm = nn.LayerNorm(width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the states of all tokens, from zeros on."""
        # Deviation: the published code draws the first state at random, at each call
        return nn.functional.selu(self.norm(self.rnn(hidden)[0]))


BLOCKS: dict[str, Callable[[int], nn.Module]] = {
    "cnn": Cnn,
    "lstm": partial(Recurrent, nn.LSTM),
    "gru": partial(Recurrent, nn.GRU),
}
"""Blocks by name."""


class Parallel(nn.Module):
    """Mean of the outputs of several blocks.

    Shape:
        ``(batch, tokens, width)`` -> ``(batch, tokens, width)``
    """

    def __init__(self, blocks: Iterable[nn.Module]):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the mean."""
        return torch.stack(self.outputs(hidden)).mean(dim=0)

    def outputs(self, hidden: torch.Tensor) -> list[torch.Tensor]:
        """Return the output of each block."""
        return [block(hidden) for block in self.blocks]


def make_block(name: str, width: int) -> nn.Module:
    """Make a block.

    Examples:
        >>> sum(p.numel() for p in make_block("lstm", 768).parameters())
        4726272

    """
    return BLOCKS[name](width)
