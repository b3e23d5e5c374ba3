"""Learnable pooling over time."""

import torch
from torch import nn


class LearnablePooling(nn.Module):
    """Weighted mean over time, with separate weights for every value.

    ``sum over time of lin(token) * softmax over time of sof(token)``
    (arXiv 2408.13920; the exact form is inferred from the published sizes).

    Shape:
        ``(batch, tokens, size)`` -> ``(batch, size)``
    """

    def __init__(self, size: int):
        super().__init__()
        self.lin = nn.Linear(size, size)
        self.sof = nn.Linear(size, size)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Pool tokens."""
        return (self.lin(tokens) * self.sof(tokens).softmax(dim=1)).sum(dim=1)
