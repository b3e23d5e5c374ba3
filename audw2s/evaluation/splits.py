"""Split a corpus into train, devel and test part without common speakers."""

import numpy as np
import pandas as pd

from audw2s.evaluation.speakers import UNKNOWN
from audw2s.evaluation.speakers import deal
from audw2s.evaluation.speakers import first_share
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.speakers import unit

SPLITS = ("train", "devel", "test")
"""Parts of a corpus."""

ALIASES = {"dev": "devel", "development": "devel", "validation": "devel"}
"""Other names of parts."""


def split(
    table: pd.DataFrame,
    *,
    fold: int = 0,
    num_folds: int = 3,
    devel: float = 0.25,
    seed: int = 0,
) -> pd.Series:
    """Part of each clip.

    A column ``split`` of the table is used as it is. Without one, speakers (files if
    unknown) are split at random: one of ``num_folds`` groups is the test part, and a
    share of the others the development part. All folds together test every speaker
    once.

    Args:
        table: table with a column ``speaker``
        fold: number of the group of test speakers, modulo ``num_folds``
        num_folds: number of groups of speakers
        devel: share of the other speakers, at least one speaker
        seed: seed of the groups of speakers

    Returns:
        ``"train"``, ``"devel"`` or ``"test"`` for each clip

    Raises:
        ValueError: if a part has no clips, a speaker is in two of them, or a name
            isn't known

    Examples:
        >>> table = pd.DataFrame({"speaker": list("aabbccdd")})
        >>> split(table, num_folds=4).value_counts()["train"]
        np.int64(4)

    """
    names = pd.Series(speaker_or_file(table), table.index)
    if "split" in table:
        parts = table["split"].astype(str).str.lower().replace(ALIASES)
    else:
        parts = _deal(names, fold, num_folds, devel, seed)
    if unknown := set(parts) - set(SPLITS):
        raise ValueError(f"Parts are {', '.join(SPLITS)}, found {sorted(unknown)}.")
    if missing := [name for name in SPLITS if name not in set(parts)]:
        raise ValueError(f"There are no clips to be the {' and '.join(missing)} part.")
    of_speaker = parts.groupby(names).nunique()
    if (of_speaker > 1).any():
        name = of_speaker.index[of_speaker > 1][0]
        kind = "File" if name.startswith(UNKNOWN) else "Speaker"
        raise ValueError(
            f"{kind} '{name.removeprefix(UNKNOWN)}' is in two parts of the corpus."
        )
    return parts


def _deal(
    speakers: pd.Series,
    fold: int,
    num_folds: int,
    devel: float,
    seed: int,
) -> pd.Series:
    names, kind = speakers.unique(), unit(speakers.to_numpy(str))
    if not 2 <= num_folds <= len(names) or len(names) < 3:
        raise ValueError(
            f"{len(names)} {kind} can't be dealt to {num_folds} folds of test, "
            "development and training: at least three are needed, and one per fold."
        )
    folds = deal(names, num_folds, seed)
    test = folds.pop(fold % num_folds)
    rest = np.concatenate(folds)
    parts = pd.Series("train", speakers.index)
    parts[speakers.isin(first_share(rest, devel))] = "devel"
    parts[speakers.isin(test)] = "test"
    return parts
