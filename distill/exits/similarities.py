"""Similarities of what teacher and student compute."""

from collections.abc import Callable

import torch
from torch.nn import functional as F  # noqa: N812

Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Function of the teacher's and the student's values."""


def cosine(teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
    """Negative cosine of the angle, mean over the batch.

    Shape:
        ``(batch, width)`` twice -> scalar
    """
    return -F.cosine_similarity(teacher, student, dim=1).mean()


SIMILARITIES: dict[str, tuple[Distance, ...]] = {
    "l1": (F.l1_loss,),
    "l2": (F.mse_loss,),
    "cosine": (cosine,),
    "l1+cosine": (F.l1_loss, cosine),
    "l2+cosine": (F.mse_loss, cosine),
}
"""Functions whose sum is a similarity, by name; all are means over the batch."""
