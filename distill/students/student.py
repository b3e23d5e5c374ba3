"""Structure of all students: front end, convolutions, pooling, head."""

import torch
from torch import nn

from audw2s.distill.students.frontend import LogMel
from audw2s.distill.students.frontend import Normalise


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


class Student(nn.Module):
    """Convolutions between Wav2Small's front end and its pooling.

    Shape:
        - signal ``(batch, time)``, 16 kHz, at least 64 samples
        - hidden states ``(batch, size)``
        - logits ``(batch, 3)``: arousal, dominance, valence, unclipped

    Args:
        layers: convolutions, from one channel
        size: values per token: channels times remaining mel bands

    Examples:
        >>> network = Student([nn.Conv2d(1, 2, 1)], 2 * 26).eval()
        >>> hidden_states, logits = network(torch.zeros(2, 16000))
        >>> hidden_states.shape, logits.shape
        (torch.Size([2, 52]), torch.Size([2, 3]))

    """

    def __init__(self, layers: list[nn.Module], size: int):
        super().__init__()
        # Deviation: the published networks add 1e-7, and so depend on the level
        self.normalise = Normalise(epsilon=0.0)
        self.logmel = LogMel()
        self.body = nn.Sequential(*layers)
        self.pooling = LearnablePooling(size)
        self.adv = nn.Linear(size, 3)

    def tokens(self, signal: torch.Tensor) -> torch.Tensor:
        """Return ``(batch, tokens, size)``."""
        logmel = self.logmel(self.normalise(signal))
        return self.body(logmel).transpose(1, 2).flatten(2)

    def forward(self, signal: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return hidden states and logits."""
        # Tokens may come as bfloat16 from a training on such hardware
        hidden_states = self.pooling(self.tokens(signal).float())
        return hidden_states, self.adv(hidden_states)
