"""Losses: one function per formula."""

import torch

from audw2s.evaluation.ccc import ccc


def ccc_loss(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """``1 - CCC`` of each dimension.

    Shape:
        ``(batch, dimensions)`` twice -> ``(dimensions,)``
    """
    return 1 - ccc(truth, prediction)


def l1_loss(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of each dimension.

    Shape:
        ``(batch, dimensions)`` twice -> ``(dimensions,)``
    """
    return (truth - prediction).abs().mean(dim=0)


def mse_loss(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Mean squared difference of each dimension.

    Shape:
        ``(batch, dimensions)`` twice -> ``(dimensions,)``
    """
    return (truth - prediction).square().mean(dim=0)


LOSSES = {"ccc": ccc_loss, "l1": l1_loss, "mse": mse_loss}
"""Losses by name; each gives a value per dimension."""


def total_loss(
    truth: torch.Tensor,
    prediction: torch.Tensor,
    weights: dict[str, float],
    dimensions: tuple[float, ...],
) -> torch.Tensor:
    """Weighted sum of losses, each a weighted mean over dimensions.

    Args:
        truth: ``(batch, 3)``
        prediction: ``(batch, 3)``
        weights: weights of some of :data:`LOSSES`
        dimensions: weights of arousal, dominance and valence

    Returns:
        scalar

    Examples:
        >>> x = torch.tensor([[0.0, 1.0, 2.0], [1.0, 3.0, 3.0]])
        >>> total_loss(x, x + 0.5, {"l1": 1.0, "mse": 2.0}, (1.0, 1.0, 0.0))
        tensor(1.)

    """
    shares = torch.tensor(dimensions, dtype=truth.dtype, device=truth.device)
    shares = shares / shares.sum()
    losses = [
        weight * (shares * LOSSES[name](truth, prediction)).sum()
        for name, weight in weights.items()
    ]
    return torch.stack(losses).sum()
