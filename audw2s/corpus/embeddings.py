"""The hidden states of models as columns: their names, sizes and types."""

from collections.abc import Mapping
from collections.abc import Sequence

import pyarrow as pa

from audw2s.model.find import num_hidden_states

MAX_BYTES = 16e6
"""Bytes of hidden states after which what is finished is written; so many are read
at a time as well, if each input has one row."""


def hidden_sizes(names: Sequence[str], models: Sequence[str]) -> dict[str, int]:
    """Columns of hidden states of some models, and how many numbers are in each.

    Args:
        names: that the models have in columns
        models: names or folders

    Examples:
        >>> hidden_sizes(["wav2small"], ["wav2small"])
        {'wav2small.hidden_states': 169}

    """
    return {
        f"{name}.hidden_states": num_hidden_states(model)
        for name, model in zip(names, models, strict=True)
    }


def fields(sizes: Mapping[str, int]) -> list[pa.Field]:
    """Columns as parquet has them: lists of a fixed size, missing without values."""
    return [pa.field(name, pa.list_(pa.float32(), n)) for name, n in sizes.items()]


def max_rows(sizes: Mapping[str, int], otherwise: int) -> int:
    """Rows that are held at a time, as many as otherwise if they are small."""
    return max(1, min(otherwise, int(MAX_BYTES / max(1, 4 * sum(sizes.values())))))
