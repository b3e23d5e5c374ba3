"""Comparisons of models: agreement, groups, costs, tables and pictures."""

import functools
import json
import math
import os
import pathlib
import re

import audmetric
import numpy as np
import onnx
import pandas as pd
import pytest
from evaluations import evaluate
from typer.testing import CliRunner

import audw2s
from audw2s.audio.preprocess import load
from audw2s.distill.cli import app
from audw2s.distill.compare import compare
from audw2s.distill.compare import fitted_to
from audw2s.distill.compare import name_models
from audw2s.distill.compare import to_markdown
from audw2s.distill.compare import write_comparison
from audw2s.evaluation.cost import costs
from audw2s.evaluation.plots import PICTURES
from audw2s.inference.network import Network
from audw2s.model.find import model_path
from audw2s.model.find import model_sha256
from audw2s.model.registry import DIMENSIONS
from audw2s.model.store import save

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"
MODELS = ("wav2small", "whisper-tiny-adv")


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    """A table of the example clips, with ratings of two people."""
    files = sorted(map(str, SPEECH.iterdir()))
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"file": files})
    table["speaker"] = ["03", "03", "03", "03", "3331", "367"]
    table["gender"] = ["male", "male", "male", "male", "female", "female"]
    table["language"] = ["deu", "deu", "deu", "deu", "eng", "eng"]
    table["room"] = [1, 1, 1, 2, 2, None]
    table["emotion"] = ["happy", "neutral", "sad", "angry", None, None]
    for rater in (1, 2):
        for name in DIMENSIONS:
            table[f"rater{rater}_{name}"] = rng.integers(2, 11, len(files)) / 2
    path = str(tmp_path_factory.mktemp("rated") / "rated.csv")
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module", autouse=True)
def measured_once():
    """Measure models in three rounds, and the same ones once: it takes seconds."""
    measure = functools.cache(costs)

    def few(models, num_rounds):
        return measure(tuple(models), min(num_rounds, 3))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audw2s.distill.compare.costs", few)
        yield


@pytest.fixture(scope="module")
def result(rated):
    return compare(MODELS, [rated], num_rounds=3, verbose=False)


def errors(rated, model):
    """Prediction minus reference of each clip, literally."""
    table = pd.read_csv(rated)
    network = audw2s.load(model)
    predicted = [network(load(f)[None], 16000)["logits"][0] for f in table["file"]]
    raters = [table[[f"rater{r}_{d}" for d in DIMENSIONS]].to_numpy() for r in (1, 2)]
    return np.stack(predicted) - (np.mean(raters, axis=0) - 1) / 4


def test_agreement_is_that_of_evaluate(result, rated):
    assert [entry["model"] for entry in result["models"]] == list(MODELS)
    for entry, model in zip(result["models"], MODELS, strict=True):
        expected, _ = evaluate(model, [rated])
        assert entry["evaluation"] == expected
        assert entry["sha256"] == model_sha256(model)
    assert result["against"] == "humans"
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_single_raters_have_a_row(result, rated):
    table = pd.read_csv(rated)
    valence = [table[f"rater{r}_valence"] for r in (1, 2)]
    expected = audmetric.concordance_cc(*valence)
    for rater in result["raters"]["rated"]:
        assert rater["valence"] == pytest.approx(expected)
    text = f"{expected:.2f}, {expected:.2f} |"
    (row,) = [line for line in to_markdown(result).splitlines() if "one rater" in line]
    assert row.endswith(text)


def test_costs_are_those_of_the_files(result):
    small, large = (entry["cost"] for entry in result["models"])
    assert [small["parameters"], large["parameters"]] == [72_659, 6_617_331]
    assert [small["tokens_per_second"], large["tokens_per_second"]] == [250, 50]
    assert small["gmac"] == pytest.approx(0.389, abs=0.003)
    assert large["gmac"] == pytest.approx(1.716, abs=0.001)
    for cost, model in zip((small, large), MODELS, strict=True):
        size = os.path.getsize(model_path(model))
        assert cost["onnx_bytes"] == size
        # A whole process: no model of ours runs in less than Python takes
        assert cost["peak_ram_bytes"] > max(size, 2**24)
        assert 0 < cost["latency_ms"] < math.inf
        assert 0 < cost["cpu_ms"] < math.inf
        assert cost["latency_ratio"] > 0
    assert small["latency_ratio"] == 1
    assert result["machine"]["bytes_without_a_model"] > 2**24
    assert result["machine"]["cpu"]


def test_the_costs_of_a_mean_are_the_sum_of_its_members(rated, result, tmp_path):
    model = f"mean({', '.join(MODELS)})"
    entry = compare([model], [rated], num_rounds=1, verbose=False)["models"][0]
    assert entry["model"] == model
    for key in ("parameters", "gmac", "onnx_bytes"):
        parts = [part["cost"][key] for part in result["models"]]
        assert entry["cost"][key] == pytest.approx(sum(parts))
    assert entry["cost"]["tokens_per_second"] is None
    assert entry["cost"]["peak_ram_bytes"] > 2**24
    assert entry["fitted_to"] == {"emotale": None}


def test_bias_is_the_mean_signed_error(result, rated):
    for entry, model in zip(result["models"], MODELS, strict=True):
        literal = errors(rated, model)
        groups = entry["evaluation"]["groups"]
        by_name = {(g["column"], g["group"]): g for g in groups}
        assert list(by_name) == [
            *(("gender", "female"), ("gender", "male")),
            *(("language", "deu"), ("language", "eng")),
        ]
        for key, rows in {
            ("gender", "male"): [0, 1, 2, 3],
            ("language", "eng"): [4, 5],
        }.items():
            group = by_name[key]
            assert (group["corpus"], group["num_clips"]) == ("rated", len(rows))
            for column, name in enumerate(DIMENSIONS):
                expected = sum(literal[row, column] for row in rows) / len(rows)
                assert group[name]["bias"] == pytest.approx(expected, abs=1e-6)


def rows_of(markdown):
    return [line.split(" | ") for line in markdown.splitlines() if line[:1] == "|"]


def test_figures_of_papers_are_marked(result):
    rows = [row for row in rows_of(to_markdown(result)) if row[0].startswith("| paper")]
    sources = {row[0] for row in rows}
    assert sources == {
        "| paper: arXiv 2408.13920",
        "| paper: audEERING's published tests",
    }
    start = ["| paper: arXiv 2408.13920", "teacher", "MSP-Podcast v1.7 Test-1", ""]
    assert [*start, "0.762 (C)", "0.684 (C)", "0.6761 |"] in rows
    # Those of cards and second-hand figures say so
    start = ["| paper: arXiv 2408.13920", "Wav2Small", "MSP-Podcast v1.7 Test-1", ""]
    assert [*start, "0.66 (S)", "≈ 0.56 (S)", "0.37 (S) |"] in rows
    (cost,) = [row for row in rows if row[1:3] == ["Wav2Small", "72,000"]]
    assert cost[3:7] == ["0.4 (S)", "120 KB", "9 MB (P/S)", "9 ms (S)"]
    assert "(S): second-hand" in to_markdown(result)
    assert all(paper["from"] == "paper" for paper in result["papers"])
    assert "paper" not in to_markdown({**result, "papers": []}).lower()


def test_models_of_different_names_have_no_mean_over_models(result):
    assert result["spread"] == []
    assert "of one name" not in to_markdown(result)


def test_rows_of_a_table_have_the_same_number_of_cells(result):
    tables = to_markdown(result).split("\n\n")
    widths = [
        {line.count(" | ") for line in table.splitlines()}
        for table in tables
        if table.startswith("|")
    ]
    assert widths == [{6}, {8}, {5}, {9}, {6}, {5}, {6}]
    assert not re.search(r"\bnan\b", to_markdown(result))


def test_corpora_that_a_model_was_fitted_to_are_marked(rated, result):
    assert "**fitted to it**" not in to_markdown(result)
    small, large = json.loads(json.dumps(result["models"]))
    for entry in (small, large):
        corpora = entry["evaluation"]["corpora"]
        corpora["emotale"] = corpora.pop("rated")
    text = to_markdown({**result, "models": [small, large]})
    assert "| whisper-tiny-adv | emotale, **fitted to it** |" in text
    # Most of its speakers were in the training of the student
    assert "| wav2small | emotale, **fitted to it** |" in text
    folds = large["fitted_to"]["emotale"]
    cccs = " / ".join(f"{folds[name]:.2f}" for name in DIMENSIONS)
    assert f"speakers of emotale outside its training: {cccs}." in text


def test_evaluations_of_an_earlier_file_say_nothing_of_this_one(tmp_path):
    network, folder = Network("wav2small"), tmp_path / "model"
    sha256 = save(onnx.load(model_path("wav2small")), str(folder), network.properties)
    entry = dict.fromkeys(DIMENSIONS, {"ccc": 0.5}) | {"folds": []}
    evaluation = {"sha256": sha256, "corpora": {"mine": entry}}
    path = folder / "evaluation.json"
    path.write_text(json.dumps([evaluation, evaluation | {"sha256": "old"}]))
    assert list(fitted_to(str(folder))) == ["mine"]
    path.write_text(json.dumps([evaluation | {"sha256": "old"}]))
    assert fitted_to(str(folder)) == {}


def test_pictures_show_all_models_within_their_axes(result, tmp_path):
    write_comparison(result, str(tmp_path / "new" / "folder"))
    names = sorted(os.listdir(tmp_path / "new" / "folder"))
    assert names == sorted([*PICTURES, "comparison.json", "comparison.md"])
    for name in PICTURES:
        content = (tmp_path / "new" / "folder" / name).read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert len(content) > 10_000
    for name, draw in PICTURES.items():
        figure = draw(result)
        if name == "ranking.png":
            assert [axes.get_title() for axes in figure.axes] == ["rated"]
            assert len(figure.axes[0].get_xticks()) == 5
            continue
        assert [axes.get_title() for axes in figure.axes[:3]] == list(DIMENSIONS)
        for axes in figure.axes:
            lines = [line for line in axes.lines if line.get_marker() in "o^"]
            assert len(lines) == 2
            for line in lines:
                x, y = line.get_data()
                assert len(x) > 0
                low, high = axes.get_ylim()
                assert np.all((low <= y) & (y <= high))
                low, high = axes.get_xlim()
                assert np.all((low <= x) & (x <= high))


def test_a_picture_without_known_speakers_says_so(result):
    models = [
        {**entry, "evaluation": {**entry["evaluation"], "speakers": []}}
        for entry in result["models"]
    ]
    figure = PICTURES["speakers.png"]({**result, "models": models})
    assert figure.axes[0].get_xlabel() == "no speaker is known"


def test_models_of_one_name_have_their_sha256_in_their_name(rated, result, tmp_path):
    for name in ("same", "other"):
        os.mkdir(tmp_path / name)
    model = onnx.load(model_path("wav2small"))
    onnx.save(model, tmp_path / "same" / "model.onnx")
    with pytest.raises(ValueError, match="'wav2small' is given twice"):
        compare(["wav2small", str(tmp_path / "same")], [rated], verbose=False)
    model.graph.doc_string = "other"
    onnx.save(model, tmp_path / "other" / "model.onnx")
    models = ["wav2small", str(tmp_path / "other")]
    names = name_models(models)
    assert names == [f"wav2small ({model_sha256(name)[:8]})" for name in models]


def test_unknown_models_columns_and_corpora_are_errors(rated, tmp_path):
    def run(models=MODELS, corpora=(rated,), **options):
        return compare(models, corpora, verbose=False, **options)

    with pytest.raises(ValueError, match="no model 'nobody'"):
        run(["wav2small", "nobody"])
    with pytest.raises(ValueError, match="no model 'nobody'"):
        run(against="nobody")
    with pytest.raises(ValueError, match="a column 'age'.*they have file, speaker"):
        run(groups=["gender", "age"])
    with pytest.raises(ValueError, match="has no human ratings"):
        run(corpora=[str(SPEECH)])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run(corpora=["nowhere"])
    with pytest.raises(ValueError, match="no model to compare"):
        run([])


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_the_command_writes_a_comparison_and_uses_stored_predictions(
    rated, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    arguments = [rated, "--out", out, "--group", "room", "--no-papers"]
    for model in MODELS:
        arguments += ["--model", model]
    arguments += ["--against", "whisper-tiny-adv"]
    finished = run(*arguments)
    assert finished.exit_code == 0, finished.output
    files = ["comparison.json", "comparison.md", "predictions", *PICTURES]
    assert sorted(os.listdir(out)) == sorted(files)
    assert finished.stdout == (out / "comparison.md").read_text()
    result = json.loads((out / "comparison.json").read_text())
    assert result["papers"] == []
    assert result["raters"] == {}
    assert result["against_sha256"] == model_sha256("whisper-tiny-adv")
    groups = result["models"][0]["evaluation"]["groups"]
    assert [(g["group"], g["num_clips"]) for g in groups] == [("1.0", 3), ("2.0", 2)]
    rows = rows_of(finished.stdout)
    assert [row[4:] for row in rows if row[1] == "whisper-tiny-adv"][0] == [
        *("itself", "itself", "itself |"),
    ]

    # Stored predictions aren't computed again
    monkeypatch.setattr("audw2s.corpus.clips.ModelValues._predict", None)
    again = run(*arguments, "--quiet")
    assert again.exit_code == 0, again.output
    assert again.stderr == ""
    predicted = json.loads((out / "comparison.json").read_text())["models"]
    for before, after in zip(result["models"], predicted, strict=True):
        assert before["evaluation"] == after["evaluation"]


def test_the_command_uses_the_given_scale(rated, tmp_path):
    out = tmp_path / "out"
    arguments = [rated, "--model", "wav2small", "--out", out, "--scale", "1", "9"]
    finished = run(*arguments, "--quiet")
    assert finished.exit_code == 0, finished.output
    entry = json.loads((out / "comparison.json").read_text())["models"][0]
    expected, _ = evaluate("wav2small", [rated], scale=(1, 9))
    assert entry["evaluation"] == expected


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--model", "nobody"), "no model 'nobody'"),
        (("--model", "wav2small", "--group", "age"), "No corpus has a column 'age'"),
    ],
)
def test_errors_are_one_sentence(rated, tmp_path, arguments, message):
    finished = run(rated, *arguments, "--out", tmp_path / "out", "--quiet")
    assert finished.exit_code == 2
    assert message in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_the_command_has_help():
    assert run("--help").exit_code == 0


def test_a_comparison_ranks_emotions(result, rated):
    """One clip each: a pair is ranked as expected or it isn't."""
    text = to_markdown(result)
    for entry, model in zip(result["models"], MODELS, strict=True):
        files = pd.read_csv(rated)["file"]
        happy, neutral, sad, angry = (
            audw2s.load(model)(load(f)[None], 16000)["logits"][0] for f in files[:4]
        )
        literal = [
            *(happy[2] > angry[2], happy[2] > sad[2], neutral[2] > angry[2]),
            *(angry[0] > sad[0], angry[0] > neutral[0]),
        ]
        ranking = entry["evaluation"]["corpora"]["rated"]["ranking"]
        assert ranking["resampled"] == "clips"
        assert [pair["auc"] for pair in ranking["pairs"]] == literal
        (row,) = [r for r in rows_of(text) if r[0][2:] == model and r[3] == "clips"]
        assert [cell[:4] for cell in row[4:]] == [f"{auc:.2f}" for auc in literal]


def test_models_are_compared_on_corpora_with_emotions_only(rated, tmp_path):
    """As on RAVDESS, which nobody rated; the plots of ratings are left out."""
    path = str(tmp_path / "acted.csv")
    pd.read_csv(rated)[["file", "emotion"]].to_csv(path, index=False)
    actual = compare(["wav2small"], [path], num_rounds=1, verbose=False)
    write_comparison(actual, str(tmp_path / "out"))
    files = ["comparison.json", "comparison.md", "ranking.png"]
    assert sorted(os.listdir(tmp_path / "out")) == files
    text = to_markdown({**actual, "papers": []})
    assert "| wav2small | acted | 6, speakers unknown | clips |" in text
    assert "Agreement" not in text
    assert not re.search(r"\bnan\b", text)
