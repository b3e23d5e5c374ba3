"""Corpus in memory, processed by the encoder's front end."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.clips import digest
from audw2s.distill.clips import usable_clips
from audw2s.distill.exits.backbones import FrontEnd
from audw2s.distill.exits.config import Config
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.splits import split
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


@dataclasses.dataclass(frozen=True)
class Data:
    """Clips with their classes or values.

    Outputs of the fixed front end are computed once and held in memory: 380 KB per clip
    of 5.984 s for encoders of the signal, about half for Whisper.
    """

    table: pd.DataFrame
    """A row per clip, see :mod:`audw2s.corpus.lists.corpus`."""

    inputs: torch.Tensor
    """Outputs ``(num_clips, ...)`` of the backbone's front end."""

    truth: torch.Tensor
    """Classes ``(num_clips,)``, or values ``(num_clips, 3)`` in 0…1."""

    labels: tuple[str, ...]
    """Names of the outputs."""

    identity: dict[str, str]
    """Hashes of the content of corpus and backbone."""

    def part(self, config: Config, *names: str) -> np.ndarray:
        """Numbers of the clips of some parts of the split."""
        folds = {"fold": config.fold, "num_folds": config.num_folds}
        parts = split(self.table, **folds, devel=config.devel, seed=config.split_seed)
        return np.flatnonzero(parts.isin(names))


def read_data(config: Config, front: FrontEnd, *, verbose: bool = True) -> Data:
    """Read a corpus, and process it by the front end.

    Raises:
        FileNotFoundError: if there is no corpus
        ValueError: if it has no labels, or no clip that can be read; unreadable clips
            are left out with a warning

    """
    table = read_corpus(config.corpus, config.columns)
    name = f"'{config.corpus}'"
    if config.of_classes:
        table, labels = read_classes(table, config.target, config.classes, name)
    else:
        table = read_values(table, config.scale, name)
        labels = DIMENSIONS
    table, clips = usable_clips(table, verbose=verbose)
    if not clips:
        raise ValueError(f"{name} has no clip to learn from.")
    truth = torch.from_numpy(np.stack(table.pop("truth").to_list()))
    table = table.reset_index(drop=True)
    with torch.no_grad():
        rows = [front.front(torch.from_numpy(clip[None]))[0] for clip in clips]
    # Speakers and the column 'split' determine the parts. An unknown speaker is known
    # by a path, which may change: only the sorted position counts
    groups = [np.unique(speaker_or_file(table), return_inverse=True)[1]]
    if "split" in table:
        groups.append(table["split"].to_numpy(str))
    identity = {
        "corpus": digest([*clips, truth.numpy(), *groups]),
        "backbone": digest(v.numpy() for v in front.state_dict().values()),
    }
    return Data(table, torch.stack(rows), truth, labels, identity)


def identify(config: Config, data: Data) -> dict[str, object]:
    """Settings and hashes that a training depends on, without paths."""
    return {"version": __version__, **dataclasses.asdict(config), **data.identity}


def read_classes(
    table: pd.DataFrame,
    column: str,
    classes: Sequence[str],
    name: str,
    every: bool = True,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Clips of the wanted classes, and the names of these.

    Args:
        table: clips
        column: column of the classes
        classes: wanted classes in their order, all of them if there are none
        name: name of the corpus, for messages
        every: whether each of the classes has to have clips, not only one

    Returns:
        table with a column ``truth``, the number of each clip's class, and the names

    Raises:
        ValueError: if there is no such column, classes have no clips, or there are
            fewer than two

    """
    if column not in table:
        raise ValueError(
            f"{name} has no column '{column}' to learn, it has "
            f"{', '.join(map(str, table))}."
        )
    known = sorted(table[column].dropna().astype(str).unique())
    labels = tuple(classes or known)
    missing = sorted(set(labels) - set(known))
    if missing and (every or len(missing) == len(labels)):
        raise ValueError(f"No clip of {name} is of class {missing}.")
    if len(labels) < 2:
        raise ValueError(f"{name} has one class, '{labels[0]}'.")
    table = table[table[column].astype(str).isin(labels)].reset_index(drop=True)
    return table.assign(truth=table[column].astype(str).map(labels.index)), labels


def read_values(
    table: pd.DataFrame, scale: tuple[float, float] | None, name: str
) -> pd.DataFrame:
    """Clips with ratings, whose means in 0…1 are in the column ``truth``.

    Args:
        table: clips
        scale: see :func:`audw2s.corpus.lists.ratings.rating_scale`
        name: name of the corpus, for messages

    """
    table = raters_as_columns(table, name)
    values = mean_rating(ratings(table, *rating_scale(table, scale, name), name))
    table = table.assign(truth=list(values.astype(np.float32)))
    table = table[np.isfinite(values).all(axis=1)]
    if table.empty:
        raise ValueError("No clip has ratings of arousal, dominance and valence.")
    return table.reset_index(drop=True)
