"""Splits of a corpus into parts without common speakers."""

import numpy as np
import pandas as pd
import pytest
from full import examples
from hypothesis import given
from hypothesis import strategies as st

from audw2s.evaluation.splits import split


def speakers(count, clips=3):
    names = [f"{k:02d}" for k in range(count)]
    return pd.DataFrame({"speaker": np.repeat(names, clips)})


@examples(100)
@given(st.integers(3, 20), st.integers(2, 5), st.integers(0, 9))
def test_each_speaker_is_in_one_part_and_tested_once(count, num_folds, seed):
    table = speakers(count)
    if num_folds > count:
        with pytest.raises(ValueError, match="can't be dealt"):
            split(table, num_folds=num_folds, seed=seed)
        return
    tested = []
    for fold in range(num_folds):
        try:
            parts = split(table, fold=fold, num_folds=num_folds, seed=seed)
        except ValueError as error:
            # Two of three speakers may be the test
            assert count == 3, error
            return
        assert (parts.groupby(table["speaker"]).nunique() == 1).all()
        assert set(parts) == {"train", "devel", "test"}
        tested += list(table["speaker"][parts == "test"].unique())
    assert sorted(tested) == list(table["speaker"].unique())


def test_a_column_of_parts_is_used_as_it_is():
    table = speakers(3, 1).assign(split=["train", "Dev", "test"])
    assert list(split(table)) == ["train", "devel", "test"]
    with pytest.raises(ValueError, match="found \\['holdout'\\]"):
        split(table.assign(split="holdout"))
    with pytest.raises(ValueError, match="no clips to be the devel and test part"):
        split(table.assign(split="train"))
    table = speakers(2, 2).assign(split=["train", "devel", "test", "test"])
    with pytest.raises(ValueError, match="Speaker '00' is in two parts"):
        split(table)
