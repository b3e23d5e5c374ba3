"""Columns of the table of a run, and intervals of its values."""

from collections.abc import Mapping
from collections.abc import Sequence

import pyarrow as pa

from audw2s.corpus.options import Options
from audw2s.model.registry import DIMENSIONS


def columns(names: Sequence[str]) -> list[str]:
    """Names of the columns of values.

    Examples:
        >>> columns(["wav2small"])
        ['arousal', 'dominance', 'valence']
        >>> columns(["a", "b"])[2:4]
        ['a.valence', 'b.arousal']

    """
    if len(names) == 1:
        return list(DIMENSIONS)
    return [f"{name}.{dimension}" for name in names for dimension in DIMENSIONS]


def table_schema(names: Sequence[str], has_channels: bool = False) -> pa.Schema:
    """Columns of the table.

    Args:
        names: names of the models
        has_channels: whether each channel has rows of its own

    """
    return pa.schema(
        [("file", pa.string())]
        + [("channel", pa.int64())] * has_channels
        + [(name, pa.duration("ns")) for name in ("start", "end")]
        + [(name, pa.float32()) for name in columns(names)]
        + [(name, pa.float64()) for name in ("duration", "speech")]
        + [(name, pa.string()) for name in ("status", "message")]
    )


def interval_widths(options: Options) -> dict[str, float]:
    """Half the widths of intervals by column, empty if there are none.

    Raises:
        ValueError: see :func:`audw2s.evaluation.conformal.half_widths`

    """
    if options.intervals is None:
        return {}
    # Most runs have no intervals, and need nothing of the evaluation
    from audw2s.evaluation.conformal import half_widths

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
    if widths:
        from audw2s.evaluation.conformal import interval_columns

        columns = list(interval_columns(rows, rows.column_names, widths))
        for place, name, ends in columns:
            rows = rows.add_column(place, name, pa.array(ends, pa.float32()))
    return rows
