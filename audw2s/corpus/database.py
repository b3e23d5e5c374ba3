"""A database with a table of A/D/V more: its text is copied, its media aren't."""

import audformat
import numpy as np
import pandas as pd
import pyarrow as pa

from audw2s.corpus.inputs import Inputs
from audw2s.corpus.lists.database import open_database
from audw2s.corpus.options import Options
from audw2s.corpus.shards import Shards
from audw2s.corpus.table import columns
from audw2s.corpus.table import interval_widths
from audw2s.corpus.table import with_intervals
from audw2s.model.registry import DIMENSIONS


def check_table(inputs: Inputs, table: str) -> None:
    """Make sure that a database can have a table of this name.

    Raises:
        ValueError: if the inputs are of no database, or it has one

    """
    if inputs.database is None:
        raise ValueError(
            f"A table '{table}' can be added to databases only: "
            "ROOT, ROOT:TABLE or audb:NAME==VERSION."
        )
    database = open_database(inputs.database)
    if table in database.tables or table in database.misc_tables:
        raise ValueError(f"The database has a table '{table}' already.")


def write_database(
    shards: Shards, options: Options, identity: dict[str, object], out: str
) -> None:
    """Write a copy of the inputs' database with a new table.

    Args:
        shards: shards of the run, whose inputs are all or a part of a database
        options: options of the run; its new table is filewise or segmented as the
            inputs are, and segmented with windows
        identity: identity of the run, kept in the table's meta as ``audw2s``
        out: folder of the copy

    """
    inputs, names = shards.inputs, options.names
    database = open_database(inputs.database, load_data=True)
    batches = shards.rows(["start", "end", *columns(names)])
    found, tables = zip(*batches, strict=True)
    numbers, rows = np.concatenate(found), pa.concat_tables(tables)
    rows = with_intervals(rows, interval_widths(options))
    index = _index(inputs, numbers, rows, windows=options.has_parts)
    kept = ~index.duplicated()
    if not kept.all():
        index, rows = index[kept], rows.filter(pa.array(kept))
    source = database.tables.get(inputs.database_table)
    table = audformat.Table(
        index,
        # As those of the table that was annotated
        split_id=source.split_id if source else None,
        media_id=source.media_id if source else None,
        description=f"Arousal, dominance and valence by {', '.join(names)}",
    )
    table.meta["audw2s"] = identity
    database[options.table] = table
    schemes = [f"{name}.{dimension}" for name in names for dimension in DIMENSIONS]
    for scheme, column in zip(schemes, columns(names), strict=True):
        if scheme not in database.schemes:
            # No bounds: predictions aren't clipped and can leave 0…1
            text = f"{scheme.rpartition('.')[2]}, roughly 0…1"
            database.schemes[scheme] = audformat.Scheme("float", description=text)
        for name in (column, f"{column}_low", f"{column}_high"):
            if name in rows.column_names:
                table[name] = audformat.Column(scheme_id=scheme)
                table[name].set(rows[name].to_numpy())
    database.save(out)


def _index(
    inputs: Inputs,
    numbers: np.ndarray,
    rows: pa.Table,
    *,
    windows: bool,
) -> pd.Index:
    files = [inputs.files[number] for number in numbers]
    if inputs.filewise and not windows:
        return audformat.filewise_index(files)
    times = rows.to_pandas() if windows else inputs.table.iloc[numbers]
    return audformat.segmented_index(files, times["start"], times["end"])
