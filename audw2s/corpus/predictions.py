"""Tables of predictions: those of predict and annotate, and others like them."""

import contextlib
import dataclasses
import os
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audw2s.corpus.clips import OF_CLIPS
from audw2s.corpus.inputs import split_part
from audw2s.corpus.lists.columns import as_numbers
from audw2s.corpus.lists.columns import is_empty
from audw2s.corpus.lists.columns import with_times
from audw2s.corpus.lists.table import read_list
from audw2s.corpus.matching import matching_rows
from audw2s.model.find import sha256
from audw2s.model.registry import DIMENSIONS
from audw2s.tables import TABLES
from audw2s.tables import stored_identity
from audw2s.version import __version__


@dataclasses.dataclass(frozen=True)
class TableValues:
    """Values in a table, such as ``predict`` and ``annotate`` write.

    Args:
        path: path of the table
        table: ``file``, ``start``, ``end``, ``arousal``, ``dominance`` and ``valence``
            (NaN for a dimension without a column), ``duration``, ``status`` and
            ``message``
        identity: ``model``, ``sha256`` and ``version``

    """

    path: str
    table: pd.DataFrame
    identity: dict[str, object]
    used: set[int] = dataclasses.field(default_factory=set)
    """Positions of the rows that belong to clips."""

    @property
    def num_unused(self) -> int:
        """Number of rows that belong to no clip."""
        return len(self.table) - len(self.used)

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Values of the clips of a table, see :class:`audw2s.corpus.clips.ModelValues`.

        Raises:
            ValueError: if the table of predictions has several rows of a clip

        """
        rows = matching_rows(self.table, table, self.path)
        self.used.update(rows[rows >= 0])
        values = self.table.drop(columns=OF_CLIPS, errors="ignore")
        # Position -1 is the row of clips that have no prediction
        missing = pd.DataFrame({"status": ["not predicted"], "message": [""]})
        taken = pd.concat([values, missing], ignore_index=True).iloc[rows]
        clips = table[OF_CLIPS].copy()
        clips.attrs.clear()
        return pd.concat([clips, taken.set_index(clips.index)], axis=1)


def table_path(source: str) -> str:
    """Path of a table of predictions; empty if it isn't one.

    Args:
        source: path of a table, or of a folder that ``annotate`` has written, with
            ``:MODEL`` at its end if there are several models

    Examples:
        >>> table_path("out/predictions.csv:wav2small"), table_path("wav2small")
        ('out/predictions.csv', '')

    """
    root, _ = split_part(source)
    if os.path.isfile(root):
        return root
    named = root if root.endswith(tuple(f".{end}" for end in TABLES)) else ""
    tables = [os.path.join(root, f"table.{end}") for end in TABLES]
    # One in another format is of an earlier run, whose list may have been shorter
    return max(filter(os.path.isfile, tables), key=os.path.getmtime, default=named)


def read_predictions(source: str) -> TableValues:
    """Read a table of predictions.

    Args:
        source: see :func:`table_path`

    Raises:
        FileNotFoundError: if it isn't there
        ValueError: if it has no values of A/D/V, or those of several models and none is
            chosen

    """
    path, model = table_path(source), split_part(source)[1]
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no table '{path}'.")
    table = read_list(path)
    prefix = _prefix([*map(str, table)], model, path)
    named = {f"{prefix}{d}": d for d in DIMENSIONS if f"{prefix}{d}" in table}
    try:
        values = {d: as_numbers(table[column]) for column, d in named.items()}
    except ValueError as error:
        raise ValueError(f"'{path}', {error}.") from None
    rows = with_times(table[[c for c in ("file", "start", "end") if c in table]], path)
    for name in DIMENSIONS:
        rows[name] = values.get(name, np.nan)
    rows["duration"] = (rows["end"] - rows["start"]).dt.total_seconds()
    for name, default in {"status": "no value", "message": ""}.items():
        rows[name] = default
        if name in table:
            rows[name] = table[name].astype(object).mask(is_empty(table[name]), default)
    return TableValues(path, rows, _identity(path, table, model))


def _prefix(columns: list[str], model: str, path: str) -> str:
    """What stands before the dimension in the columns of a model."""
    prefixes = dict.fromkeys(
        column.removesuffix(d)
        for column in columns
        for d in DIMENSIONS
        if column == d or column.endswith(f".{d}")
    )
    wanted = f"{model}." if model else next(iter(prefixes), "")
    names = ", ".join(f"{path}:{prefix[:-1]}" for prefix in prefixes if prefix)
    if not prefixes:
        raise ValueError(
            f"'{path}' has no column {', '.join(DIMENSIONS)}, it has "
            f"{', '.join(columns)}."
        )
    if wanted not in prefixes or (len(prefixes) > 1 and not model):
        raise ValueError(f"Choose a model of the table: {names or path}.")
    return wanted


def _identity(path: str, table: pd.DataFrame, model: str) -> dict[str, object]:
    """Model, sha256 and version; of other tables the name and sha256 of the file."""
    if {"model", "sha256", "version"} <= set(table) and len(table):
        columns = table[["model", "sha256", "version"]]
        return {str(name): str(value) for name, value in columns.iloc[0].items()}
    run = table.attrs.get("audw2s", {})
    for shard in sorted(pathlib.Path(path).parent.glob("parts/part-*")):
        # Beside a CSV file, whose rows don't say it; some may be damaged
        with contextlib.suppress(pa.ArrowException):
            run = run or stored_identity(pq.read_schema(shard)) or {}
    for entry in run.get("models", ()):
        if model in ("", entry["name"]):
            return {
                "model": entry["name"],
                "sha256": entry["sha256"],
                "version": run["version"],
            }
    name = os.path.splitext(os.path.basename(path))[0]
    return {"model": name, "sha256": sha256(path), "version": __version__}
