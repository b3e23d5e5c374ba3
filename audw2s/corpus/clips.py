"""Values of the clips of a corpus that a model predicts."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial

import audeer
import pandas as pd

from audw2s.audio.times import SECOND
from audw2s.audio.times import to_limit
from audw2s.corpus.prediction import frame_of
from audw2s.files import replacing
from audw2s.inference.pipeline import Predictor
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
    def identity(self) -> dict[str, str]:
        """Name and sha256 of the model, and version of the package."""
        return self.predictor.network.provenance

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
        clips = table[["file", "start", "end"]].itertuples(index=False, name=None)
        rows = run_tasks(
            [
                partial(self.predictor.file, file, start / SECOND, to_limit(end))
                for file, start, end in clips
            ],
            self.predictor.network.name,
            num_workers=self.num_workers,
            verbose=self.verbose,
        )
        values = frame_of([row for (row,) in rows], DIMENSIONS).set_index(table.index)
        values["duration"] = values["duration"].where(values["end"].notna())
        values = values.drop(columns=["start", "end"])
        frame = pd.concat([table[OF_CLIPS], values], axis=1)
        # The scale of human ratings isn't that of a model
        frame.attrs.clear()
        return frame


def content_hashes(files: Iterable[str]) -> list[str]:
    """sha256 of each file, empty if it can't be read."""

    def content_hash(file: str) -> str:
        try:
            return sha256(file)
        except OSError:
            return ""

    return list(map(content_hash, files))


def clips_hash(table: pd.DataFrame, hashes: Sequence[str]) -> str:
    """Hash of a list of clips and of the content of their files."""
    value = hashlib.sha256()
    clips = (table[name] for name in ("start", "end", "speaker"))
    for clip in zip(hashes, *clips, strict=True):
        value.update("\0".join(map(str, clip)).encode("utf-8", "surrogateescape"))
    return value.hexdigest()
