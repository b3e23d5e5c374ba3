"""The losses of self-distillation (equations 1 to 4), one function per formula.

``truth(teacher) + γ mean truth(exit) + α mean match(teacher, exit)
+ β mean similarity(teacher, exit)``, means over the exits.
"""

import torch
from torch.nn import functional as F  # noqa: N812

from audw2s.distill.exits.config import Config
from audw2s.distill.exits.model import ExitOutput
from audw2s.distill.exits.similarities import SIMILARITIES
from audw2s.distill.losses import ccc_loss


def kl_divergence(
    teacher: torch.Tensor, student: torch.Tensor, reference: bool = False
) -> torch.Tensor:
    """``sum p_t (log p_t - log p_s)``, mean over the batch.

    Args:
        teacher: logits ``(batch, classes)``
        student: logits ``(batch, classes)``
        reference: whether to use ``p_s`` for ``log p_s``, as the published code does

    Returns:
        scalar

    """
    # Deviation: the published code gives probabilities where logarithms belong
    log_student = student.softmax(dim=1) if reference else student.log_softmax(dim=1)
    target = teacher.log_softmax(dim=1)
    return F.kl_div(log_student, target, reduction="batchmean", log_target=True)


def regression(values: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """``1 - CCC``, mean over dimensions.

    Shape:
        ``(batch, dimensions)`` twice -> scalar
    """
    # Deviation: the paper has classes only; values are our extension
    return ccc_loss(truth, values).mean()


def total_loss(
    outputs: dict[int, ExitOutput], truth: torch.Tensor, config: Config
) -> torch.Tensor:
    """The loss of all exits; of the deepest alone, if there is no other.

    Args:
        outputs: outputs of the exits, the deepest last
        truth: classes ``(batch,)``, or values ``(batch, dimensions)``
        config: weights of the terms, similarity, and what is detached

    Returns:
        scalar

    """
    is_class = not truth.is_floating_point()
    truth_loss = F.cross_entropy if is_class else regression
    *students, teacher = outputs.values()
    loss = truth_loss(teacher.logits, truth)
    if not students:
        return loss
    target = teacher
    if config.detach_teacher:
        # Deviation: the paper's equations have no stop-gradient, nor has its code
        target = ExitOutput(*(values.detach() for values in teacher))

    def match(student: ExitOutput) -> torch.Tensor:
        if is_class:
            return kl_divergence(target.logits, student.logits, config.reference_kl)
        return F.mse_loss(target.logits, student.logits)

    def similar(student: ExitOutput) -> torch.Tensor:
        pair = [getattr(one, config.compared) for one in (target, student)]
        terms = [function(*pair) for function in SIMILARITIES[config.similarity]]
        return torch.stack(terms).sum()

    terms = [
        config.gamma * truth_loss(student.logits, truth)
        + config.alpha * match(student)
        + config.beta * similar(student)
        for student in students
    ]
    return loss + torch.stack(terms).mean()


def layerwise_loss(target: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    """``L1 - log σ(cosine)`` of hidden states: the baseline's loss of one layer.

    Shape:
        ``(batch, tokens, width)`` twice -> scalar
    """
    angle = F.cosine_similarity(target, prediction, dim=2)
    return (target - prediction).abs().mean() - F.logsigmoid(angle).mean()
