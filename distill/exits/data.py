"""A corpus in memory, as the encoder's front end gives it."""

import dataclasses

import numpy as np
import pandas as pd
import torch

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.clips import digest
from audw2s.distill.clips import usable_clips
from audw2s.distill.exits.backbones import Backbone
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.splits import split
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


@dataclasses.dataclass(frozen=True)
class Data:
    """Clips with what is to be told of them.

    Front ends learn nothing, so what they give is computed once. It is held in
    memory: 380 KB a clip of 5.984 s for encoders of the signal, about half for
    Whisper.
    """

    table: pd.DataFrame
    """A row per clip, see :mod:`audw2s.corpus.lists.corpus`."""

    inputs: torch.Tensor
    """``(num_clips, ...)``: what the backbone's front end gives."""

    truth: torch.Tensor
    """Classes ``(num_clips,)``, or values ``(num_clips, 3)`` in 0…1."""

    labels: tuple[str, ...]
    """Names of the outputs."""

    identity: dict[str, str]
    """Hashes of the corpus and of the backbone, wherever they lie."""

    def part(self, config: Config, *names: str) -> np.ndarray:
        """Numbers of the clips of some parts of the split."""
        parts = split(
            self.table,
            fold=config.fold,
            num_folds=config.num_folds,
            devel=config.devel,
            seed=config.split_seed,
        )
        return np.flatnonzero(parts.isin(names))


def read_data(config: Config, backbone: Backbone, *, verbose: bool = True) -> Data:
    """Read a corpus, and hear it through the front end.

    Raises:
        FileNotFoundError: if there is no corpus
        ValueError: if it has no labels, or no clip that can be read; a clip that can't
            be read is named and left out

    """
    table = read_corpus(config.corpus, config.columns)
    if config.of_classes:
        table, truth, labels = read_classes(table, config)
    else:
        table, truth = read_values(table, config.scale, f"'{config.corpus}'")
        labels = DIMENSIONS
    table, clips = usable_clips(table.assign(truth=list(truth)), verbose=verbose)
    if not clips:
        raise ValueError(f"'{config.corpus}' has no clip to learn from.")
    truth = torch.from_numpy(np.stack(table.pop("truth").to_list()))
    table = table.reset_index(drop=True)
    with torch.no_grad():
        rows = [backbone.front(torch.from_numpy(clip[None]))[0] for clip in clips]
    # Speakers and the corpus' own split say what is learnt from. Of someone unknown
    # there is only the path, which may be another tomorrow: how they sort is enough
    about = [np.unique(speaker_or_file(table), return_inverse=True)[1]]
    if "split" in table:
        about.append(table["split"].to_numpy(str))
    identity = {
        "corpus": digest([*clips, truth.numpy(), *about]),
        "backbone": digest(v.numpy() for v in backbone.state_dict().values()),
    }
    return Data(table, torch.stack(rows), truth, labels, identity)


def identify(config: Config, data: Data) -> dict[str, object]:
    """All that a training depends on, and no path."""
    return {"version": __version__, **dataclasses.asdict(config), **data.identity}


def read_classes(
    table: pd.DataFrame,
    config: Config,
) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
    """Clips of the wanted classes, the number of each clip's class, and their names.

    Raises:
        ValueError: if there is no such column, a class has no clips, or there are
            fewer than two

    """
    if config.target not in table:
        raise ValueError(
            f"'{config.corpus}' has no column '{config.target}' to learn, it has "
            f"{', '.join(map(str, table))}."
        )
    values = table[config.target]
    known = sorted(values.dropna().astype(str).unique())
    labels = config.classes or tuple(known)
    if missing := sorted(set(labels) - set(known)):
        raise ValueError(f"No clip of '{config.corpus}' is of class {missing}.")
    if len(labels) < 2:
        raise ValueError(f"'{config.corpus}' has one class, '{labels[0]}'.")
    table = table[values.astype(str).isin(labels)].reset_index(drop=True)
    truth = [labels.index(name) for name in table[config.target].astype(str)]
    return table, np.array(truth), labels


def read_values(
    table: pd.DataFrame,
    scale: tuple[float, float] | None,
    name: str,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Clips with ratings, and their means in 0…1.

    Args:
        table: clips
        scale: see :func:`audw2s.corpus.lists.ratings.rating_scale`
        name: of the corpus, for messages

    """
    values = mean_rating(ratings(table, *rating_scale(table, scale, name), name))
    rated = np.isfinite(values).all(axis=1)
    if not rated.any():
        raise ValueError("No clip has ratings of arousal, dominance and valence.")
    return table[rated].reset_index(drop=True), values[rated].astype(np.float32)
