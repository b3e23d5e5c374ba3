"""What interfaces return, as an array."""

import numpy as np
import pandas as pd

NAMES = ["arousal", "dominance", "valence"]


def values(result) -> np.ndarray:
    """Values of a frame or of a series of dictionaries, as an array."""
    if isinstance(result, pd.DataFrame):
        return result.to_numpy()
    return np.array([[row[name] for name in NAMES] for row in result])
