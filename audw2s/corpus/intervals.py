"""Intervals of the values in the table of a run."""

from collections.abc import Mapping

import pyarrow as pa

from audw2s.corpus.options import Options
from audw2s.corpus.shards import columns
from audw2s.evaluation.conformal import half_widths
from audw2s.evaluation.conformal import interval_columns
from audw2s.evaluation.conformal import with_interval_names
from audw2s.model.registry import DIMENSIONS


def interval_widths(options: Options) -> dict[str, float]:
    """Half the widths of intervals by column, empty if there are none.

    Raises:
        ValueError: see :func:`audw2s.evaluation.conformal.half_widths`

    """
    if options.intervals is None:
        return {}
    widths = [half_widths(model, options.intervals) for model in options.models]
    ordered = [of_model[d] for of_model in widths for d in DIMENSIONS]
    return dict(zip(columns(options.names), ordered, strict=True))


def with_intervals(rows: pa.Table, widths: Mapping[str, float]) -> pa.Table:
    """Add the ends of intervals behind the values of rows.

    Examples:
        >>> rows = pa.table({"valence": [0.5], "status": ["ok"]})
        >>> with_intervals(rows, {"valence": 0.25}).column_names
        ['valence', 'valence_low', 'valence_high', 'status']

    """
    if not widths:
        return rows
    names = with_interval_names(rows.column_names, widths)
    for name, ends in interval_columns(lambda n: rows[n].to_numpy(), widths).items():
        rows = rows.append_column(name, pa.array(ends, pa.float32()))
    return rows.select(names)
