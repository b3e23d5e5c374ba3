"""``audw2s evaluate``: figures against audmetric and literal NumPy, and messages."""

import json
import os
import pathlib
import re
import unicodedata

import audmetric
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from audw2s.commands.app import app

DIMENSIONS = ("arousal", "valence")
CLIPS = [f"{number:02}.wav" for number in range(40)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Current folder with predictions, and ratings from -3 to 3 of three raters."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    truth = rng.uniform(-2.5, 2.5, (len(CLIPS), 2))
    predictions = pd.DataFrame({"file": [f"audio/{clip}" for clip in CLIPS]})
    ratings = predictions.copy()
    for name, values in zip(DIMENSIONS, truth.T, strict=True):
        noise = rng.normal(0, 0.1, len(CLIPS))
        predictions[name] = (values / 6 + 0.45 + noise).astype(np.float32)
        for rater in (1, 2, 3):
            given = np.clip(np.round(values + rng.normal(0, 1, len(CLIPS))), -3, 3)
            ratings[f"rater{rater}_{name}"] = given
    predictions["dominance"], predictions["status"] = np.float32(0.5), "ok"
    predictions.to_parquet("predictions.parquet")
    ratings.to_csv("ratings.csv", index=False)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def evaluated(*arguments):
    """Entry of the JSON file for the only corpus, and the whole evaluation."""
    run(*arguments, "--out", "out")
    (evaluation,) = json.loads(pathlib.Path("out/evaluation.json").read_text())
    (result,) = evaluation["corpora"].values()
    return result, evaluation


def means_of_raters(path="ratings.csv"):
    """Ratings mapped to 0…1, their mean, literally."""
    table = pd.read_csv(path)
    return {
        name: sum((table[f"rater{r}_{name}"] + 3) / 6 for r in (1, 2, 3)) / 3
        for name in DIMENSIONS
    }


def literal_ccc(truth, prediction):
    mean_t, mean_p = np.mean(truth), np.mean(prediction)
    covariance = np.mean((truth - mean_t) * (prediction - mean_p))
    return (
        2 * covariance / (np.var(truth) + np.var(prediction) + (mean_t - mean_p) ** 2)
    )


def test_figures_are_those_of_audmetric_and_numpy(folder):
    """Two dimensions, no speakers, three raters, a scale from -3 to 3."""
    result, evaluation = evaluated("predictions.parquet", "ratings.csv")
    assert result["scale"] == [-3, 3]
    assert (result["num_clips"], result["num_speakers"]) == (40, 0)
    assert result["resampled"] == "clips"
    assert result["dominance"] is None
    predictions, means = pd.read_parquet("predictions.parquet"), means_of_raters()
    for name in DIMENSIONS:
        truth, predicted = means[name].to_numpy(), predictions[name].to_numpy(float)
        actual = result[name]
        expected = audmetric.concordance_cc(truth, predicted)
        assert actual["ccc"] == pytest.approx(expected)
        assert actual["ccc"] == pytest.approx(literal_ccc(truth, predicted))
        assert actual["pearson"] == pytest.approx(
            audmetric.pearson_cc(truth, predicted)
        )
        expected = audmetric.mean_absolute_error(truth, predicted)
        assert actual["mean_absolute_error"] == pytest.approx(expected)
        assert actual["bias"] == pytest.approx(np.mean(predicted - truth))
    assert len(result["one_rater_against_the_others"]) == 3
    assert evaluation["model"] == "predictions"


def test_intervals_are_those_of_resampled_clips(folder):
    result, evaluation = evaluated("predictions.parquet", "ratings.csv")
    truth = means_of_raters()["valence"].to_numpy()
    predicted = pd.read_parquet("predictions.parquet")["valence"].to_numpy(float)
    draws = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), 1000)
    figures = []
    for draw in draws:
        t, p = np.repeat(truth, draw), np.repeat(predicted, draw)
        correlation = np.corrcoef(t, p)[0, 1]
        figures.append([literal_ccc(t, p), correlation, abs(p - t).mean()])
    low, high = np.quantile(figures, [0.025, 0.975], axis=0)
    for number, key in enumerate(("", "pearson_", "mean_absolute_error_")):
        assert result["valence"][f"{key}low"] == pytest.approx(low[number])
        assert result["valence"][f"{key}high"] == pytest.approx(high[number])


def test_raters_may_be_rows(folder):
    expected, _ = evaluated("predictions.parquet", "ratings.csv")
    table = pd.read_csv("ratings.csv")
    rows = [
        table[["file"]].assign(
            rater=f"r{rater}", **{d: table[f"rater{rater}_{d}"] for d in DIMENSIONS}
        )
        for rater in (1, 2, 3)
    ]
    pd.concat(rows).sample(frac=1, random_state=0).to_csv("rows.csv", index=False)
    (folder / "out" / "evaluation.json").unlink()
    result, _ = evaluated("predictions.parquet", "rows.csv", "--scale", -3, 3)
    assert result["num_clips"] == 40
    for name in DIMENSIONS:
        assert result[name]["ccc"] == pytest.approx(expected[name]["ccc"])
    by_rater = [r["valence"] for r in result["one_rater_against_the_others"]]
    wanted = [r["valence"] for r in expected["one_rater_against_the_others"]]
    assert sorted(by_rater) == pytest.approx(sorted(wanted))


def test_rows_that_do_not_match_are_counted(folder):
    predictions = pd.read_parquet("predictions.parquet")
    predictions.loc[3, [*DIMENSIONS]] = np.nan
    predictions.loc[3, "status"] = "silent"
    others = predictions[:4].assign(file=[f"other/{k}.wav" for k in range(4)])
    pd.concat([predictions[:35], others]).to_csv("predictions.csv", index=False)
    ratings = pd.read_csv("ratings.csv")
    ratings.loc[7, [c for c in ratings if c.endswith("valence")]] = np.nan
    ratings.to_csv("ratings.csv", index=False)
    result = run("predictions.csv", "ratings.csv")
    words = " ".join(result.stdout.split())
    assert "ratings: 33 clips, speakers unknown." in words
    (reasons,) = re.findall(r"left out: (.*?)\.", words)
    assert set(reasons.split(", ")) == {"5 not predicted", "1 not rated", "1 silent"}
    assert "Rows of the predictions without a rating: 4." in words
    assert "ratings from -3 to 3 become 0 to 1" in words
    assert "over clips, as speakers aren't known" in words
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_groups_and_speakers_have_measures(folder):
    ratings = pd.read_csv("ratings.csv")
    ratings["speaker"] = [f"s{number % 8}" for number in range(40)]
    ratings["emotion"] = ["calm", "angry"] * 20
    ratings.to_csv("ratings.csv", index=False)
    options = ["--scale", -3, 3, "--group", "emotion"]
    result, evaluation = evaluated("predictions.parquet", "ratings.csv", *options)
    assert (result["num_speakers"], result["resampled"]) == (8, "speakers")
    predictions, means = pd.read_parquet("predictions.parquet"), means_of_raters()
    calm = [group for group in evaluation["groups"] if group["group"] == "calm"][0]
    error = predictions["valence"][::2] - means["valence"][::2]
    assert calm["valence"]["bias"] == pytest.approx(error.mean(), abs=1e-6)
    page = pathlib.Path("out/evaluation.html").read_text()
    assert "emotion calm" in page and "data:image/png;base64," in page
    assert f"{calm['valence']['bias']:+z.2f} [" in page
    assert pathlib.Path("out/evaluation.png").read_bytes()[:4] == b"\x89PNG"
    text = run("predictions.parquet", "ratings.csv", *options).stdout
    assert "ratings: 40 clips of 8 speakers." in text
    assert [line.split()[0] for line in text.splitlines()[-8:]] == [
        f"s{k}" for k in range(8)
    ]
    assert max(map(len, text.splitlines())) <= 80


def test_segments_are_matched_by_start_and_end(folder):
    files, starts = ["a.wav"] * 6, np.arange(6.0)
    values = np.float32([0.1, 0.5, 0.2, 0.7, 0.9, 0.3])
    predictions = pd.DataFrame({"file": files, "start": starts, "end": starts + 1})
    predictions.assign(arousal=values).to_csv("predictions.csv", index=False)
    ratings = predictions.assign(arousal=1 + 4 * values).iloc[[5, 3, 0, 1]]
    ratings["end"] = ratings["end"].where(ratings["end"] != 2, 2.5)
    ratings.to_csv("ratings.csv", index=False)
    result, evaluation = evaluated("predictions.csv", "ratings.csv", "--scale", 1, 5)
    assert result["arousal"]["ccc"] == pytest.approx(1)
    assert result["left_out"] == {"not predicted": 1}
    assert evaluation["num_unused"] == 3


def test_half_milliseconds_are_rounded_in_any_way(folder):
    files, values = [f"{number}.wav" for number in range(4)], [0.1, 0.5, 0.2, 0.7]
    predictions = pd.DataFrame({"file": files, "start": 0, "arousal": values})
    ratings = predictions.assign(end=[1.001, 2.001, 3.002, 4.02])
    ratings.to_csv("ratings.csv", index=False)
    predictions["end"] = [1.0005, 2.0015, 3.0015, 4.0245]
    predictions.to_csv("predictions.csv", index=False)
    result, _ = evaluated("predictions.csv", "ratings.csv", "--scale", 0, 1)
    assert (result["num_clips"], result["left_out"]) == (3, {"not predicted": 1})


def test_files_in_other_folders_are_matched_by_name_with_a_message(folder):
    expected, _ = evaluated("predictions.parquet", "ratings.csv")
    table = pd.read_parquet("predictions.parquet")
    moved = table.assign(file=[f"/elsewhere/{clip}" for clip in CLIPS])
    moved.to_csv("moved.csv", index=False)
    result = run("moved.csv", "ratings.csv")
    assert "files are matched by their names alone" in result.stderr
    assert f"{expected['valence']['ccc']:.2f} [" in result.stdout
    table.assign(file=[f"other-{clip}" for clip in CLIPS]).to_csv("moved.csv")
    refused = CliRunner().invoke(app, ["evaluate", "moved.csv", "ratings.csv"])
    assert refused.exit_code == 2
    assert "no row of any rated clip" in refused.stderr


def test_windows_and_ratings_of_files_are_refused(folder):
    table = pd.DataFrame({"file": ["audio/00.wav"] * 2, "start": [0, 1], "end": [1, 2]})
    table.assign(arousal=0.5).to_csv("windows.csv", index=False)
    result = CliRunner().invoke(app, ["evaluate", "windows.csv", "ratings.csv"])
    assert result.exit_code == 2
    assert "has 2 rows of" in result.stderr and "without windows" in result.stderr


def test_a_table_of_annotate_says_its_model(clips, folder):
    names = [pathlib.Path(clip).name for clip in clips]
    audio = pathlib.Path(clips[0]).parent
    arguments = ["annotate", str(audio), "--out", "run", "--quiet"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    ratings = pd.DataFrame({"file": [str(audio / name) for name in names]})
    ratings["arousal"] = np.linspace(1, 5, len(names))
    ratings.to_csv("ratings.csv", index=False)
    result, evaluation = evaluated("run", "ratings.csv")
    assert evaluation["model"] == "wav2small"
    assert result["num_clips"] == len(names)
    by_model, of_model = evaluated("wav2small", "ratings.csv", "--quiet")
    assert of_model["sha256"] == evaluation["sha256"]
    # CSV doesn't say it, but its shards do, whatever else is there
    again = pathlib.Path("run [again]")
    (again / "parts").mkdir(parents=True)
    pd.read_parquet("run/table.parquet").to_csv(again / "table.csv", index=False)
    (shard,) = pathlib.Path("run/parts").iterdir()
    (again / "parts" / "part-1").write_bytes(shard.read_bytes())
    for name in ("notes", "part-0"):
        (again / "parts" / name).write_text("words")
    (folder / "out" / "evaluation.json").unlink()
    _, of_csv = evaluated(str(again), "ratings.csv")
    assert of_csv["sha256"] == evaluation["sha256"]
    assert by_model["arousal"]["ccc"] == pytest.approx(result["arousal"]["ccc"])


def test_a_table_of_several_models_needs_a_choice(folder):
    table = pd.read_parquet("predictions.parquet")
    both = {f"{m}.{d}": table[d] for m in ("a", "b") for d in DIMENSIONS}
    both["b.valence"] = 1 - both["b.valence"]
    table[["file"]].assign(**both).to_csv("both.csv", index=False)
    refused = CliRunner().invoke(app, ["evaluate", "both.csv", "ratings.csv"])
    assert refused.exit_code == 2
    assert "both.csv:a, both.csv:b" in refused.stderr
    first, _ = evaluated("both.csv:a", "ratings.csv")
    (folder / "out" / "evaluation.json").unlink()
    second, _ = evaluated("both.csv:b", "ratings.csv")
    expected = audmetric.pearson_cc(means_of_raters()["valence"], table["valence"])
    assert first["valence"]["pearson"] == pytest.approx(expected)
    assert second["valence"]["pearson"] == pytest.approx(-expected)


def test_letters_with_accents_have_two_forms(folder):
    expected, _ = evaluated("predictions.parquet", "ratings.csv")
    for path, form in {"predictions": "NFD", "ratings": "NFC"}.items():
        read = pd.read_parquet if path == "predictions" else pd.read_csv
        table = read(next(folder.glob(f"{path}.*")))
        names = [unicodedata.normalize(form, f"\xfc{name}") for name in CLIPS]
        table.assign(file=names).to_csv(f"{form}.csv", index=False)
    (folder / "out" / "evaluation.json").unlink()
    result, _ = evaluated("NFD.csv", "NFC.csv")
    assert (result["num_clips"], result["left_out"]) == (40, {})
    assert result["valence"]["ccc"] == pytest.approx(expected["valence"]["ccc"])
    assert "their names alone" not in run("NFD.csv", "NFC.csv").stderr


def test_empty_statuses_are_none(folder):
    table = pd.read_parquet("predictions.parquet").astype({"status": "category"})
    table.loc[0, [*DIMENSIONS, "status"]] = None
    table.to_parquet("predictions.parquet")
    result, _ = evaluated("predictions.parquet", "ratings.csv")
    assert result["left_out"] == {"no value": 1}
    assert result["num_clips"] == 39


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (0, "has no rows"),
        (40, "has 'audio/00.wav' from 0 s to 2.5 s, and the rated clip is from 0 s"),
    ],
)
def test_why_no_row_matches(folder, rows, said):
    table = pd.read_parquet("predictions.parquet").assign(start=0, end=2.5)
    table[:rows].to_csv("predictions.csv", index=False)
    ratings = pd.read_csv("ratings.csv").assign(start=0, end=3)
    ratings.to_csv("ratings.csv", index=False)
    refused = CliRunner().invoke(app, ["evaluate", "predictions.csv", "ratings.csv"])
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_of_two_tables_of_a_folder_the_later_is_taken(folder):
    table = pd.read_parquet("predictions.parquet")
    run_folder = folder / "run"
    run_folder.mkdir()
    table[:10].to_csv(run_folder / "table.csv", index=False)
    table.to_parquet(run_folder / "table.parquet")
    for number, name in enumerate(("table.csv", "table.parquet")):
        os.utime(run_folder / name, (number, number))
    result, _ = evaluated("run", "ratings.csv")
    assert result["num_clips"] == 40
