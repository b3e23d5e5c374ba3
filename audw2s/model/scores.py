"""Scores of classes and their margins."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Scores of classes, which are positive and add up to one.

    Args:
        logits: logits ``(..., num_classes)``

    Examples:
        >>> softmax(np.zeros((1, 4)))
        array([[0.25, 0.25, 0.25, 0.25]])

    """
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def margins(logits: np.ndarray) -> np.ndarray:
    """Difference between the highest and the second highest score.

    Args:
        logits: logits ``(..., num_classes)``

    Returns:
        margins ``(...)``, 0…1

    Examples:
        >>> margins(np.log([[0.25, 0.5, 0.25]])).round(3)
        array([0.25])

    """
    ordered = np.sort(softmax(logits), axis=-1)
    return ordered[..., -1] - ordered[..., -2]
