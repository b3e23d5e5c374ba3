"""Means of A/D/V for each speaker of each recording."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from audw2s.corpus.table import columns

MOST = 10
"""Number of speakers that are shown as text."""


class Speakers:
    """Sums over the rows of each speaker of each recording.

    A speaker is a channel of a recording, or who the corpus says speaks in an input,
    such as RTTM does.

    Args:
        names: names of the models
        speakers: speaker of each input, ``None`` if the corpus names none
        has_channels: whether each channel has rows of its own

    Examples:
        >>> speakers = Speakers(["wav2small"], speakers=np.array(["A", "B", "A"]))
        >>> cells = dict.fromkeys(["speech", "dominance", "valence"], [0.5] * 3)
        >>> cells |= {"file": ["a.wav"] * 3, "duration": [1.0, 1.0, 3.0]}
        >>> rows = pa.table(cells | {"arousal": [0.2, 0.5, 0.6]})
        >>> speakers.update(np.arange(3), rows)
        >>> speakers.table()[["speaker", "rows", "duration", "arousal"]]
          speaker  rows  duration  arousal
        0       A     2       4.0      0.5
        1       B     1       1.0      0.5

    """

    def __init__(
        self,
        names: Sequence[str],
        speakers: np.ndarray | None = None,
        has_channels: bool = False,
    ):
        self.speakers = speakers
        self.keys = ["file"] + ["channel"] * has_channels
        if speakers is not None:
            self.keys.append("speaker")
        self.values = columns(names)
        self.sums: pd.DataFrame | None = None

    @property
    def are_known(self) -> bool:
        """Whether there is anything to tell speakers by."""
        return len(self.keys) > 1

    def update(self, numbers: np.ndarray, table: pa.Table) -> None:
        """Update with rows.

        Args:
            numbers: position of the input of each row
            table: rows

        """
        if not self.are_known:
            return
        names = [*self.keys, "duration", "speech", *self.values]
        rows = table.select([n for n in names if n != "speaker"])
        # Files without values have no channel; those of others stay integers
        rows = rows.to_pandas(integer_object_nulls=True)
        if self.speakers is not None:
            rows["speaker"] = self.speakers[numbers]
        rows = rows[rows[self.values].notna().all(axis=1)].infer_objects()
        rows["rows"] = 1
        rows[self.values] = rows[self.values].mul(rows["duration"], axis=0)
        parts = [rows] if self.sums is None else [self.sums, rows]
        grouped = pd.concat(parts).groupby(self.keys, sort=False, as_index=False)
        self.sums = grouped.sum(min_count=1)

    def table(self) -> pd.DataFrame:
        """Table with a row per speaker of a recording.

        Returns:
            ``file``, ``channel`` or ``speaker``, ``rows`` with values, sums of
            ``duration`` and ``speech`` in seconds, and means of A/D/V, weighted by
            duration

        """
        names = [*self.keys, "rows", "duration", "speech", *self.values]
        if self.sums is None:
            return pd.DataFrame(columns=names)
        means = self.sums[self.values].div(self.sums["duration"], axis=0)
        return self.sums.assign(**means)[names]

    def __str__(self) -> str:
        """Table of the first speakers."""
        table = self.table()
        more = len(table) - MOST
        note = f"\nand {more} more speakers" if more > 0 else ""
        return table.head(MOST).to_string(index=False, float_format="%.3f") + note
