"""A table for any list of files, each with at least one row."""

from collections.abc import Sequence
from functools import partial

import audeer
import numpy as np
import pandas as pd

from audw2s.audio.channels import Channels
from audw2s.audio.channels import channels_of
from audw2s.audio.decode import file_blocks
from audw2s.files import printable
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row


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
        verbose: show a progress bar on stderr

    Returns:
        table with a row per file or window: ``file``, ``channel`` if ``channels`` are
        given, ``start``, ``end`` (timedeltas, those of audformat), ``arousal``,
        ``dominance``, ``valence`` (roughly 0…1, unclipped, NaN where no value is
        honest), ``speech`` (seconds, NaN if unknown), ``status`` and ``message`` (see
        :class:`audw2s.audio.quality.Report`), and by what they were made: ``model``,
        ``sha256``, ``version``, ``win_dur``, ``hop_dur``, ``exact``, ``vad``

    """
    found = audeer.run_tasks(
        partial(_predict, predictor, channels),
        [((file,), {}) for file in files],
        num_workers=num_workers,
        progress_bar=verbose,
        task_description="Predict",
        maximum_refresh_time=1,
    )
    rows = [row for of_file in found for _, row in of_file]
    pairs = zip(files, found, strict=True)
    columns = {"file": [printable(file) for file, rows in pairs for _ in rows]}
    if channels is not None:
        numbers = [channel for of_file in found for channel, _ in of_file]
        columns["channel"] = pd.array(numbers, "Int64")
    columns |= {
        "start": pd.to_timedelta([row.start for row in rows]).as_unit("ns"),
        "end": pd.to_timedelta([row.end for row in rows]).as_unit("ns"),
    }
    names = predictor.network.names
    values = np.reshape([row.values[0] for row in rows], (-1, len(names)))
    columns |= dict(zip(names, values.astype(np.float32).T, strict=True))
    columns["speech"] = [row.speech for row in rows]
    columns["status"] = [row.status for row in rows]
    columns["message"] = [printable(row.message) for row in rows]
    return pd.DataFrame(columns).assign(**predictor.provenance)


def _predict(
    predictor: Predictor, channels: Channels, file: str
) -> list[tuple[int | None, Row]]:
    """Rows of a file, and the channel of each."""
    return [
        (channel, row)
        for channel in channels_of(partial(file_blocks, file), channels)
        for row in predictor.of_channel(channel).file(file)
    ]
