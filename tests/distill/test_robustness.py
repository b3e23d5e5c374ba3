"""Values of changed clips, against a literal second computation."""

import json
import pathlib

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

import audw2s
from audw2s.distill.cli import app
from audw2s.distill.codec import encode
from audw2s.distill.robustness import CHANGES
from audw2s.distill.robustness import CROPS
from audw2s.distill.robustness import TAKES
from audw2s.distill.robustness import robustness
from audw2s.distill.robustness import two_takes
from audw2s.model.registry import CATALOGUE

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Six clips; the first four count as two takes of two sentences."""
    files = sorted(map(str, SPEECH.iterdir()))
    speakers, texts = ["A", "A", "B", "B", "C", "D"], ["x", "x", "y", "y", "x", "x"]
    path = tmp_path_factory.mktemp("corpus") / "speech.csv"
    table = pd.DataFrame({"file": files, "speaker": speakers, "text": texts})
    table.to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def result(corpus, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("out") / "robustness.json")
    command = ["robustness", "wav2small", corpus, "--quiet", "--out", out]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    stored = json.loads(pathlib.Path(out).read_text())
    of_model = {"model": "wav2small", "sha256": CATALOGUE["wav2small"].sha256}
    assert of_model.items() <= stored.items()
    assert stored["version"] == audw2s.__version__
    assert stored["corpus"] == "speech"
    result = stored["changes"]
    assert list(result) == [*CHANGES, CROPS, TAKES]
    for name, row in result.items():
        values = [f"{row[dimension]:.2f}" for dimension in audw2s.DIMENSIONS]
        assert f"| {name} | {row['num_clips']} | {' | '.join(values)} |" in done.output
    return result


def literal_ccc(x, y):
    return (
        2
        * np.cov(x, y, ddof=0)[0, 1]
        / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    )


def predict(signal):
    return audw2s.load("wav2small")(signal.astype(np.float32)[None], 16000)["logits"][0]


def test_codec_and_silence_are_compared_with_the_clean_values(result):
    clips = [
        soundfile.read(path, dtype="float32")[0] for path in sorted(SPEECH.iterdir())
    ]
    clean = np.array([predict(clip) for clip in clips])
    changes = {
        "Opus, 16 kbit/s": lambda clip: encode(clip, "libopus", 16000),
        "2 s of silence before": lambda clip: np.concatenate([np.zeros(32000), clip]),
    }
    for name, change in changes.items():
        changed = np.array([predict(change(clip)) for clip in clips])
        assert result[name]["num_clips"] == len(clips)
        for column, dimension in enumerate(audw2s.DIMENSIONS):
            expected = literal_ccc(clean[:, column], changed[:, column])
            assert result[name][dimension] == pytest.approx(expected, abs=1e-4)


def test_level_changes_no_value(result):
    assert min(result["-40 dB"][d] for d in audw2s.DIMENSIONS) > 0.9999


def test_babble_and_crops_change_values_and_takes_are_pairs(result):
    for name in ("babble, 10 dB below", CROPS):
        assert 0 < result[name]["arousal"] < 0.999
    assert result[TAKES]["num_clips"] == 2


def test_takes_agree_where_cells_are_empty():
    table = pd.DataFrame(
        {
            "speaker": ["A", "A", "A", "A", "A", None, None, "B", "B", "B", "B"],
            "emotion": [*["calm"] * 2, *["joy"] * 7, None, None],
            "intensity": [None, None, "1", "2", "1", *[None] * 6],
            "sentence": [*["x"] * 7, None, None, "x", "x"],
            "text": None,
        }
    )
    # Speakers, emotions and sentences that aren't known may differ
    assert two_takes(table).tolist() == [[0, 1], [2, 4]]
    assert two_takes(table[5:]).tolist() == []


def test_a_clip_that_is_listed_twice_is_no_second_take(corpus, tmp_path):
    table = pd.read_csv(corpus)[4:]
    path = str(tmp_path / "rows.csv")
    pd.concat([table, table]).to_csv(path, index=False)
    result = robustness("wav2small", path, verbose=False)["changes"]
    assert result["-40 dB"]["num_clips"] == 2
    assert TAKES not in result


def test_corpora_without_sentences_have_no_takes(corpus, tmp_path):
    path = tmp_path / "plain.csv"
    pd.read_csv(corpus).drop(columns="text")[:2].to_csv(path, index=False)
    done = CliRunner().invoke(app, ["robustness", "wav2small", str(path), "--quiet"])
    assert done.exit_code == 0, done.output
    assert TAKES not in done.output
    assert CROPS in done.output


@pytest.mark.parametrize("command", ["robustness", "projections"])
def test_a_corpus_without_a_readable_clip_is_refused_with_a_sentence(command, tmp_path):
    (tmp_path / "a.wav").write_text("no audio")
    table = pd.DataFrame({"file": ["a.wav"], "emotion": ["anger"]})
    table.to_csv(tmp_path / "corpus.csv", index=False)
    arguments = [command, "wav2small", str(tmp_path / "corpus.csv"), "--quiet"]
    out = tmp_path / "out"
    done = CliRunner().invoke(app, [*arguments, "--out", str(out)])
    assert done.exit_code == 2, done.output
    assert "1 of 1 clips are left out" in done.output
    assert "There is no clip that can be read." in done.output
    assert not out.exists()
