"""Fit the last layer of a student in closed form to clips without noise or room."""

import numpy as np
import torch

from audw2s.distill.students import AnyStudent
from audw2s.distill.teachers.ridge import fit_ridge


def can_fit_head(network: AnyStudent, num_clips: int) -> bool:
    """Whether there are enough clips to fit the last layer of a student.

    Examples:
        >>> from audw2s.distill.students import STUDENTS
        >>> [can_fit_head(STUDENTS["wav2small"](), count) for count in (844, 845)]
        [False, True]

    """
    return num_clips >= 5 * network.adv.in_features


def fit_head(
    network: AnyStudent,
    clips: list[tuple[torch.Tensor, torch.Tensor]],
    penalty: float = 4000.0,
) -> None:
    """Fit the last layer of a student to a teacher's values of clips.

    The penalty is on the difference to the layer as it was trained, which knows more
    kinds of recordings than these clips are.

    Args:
        network: student, whose layer ``adv`` is changed in place
        clips: signals ``(time,)`` and labels ``(3,)``; if they are too few, see
            :func:`can_fit_head`, the layer is left as it is
        penalty: see :func:`audw2s.distill.teachers.ridge.fit_ridge`

    """
    if not can_fit_head(network, len(clips)):
        return
    network.eval()
    with torch.inference_mode():
        hidden_states = torch.cat([network(signal[None])[0] for signal, _ in clips])
    features = hidden_states.double().numpy()
    labels = torch.stack([label for _, label in clips]).double().numpy()
    trained = [p.detach().double().numpy() for p in network.adv.parameters()]
    rest = labels - features @ trained[0].T - trained[1]
    change = fit_ridge(features, rest, penalty)
    weight, bias = (one + other for one, other in zip(trained, change, strict=True))
    head = match_std(labels, features @ weight.T + bias, weight, bias)
    with torch.no_grad():
        for parameter, values in zip(network.adv.parameters(), head, strict=True):
            parameter.copy_(torch.from_numpy(values))


def match_std(
    labels: np.ndarray, values: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scale a head, so that its values have the standard deviation of the labels.

    Least squares shrinks the deviations of uncertain values. For a given correlation,
    ``CCC = 2 r s_p s_t / (s_p² + s_t²)`` is highest where both deviations are equal.

    Args:
        labels: labels ``(num_clips, 3)``
        values: values ``(num_clips, 3)`` of the head, or of heads like it
        weight: weight of the head, ``(3, num_features)``
        bias: bias of the head, ``(3,)``

    Returns:
        scaled weight and bias, with the same mean of the values

    Examples:
        >>> labels = np.array([[0.0], [1.0]])
        >>> values = np.array([[0.25], [0.75]])
        >>> match_std(labels, values, np.array([[0.5]]), np.array([0.25]))
        (array([[1.]]), array([0.]))

    """
    std = np.maximum(values.std(axis=0), 1e-12)
    factor = labels.std(axis=0) / std
    mean = values.mean(axis=0)
    return weight * factor[:, None], mean + (bias - mean) * factor
