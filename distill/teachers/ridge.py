"""Linear regression with a penalty on the weights, for heads of teachers."""

import numpy as np


def fit_ridge(
    features: np.ndarray,
    targets: np.ndarray,
    penalty: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a linear head on standardised features.

    Minimises ``|targets - features @ weight.T - bias|² + penalty |weight|²``
    (the penalty on the weights of standardised features), in its dual form, as
    there are more features than clips.

    Args:
        features: ``(num_clips, num_features)``
        targets: ``(num_clips, num_targets)``
        penalty: strength, in units of the squared deviation of one feature

    Returns:
        weight ``(num_targets, num_features)`` and bias ``(num_targets,)`` that
        apply to the features as they are

    Examples:
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> weight, bias = fit_ridge(x, 3 * x + 1, 1e-9)
        >>> weight.round(3), bias.round(3)
        (array([[3.]]), array([1.]))

    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-8
    centre = targets.mean(axis=0)
    x = (features - mean) / spread
    kernel = x @ x.T + penalty * np.eye(len(x))
    weight = (np.linalg.solve(kernel, targets - centre).T @ x) / spread
    return weight, centre - weight @ mean


def per_form(
    features: np.ndarray,
    targets: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Make a row of each form of a clip, with the clip's targets.

    Args:
        features: ``(num_clips, num_forms, num_features)``
        targets: ``(num_clips, num_targets)``

    Returns:
        ``(num_clips * num_forms, num_features)`` and as many targets

    """
    rows = features.reshape(-1, features.shape[-1])
    return rows, np.repeat(targets, features.shape[1], axis=0)


def cross_validate(
    features: np.ndarray,
    targets: np.ndarray,
    penalty: float,
    folds: list[np.ndarray],
) -> np.ndarray:
    """Predict every clip with a head that never heard its speaker.

    Args:
        features: ``(num_clips, num_forms, num_features)``
        targets: ``(num_clips, num_targets)``
        penalty: see :func:`fit_ridge`
        folds: for each fold, a mask of the clips in it

    Returns:
        predictions ``(num_clips, num_forms, num_targets)``

    """
    predictions = np.full((*features.shape[:2], targets.shape[1]), np.nan)
    for fold in folds:
        rows = per_form(features[~fold], targets[~fold])
        weight, bias = fit_ridge(*rows, penalty)
        predictions[fold] = features[fold] @ weight.T + bias
    return predictions
