"""Speakers of a corpus who are held out for validation."""

import warnings
from collections.abc import Sequence

import numpy as np

from audw2s.errors import DataWarning
from audw2s.evaluation.speakers import first_share
from audw2s.evaluation.speakers import unit


def draw_speakers(
    corpus: str, names: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw a share of the speakers of a corpus, who are held out."""
    if (kind := unit(names)) != "speakers":
        warnings.warn(
            f"Not all speakers of '{corpus}' are known: {kind} are held out, "
            "whose speakers may be learnt from as well.",
            DataWarning,
            stacklevel=4,
        )
    return first_share(rng.permutation(np.unique(names)), share)


def check_speakers(corpus: str, names: np.ndarray, speakers: Sequence[str]) -> None:
    """Make sure that held-out speakers are some of a corpus, and not all.

    Raises:
        ValueError: if they aren't

    """
    if unknown := set(speakers) - set(names):
        raise ValueError(
            f"'held_out_speakers' has {sorted(unknown)}, who aren't speakers of "
            f"'{corpus}'."
        )
    if set(speakers) == set(names):
        raise ValueError(
            f"'held_out_speakers' has all speakers of '{corpus}': none is left to "
            "train on."
        )
