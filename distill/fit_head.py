"""The last layer of a student, fitted in closed form to clips in good sound."""

import numpy as np
import torch

from audw2s.distill.teachers.ridge import fit_ridge


def can_refit(network: torch.nn.Module, num_clips: int) -> bool:
    """Whether clips are enough to fit a student's last layer to, and not to learn.

    Examples:
        >>> from audw2s.distill.students import STUDENTS
        >>> [can_refit(STUDENTS["wav2small"](), count) for count in (844, 845)]
        [False, True]

    """
    return num_clips >= 5 * network.adv.in_features


def refit(
    network: torch.nn.Module,
    clips: list[tuple[torch.Tensor, torch.Tensor]],
    penalty: float = 3.0,
) -> None:
    """Fit the last layer of a student again, to clips with their teacher's values.

    Args:
        network: whose ``adv`` is replaced, in place
        clips: signals ``(time,)`` and labels ``(3,)``; if they are too few, see
            :func:`can_refit`, the layer is left as it is
        penalty: see :func:`audw2s.distill.teachers.ridge.fit_ridge`

    """
    if not can_refit(network, len(clips)):
        return
    network.eval()
    with torch.inference_mode():
        hidden_states = torch.cat([network(signal[None])[0] for signal, _ in clips])
    features = hidden_states.double().numpy()
    labels = torch.stack([label for _, label in clips]).double().numpy()
    weight, bias = fit_ridge(features, labels, penalty)
    head = spread_like(labels, features @ weight.T + bias, weight, bias)
    with torch.no_grad():
        for parameter, values in zip(network.adv.parameters(), head, strict=True):
            parameter.copy_(torch.from_numpy(values))


def spread_like(
    labels: np.ndarray,
    values: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Let a head's values spread as the labels do.

    Least squares draws values together, by as much as they are unsure. The CCC is
    highest where both spread alike: ``2 r s_p s_t / (s_p² + s_t²)``.

    Args:
        labels: ``(num_clips, 3)``
        values: what the head, or heads like it, give for these clips
        weight: of the head, ``(3, num_features)``
        bias: ``(3,)``

    Returns:
        another weight and bias, with the same mean of the values

    Examples:
        >>> labels = np.array([[0.0], [1.0]])
        >>> values = np.array([[0.25], [0.75]])
        >>> spread_like(labels, values, np.array([[0.5]]), np.array([0.25]))
        (array([[1.]]), array([0.]))

    """
    spread = np.maximum(values.std(axis=0), 1e-12)
    factor = labels.std(axis=0) / spread
    mean = values.mean(axis=0)
    return weight * factor[:, None], mean + (bias - mean) * factor
