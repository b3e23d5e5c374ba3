"""Optimiser of students: Muon for convolutions and matrices, AdamW for the rest."""

from collections.abc import Iterable

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Polynomial of Newton-Schulz's iteration, from the post on Muon by K. Jordan, 2024."""


class Muon(torch.optim.Optimizer):
    """Muon (Jordan, 2024) for some parameters, AdamW for others.

    :class:`torch.optim.Muon` takes matrices only; here a convolution is one, with a row
    for each output channel. Momentum is .95, Nesterov's; AdamW has torch's defaults.

    Args:
        matrices: parameters of two or more dimensions, for Muon
        others: parameters for AdamW
        muon_rate: highest learning rate of Muon
        learning_rate: highest learning rate of AdamW
        weight_decay: weight decay of both

    """

    def __init__(
        self,
        matrices: Iterable[torch.Tensor],
        others: Iterable[torch.Tensor],
        *,
        muon_rate: float,
        learning_rate: float,
        weight_decay: float,
    ):
        groups = [
            {"params": list(matrices), "peak": muon_rate, "update": muon_update},
            {"params": list(others), "peak": learning_rate, "update": adam_update},
        ]
        for group in groups:
            group["lr"] = group["peak"]
        super().__init__(groups, {"weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change all parameters that have a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    change = group["update"](weight.grad, self.state[weight])
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.sub_(group["lr"] * change)


def muon_update(grad: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Direction of Muon: the orthogonalised momentum."""
    momentum = state.setdefault("momentum", torch.zeros_like(grad))
    momentum.lerp_(grad, 0.05)
    matrix = orthogonalise(grad.lerp(momentum, 0.95).flatten(1))
    rows, columns = matrix.shape
    return (matrix * max(1, rows / columns) ** 0.5).reshape(grad.shape)


def adam_update(grad: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """Direction of Adam, with decays .9 and .999."""
    for name in ("mean", "square"):
        state.setdefault(name, torch.zeros_like(grad))
    count = state.setdefault("count", torch.zeros(()))
    count += 1
    state["mean"].lerp_(grad, 0.1)
    state["square"].lerp_(grad.square(), 0.001)
    deviation = (state["square"] / (1 - 0.999**count)).sqrt() + 1e-8
    return state["mean"] / (1 - 0.9**count) / deviation


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """Bring all singular values of a matrix near 1, by Newton-Schulz's iteration.

    Shape:
        ``(rows, columns)`` -> ``(rows, columns)``

    Examples:
        >>> matrix = torch.diag(torch.tensor([1.0, 0.2]))
        >>> orthogonalise(matrix).diagonal().round(decimals=1)
        tensor([0.7000, 0.8000])

    """
    is_tall = len(matrix) > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if is_tall else x
