"""Stored labels of clips, identified by the content of files, not by their path."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import compress

import numpy as np
import pandas as pd

from audw2s.audio.times import SECOND
from audw2s.audio.times import to_limit
from audw2s.corpus.clips import content_hashes
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.clips import warn_left_out
from audw2s.distill.label import identity_of_labels
from audw2s.model.registry import DIMENSIONS

WithLabels = Callable[[pd.DataFrame, list[np.ndarray]], tuple]
"""Function of a table and the audio of its clips that keeps those with labels, and
gives these as well."""


def finite(
    table: pd.DataFrame,
    clips: list[np.ndarray],
    labels: list[np.ndarray],
    reasons: Sequence[str],
) -> tuple[pd.DataFrame, list[np.ndarray], list[np.ndarray]]:
    """Keep clips with values; the others are left out with a warning.

    Args:
        table: table with a row per clip
        clips: audio of each clip
        labels: values of each clip, ``(3,)``
        reasons: reason for each clip, used if it has no values

    """
    good = np.array([np.isfinite(label).all() for label in labels], bool)
    named = zip(table["file"], reasons, good, strict=True)
    warn_left_out([f"{file}: {why}" for file, why, ok in named if not ok], len(table))
    return table[good], list(compress(clips, good)), list(compress(labels, good))


def keys(table: pd.DataFrame, hashes: Iterable[str]) -> list[tuple]:
    """Keys of clips: sha256 of the file, start, end."""
    rows = zip(hashes, table["start"], table["end"], strict=True)
    return [(sha256, start / SECOND, to_limit(end)) for sha256, start, end in rows]


RATINGS = "ratings"
"""Value of the setting ``labels`` for human ratings in place of a teacher's values."""


def rated_clips(
    table: pd.DataFrame, clips: list[np.ndarray], scale: tuple[float, float]
) -> tuple[pd.DataFrame, list[np.ndarray], list[np.ndarray]]:
    """Clips of a table with their mean ratings in 0…1; those without are left out.

    Args:
        table: table with a row per clip, and ratings, see
            :func:`audw2s.corpus.lists.ratings.ratings`
        clips: audio of each clip
        scale: lowest and highest rating

    Raises:
        ValueError: if the table has no ratings

    """
    values = mean_rating(ratings(table, *scale))
    values = values.astype(np.float32)
    return finite(table, clips, list(values), ["it isn't rated"] * len(table))


class Labels:
    """Labels of clips in a table that ``audw2s distill label`` wrote.

    Args:
        path: path of the table

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if it is no table of labels

    """

    def __init__(self, path: str):
        self.path = path
        identity_of_labels(path)
        table = pd.read_parquet(path)
        values = table[list(DIMENSIONS)].to_numpy(copy=True)
        labels = zip(values, table["status"], strict=True)
        self.labels = dict(zip(keys(table, table["sha256"]), labels, strict=True))

    def of(
        self, table: pd.DataFrame, clips: list[np.ndarray]
    ) -> tuple[pd.DataFrame, list[np.ndarray], list[np.ndarray]]:
        """Clips of a table with their labels; those without a value are left out.

        Args:
            table: table with a row per clip
            clips: audio of each clip

        Raises:
            ValueError: if a clip isn't in the table of labels

        """
        wanted = keys(table, content_hashes(table["file"]))
        known = np.array([key in self.labels for key in wanted], bool)
        if not known.all():
            missing = table["file"][~known].to_list()
            raise ValueError(
                f"{len(missing)} clips have no label in '{self.path}', among them "
                f"'{missing[0]}'. Label their corpus with 'audw2s distill label' first."
            )
        labels = [self.labels[key] for key in wanted]
        reasons = [f"its label is {label}, {status}" for label, status in labels]
        return finite(table, clips, [label for label, _ in labels], reasons)
