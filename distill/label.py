"""Label every clip of a corpus with a teacher's values, in one table."""

import os
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.corpus.clips import OF_CLIPS
from audw2s.corpus.clips import clips_hash
from audw2s.corpus.clips import content_hashes
from audw2s.corpus.inputs import Inputs
from audw2s.corpus.options import Options
from audw2s.corpus.options import models_of
from audw2s.corpus.run import Run
from audw2s.distill.teachers.python import is_function
from audw2s.tables import stored_identity
from audw2s.tables import write_table
from audw2s.version import changes


def label(
    table: pd.DataFrame,
    model: str,
    out: str,
    *,
    num_workers: int | None = None,
    shard_size: int = 256,
    verbose: bool = True,
) -> pd.DataFrame:
    """Predict A/D/V of every clip of a table with a model, and write them.

    This is :func:`audw2s.annotate` of the clips, in the folder ``OUT.parts`` until all
    are finished; the same call resumes an interrupted run. If ``out`` exists and was
    made by the same model from the same clips, it is returned at once.

    Args:
        table: clips, see :mod:`audw2s.corpus.lists.corpus`
        model: name or folder, see :func:`audw2s.load`
        out: parquet file to write
        num_workers: number of worker processes, ``None`` for one per core
        shard_size: number of clips that are written at a time
        verbose: show a progress bar

    Returns:
        a row per clip of the table, in its order: ``file``, ``start``, ``end`` and
        ``speaker`` as in the table, ``arousal``, ``dominance`` and ``valence``
        (float32, unclipped, NaN where there is no value), ``duration`` of the clip and
        of its ``speech`` in seconds (NaN if unknown), ``status`` and ``message``, see
        :class:`audw2s.audio.quality.Report`, and ``sha256`` of the file, empty if it
        can't be read: labels are identified by content, not by path

    Raises:
        ValueError: if the table is empty, there is no such model, or ``out`` or
            ``OUT.parts`` was made by another model or from other clips, or is no
            table of labels

    """
    if is_function(model):
        raise ValueError(
            f"'{model}' can't label a table. As teacher of a training it labels the "
            "crops; with 'distinct' they are stored."
        )
    if table.empty:
        raise ValueError("There are no clips to label.")
    table = table.reset_index(drop=True)
    hashes = content_hashes(table["file"])
    options = Options(
        models_of(model),
        num_workers=num_workers,
        shard_size=shard_size,
        verbose=verbose,
    )
    folder = f"{out}.parts"
    inputs = Inputs("clips", table[["file", "start", "end"]])
    run = Run(inputs, folder, options, clips=clips_hash(table, hashes))
    finished = os.path.exists(out)
    if finished:
        if changed := changes(identity_of_labels(out), run.identity):
            raise ValueError(
                f"'{out}' comes from another run: {changed} ('clips' stands for the "
                "list and the content of its files). Choose another output, or delete "
                "it."
            )
        labels = pd.read_parquet(out)
    else:
        run()
        labels = run.frame()
        labels["duration"] = labels["duration"].where(labels["end"].notna())
    # A corpus that was moved has other paths, and the same labels
    here = labels.assign(**{name: table[name] for name in OF_CLIPS}, sha256=hashes)
    here = here[[*OF_CLIPS, *here.columns.drop(OF_CLIPS)]]
    if not finished or list(here["file"]) != list(labels["file"]):
        here.attrs["audw2s"] = run.identity
        write_table(here, out)
    shutil.rmtree(folder, ignore_errors=True)
    return pd.read_parquet(out)


def identity_of_labels(path: str) -> dict[str, object]:
    """Identity of a stored table of labels.

    Raises:
        FileNotFoundError: if there is no such file
        ValueError: if the file isn't a table of labels

    """
    identity = None
    try:
        identity = stored_identity(pq.read_schema(path))
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError):
        pass
    if identity is None or "clips" not in identity:
        raise ValueError(
            f"'{path}' exists, but isn't a table of labels. Choose another output, or "
            "delete it."
        )
    return identity
