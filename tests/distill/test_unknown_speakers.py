"""Corpora without known speakers: files are kept together, and outputs say so."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from audw2s.commands.app import app
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.batches import Batches
from audw2s.errors import DataWarning
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.render import card_table
from audw2s.evaluation.splits import split
from audw2s.model.registry import DIMENSIONS


def clips(speakers, files=None):
    rng = np.random.default_rng(0)
    count = len(speakers)
    values = rng.random((count, 6))
    frame = pd.DataFrame(values, columns=[*DIMENSIONS, *REFERENCE])
    files = files or [f"{number}.wav" for number in range(count)]
    return frame.assign(file=files, speaker=speakers, corpus="c", left_out="")


@pytest.mark.parametrize(
    "speakers, files, resampled, counts",
    [
        ([None] * 12, None, "clips", (0, 12)),
        ([None] * 12, list("aabbccddeeff"), "files", (0, 12)),
        (list("aabbccddeeff"), None, "speakers", (6, 0)),
        (list("aabbccdde") + [None] * 3, None, "speakers or files", (5, 3)),
        (list("aaabbbcccddd"), None, "clips", (4, 0)),
    ],
)
def test_speakers_files_or_clips_are_resampled(speakers, files, resampled, counts):
    frame = clips(speakers, files)
    result = summarise(frame)
    assert result["resampled"] == resampled
    assert (result["num_speakers"], result["num_unknown"]) == counts


def test_files_of_unknown_speakers_are_drawn_as_a_whole():
    """Segments of a file resemble each other, as clips of a speaker do."""
    files = [f"{number // 6}.wav" for number in range(60)]
    unknown = summarise(clips([None] * 60, files))
    known = summarise(clips(files, files))
    assert unknown["valence"] == known["valence"]


def test_folds_and_splits_keep_files_together():
    table = pd.DataFrame({"file": list("aabbccdd"), "speaker": None})
    parts = split(table, num_folds=2)
    assert (parts.groupby(table["file"]).nunique() == 1).all()
    with pytest.raises(ValueError, match="^2 files can't be dealt to 2 folds"):
        split(table[:4], num_folds=2)
    with pytest.raises(ValueError, match="^File 'a' is in two parts"):
        split(table[:4].assign(split=["train", "devel", "test", "test"]))


@pytest.fixture
def unknown(corpus):
    """The corpus without its speakers."""
    path = corpus.replace("clips.csv", "unknown.csv")
    pd.read_csv(corpus).drop(columns="speaker").to_csv(path, index=False)
    return path


def test_held_out_files_are_a_warning(unknown, config):
    config = dataclasses.replace(config, corpora={unknown: 1.0}, noise=())
    with pytest.warns(DataWarning, match="Not all speakers .* clips are held out"):
        batches = Batches(config, verbose=False)
    assert len(batches.validation) == 1


def test_commands_name_the_unit_of_resampling(unknown, teacher, tmp_path):
    arguments = ["distill", "evaluate", teacher, unknown, "--quiet"]
    done = CliRunner().invoke(app, [*arguments, "--scale", "1", "5"])
    assert done.exit_code == 0, done.output
    assert "unknown: 24 clips, speakers unknown." in done.output
    assert "intervals of 95 % are over clips, as speakers aren't known" in done.output


def test_folds_of_clips_in_a_card():
    result = summarise(clips([None] * 12))
    result |= {"num_folds": 3, "folds_by": "clips"}
    zeros = dict.fromkeys(DIMENSIONS, 0.0)
    result |= {"mean_of_folds": zeros, "std_of_folds": zeros}
    entry = {"model": "m", "sha256": "0", "version": "1", "against": "humans"}
    entry |= {"training_checked": True, "num_resamples": 50, "seed": 0}
    table = card_table([{**entry, "corpora": {"c": result}}])
    assert "| CCC, mean ± std of 3 folds by clip |" in table


def test_commands_accept_columns(corpus, teacher, tmp_path):
    table = read_corpus(corpus)
    names = {f"rater1_{name}": name.title() for name in DIMENSIONS}
    table = table.rename(columns=names)[["file", "speaker", *names.values()]]
    path = str(tmp_path / "renamed.csv")
    table.to_csv(path, index=False)
    arguments = ["distill", "evaluate", teacher, path, "--quiet", "--scale", "1", "5"]
    runner = CliRunner()
    refused = runner.invoke(app, arguments)
    assert refused.exit_code == 2
    options = [f"--columns {name}={name.title()}" for name in DIMENSIONS]
    assert " ".join(options) in " ".join(refused.stderr.split())
    mapped = " ".join(options).split()
    done = runner.invoke(app, [*arguments, *mapped])
    assert done.exit_code == 0, done.output
    assert "renamed: 24 clips of 6 speakers." in done.stdout
    wrong = runner.invoke(app, [*arguments, "--columns", "arousal"])
    assert wrong.exit_code == 2 and "NAME=COLUMN" in wrong.stderr
