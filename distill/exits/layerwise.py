"""Baseline: layer-wise distillation, a short encoder predicts layers of a long one.

A copy of the first layers predicts layers of the frozen encoder, without labels, by a
block for each; both are then fine-tuned.
"""

from collections.abc import Sequence
from typing import cast

import torch

from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.backbones import Trainable
from audw2s.distill.exits.blocks import Parallel
from audw2s.distill.exits.losses import layerwise_loss
from audw2s.distill.exits.model import ExitNetwork


class Predictors(Trainable):
    """A short encoder, and a block for each layer that is predicted.

    The paper's counts of parameters are those of a network with all of these blocks,
    and of one head as wide as the encoder. So encoder and blocks are parts of that
    network, and are trained in it.

    Args:
        network: network with one exit, whose block is
            :class:`audw2s.distill.exits.blocks.Parallel`
        targets: layers to predict, one for each of its blocks

    """

    def __init__(self, network: ExitNetwork, targets: Sequence[int]):
        super().__init__()
        exit = network.exits[str(network.deepest)]
        self.backbone: Backbone = network.backbone
        self.targets = targets
        self.norm = exit.get_submodule("norm")
        self.block = cast(Parallel, exit.get_submodule("block"))

    def forward(self, inputs: torch.Tensor) -> dict[int, torch.Tensor]:
        """Predictions ``(batch, tokens, width)`` by layer."""
        *_, (_, hidden) = self.backbone.states(self.backbone.embed(inputs))
        outputs = self.block.outputs(self.norm(hidden))
        return dict(zip(self.targets, outputs, strict=True))


def hidden_states(
    backbone: Backbone, inputs: torch.Tensor, layers: Sequence[int]
) -> dict[int, torch.Tensor]:
    """Hidden states after some layers.

    After its last layer an encoder may normalise them.

    Args:
        backbone: encoder with its norm
        inputs: outputs of its front end
        layers: layers whose states are returned

    """
    states = {}
    for number, hidden in backbone.states(backbone.embed(inputs)):
        if number in layers:
            is_last = number == backbone.config.num_hidden_layers
            states[number] = backbone.norm(hidden) if is_last else hidden
        if number == max(layers):
            break
    return states


def default_targets(depth: int) -> tuple[int, ...]:
    """Layers that are predicted: a third, two thirds and all.

    Examples:
        >>> default_targets(12), default_targets(4)
        ((4, 8, 12), (1, 3, 4))

    """
    return tuple(dict.fromkeys(max(1, round(depth * k / 3)) for k in (1, 2, 3)))


def prediction_loss(
    teacher: Backbone, predictors: Predictors, inputs: torch.Tensor
) -> torch.Tensor:
    """Mean of the losses of all layers; the teacher isn't trained."""
    predicted = predictors(inputs)
    with torch.no_grad():
        targets = hidden_states(teacher, inputs, list(predicted))
    pairs = ((targets[k].float(), values.float()) for k, values in predicted.items())
    return torch.stack([layerwise_loss(*pair) for pair in pairs]).mean()
