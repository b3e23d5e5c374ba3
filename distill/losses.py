"""Losses: one function per formula."""

import torch


def concordance_cc(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """Concordance correlation coefficient of each column (Lin, 1989).

    ``2 cov / (var_t + var_p + (mean_t - mean_p)²)`` with population moments.

    Shape:
        ``(batch, dimensions)`` twice -> ``(dimensions,)``

    Examples:
        >>> x = torch.tensor([[0.0], [1.0], [2.0]])
        >>> concordance_cc(x, x)
        tensor([1.])

    """
    mean_t, mean_p = truth.mean(dim=0), prediction.mean(dim=0)
    covariance = ((truth - mean_t) * (prediction - mean_p)).mean(dim=0)
    var_t = truth.var(dim=0, unbiased=False)
    var_p = prediction.var(dim=0, unbiased=False)
    spread = var_t + var_p + (mean_t - mean_p).square()
    # Constant and equal: no concordance can be stated, 0 as in audmetric
    return 2 * covariance / torch.clamp(spread, min=1e-12)


def ccc_loss(truth: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """``1 - CCC``, the mean over dimensions.

    Shape:
        ``(batch, dimensions)`` twice -> scalar
    """
    return 1 - concordance_cc(truth, prediction).mean()
