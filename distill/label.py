"""Label every clip of a corpus with a teacher's values, in one table.

The same call resumes a run that was interrupted, even by ``kill -9``, and ends in the
same table as a run that wasn't.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import audeer
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from audw2s.distill.clips import content_hashes
from audw2s.distill.clips import seconds
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.inference.pipeline import Predictor
from audw2s.inference.pipeline import Row
from audw2s.model.registry import DIMENSIONS

METADATA = b"audw2s"
"""Key of a table's metadata with the identity of its run, as JSON."""

_NAMES = {
    "model": "model",
    "sha256": "model file",
    "version": "version of audw2s",
}


def label(
    table: pd.DataFrame,
    model: str,
    out: str,
    *,
    num_workers: int = 1,
    shard_size: int = 256,
    verbose: bool = True,
) -> pd.DataFrame:
    """Predict A/D/V of every clip of a table with a model, and write them.

    Finished clips are stored in the folder ``OUT.parts`` until all are done. If ``out``
    exists and was made by the same model from the same clips, it is returned at once.

    Args:
        table: clips, see :mod:`audw2s.corpus.lists.corpus`
        model: name or folder, see :func:`audw2s.load`
        out: parquet file to write
        num_workers: threads, each with a session of one thread
        shard_size: clips that are written at a time
        verbose: show a progress bar

    Returns:
        a row per clip of the table, in its order: ``file``, ``start``, ``end`` and
        ``speaker`` as in the table, ``arousal``, ``dominance`` and ``valence``
        (float32, unclipped, NaN where there is no value), ``duration`` of the clip in
        seconds (NaN if unknown), ``status`` and ``message``, see
        :class:`audw2s.audio.quality.Report`, and ``sha256`` of the file, empty if it
        can't be read: labels are identified by content, not by path

    Raises:
        ValueError: if the table is empty, there is no such model, or ``out`` or
            ``OUT.parts`` was made by another model or from other clips, or is no
            table of labels

    """
    if table.empty:
        raise ValueError("There are no clips to label.")
    table = table.reset_index(drop=True)
    predictor = Predictor(model)
    identity = identify(table, predictor)
    parts = f"{out}.parts"
    if os.path.exists(out):
        _check(out, stored_identity(out), identity)
        labels = pd.read_parquet(out)
    else:
        _begin(parts, identity)
        _fill(parts, table, predictor, num_workers, shard_size, verbose)
        labels = _read_parts(parts).reset_index(drop=True)
    # A corpus that was moved has other paths, and the same labels
    here = labels.assign(
        file=table["file"],
        speaker=table["speaker"],
        sha256=content_hashes(table["file"]),
    )
    if not os.path.exists(out) or list(here["file"]) != list(labels["file"]):
        _write(here, out, identity)
    shutil.rmtree(parts, ignore_errors=True)
    return pd.read_parquet(out)


def annotate(
    table: pd.DataFrame,
    predictor: Predictor,
    *,
    num_workers: int = 1,
    progress: tqdm | None = None,
) -> pd.DataFrame:
    """Predict A/D/V of whole clips; every clip has a row, also without values.

    Args:
        table: clips, see :mod:`audw2s.corpus.lists.corpus`
        predictor: predictor that gives a row per clip
        num_workers: threads
        progress: progress bar of clips

    Returns:
        table, see :func:`label`, with the index of the given one

    """

    def process(clip: tuple) -> Row:
        file, start, end = clip
        return predictor.file(file, start.total_seconds(), seconds(end))[0]

    clips = table[["file", "start", "end"]].itertuples(index=False, name=None)
    rows = []
    pool = ThreadPoolExecutor(num_workers)
    try:
        for row in pool.map(process, clips):
            rows.append(row)
            if progress is not None:
                progress.update()
    finally:
        pool.shutdown(cancel_futures=True)
    return _frame(table, rows)


def _frame(table: pd.DataFrame, rows: Sequence[Row]) -> pd.DataFrame:
    frame = table[["file", "start", "end", "speaker"]].copy()
    # The scale of human ratings isn't that of a model
    frame.attrs.clear()
    for number, name in enumerate(DIMENSIONS):
        frame[name] = np.float32([row.values[0, number] for row in rows])
    frame["duration"] = [np.nan if pd.isna(row.end) else row.duration for row in rows]
    frame["status"] = [row.status for row in rows]
    frame["message"] = [row.message for row in rows]
    return frame


def identify(table: pd.DataFrame, predictor: Predictor) -> dict[str, str]:
    """Identity of labels: model, version, clips, and content of their files."""
    clip_hash = hashlib.sha256()
    clips = zip(
        content_hashes(table["file"]),
        table["start"],
        table["end"],
        table["speaker"],
        strict=True,
    )
    for clip in clips:
        clip_hash.update("\0".join(map(str, clip)).encode("utf-8", "surrogateescape"))
    provenance = predictor.provenance
    identity = {key: provenance[key] for key in ("model", "sha256", "version")}
    return {**identity, "table": clip_hash.hexdigest()}


def stored_identity(path: str) -> dict[str, str]:
    """Identity of a stored table of labels.

    Raises:
        ValueError: if the file isn't a table of labels

    """
    try:
        metadata = pq.read_schema(path).metadata or {}
        return json.loads(metadata[METADATA])
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError, KeyError):
        raise ValueError(
            f"'{path}' exists, but isn't a table of labels. "
            "Choose another output, or delete it."
        ) from None


def _check(path: str, stored: dict[str, str], identity: dict[str, str]) -> None:
    changed = [key for key in identity if stored.get(key) != identity[key]]
    if not changed:
        return
    differences = "; ".join(
        "its list of clips, or their audio files, changed"
        if key == "table"
        else f"its {_NAMES[key]} was {stored.get(key)} and is now {identity[key]}"
        for key in changed
    )
    raise ValueError(
        f"'{path}' comes from another run: {differences}. "
        "Choose another output, or delete it."
    )


def _begin(parts: str, identity: dict[str, str]) -> None:
    """Make sure that a folder of parts belongs to this run."""
    audeer.mkdir(parts)
    path = os.path.join(parts, "identity.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            _check(parts, json.load(file), identity)
    else:
        write_json(identity, path)


def _fill(
    parts: str,
    table: pd.DataFrame,
    predictor: Predictor,
    num_workers: int,
    shard_size: int,
    verbose: bool,
) -> None:
    """Label the clips that aren't in the parts yet."""
    finished = _read_parts(parts)
    missing = table.drop(finished.index)
    progress = tqdm(
        total=len(table), initial=len(finished), desc="Label", disable=not verbose
    )
    with progress:
        for first in range(0, len(missing), shard_size):
            clips = missing.iloc[first : first + shard_size]
            shard = annotate(
                clips, predictor, num_workers=num_workers, progress=progress
            )
            _write(shard, os.path.join(parts, f"{clips.index[0]:09d}.parquet"))


def _read_parts(parts: str) -> pd.DataFrame:
    """All finished clips; the index is their number in the table."""
    # A file that a killed run was writing is called tmp.NUMBER.parquet
    names = sorted(n for n in os.listdir(parts) if n[:-8].isdigit())
    shards = [pd.read_parquet(os.path.join(parts, name)) for name in names]
    return pd.concat(shards).sort_index() if shards else pd.DataFrame()


def _write(
    table: pd.DataFrame,
    path: str,
    identity: dict[str, str] | None = None,
) -> None:
    arrow = pa.Table.from_pandas(table)
    if identity is not None:
        metadata = {**arrow.schema.metadata, METADATA: json.dumps(identity).encode()}
        arrow = arrow.replace_schema_metadata(metadata)
    with replacing(path) as temporary:
        pq.write_table(arrow, temporary)
