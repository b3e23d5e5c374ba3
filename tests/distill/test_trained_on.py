"""Clips and speakers of a training: they are no evidence on its student."""

import json
import os
import shutil

import pytest
from commands import invoke
from evaluations import evaluate
from fabricated import make_corpus

from audw2s.corpus.evaluate import corpus_name
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.compare import fitted_to
from audw2s.distill.disjoint import check_disjoint
from audw2s.evaluation.card import read
from audw2s.evaluation.tables import INTERVALS


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another corpus, of 3 speakers with the names of the first."""
    return make_corpus(str(tmp_path_factory.mktemp("other") / "more"), 3, 2, seed=5)


def write_config(folder, corpora, noise=()):
    path = os.path.join(folder, "config.json")
    with open(path, "w") as file:
        json.dump({"corpora": dict.fromkeys(corpora, 1.0), "noise": list(noise)}, file)
    return path


def test_clips_that_were_trained_on_are_refused(corpus, other, teacher, tmp_path):
    config = write_config(str(tmp_path), [corpus])
    with pytest.raises(ValueError, match="24 of 24 clips of 'clips' were trained on"):
        evaluate(teacher, [corpus], trained_on=config)
    noisy = write_config(str(tmp_path), [other], [corpus])
    with pytest.raises(ValueError, match="were trained on"):
        evaluate(teacher, [corpus], trained_on=noisy)


def split(corpus, folder, mask, name):
    table = read_corpus(corpus)
    path = os.path.join(folder, f"{name}.parquet")
    table[mask(table)].to_parquet(path)
    return path


def test_links_do_not_hide_clips(corpus, tmp_path):
    linked = str(tmp_path / "linked")
    os.symlink(os.path.dirname(corpus), linked)
    config = write_config(str(tmp_path), [corpus])
    tables = {"linked": read_corpus(os.path.join(linked, "clips.csv"))}
    with pytest.raises(ValueError, match="were trained on"):
        check_disjoint(tables, config)


def test_speakers_of_the_training_are_refused(corpus, teacher, tmp_path):
    folder = str(tmp_path)
    even = split(corpus, folder, lambda table: table.index % 12 < 6, "even")
    odd = split(corpus, folder, lambda table: table.index % 12 >= 6, "odd")
    config = write_config(folder, [even])
    with pytest.raises(
        ValueError, match="6 speakers of 'odd' are in the training.*00, 01"
    ):
        evaluate(teacher, [odd], trained_on=config)


def test_other_speakers_are_accepted(corpus, other, teacher, tmp_path):
    """Also those of another folder who have the same names."""
    folder = str(tmp_path)
    some = split(corpus, folder, lambda table: table["speaker"] < "03", "some")
    rest = split(corpus, folder, lambda table: table["speaker"] >= "03", "rest")
    config = write_config(folder, [os.path.basename(some), other])
    evaluation, _ = evaluate(teacher, [rest], trained_on=config)
    assert evaluation["corpora"]["rest"]["num_clips"] == 12


def test_speakers_outside_a_training_calibrate_intervals(
    corpus, other, teacher, tmp_path
):
    """The corpus counts as learnt, as other speakers of it were in the training."""
    folder = str(tmp_path)
    some = split(corpus, folder, lambda table: table["speaker"] < "03", "some")
    rest = split(corpus, folder, lambda table: table["speaker"] >= "03", "rest")
    config = write_config(folder, [os.path.basename(some)])
    out = shutil.copytree(teacher, str(tmp_path / "out"))
    arguments = [out, rest, other, "--trained-on", config, "--out", out, "--quiet"]
    invoke("distill", "evaluate", *arguments)
    (evaluation,) = read(os.path.join(out, "evaluation.json"))
    results = evaluation["corpora"]
    assert {name: r["learnt_in_part"] for name, r in results.items()} == {
        "rest": True,
        corpus_name(other): False,
    }
    assert len(results["rest"][INTERVALS]["valence"]["residuals"]) == 99
    assert list(fitted_to(out)) == ["rest"]


def test_clips_of_an_earlier_training_are_refused(corpus, other, tmp_path):
    os.mkdir(tmp_path / "first")
    write_config(str(tmp_path / "first"), [corpus])
    path = write_config(str(tmp_path), [other])
    tables = {"clips": read_corpus(corpus)}
    check_disjoint(tables, path)
    with open(path) as file:
        config = json.load(file)
    with open(path, "w") as file:
        json.dump({**config, "start": "first"}, file)
    with pytest.raises(ValueError, match="were trained on"):
        check_disjoint(tables, path)


def test_a_training_that_cannot_be_checked_is_an_error(corpus, tmp_path):
    config = write_config(str(tmp_path), ["gone.csv"])
    with pytest.raises(FileNotFoundError, match="gone.csv"):
        check_disjoint({"clips": read_corpus(corpus)}, config)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="isn't the config.json of a training"):
        check_disjoint({"clips": read_corpus(corpus)}, config)
