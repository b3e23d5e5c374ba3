"""Speakers dealt to folds: no speaker is in two of them."""

import numpy as np


def folds_by_speaker(
    speakers: np.ndarray,
    num_folds: int = 10,
    seed: int = 0,
) -> list[np.ndarray]:
    """Split clips into folds that share no speaker.

    Args:
        speakers: name of the speaker of each clip
        num_folds: number of folds, at most one per speaker
        seed: of the order in which speakers are dealt to folds

    Returns:
        for each fold, a mask of the clips in it

    Raises:
        ValueError: if there are fewer than two speakers

    Examples:
        >>> folds = folds_by_speaker(np.array(["a", "b", "a"]))
        >>> sorted(fold.tolist() for fold in folds)
        [[False, True, False], [True, False, True]]

    """
    return [np.isin(speakers, names) for names in deal(speakers, num_folds, seed)]


def deal(speakers: np.ndarray, num_folds: int, seed: int) -> list[np.ndarray]:
    """Names of the speakers of each fold, see :func:`folds_by_speaker`."""
    names = np.unique(speakers)
    if len(names) < 2:
        raise ValueError(f"Folds by speaker need two speakers, found {len(names)}.")
    names = np.random.default_rng(seed).permutation(names)
    return np.array_split(names, min(num_folds, len(names)))
