import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import audw2s


def literal(values, groups, used, method):
    """Normalise value by value, in plain Python."""
    result = []
    for value, group in zip(values, groups, strict=True):
        known = [
            v
            for v, g, u in zip(values, groups, used, strict=True)
            if g == group and u and not np.isnan(v)
        ]
        if method == "standard":
            centre = sum(known) / len(known) if known else np.nan
            squares = sum((v - centre) ** 2 for v in known)
            scale = (squares / (len(known) - 1)) ** 0.5 if len(known) > 1 else 0.0
        else:
            centre = np.median(known) if known else np.nan
            scale = np.median(np.abs(np.array(known) - centre)) / 0.6745 if known else 0
        result.append((value - centre) / scale if scale > 1e-9 else np.nan)
    return result


rows = st.tuples(
    st.one_of(st.just(float("nan")), st.integers(0, 100).map(lambda n: n / 100)),
    st.sampled_from("abc"),
    st.booleans(),
)


@given(st.lists(rows, min_size=1, max_size=20), st.sampled_from(["standard", "robust"]))
def test_equals_a_literal_implementation(rows, method):
    values, groups, used = map(list, zip(*rows, strict=True))
    frame = pd.DataFrame({"valence": values})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = audw2s.normalise(frame, groups, method=method, reference=used)
    expected = literal(values, groups, used, method)
    np.testing.assert_allclose(result["valence"], expected, atol=1e-9)


def test_tables_of_interfaces_and_corpora(clips, tmp_path):
    speakers = ["emodb"] * 4 + ["librispeech"] * 2
    frame = audw2s.Feature().process_files(clips)
    scores = audw2s.normalise(frame, by=speakers)
    assert scores.index.equals(frame.index) and scores.attrs == frame.attrs
    for speaker in set(speakers):
        part = scores[[s == speaker for s in speakers]]
        np.testing.assert_allclose(part.mean(), 0, atol=1e-6)
        np.testing.assert_allclose(part.std(), 1, atol=1e-6)
    table = audw2s.annotate(
        str(clips[0]).rpartition("/")[0], str(tmp_path / "out"), verbose=False
    )
    normalised = audw2s.normalise(table, by=speakers)
    np.testing.assert_allclose(normalised["valence"], scores["valence"], atol=1e-5)
    assert normalised["status"].equals(table["status"])


def test_columns_of_several_models_and_channels():
    frame = pd.DataFrame(
        {"wav2small.arousal": [0.0, 1.0], (0, "valence"): [0.0, 2.0], "level": [1, 2]}
    )
    scores = audw2s.normalise(frame)
    assert scores["level"].tolist() == [1, 2]
    for column in ("wav2small.arousal", (0, "valence")):
        np.testing.assert_allclose(scores[column], [-(0.5**0.5), 0.5**0.5])


def test_groups_without_deviation_are_nan_and_named():
    frame = pd.DataFrame({"arousal": [0.1, 0.4, 0.4, 0.8]})
    with pytest.warns(UserWarning, match="3 groups .* NaN: a, b, c"):
        scores = audw2s.normalise(
            frame, by=["a", "b", "b", "c"], reference=[1, 1, 1, 1]
        )
    assert scores["arousal"].isna().all()


@pytest.mark.parametrize(
    "columns, arguments, message",
    [
        (["arousal"], {"by": ["a"]}, "by has 1 entries, and the table has 2 rows"),
        (["arousal"], {"reference": [True]}, "reference has 1 entries"),
        (["arousal"], {"method": "minmax"}, "'standard' or 'robust', not 'minmax'"),
        (["anger"], {}, "no column of arousal, dominance or valence"),
    ],
)
def test_invalid_arguments_are_refused(columns, arguments, message):
    frame = pd.DataFrame(0.5, index=range(2), columns=columns)
    with pytest.raises(ValueError, match=message):
        audw2s.normalise(frame, **arguments)
