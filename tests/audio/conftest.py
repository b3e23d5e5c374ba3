import formats
import numpy as np
import pytest


@pytest.fixture(scope="session")
def original() -> np.ndarray:
    """Speech of 2.048 s, of which recordings are made; don't change it."""
    return formats.original()
