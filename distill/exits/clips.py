"""Clips as the encoders hear them: of one length, normalised as a whole."""

import torch

SAMPLES = 95_744
"""Samples that every clip is tiled or cut to, 5.984 s at 16 kHz."""


def fit(signal: torch.Tensor, samples: int = SAMPLES) -> torch.Tensor:
    """Repeat a signal until it has so many samples, or cut it there.

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
