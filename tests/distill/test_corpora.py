"""MSP-Podcast, IEMOCAP and DEMoS in their published layouts."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from layouts import FIRST
from layouts import MSP
from layouts import SECOND
from layouts import make_msp
from layouts import published_means

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.iemocap import is_iemocap
from audw2s.corpus.lists.iemocap import parse_turns
from audw2s.corpus.lists.msp_podcast import is_msp_podcast
from audw2s.corpus.lists.msp_podcast import read_msp_podcast
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.model.registry import DIMENSIONS


def test_msp_podcast_is_read_with_its_ratings(msp):
    table = read_corpus(msp)
    names = [f"MSP-PODCAST_{n}.wav" for n in ("0001_0008", "0001_0009", "0002_0011")]
    names += ["MSP-PODCAST_0002_0013.wav", "MSP-PODCAST_0003_0016.wav"]
    files = [os.path.join(msp, "Audios", name) for name in names]
    assert table["file"].tolist() == files
    assert table["speaker"].fillna("").tolist() == ["30", "127", "127", "", ""]
    assert table["gender"].fillna("").tolist() == ["male", "female", "female", "", ""]
    assert table["split"].tolist() == [
        "Test1",
        "Train",
        "Train",
        "Development",
        "Test2",
    ]
    assert table["emotion"].tolist() == ["N", "A", "S", "X", "H"]
    assert table["arousal"].tolist() == [2.2, 6.777778, 1, 5.4, 5]
    assert table["dominance"].tolist() == [2.6, 7, 3.5, 4.2, 4.6]
    assert table["valence"].tolist() == [4, 1.555556, 2.75, 4.8, 6.2]
    assert table["end"].isna().all()
    assert rating_scale(table) == (1, 7)


@pytest.mark.parametrize(
    "labels, audio",
    [
        ("Labels/labels_concensus.csv", "Audio"),
        ("labels_consensus.csv", "Audio"),
        ("labels_concensus.csv", "Audios"),
    ],
)
def test_releases_of_msp_podcast_are_recognised(tmp_path, clips, labels, audio):
    root = make_msp(tmp_path / "msp", clips, labels, audio)
    assert is_msp_podcast(root)
    table = read_corpus(root)
    assert len(table) == 5
    assert table["file"].str.startswith(os.path.join(root, audio, "MSP-")).all()


def test_parts_of_msp_podcast(msp):
    everything = read_msp_podcast(msp)
    train = read_corpus(f"{msp}:Train")
    pd.testing.assert_frame_equal(
        train[everything.columns],
        everything[everything["split"] == "Train"].reset_index(drop=True),
    )
    assert train.attrs == everything.attrs
    # Without ratings, but they can be labelled
    assert read_corpus(f"{msp}:Test3")["arousal"].isna().tolist() == [True]
    names = "Test1, Train, Development, Test2, Test3"
    with pytest.raises(ValueError, match=f"no part 'Test', it has {names}"):
        read_corpus(f"{msp}:Test")


def change(path, old, new):
    with open(path, encoding="latin-1") as file:
        text = file.read()
    assert old in text
    with open(path, "w", encoding="latin-1") as file:
        file.write(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("EmoDom", "Dominance", "labels_consensus.csv' has no column 'EmoDom'"),
        ("SpkrID,Gender", "Spkr,Sex", "has no column 'SpkrID'"),
        (",3.5,127", ",high,127", "column 'dominance', row 3: 'high' isn't a number"),
        (",127,Female,Train", "", "can't be read as a table: .*Expected 8 columns"),
        ("Female,Train", "Female,Train,more", "can't be read as a table: .* got 9"),
        ("MSP-PODCAST_0001_0008.wav", "", "row 1: there is no file"),
        ("0001_0008.wav,N", "0001_0008.wav,\xff", "has to be a text in UTF-8"),
        ("_0011.wav", "_9999.wav", "1 of 5 files, among them '.*Audios.*_9999.wav'"),
    ],
)
def test_mistakes_in_msp_podcast_are_errors(msp, old, new, message):
    change(os.path.join(msp, "Labels", "labels_consensus.csv"), old, new)
    with pytest.raises(ValueError, match=message):
        read_corpus(msp)


def test_msp_podcast_without_audio(msp):
    shutil.rmtree(os.path.join(msp, "Audios"))
    with pytest.raises(ValueError, match=f"'{msp}' .* isn't there: 5 of 5 files"):
        read_corpus(msp)
    with pytest.raises(ValueError, match="isn't there: 1 of 1 files, .*_0008.wav'"):
        read_corpus(f"{msp}:Test1")


def test_msp_podcast_without_clips(msp):
    path = os.path.join(msp, "Labels", "labels_consensus.csv")
    with open(path, "w") as file:
        file.write(MSP.splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="holds no clips"):
        read_corpus(msp)


def test_iemocap_is_read_with_its_ratings(iemocap):
    table = read_corpus(iemocap)
    wavs = [
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M001.wav",
        "Session5/sentences/wav/Ses05M_script01_1b/Ses05M_script01_1b_F000.wav",
        "Session5/sentences/wav/Ses05M_script01_1b/Ses05M_script01_1b_M012.wav",
    ]
    assert table["file"].tolist() == [os.path.join(iemocap, wav) for wav in wavs]
    assert table["speaker"].tolist() == ["Ses01F", "Ses01M", "Ses05F", "Ses05M"]
    assert table["gender"].tolist() == ["female", "male", "female", "male"]
    assert table["split"].tolist() == ["Session1"] * 2 + ["Session5"] * 2
    assert table["emotion"].tolist() == ["neu", "xxx", "hap", "fru"]
    assert table["end"].isna().all()
    assert rating_scale(table) == (1, 5)
    assert not set(DIMENSIONS) & set(table)
    nan = np.nan
    by_rater = {
        "rater2": [[nan] * 3, [5, 6, 1], [nan] * 3, [nan] * 3],
        "rater3": [[4, 2, 3], [4, 5, 2], [3, 3, 4], [4, 4, 2]],
        "rater4": [[3, nan, 2], [nan] * 3, [3, 2, 4], [nan] * 3],
    }
    for rater, expected in by_rater.items():
        columns = [f"{rater}_{name}" for name in DIMENSIONS]
        np.testing.assert_array_equal(table[columns], expected)
    assert sum(column.startswith("rater") for column in table) == 9


def test_the_mean_of_raters_is_the_published_mean(iemocap):
    actual = mean_rating(ratings(read_corpus(iemocap), 1, 5))
    np.testing.assert_allclose(actual, (published_means() - 1) / 4)


@pytest.mark.parametrize("missing", ["a rating", "every rating"])
def test_published_means_where_raters_are_missing(iemocap, missing):
    """A turn without ratings of single raters is read with its mean."""
    for session in ("Session1", "Session5"):
        folder = os.path.join(iemocap, session, "dialog", "EmoEvaluation")
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if not name.startswith("Ses"):
                continue
            if missing == "every rating":
                with open(path, encoding="latin-1") as file:
                    lines = [line for line in file if not line.startswith("A-E")]
                with open(path, "w") as file:
                    file.writelines(lines)
            elif session == "Session5":
                change(path, "val 2; act 4; dom  4;", "val 2; act ; dom 4;")
    table = read_corpus(iemocap)
    assert not any(column.startswith("rater") for column in table)
    np.testing.assert_array_equal(table[list(DIMENSIONS)], published_means())
    assert rating_scale(table) == (1, 5)


def test_parts_of_iemocap(iemocap):
    table = read_corpus(f"{iemocap}:Session5")
    assert table["speaker"].tolist() == ["Ses05F", "Ses05M"]
    assert "rater2_arousal" not in table
    assert rating_scale(table) == (1, 5)
    with pytest.raises(ValueError, match="'Session2', it has Session1, Session5"):
        read_corpus(f"{iemocap}:Session2")


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("[2.5000, 3.5000", "[2.5000; 3.5000", "impro01.txt', line 3: .*2.5000; 3.5"),
        ("[10.0100 - 11", "[10.0100 11", "impro01.txt', line 11: neither a turn"),
        ("_F000\tneu", "_000\tneu", "line 3: neither a turn"),
        ("val 3; act", "val x; act", "line 7: neither a turn"),
        ("val 3; act 4; dom  2;", "", "line 7: neither a turn"),
        ("[6.2901 - ", "6.2901 - ", "line 7: neither a turn"),
        ("_F000", "_F999", "1 of 4 files, among them '.*/Ses01F_impro01_F999.wav'"),
    ],
)
def test_mistakes_in_iemocap_are_errors(iemocap, old, new, message):
    folder = os.path.join(iemocap, "Session1", "dialog", "EmoEvaluation")
    change(os.path.join(folder, "Ses01F_impro01.txt"), old, new)
    with pytest.raises(ValueError, match=message):
        read_corpus(iemocap)
    assert len(read_corpus(f"{iemocap}:Session5")) == 2


def test_iemocap_without_turns(iemocap):
    folder = os.path.join(iemocap, "Session1", "dialog", "EmoEvaluation")
    os.remove(os.path.join(folder, "Ses01F_impro01.txt"))
    assert len(read_corpus(iemocap)) == 2
    with pytest.raises(ValueError, match="holds no clips"):
        read_corpus(f"{iemocap}:Session1")


LINES = st.one_of(
    st.sampled_from((FIRST + SECOND).splitlines()),
    st.text(),
    st.builds(str.__add__, st.sampled_from(["[", "A-E", "A-E3:\tval "]), st.text()),
    # A published line of which a segment was replaced
    st.builds(
        lambda line, start, end, text: line[:start] + text + line[end:],
        st.sampled_from((FIRST + SECOND).splitlines()),
        st.integers(0, 80),
        st.integers(0, 80),
        st.text("0123456789.-[],; \tadeEFlmostv²٣é\x00", max_size=9),
    ),
)


@given(st.lists(LINES, max_size=8))
@example(["A-E3:\tval 3; act 4; dom  2;\t()"])
@example([FIRST.splitlines()[2], f"A-E{'9' * 5000}: val 3; act 4; dom 2;"])
@example([f"[1 - 2] Ses01F_a_F0 neu [{'9' * 5000}, 1, 1]"])
def test_any_text_is_read_or_raises_a_value_error(lines):
    try:
        turns = parse_turns(lines, "Ses01F_impro01.txt")
    except ValueError as error:
        assert "'Ses01F_impro01.txt', line " in str(error)
        return
    assert len(turns) == sum(line.strip().startswith("[") for line in lines)
    for turn in turns:
        assert {"turn", "dialog", "speaker", "gender", "emotion"} < set(turn)
        numbers = [v for k, v in turn.items() if k.endswith(DIMENSIONS)]
        assert len(numbers) % 3 == 0
        assert all(isinstance(number, float) for number in numbers)


def test_other_folders_are_not_taken_for_these_corpora(tmp_path, clips):
    assert not is_msp_podcast(str(tmp_path))
    assert not is_iemocap(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="Train"):
        read_corpus(f"{tmp_path}:Train")


def test_relative_paths_and_colons(tmp_path, clips, monkeypatch):
    make_msp(tmp_path / "at: home" / "msp", clips)
    monkeypatch.chdir(tmp_path)
    root = os.path.join("at: home", "msp")
    for path, count in [(root, 5), (f"{root}{os.sep}", 5), (f"{root}:Train", 2)]:
        table = read_corpus(path)
        assert len(table) == count
        assert all(map(os.path.isfile, table["file"]))
        assert all(map(os.path.isabs, table["file"]))


def test_unknown_speakers_of_a_table(tmp_path, clips):
    path = tmp_path / "clips.csv"
    speakers = ["a", None, "1", None, None, "a"]
    pd.DataFrame({"file": clips, "speaker": speakers}).to_csv(path, index=False)
    actual = read_corpus(str(path))["speaker"]
    assert actual.fillna("").tolist() == [name or "" for name in speakers]


@pytest.fixture
def demos(tmp_path):
    names = {
        "DEMOS": ["PR_f_01_tri01.wav", "NP_m_02_rab03.wav", "NP_f_01_col02.wav"],
        "NEU": ["NEU_m_02_neu01.wav"],
    }
    for folder, files in names.items():
        os.makedirs(tmp_path / "DEMoS" / folder)
        for file in files:
            path = tmp_path / "DEMoS" / folder / file
            soundfile.write(path, np.zeros(800), 16000)
    return tmp_path / "DEMoS"


def test_demos_is_read_as_it_is_published(demos):
    (demos / "DEMOS" / "._PR_f_01_tri01.wav").write_bytes(b"")
    table = read_corpus(str(demos)).set_index("emotion")
    assert sorted(table.index) == ["anger", "guilt", "neutral", "sadness"]
    assert table.loc["sadness", "speaker"] == table.loc["guilt", "speaker"] == "f_01"
    assert table.loc["anger", "gender"] == "male"
    assert table["prototypical"].sum() == 1
    table = read_corpus(f"{demos}:DEMOS")
    assert "neutral" not in set(table["emotion"])
    with pytest.raises(ValueError, match="has no part 'Test'"):
        read_corpus(f"{demos}:Test")
    (demos / "NEU" / "other.wav").write_bytes(b"")
    with pytest.raises(ValueError, match="other.wav' isn't named as DEMoS"):
        read_corpus(str(demos))
