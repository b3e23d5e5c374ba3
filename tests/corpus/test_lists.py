"""One reader of corpora: nothing about clips, times, speakers or ratings is guessed."""

import os
import shutil

import audformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audw2s.corpus.inputs import read_inputs
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import rating_columns
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.errors import DataWarning
from audw2s.model.registry import DIMENSIONS


def write(folder, text, name="list.csv"):
    path = folder / name
    path.write_text(text)
    return str(path)


def rated(folder, *values, head="arousal,dominance,valence"):
    rows = [f"{k}.wav,{value}" for k, value in enumerate(values)]
    return write(folder, "\n".join([f"file,{head}", *rows]))


@pytest.mark.parametrize("extension", ["csv", "parquet"])
@pytest.mark.parametrize(
    "start, seconds",
    [(1.0, 1.0), (1, 1.0), ("1.5", 1.5), ("0 days 00:00:02", 2.0), (None, 0.0)],
)
def test_numbers_are_seconds_in_every_reader(tmp_path, extension, start, seconds):
    path = str(tmp_path / f"list.{extension}")
    frame = pd.DataFrame({"file": ["a.wav"], "start": [start], "end": [9]})
    frame.to_csv(path, index=False) if extension == "csv" else frame.to_parquet(path)
    table, inputs = read_corpus(path), read_inputs(path)
    assert table["start"].dt.total_seconds().tolist() == [seconds]
    assert table["end"].dt.total_seconds().tolist() == [9]
    assert inputs.span(0) == (round(seconds * 1e9), 9 * 10**9)
    assert table["start"].dtype == table["end"].dtype == "timedelta64[ns]"


def test_cells_are_kept_as_they_are_written(tmp_path):
    head, cells = "file,speaker,emotion,code", ["NA", "nan", "null", "05", "1e3", ""]
    rows = [f"NA,{cell},{cell},{cell}" for cell in cells]
    table = read_corpus(write(tmp_path, "\n".join([head, *rows])))
    assert [os.path.basename(file) for file in table["file"]] == ["NA"] * 6
    for name in ("speaker", "emotion", "code"):
        assert table[name].fillna("").tolist() == cells
        assert table[name].isna().tolist() == [False] * 5 + [True]


def test_cells_below_an_empty_line_are_kept_as_they_are_written(tmp_path):
    table = read_corpus(write(tmp_path, "\nfile,speaker\na.wav,05\n"))
    assert table["speaker"].tolist() == ["05"]


def test_speakers_with_numbers_in_parquet(tmp_path):
    path = str(tmp_path / "list.parquet")
    speakers = [7, None, 12]
    frame = pd.DataFrame({"file": ["a", "b", "c"], "speaker": speakers})
    frame.to_parquet(path)
    assert read_corpus(path)["speaker"].fillna("").tolist() == ["7", "", "12"]


def test_no_speaker_is_invented(tmp_path):
    assert read_corpus(rated(tmp_path, "1,2,3"))["speaker"].isna().all()


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.csv", b"file,a\nx.wav,1\n,2\n", "row 2: there is no file"),
        ("a.csv", b"file,start\nx.wav,NA\n", "column 'start'"),
        ("a.csv", b"file,end\nx.wav,inf\n", "column 'end'"),
        ("a.csv", b"file,end\nx.wav,1e300\n", "column 'end'"),
        ("a.csv", b"file,a,a\nx.wav,1,2\n", "two columns 'a': which is meant"),
        ("a.csv", b"file,a\nx.wav,1,2\n", "can't be read as a table: .*got 3"),
        ("a.csv", b"file,a,b\nx.wav,1\n", "can't be read as a table: .*got 2"),
        ("a.csv", b"file\nb\xe4r.wav\n", "has to be a text in UTF-8"),
        ("a.csv", b"", "needs a column 'file', it has \\[\\]|can't be read"),
        ("a.csv", b"File\nx.wav\n", "--columns file=File"),
        ("a.csv", b"file;a\nx.wav;1\n", "needs a column 'file', it has"),
        ("a.parquet", b"PAR1", "can't be read as a table"),
        ("a.tsv", b"file\n", "has to end on .txt, .csv, .parquet, .jsonl"),
    ],
)
@pytest.mark.parametrize("read", [read_corpus, read_inputs])
def test_tables_that_are_refused(tmp_path, read, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said) as failure:
        read(str(path))
    assert name in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("read", [read_corpus, read_inputs])
def test_parquet_that_is_no_text(tmp_path, read):
    path = str(tmp_path / "list.parquet")
    data = [pa.py_buffer(b"\0\0\0\0\5\0\0\0"), pa.py_buffer(b"b\xe4r.w")]
    names = pa.StringArray.from_buffers(1, data[0], data[1])
    pq.write_table(pa.table({"file": names}), path)
    with pytest.raises(ValueError, match="list.parquet' .* column 'file': .*UTF8"):
        read(path)
    pq.write_table(pa.table({"file": [b"bear.wav"]}), path)
    with pytest.raises(ValueError, match="column 'file' has to hold text, not bytes"):
        read(path)


def test_folders_that_look_like_partitions(tmp_path):
    """Arrow takes the folder ``emotion=anger`` for a column."""
    folder = tmp_path / "emotion=anger"
    folder.mkdir()
    pd.DataFrame({"file": ["a.wav"]}).to_parquet(folder / "list.parquet")
    assert "emotion" not in read_corpus(str(folder / "list.parquet"))


def test_byte_order_marks_are_removed(tmp_path):
    for name, text in [("a.csv", "file\nx.wav\n"), ("a.txt", "x.wav\n")]:
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert read_inputs(str(tmp_path / name)).files == ["x.wav"]


def test_columns_are_mapped(tmp_path):
    path = rated(tmp_path, "4,3,2,old", head="Arousal,Dom,val,arousal")
    names = {"arousal": "Arousal", "dominance": "Dom", "valence": "val"}
    table = read_corpus(path, names)
    assert ratings(table, 1, 5).ravel().tolist() == [0.75, 0.5, 0.25]
    with pytest.raises(ValueError, match="no column 'Arosal'. Did you mean 'Arousal'"):
        read_corpus(path, {"arousal": "Arosal"})
    with pytest.raises(ValueError, match="valence=Valence") as failure:
        path = rated(tmp_path, "4,3,2", head="arousal,dominance,Valence")
        rating_columns(read_corpus(path))
    assert "has no human ratings. Columns are missing: ['valence']" in str(
        failure.value
    )


def test_only_columns_of_raters_count(tmp_path):
    head = "arousal,dominance,valence,std_arousal,std_dominance,std_valence"
    table = read_corpus(rated(tmp_path, "4,3,2,.4,.4,.4", head=head))
    assert rating_columns(table) == [list(DIMENSIONS)]
    head = "rater1_arousal,rater1_dominance,rater1_valence,arousal"
    table = read_corpus(rated(tmp_path, "4,3,2,5", head=head))
    assert rating_columns(table) == [[f"rater1_{name}" for name in DIMENSIONS]]


def test_ratings_that_are_no_numbers(tmp_path):
    table = read_corpus(rated(tmp_path, "1,2,3", "1,NA,3", ",2,3"))
    said = "'mine', column 'dominance', row 2: 'NA' isn't a number"
    with pytest.raises(ValueError, match=said):
        ratings(table, 1, 5, "'mine'")
    table = read_corpus(rated(tmp_path, "1,2,3", ",2,3"))
    np.testing.assert_array_equal(
        ratings(table, 1, 5), [[[0, 0.25, 0.5], [np.nan, 0.25, 0.5]]]
    )


def test_an_inferred_scale_is_reported(tmp_path):
    table = read_corpus(rated(tmp_path, "1.8,2,4.7", "3,3,3"))
    with pytest.warns(DataWarning, match="between 1.8 and 4.7: the scale .* 1 to 5"):
        assert rating_scale(table) == (1, 5)
    assert rating_scale(table, (0, 9)) == (0, 9)


@pytest.mark.parametrize(
    "values, expected",
    [
        (("0.2,.5,.925", "0,1,.3"), (0, 1)),
        (("-0.7,.5,.85", "0,1,.3"), (-1, 1)),
        (("-3,0,2.5", "1,1,1"), (-3, 3)),
        (("1.5,6,3", "2,2,2"), (1, 7)),
        (("3,70,20", "9,9,9"), (0, 100)),
    ],
)
def test_other_scales_are_inferred_and_reported(tmp_path, values, expected):
    table = read_corpus(rated(tmp_path, *values))
    low, high = expected
    with pytest.warns(DataWarning, match=f"the scale is taken to be {low} to {high}"):
        assert rating_scale(table) == expected


@pytest.mark.parametrize("values", ["1,1,1", "3.5,6,5", "-20,5,5", "50,51,52"])
def test_ambiguous_scales_are_refused(tmp_path, values):
    table = read_corpus(rated(tmp_path, values, values))
    with pytest.raises(ValueError, match="isn't declared: give --scale LOWEST HIGHEST"):
        rating_scale(table)


def test_ratings_outside_a_given_scale(tmp_path):
    table = read_corpus(rated(tmp_path, "1,2,6", "3,3,3"))
    with pytest.raises(ValueError, match="1 of its 6 ratings leave the scale .* 6:"):
        rating_scale(table, (1, 5))


def make_database(root, *, minimum=-1.0, maximum=1.0, valence=None):
    """Four clips of two speakers, whom only another table and a misc table tell."""
    files = [f"audio/{name}.wav" for name in "abcd"]
    db = audformat.Database("ratings")
    db["speaker"] = audformat.MiscTable(
        pd.Index(["1", "2"], dtype="string", name="speaker")
    )
    db["speaker"]["gender"] = audformat.Column()
    db["speaker"]["gender"].set(["female", "male"])
    db["speaker"]["age"] = audformat.Column()
    db["speaker"]["age"].set([30, 40])
    db.schemes["speaker"] = audformat.Scheme("str", labels="speaker")
    db.schemes["rating"] = audformat.Scheme("float", minimum=minimum, maximum=maximum)
    db.schemes["valence"] = audformat.Scheme("float", **(valence or {}))
    db["files"] = audformat.Table(audformat.filewise_index(files))
    db["files"]["who"] = audformat.Column(scheme_id="speaker")
    db["files"]["who"].set(["1", "1", "2", "2"])
    index = audformat.segmented_index(files, [0] * 4, ["1s"] * 4)
    db.splits["test"] = audformat.Split("test")
    db["gold"] = audformat.Table(index, split_id="test")
    for name in DIMENSIONS:
        scheme = "valence" if valence and name == "valence" else "rating"
        db["gold"][name] = audformat.Column(scheme_id=scheme)
        db["gold"][name].set([0.5, -0.5, 0.25, 1.0])
    db.save(str(root))
    return db


@pytest.mark.parametrize("part", ["", ":files", ":gold"])
def test_speakers_of_a_database(tmp_path, part):
    make_database(tmp_path)
    table = read_corpus(f"{tmp_path}{part}")
    assert table["speaker"].tolist() == ["1", "1", "2", "2"]
    assert table["gender"].tolist() == ["female", "female", "male", "male"]
    assert table["age"].tolist() == [30, 30, 40, 40]


def test_speakers_of_misc_tables_without_a_scheme(tmp_path):
    db = make_database(tmp_path)
    db.schemes["speaker"].labels = None
    db["files"].columns["who"].scheme_id = "speaker"
    db.save(str(tmp_path))
    table = read_corpus(f"{tmp_path}:gold")
    assert table["gender"].tolist() == ["female", "female", "male", "male"]


@pytest.mark.parametrize("kind", [int, str])
def test_facts_in_the_labels_of_speakers(tmp_path, kind):
    db = make_database(tmp_path)
    facts = {"1": {"gender": "male", "age": 50}, "2": {"gender": "female"}}
    labels = {kind(name): fact for name, fact in facts.items()}
    db.schemes["speaker"] = audformat.Scheme(labels=labels)
    del db.misc_tables["speaker"]
    db["files"].drop_columns("who", inplace=True)
    db["files"]["who"] = audformat.Column(scheme_id="speaker")
    db["files"]["who"].set(list(map(kind, ["1", "1", "2", "2"])))
    db.save(str(tmp_path))
    table = read_corpus(f"{tmp_path}:gold")
    assert table["speaker"].tolist() == ["1", "1", "2", "2"]
    assert table["gender"].tolist() == ["male", "male", "female", "female"]
    assert table["age"].fillna(0).tolist() == [50, 50, 0, 0]


def test_speakers_of_other_tables_are_not_used(tmp_path):
    """Raters have a gender, too."""
    db = make_database(tmp_path)
    db.schemes["rater"] = audformat.Scheme("str", labels="speaker")
    db["gold"]["rater"] = audformat.Column(scheme_id="rater")
    db["gold"]["rater"].set(["2", "2", "2", "2"])
    db.save(str(tmp_path))
    table = read_corpus(f"{tmp_path}:gold")
    assert table["gender"].tolist() == ["female", "female", "male", "male"]


def test_tables_that_differ_in_speakers(tmp_path):
    db = make_database(tmp_path)
    db["gold"]["speaker"] = audformat.Column(scheme_id="speaker")
    db["gold"]["speaker"].set(["1", "2", None, "2"])
    db.save(str(tmp_path))
    with pytest.warns(DataWarning, match="'files' and 'gold' differ in the speaker"):
        table = read_corpus(str(tmp_path))
    assert table["speaker"].tolist() == ["1", "1", "2", "2"]
    table = read_corpus(f"{tmp_path}:gold")
    assert table["speaker"].fillna("").tolist() == ["1", "2", "", "2"]


def test_scale_of_a_database(tmp_path):
    make_database(tmp_path / "one")
    assert rating_scale(read_corpus(f"{tmp_path / 'one'}:gold")) == (-1, 1)
    make_database(tmp_path / "low")
    header = tmp_path / "low" / "db.yaml"
    assert "maximum: 1.0" in header.read_text()
    header.write_text(header.read_text().replace("maximum: 1.0", "maximum: 0.75"))
    with pytest.raises(ValueError, match="3 of its 12 ratings leave the scale from -1"):
        rating_scale(read_corpus(f"{tmp_path / 'low'}:gold"))
    make_database(tmp_path / "two", valence={"minimum": -3, "maximum": 3})
    with pytest.raises(ValueError, match="several scales, .* valence -3 to 3"):
        rating_scale(read_corpus(f"{tmp_path / 'two'}:gold"))
    make_database(tmp_path / "open", minimum=None)
    # The scale isn't declared, and is inferred from the ratings
    with pytest.warns(DataWarning, match="the scale is taken to be -1 to 1"):
        assert rating_scale(read_corpus(f"{tmp_path / 'open'}:gold")) == (-1, 1)


@pytest.mark.parametrize("read", [read_corpus, read_inputs])
@pytest.mark.parametrize(
    "name, content, said",
    [
        (":nosuch", None, "no table 'nosuch', it has: files, gold"),
        (":gold", "a: [", "can't be read as an audformat database"),
        ("", "- 1", "can't be read as an audformat database"),
        (":gold", "name: x\ntables: 3", "can't be read as an audformat database"),
    ],
)
def test_databases_that_are_refused(tmp_path, read, name, content, said):
    make_database(tmp_path)
    if content is not None:
        (tmp_path / "db.yaml").write_text(content)
    with pytest.raises(ValueError, match=said) as failure:
        read(f"{tmp_path}{name}")
    assert "\n" not in str(failure.value)


def test_recognised_layouts_are_reported(tmp_path):
    """A folder that is read as a corpus isn't searched for audio."""
    (tmp_path / "DEMOS").mkdir()
    (tmp_path / "DEMOS" / "PR_f_01_tri01.wav").touch()
    (tmp_path / "other.wav").touch()
    with pytest.warns(DataWarning, match="is read as DEMoS, with the 1 clips"):
        files = read_inputs(str(tmp_path)).files
    assert [os.path.basename(file) for file in files] == ["PR_f_01_tri01.wav"]


def make_deep(folder) -> str:
    """A subfolder with a path that is too long to be listed, by anyone."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
    finally:
        os.chdir(here)
    return str(folder / ("d" * 250))


def test_folders_that_cannot_be_listed(tmp_path):
    (tmp_path / "a.wav").touch()
    deep = make_deep(tmp_path)
    inputs = read_inputs(str(tmp_path))
    assert inputs.files == [str(tmp_path / "a.wav")]
    (unlisted,) = inputs.listing.unlisted
    assert unlisted.startswith(f"'{deep}") and "File name too long" in unlisted
    with pytest.warns(DataWarning, match="can't be listed"):
        read_corpus(str(tmp_path))
    shutil.rmtree(deep)


@pytest.mark.parametrize(
    "name, scale, num_speakers",
    [
        ("00_good.csv", (1, 5), 6),
        ("01a_start_in_seconds.csv", (1, 5), 6),
        ("03_std_beside_mean.csv", (1, 5), 6),
        ("05_database:gold", (-1, 1), 3),
        ("07a_speakers_NA_nan_null.csv", (1, 5), 6),
    ],
)
def test_cases(cases, name, scale, num_speakers):
    table = read_corpus(str(cases / "training" / name))
    assert rating_scale(table) == scale
    assert table["speaker"].nunique() == num_speakers
    assert table["speaker"].notna().all()


def test_code_that_the_header_of_a_database_names_is_not_run(tmp_path):
    made = tmp_path / "made"
    header = f"name: a\n!!python/object/apply:os.mkdir ['{made}']: b\n"
    (tmp_path / "db.yaml").write_text(header)
    for name in (str(tmp_path), f"{tmp_path}:files"):
        with pytest.raises(ValueError, match="can't be read as an audformat database"):
            read_corpus(name)
    assert not made.exists()


@pytest.mark.parametrize("name", ["domain", "distance", "performance", "dominance_std"])
def test_columns_that_are_no_dimension(tmp_path, name):
    table = read_corpus(rated(tmp_path, "1,2,x", head=f"arousal,valence,{name}"))
    if "dominance" not in name:
        assert np.isnan(ratings(table, 1, 5)[0, :, 1]).all()
        return
    with pytest.raises(ValueError, match="nearest names"):
        ratings(table, 1, 5)
