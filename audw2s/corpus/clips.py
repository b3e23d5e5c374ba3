"""Values of the clips of a corpus: predicted by a model, or read from a table."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial

import audeer
import numpy as np
import pandas as pd

from audw2s.audio.times import SECOND
from audw2s.audio.times import to_limit
from audw2s.corpus.matching import matching_rows
from audw2s.corpus.prediction import frame_of
from audw2s.corpus.predictions import Predictions
from audw2s.files import replacing
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS
from audw2s.progress import run_tasks

OF_CLIPS = ["file", "start", "end", "speaker"]
"""Columns that a table of clips and that of their values share."""


@dataclasses.dataclass(frozen=True)
class ModelValues:
    """Values that a model predicts.

    Args:
        predictor: predictor that gives a row per clip
        store: folder in which predictions are stored; they are used again until
            model, version, clips or audio change
        num_workers: threads
        verbose: show a progress bar

    """

    predictor: Predictor
    store: str | None = None
    num_workers: int = 1
    verbose: bool = True

    @property
    def identity(self) -> dict[str, object]:
        """Name and sha256 of the model, and version of the package."""
        provenance = self.predictor.provenance
        return {key: provenance[key] for key in ("model", "sha256", "version")}

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Values of the clips of a table; every clip has a row, also without values.

        Args:
            table: clips, see :mod:`audw2s.corpus.lists.corpus`

        Returns:
            a row per clip, with the index of the table: ``file``, ``start``, ``end``
            and ``speaker`` as in the table, ``arousal``, ``dominance`` and ``valence``
            (float32, unclipped, NaN where there is no value), ``duration`` in seconds
            (NaN if unknown), ``speech``, ``status`` and ``message``, see
            :class:`audw2s.audio.quality.Report`

        """
        if self.store is None:
            return self._predict(table)
        clips = {"clips": clips_hash(table, content_hashes(table["file"]))}
        identity = json.dumps(self.predictor.provenance | clips)
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        path = os.path.join(audeer.mkdir(self.store), f"{name}.parquet")
        if os.path.exists(path):
            # The same clips may have had other paths
            same = {name: list(table[name]) for name in ("file", "speaker")}
            return pd.read_parquet(path).assign(**same)
        values = self._predict(table)
        with replacing(path) as temporary:
            values.to_parquet(temporary)
        return values

    def _predict(self, table: pd.DataFrame) -> pd.DataFrame:
        def process(file: str, start: pd.Timedelta, end: pd.Timedelta) -> Row:
            return self.predictor.file(file, start / SECOND, to_limit(end))[0]

        clips = table[["file", "start", "end"]].itertuples(index=False, name=None)
        rows = run_tasks(
            [partial(process, *clip) for clip in clips],
            self.predictor.network.name,
            num_workers=self.num_workers,
            verbose=self.verbose,
        )
        values = frame_of(rows, DIMENSIONS).set_index(table.index)
        values["duration"] = values["duration"].where(values["end"].notna())
        values = values.drop(columns=["start", "end"])
        frame = pd.concat([table[OF_CLIPS], values], axis=1)
        # The scale of human ratings isn't that of a model
        frame.attrs.clear()
        return frame


class TableValues:
    """Values in a table, such as ``predict`` and ``annotate`` write.

    Args:
        predictions: table of predictions

    """

    def __init__(self, predictions: Predictions):
        self.predictions = predictions
        self.is_used = np.zeros(len(predictions.table), bool)
        """Mask of the rows that belong to clips."""

    @property
    def identity(self) -> dict[str, object]:
        """Name and sha256 of the model, and version of the package."""
        return self.predictions.identity

    @property
    def num_unused(self) -> int:
        """Number of rows that belong to no clip."""
        return int((~self.is_used).sum())

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Values of the clips of a table, see :class:`ModelValues`.

        Raises:
            ValueError: if the table of predictions has several rows of a clip

        """
        rows = matching_rows(self.predictions.table, table, self.predictions.path)
        self.is_used[rows[rows >= 0]] = True
        values = self.predictions.table.drop(columns=OF_CLIPS, errors="ignore")
        # Position -1 is the row of clips that have no prediction
        missing = pd.DataFrame({"status": ["not predicted"], "message": [""]})
        taken = pd.concat([values, missing], ignore_index=True).iloc[rows]
        clips = table[OF_CLIPS].copy()
        clips.attrs.clear()
        return pd.concat([clips, taken.set_index(clips.index)], axis=1)


ClipValues = ModelValues | TableValues
"""Values of clips, wherever they are from."""


def content_hashes(files: Iterable[str]) -> list[str]:
    """sha256 of each file, empty if it can't be read."""
    hashes: dict[str, str] = {}
    for file in files:
        if file not in hashes:
            try:
                hashes[file] = sha256(file)
            except OSError:
                hashes[file] = ""
    return [hashes[file] for file in files]


def clips_hash(table: pd.DataFrame, hashes: Sequence[str]) -> str:
    """Hash of a list of clips and of the content of their files."""
    value = hashlib.sha256()
    clips = (table[name] for name in ("start", "end", "speaker"))
    for clip in zip(hashes, *clips, strict=True):
        value.update("\0".join(map(str, clip)).encode("utf-8", "surrogateescape"))
    return value.hexdigest()
