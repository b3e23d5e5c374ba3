"""Share of speech by a student's own layer, whose values are smoothed over time."""

import numpy as np

SMOOTHING_DUR = 0.5
"""Duration in seconds over which values of the layer are averaged."""


def smoothing_size(rate: float) -> int:
    """Number of tokens over which values are averaged, odd.

    Args:
        rate: tokens per second

    Examples:
        >>> smoothing_size(250), smoothing_size(16)
        (125, 9)

    """
    return 2 * round(SMOOTHING_DUR * rate / 2) + 1


def smoothed(values: np.ndarray, size: int) -> np.ndarray:
    """Average values over time; at the ends, over those that there are.

    Args:
        values: values ``(num_tokens, ...)``
        size: number of tokens, odd

    Examples:
        >>> smoothed(np.array([0.0, 3.0, 6.0]), 3).tolist()
        [1.5, 3.0, 4.5]

    """
    sums = np.zeros((len(values) + 1, *values.shape[1:]))
    np.cumsum(values, axis=0, out=sums[1:])
    places = np.arange(len(values))
    low = np.maximum(places - size // 2, 0)
    high = np.minimum(places + size // 2 + 1, len(values))
    counts = (high - low).reshape(-1, *[1] * (values.ndim - 1))
    return (sums[high] - sums[low]) / counts
