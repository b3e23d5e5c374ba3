"""Studies of exits: all methods are trained, and their tables written."""

import os

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from audw2s.commands.app import app
from audw2s.distill.exits.metrics import fused
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.results import Predictions
from audw2s.distill.exits.results import collect
from audw2s.distill.exits.study import Study
from audw2s.distill.exits.study import run

STUDY = """
backbone = "nowhere"
seeds = [0, 1]
exits = [1, 2]
blocks = ["cnn"]
epochs = 1
batch_size = 8
samples = 8001
layerwise_depth = 1

[corpora.toy]
path = "nowhere.csv"

[corpora.rated]
path = "nowhere.csv"
target = "dimensions"
"""


def test_a_study_trains_all_methods_and_prints_its_tables(encoder, emotions, tmp_path):
    settings, out = tmp_path / "study.toml", str(tmp_path / "out")
    settings.write_text(STUDY)
    command = ["distill", "exits", "train", str(settings), "--out", out, "--quiet"]
    command += ["--backbone", encoder]
    command += ["--corpus", f"toy={emotions}", "--corpus", f"rated={emotions}"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    results = collect(out)
    methods = {
        *("distilled-cnn-l1", "plain-1", "plain-2", "plain-deepest"),
        "layerwise-cnn",
    }
    toy, rated = (results[name]["methods"] for name in ("toy", "rated"))
    assert set(toy) == set(rated) == methods
    name = "distilled-cnn-l1"
    distilled = toy[name]
    assert list(distilled["exits"]) == ["1", "2", "3", "fusion"]
    assert list(rated[name]["exits"]) == ["1", "2", "3"]
    # The deepest exit is no part of the fusion, except as an option
    one = Predictions(os.path.join(out, "toy", f"{name}-seed0", "test.parquet"))
    fusion = distilled["exits"]["fusion"]["test"]["scores"][0]
    assert fusion == pytest.approx(score(one.truth, fused(one.logits[:2])))
    both = collect(out, fuse_deepest=True)["toy"]["methods"][name]["exits"]
    with_deepest = both["fusion with deepest (ours)"]["test"]["scores"][0]
    assert with_deepest == pytest.approx(score(one.truth, fused(one.logits)))
    # Each seed tests other speakers
    tests = [
        Predictions(os.path.join(out, "toy", f"plain-1-seed{seed}", "test.parquet"))
        for seed in (0, 1)
    ]
    assert not set(tests[0].speakers) & set(tests[1].speakers)
    scores = [score(one.truth, one.logits[0]) for one in tests]
    plain = toy["plain-1"]["exits"]["1"]["test"]
    assert plain["scores"] == pytest.approx(scores)
    assert plain["num_clips"] == sum(len(one.truth) for one in tests)
    gains = results["toy"]["gains"]
    assert [gain["exit"] for gain in gains] == [1, 2, 3]
    ours = distilled["exits"]["1"]["test"]["scores"]
    assert gains[0]["differences"] == pytest.approx(np.subtract(ours, scores))
    assert gains[0]["low"] <= gains[0]["high"]
    assert distilled["curve"][0]["layers"] == 1
    assert distilled["curve"][-1]["layers"] == 3
    rows = pd.read_csv(os.path.join(out, "results.csv"))
    ours = rows[(rows["method"] == name) & (rows["exit"] == "1")]
    ours = ours[ours["corpus"] == "toy"]
    assert list(ours["seed"]) == [0, 1]
    assert list(ours["test"]) == distilled["exits"]["1"]["test"]["scores"]
    text = (tmp_path / "out" / "tables.md").read_text()
    assert text.strip() in done.output
    assert "| distilled-lstm-l1 | 3 | 36.2M | 83.3 / 85.7 |" in text
    assert "| distilled-lstm-l2+cosine | 12 | 100.0M | 91.8 / 91.4 |" in text
    assert os.path.exists(os.path.join(out, "toy-adaptive.png"))
    again = CliRunner().invoke(app, ["distill", "exits", "tables", out])
    assert again.output.strip() == text.strip()


def test_some_trainings_of_a_study_run_by_name(monkeypatch, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        "depth = 3\n" + STUDY.replace("samples", "detached = [true, false]\nsamples")
    )
    study = Study.from_toml(str(path), corpora={"toy": "nowhere.csv"})
    done = []
    for name in ("load_front_end", "read_data"):
        monkeypatch.setattr(f"audw2s.distill.exits.study.{name}", lambda *_, **__: None)
    monkeypatch.setattr(
        "audw2s.distill.exits.study.train",
        lambda config, data, front, folder, verbose: done.append((folder, config)),
    )
    patterns = ["plain-[12]-seed1", "*-detached-*", "*-seed1"]
    run(study, "out", only=patterns, verbose=False)
    names = [os.path.basename(folder) for folder, _ in done]
    assert names[:4] == [
        *("plain-1-seed1", "plain-2-seed1"),
        *("distilled-cnn-l1-detached-seed0", "distilled-cnn-l1-detached-seed1"),
    ]
    assert len(set(names)) == len(names) == 7
    # The encoder is cut for all, and for plain fine-tuning also above
    depths = {
        name.rpartition("-")[0]: config.depth for name, (_, config) in zip(names, done)
    }
    assert depths["distilled-cnn-l1"] == depths["plain-deepest"] == 3
    assert (depths["plain-1"], depths["plain-2"]) == (1, 2)
    with pytest.raises(ValueError, match="No training is called 'lstm'; the first is"):
        run(study, "out", only=["lstm"], verbose=False)


def test_a_corpus_is_read_with_its_own_settings(monkeypatch, tmp_path):
    """Also where two are one table of two raters."""
    path = tmp_path / "study.toml"
    same = STUDY.replace('.csv"\n\n', '.csv"\ntarget = "dimensions"\n\n')
    path.write_text(f'{same}scale = [1, 5]\ncolumns = {{arousal = "other"}}\n')
    seen = []
    name = "audw2s.distill.exits.study"
    monkeypatch.setattr(f"{name}.load_front_end", lambda config: None)
    monkeypatch.setattr(f"{name}.read_data", lambda config, *_, **__: config)
    monkeypatch.setattr(
        f"{name}.train", lambda config, data, *_, **__: seen.append((config, data))
    )
    run(Study.from_toml(str(path)), "out", verbose=False)
    assert len(seen) == 2 * 2 * 5
    assert {config.scale for config, _ in seen} == {None, (1.0, 5.0)}
    for config, data in seen:
        assert (data.scale, data.columns) == (config.scale, config.columns)


def test_a_corpus_may_have_an_encoder_of_its_own(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY + 'backbone = "other"\n')

    def encoders(**options):
        jobs = Study.from_toml(str(path), **options).jobs()
        return {job.corpus: job.config.backbone for job in jobs}

    names = {"toy": "nowhere", "rated": "other"}
    assert encoders() == {key: str(tmp_path / name) for key, name in names.items()}
    assert encoders(backbone="given") == dict.fromkeys(names, "given")


def test_depths_of_plain_fine_tuning_follow_the_exits_of_the_corpus(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(
        STUDY.replace("[corpora.rated]\n", "[corpora.rated]\nexits = [2]\n")
    )
    jobs = list(Study.from_toml(str(path)).jobs())
    plain = {
        corpus: [
            (job.method, job.config.depth)
            for job in jobs
            if job.corpus == corpus and job.name.startswith("plain-")
        ]
        for corpus in ("toy", "rated")
    }
    toy = [("plain-1", 1), ("plain-2", 2), ("plain-deepest", None)]
    assert plain == {"toy": 2 * toy, "rated": 2 * toy[1:]}


def test_settings_of_a_study_are_read_and_checked(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    study = Study.from_toml(str(path))
    assert study.base["backbone"] == str(tmp_path / "nowhere")
    assert len(list(study.jobs())) == 2 * 2 * 5
    axes = """
methods = ["distilled", "vgg-16", "cnn-4"]
levels = ["embedding", "linear"]
detached = [true, false]
exit_sets = [[1], [2]]
"""
    path.write_text(axes + STUDY)
    jobs = list(Study.from_toml(str(path)).jobs())
    assert len({job.folder("") for job in jobs}) == len(jobs) == 2 * 2 * (8 + 2)
    named = {job.method: job.config for job in jobs}
    paper = named["distilled-cnn-l1-exits2"]
    assert (paper.exits, paper.compared, paper.detach_teacher) == (
        (2,),
        "embedding",
        False,
    )
    ours = named["distilled-cnn-l1-linear-detached-exits1"]
    assert (ours.exits, ours.compared, ours.detach_teacher) == ((1,), "linear", True)
    # Encoders and spectrograms of a corpus are computed once
    read = [job.config.from_scratch for job in jobs if job.corpus == "toy"]
    assert read == sorted(read)
    for text, error in [
        (STUDY.replace("epochs", "epoch"), r"unknown keys \['epoch'\]"),
        (STUDY.split("[corpora")[0], r"\[corpora.NAME\]"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=error):
            Study.from_toml(str(path))
    command = ["distill", "exits", "train", str(path), "--out", "out", "--corpus", "a"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2 and "NAME=PATH" in done.output
