"""An encoder with exits: the deepest is the teacher, the others are students."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.backbones import Trainable
from audw2s.distill.exits.blocks import make_block
from audw2s.distill.export import num_parameters

HIDDEN = 256
"""Width between the two linear layers of an exit."""


class ExitOutput(NamedTuple):
    """Output of an exit for a batch."""

    embedding: torch.Tensor
    """Output of the block, mean over time, ``(batch, width)``."""

    linear: torch.Tensor
    """Output of the first linear layer, ``(batch, 256)``."""

    logits: torch.Tensor
    """Logits ``(batch, num_outputs)``."""


class Exit(nn.Module):
    """Block, mean over time, and two linear layers without a function between.

    Args:
        norm: norm of the encoder's last layer, which is copied
        width: width of the hidden states
        num_outputs: number of classes or dimensions
        block: block between hidden states and mean

    Shape:
        hidden states ``(batch, tokens, width)``
    """

    def __init__(self, norm: nn.Module, width: int, num_outputs: int, block: nn.Module):
        super().__init__()
        # Deviation: wav2vec 2.0 base normalises after each layer. Exits of encoders
        # that only do so after the last layer have a copy of that norm
        self.norm = copy.deepcopy(norm)
        self.block = block
        self.linear1 = nn.Linear(width, HIDDEN)
        self.linear2 = nn.Linear(HIDDEN, num_outputs)

    def forward(self, hidden: torch.Tensor) -> ExitOutput:
        """Return the output of the exit."""
        # A mean over many tokens needs more than 8 bits
        embedding = self.block(self.norm(hidden)).float().mean(dim=1)
        linear = self.linear1(embedding)
        return ExitOutput(embedding, linear, self.linear2(linear))


class ExitNetwork(Trainable):
    """An encoder with exits.

    Args:
        backbone: encoder, cut to the layers up to the deepest exit
        exits: layers with an exit besides the deepest; none for plain fine-tuning
        num_outputs: number of classes or dimensions
        block: block of the exits, one of :data:`audw2s.distill.exits.blocks.BLOCKS`
        deepest_block: block of the deepest exit, none by default as in the paper

    Raises:
        ValueError: if a layer doesn't exist, or is given twice

    """

    def __init__(
        self,
        backbone: Backbone,
        exits: Sequence[int],
        num_outputs: int,
        block: str = "lstm",
        deepest_block: nn.Module | None = None,
    ):
        super().__init__()
        deepest, width = len(backbone.layers), backbone.width
        self.depths = (*exits, deepest)
        if list(self.depths) != sorted(set(self.depths)) or self.depths[0] < 1:
            raise ValueError(
                f"Exits are layers below {deepest}, each once and rising, "
                f"got {list(exits)}."
            )
        self.backbone: Backbone = backbone
        blocks = {depth: make_block(block, width) for depth in exits}
        blocks[deepest] = deepest_block or nn.Identity()
        self.exits = nn.ModuleDict()
        for depth, one in blocks.items():
            self.exits[str(depth)] = Exit(backbone.norm, width, num_outputs, one)
        # The deepest exit has its copy
        backbone.norm = nn.Identity()

    @property
    def deepest(self) -> int:
        """Layer of the deepest exit, the teacher."""
        return self.depths[-1]

    def num_parameters(self, depth: int) -> int:
        """Parameters up to an exit."""
        return num_parameters(SingleExit(self, depth))

    def forward(self, inputs: torch.Tensor) -> dict[int, ExitOutput]:
        """Outputs of all exits by layer.

        Args:
            inputs: outputs of :meth:`Backbone.front`

        """
        states = self.backbone.states(self.backbone.embed(inputs))
        return {k: self.exits[str(k)](x) for k, x in states if k in self.depths}


class LayerSegment(nn.Module):
    """Layers between two exits, and the second exit.

    Args:
        network: network with all exits; the layers are copied
        depth: layer of the exit
        after: layer of the exit before, 0 for the signal

    Shape:
        - signal ``(batch, time)`` for the first, else states
        - states ``(batch, tokens, width)`` after the last layer
        - hidden states ``(batch, width)``
        - logits ``(batch, num_outputs)``
    """

    def __init__(self, network: ExitNetwork, depth: int, after: int = 0):
        super().__init__()
        self.after = after
        self.backbone = network.backbone.cut(depth)
        self.exit = network.exits[str(depth)]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the states, the embedding and the logits."""
        hidden = x if self.after else self.backbone.embed(self.backbone.front(x))
        *_, (_, hidden) = self.backbone.states(hidden, self.after)
        output = self.exit(hidden)
        return hidden, output.embedding, output.logits


class SingleExit(LayerSegment):
    """Layers up to one exit, and that exit, for export.

    Shape:
        - signal ``(batch, time)``, 16 kHz
        - hidden states ``(batch, width)``
        - logits ``(batch, num_outputs)``
    """

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the embedding and the logits."""
        return super().forward(signal)[1:]
