"""Muon, an optimiser of convolutions and matrices."""

from collections.abc import Iterable

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Polynomial of Newton-Schulz's iteration, from the post on Muon by K. Jordan, 2024."""


class Muon(torch.optim.Optimizer):
    """Muon (Jordan, 2024): momentum, brought to singular values near 1.

    :class:`torch.optim.Muon` takes matrices only; here a convolution is one, with a row
    for each output channel. Momentum is .95, Nesterov's, as there.

    Args:
        parameters: parameters of two or more dimensions
        lr: learning rate
        weight_decay: weight decay

    """

    def __init__(
        self, parameters: Iterable[torch.Tensor], lr: float, weight_decay: float
    ):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change all parameters that have a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    direction = self.direction(weight.grad, self.state[weight])
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.sub_(group["lr"] * direction)

    @staticmethod
    def direction(grad: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
        """Direction of a step: the orthogonalised momentum."""
        momentum = state.setdefault("momentum", torch.zeros_like(grad))
        momentum.lerp_(grad, 0.05)
        matrix = orthogonalise(grad.lerp(momentum, 0.95).flatten(1))
        rows, columns = matrix.shape
        return (matrix * max(1, rows / columns) ** 0.5).reshape(grad.shape)


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
