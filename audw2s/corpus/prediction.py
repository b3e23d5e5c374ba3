"""A table for any list of files, each with at least one row."""

from collections.abc import Sequence

import audeer
import numpy as np
import pandas as pd

from audw2s.corpus.paths import printable
from audw2s.inference.pipeline import Predictor


def predict(
    files: Sequence[str],
    predictor: Predictor,
    *,
    num_workers: int = 1,
    verbose: bool = False,
) -> pd.DataFrame:
    """Annotate files.

    Args:
        files: paths
        predictor: model and windows
        num_workers: threads over files
        verbose: show a progress bar on stderr

    Returns:
        table with a row per file or window: ``file``, ``start``, ``end``
        (timedeltas, those of audformat), ``arousal``, ``dominance``, ``valence``
        (roughly 0…1, unclipped, NaN where no value is honest), ``status`` and
        ``message`` (see :class:`audw2s.audio.quality.Report`), and by what they were
        made: ``model``, ``sha256``, ``version``, ``win_dur``, ``hop_dur``, ``exact``

    """
    found = audeer.run_tasks(
        predictor.file,
        [((file,), {}) for file in files],
        num_workers=num_workers,
        progress_bar=verbose,
        task_description="Predict",
        maximum_refresh_time=1,
    )
    rows = [row for rows in found for row in rows]
    columns = {
        "file": [
            printable(file)
            for file, rows in zip(files, found, strict=True)
            for _ in rows
        ],
        "start": pd.to_timedelta([row.start for row in rows]).as_unit("ns"),
        "end": pd.to_timedelta([row.end for row in rows]).as_unit("ns"),
    }
    names = predictor.network.names
    values = np.reshape([row.values[0] for row in rows], (-1, len(names)))
    columns |= dict(zip(names, values.astype(np.float32).T, strict=True))
    columns["status"] = [row.status for row in rows]
    columns["message"] = [printable(row.message) for row in rows]
    return pd.DataFrame(columns).assign(**predictor.provenance)
