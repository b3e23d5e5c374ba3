"""Schedule of the learning rate."""

import math


def share_of_rate(step: int, steps: int, warmup: int, fall: str = "cosine") -> float:
    """Share of the highest learning rate at a step.

    Args:
        step: number of the step, from 0
        steps: number of steps of the training
        warmup: number of first steps, in which the rate rises linearly
        fall: ``"cosine"`` for half a cosine down to zero, or ``"none"``

    Examples:
        >>> [round(share_of_rate(step, 200, 100), 2) for step in (0, 99, 150)]
        [0.01, 1.0, 0.5]
        >>> share_of_rate(150, 200, 100, "none")
        1.0

    """
    if step < warmup:
        return (step + 1) / warmup
    if fall == "none":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
