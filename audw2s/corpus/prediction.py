"""A table for any list of files, each with at least one row."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from audw2s.audio.channels import Channels
from audw2s.audio.channels import channels_of
from audw2s.audio.decode import file_blocks
from audw2s.files import printable
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.progress import run_tasks


def predict(
    files: Sequence[str],
    predictor: Predictor,
    *,
    channels: Channels = None,
    num_workers: int = 1,
    verbose: bool = False,
) -> pd.DataFrame:
    """Annotate files.

    Args:
        files: paths
        predictor: model and windows
        channels: channels that have rows of their own, ``None`` for rows of their mean
        num_workers: threads over files
        verbose: show a progress bar

    Returns:
        table with a row per file or window: ``file``, ``channel`` if ``channels`` are
        given, ``start``, ``end`` (timedeltas, those of audformat), ``arousal``,
        ``dominance``, ``valence`` (roughly 0…1, unclipped, NaN where no value is
        honest), ``speech`` (seconds, NaN if unknown), ``status`` and ``message`` (see
        :class:`audw2s.audio.quality.Report`), and by what they were made: ``model``,
        ``sha256``, ``version``, ``win_dur``, ``hop_dur``, ``exact``, ``vad``

    """
    tasks = [partial(_predict, predictor, channels, file) for file in files]
    found = run_tasks(tasks, "Predict", num_workers=num_workers, verbose=verbose)
    rows = [row for of_file in found for _, row in of_file]
    frame = frame_of(rows, predictor.network.names).drop(columns="duration")
    if channels is not None:
        numbers = [channel for of_file in found for channel, _ in of_file]
        frame.insert(0, "channel", pd.Series(numbers, dtype="Int64"))
    pairs = zip(map(printable, files), found, strict=True)
    names = [name for name, rows_of_file in pairs for _ in rows_of_file]
    frame.insert(0, "file", pd.Series(names, dtype=object))
    by: dict[str, Any] = predictor.provenance
    frame.attrs["audw2s"] = by
    return frame.assign(**by)


def frame_of(rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    """Table of rows: times, the first channel's values, speech, status, message.

    Args:
        rows: rows of any files
        names: names of the values

    """
    values = np.reshape([row.values[0] for row in rows], (len(rows), -1))
    frame = pd.DataFrame()
    for name in ("start", "end"):
        frame[name] = pd.to_timedelta([getattr(row, name) for row in rows]).as_unit(
            "ns"
        )
    for name, column in zip(names, values.astype(np.float32).T, strict=False):
        frame[name] = column
    for name in ("duration", "speech", "status"):
        frame[name] = [getattr(row, name) for row in rows]
    frame["message"] = [printable(row.message) for row in rows]
    return frame


def _predict(
    predictor: Predictor, channels: Channels, file: str
) -> list[tuple[int | None, Row]]:
    """Rows of a file, and the channel of each."""
    return [
        (channel, row)
        for channel in channels_of(partial(file_blocks, file), channels)
        for row in predictor.of_channel(channel).file(file)
    ]
