"""Clips of one length, as the encoders need them."""

import torch

SAMPLES = 95_744
"""Samples to which every clip is tiled or cut, 5.984 s at 16 kHz."""


def fit(signal: torch.Tensor, samples: int = SAMPLES) -> torch.Tensor:
    """Tile or cut a signal to a number of samples.

    It can be exported: a graph does the same for signals of any length.

    Shape:
        ``(batch, time)`` -> ``(batch, samples)``

    Examples:
        >>> fit(torch.tensor([[1, 2, 3]]), 7)
        tensor([[1, 2, 3, 1, 2, 3, 1]])
        >>> fit(torch.tensor([[1, 2, 3]]), 2)
        tensor([[1, 2]])

    """
    # Counted and not read from the shape: the exporter takes a remainder of tensors
    time = torch.ones_like(signal[0], dtype=torch.int64).sum()
    return signal[:, torch.arange(samples, device=signal.device) % time]
