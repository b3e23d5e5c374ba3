"""Tables and plots of pages, from what commands measured and stored."""

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import soundfile
from IPython.display import Markdown
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audw2s.evaluation.comparison import COSTS
from audw2s.evaluation.comparison import published_costs
from audw2s.evaluation.comparison import stated
from audw2s.evaluation.papers import papers
from audw2s.evaluation.render import evaluation_text
from audw2s.evaluation.tables import clips_text
from audw2s.evaluation.tables import each
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import pair_text
from audw2s.evaluation.tables import with_interval
from audw2s.model.find import sha256
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER
from audw2s.plots import STYLES

HERE = pathlib.Path(__file__).resolve().parent
SPEECH = HERE.parent / "examples" / "speech"


def in_a_folder_with_speech() -> None:
    """Go to a new folder with the recordings and the table that pages name."""
    os.chdir(tempfile.mkdtemp())
    shutil.copytree(SPEECH, "recordings")
    shutil.copy(HERE / "notebooks" / "emodb.csv", ".")
    clips = [soundfile.read(path)[0] for path in sorted(SPEECH.iterdir())]
    soundfile.write("interview.wav", np.concatenate(clips), 16000)


def printed(arguments: str) -> None:
    """Print what ``audw2s`` prints."""
    command = [sys.executable, "-m", "audw2s", *shlex.split(arguments)]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    print(done.stdout)


def evaluations() -> list[dict]:
    """Evaluations of all models that have some, in the order of the catalogue.

    Those of a quantised form are those of its model, but for a hundredth.
    """
    names = [name for name in CATALOGUE if not name.endswith("-int8")]
    paths = [pathlib.Path(FOLDER) / name / "evaluation.json" for name in names]
    return [e for path in paths if path.is_file() for e in json.loads(path.read_text())]


def _subject(evaluation: dict) -> str:
    """Model of an evaluation, and whether it is of trainings by folds of speakers."""
    is_by_folds = any("folds" in r for r in evaluation["corpora"].values())
    return f"{evaluation['model']}, by folds" if is_by_folds else evaluation["model"]


def evaluation_in_text(model: str = "wav2small") -> str:
    """What ``audw2s evaluate`` prints first of a model and the ratings of EmoTale."""
    stored = (e for e in evaluations() if e["model"] == model)
    text = evaluation_text(next(e for e in stored if e["against"] == "humans"))
    return "\n\n".join(text.split("\n\n")[:2])


def published() -> Markdown:
    """Figures of papers, each with its grade."""
    accuracy = [
        [paper["model"], paper["source"], corpus, *each(figures, _ccc)]
        for paper in papers()
        for corpus, figures in paper["accuracy"].items()
    ]
    costs = [
        [paper["model"], paper["source"], *published_costs(paper["cost"])]
        for paper in papers()
        if paper["cost"]
    ]
    names = ["model", "source"]
    tables = [
        "CCC with human ratings:",
        markdown_table([*names, "corpus", *DIMENSIONS], accuracy),
        "Cost for 5 s:",
        markdown_table([*names, *(title for title, _ in COSTS.values())], costs),
    ]
    return Markdown("\n\n".join(tables))


def hashes() -> Markdown:
    """Sha256 of the packaged models, which is checked before they are opened."""
    paths = sorted(pathlib.Path(FOLDER).glob("*/model.onnx"))
    rows = [[f"`{path.parent.name}`", f"`{sha256(str(path))}`"] for path in paths]
    return Markdown(markdown_table(["model", "sha256 of model.onnx"], rows))


def checks() -> Markdown:
    """Tries to break audw2s, by kind; parts of a check are summed."""
    stored = pd.read_csv(HERE / "checks.csv", keep_default_na=False)
    rows = []
    for kind, parts in stored.groupby("kind", sort=False):
        tried, survived = int(parts["tried"].sum()), int(parts["survived"].sum())
        notes = "; ".join(dict.fromkeys(filter(None, parts["notes"])))
        rows.append([kind, f"{tried:,}", f"{survived:,}", tried - survived, notes])
    names = ["kind", "tried", "survived", "lost", "notes"]
    return Markdown(markdown_table(names, rows))


def _ccc(figure: dict | None) -> str:
    return stated(figure, "{:.4g}".format)


def agreement() -> Figure:
    """CCC with people on EmoTale, with intervals, beside single raters."""
    rated = [e for e in evaluations() if e["against"] == "humans"]
    figure, panels = plt.subplots(1, 3, sharey=True, figsize=(9, 2.6))
    for axes, name in zip(panels, DIMENSIONS, strict=True):
        for row, evaluation in enumerate(rated):
            result = evaluation["corpora"]["emotale"]
            value = result[name]
            axes.plot([value["low"], value["high"]], [row] * 2, color=STYLES[0][0])
            axes.plot(value["ccc"], row, "o", color=STYLES[0][0])
        for rater in result["one_rater_against_the_others"]:
            axes.axvline(rater[name], color="grey", ls=":", lw=1)
        axes.set(title=name, xlim=(0, 1), xlabel="CCC")
    panels[0].set_yticks(range(len(rated)), map(_subject, rated))
    panels[0].invert_yaxis()
    figure.tight_layout()
    return figure


def ranking() -> Markdown:
    """Share of pairs of emotions that models put into the right order."""
    rows = []
    for evaluation in evaluations():
        for corpus, result in evaluation["corpora"].items():
            pairs = result.get("ranking", {}).get("pairs", ())
            rows += [
                [_subject(evaluation), corpus, pair_text(pair)]
                + [f"{pair['auc']:.2f} [{pair['low']:.2f}, {pair['high']:.2f}]"]
                for pair in pairs
            ]
    return Markdown(markdown_table(["model", "corpus", "pair", "AUC"], rows))


def groups() -> Markdown:
    """Agreement and bias by gender and language, a table for each evaluation."""
    parts = []
    for evaluation in evaluations():
        rows = []
        for group in evaluation.get("groups", ()):
            labels = [f"{group['column']} {group['group']}", clips_text(group)]
            for measure, sign in (("ccc", ""), ("bias", "+")):
                cells = [with_interval(group[d], measure, sign) for d in DIMENSIONS]
                rows.append([*labels, measure, *cells])
                labels = ["", ""]
        if rows:
            table = markdown_table(["group", "clips", "", *DIMENSIONS], rows)
            subject = _subject(evaluation)
            parts.append(f"{subject} against {evaluation['against']}:\n\n{table}")
    return Markdown("\n\n".join(parts))


def speakers(model: str = "wav2small") -> Figure:
    """CCC of each speaker with the teacher, with its interval."""
    (evaluation,) = (
        e for e in evaluations() if e["model"] == model and e["against"] != "humans"
    )
    results = evaluation["speakers"]
    positions = np.arange(len(results))
    figure, panels = plt.subplots(3, 1, sharex=True, figsize=(8, 5))
    for axes, name in zip(panels, DIMENSIONS, strict=True):
        values = [result[name] for result in results]
        low, high = ([value[key] for value in values] for key in ("low", "high"))
        axes.vlines(positions, low, high, color=STYLES[0][0])
        axes.plot(positions, [v["ccc"] for v in values], "o", color=STYLES[0][0])
        axes.set(ylim=(0, 1), ylabel=name)
    panels[-1].set_xticks(positions, [result["group"] for result in results])
    panels[-1].set_xlabel(f"speaker of {results[0]['corpus']}")
    figure.tight_layout()
    return figure


def robustness() -> Markdown:
    """Agreement of changed clips and second takes with the clips as they are."""
    rows = []
    for model in ("wav2small", "whisper-tiny-adv"):
        results = json.loads((HERE / "robustness" / f"{model}.json").read_text())
        for change, result in results["changes"].items():
            cells = each(result, "{:.2f}".format)
            rows.append([f"`{model}`", change, str(result["num_clips"]), *cells])
    return Markdown(markdown_table(["model", "CCC", "pairs", *DIMENSIONS], rows))


def trainings(name: str) -> Markdown:
    """Table of what trainings gave, as their logs had it."""
    table = pd.read_csv(HERE / "trainings" / f"{name}.csv")
    numbers = table.select_dtypes(float).columns
    table[numbers] = table[numbers].map("{:.2f}".format).replace("nan", "–")
    rows = table.astype(str).to_numpy().tolist()
    return Markdown(markdown_table([c.replace("_", " ") for c in table], rows))


def repeats() -> Markdown:
    """Trainings that differ in their seed, their mean and standard deviation."""
    table = pd.read_csv(HERE / "trainings" / "repeats.csv", index_col="training")
    table = pd.concat([table, table.agg(["mean", "std"])])
    cells = table.map("{:.3f}".format).reset_index().to_numpy().tolist()
    return Markdown(markdown_table(["training", *table], cells))


def detached() -> Markdown:
    """UAR with a detached teacher minus that without, in the mean of all exits."""
    table = pd.read_csv(HERE / "trainings" / "exits_small.csv")
    table = table[table.method.str.startswith("distilled") & (table.exit != "fusion")]
    is_detached = table.method.str.endswith("-detached").rename("detached")
    run = table.method.str.removesuffix("-detached").rename("method")
    means = table[["devel", "test"]].mul(100).groupby([run, is_detached]).mean()
    gains = means.xs(True, level=1) - means.xs(False, level=1)
    gains.loc["mean"] = gains.mean()
    rows = [
        [name, f"{devel:+.1f}", f"{test:+.1f}"]
        for name, devel, test in gains.itertuples()
    ]
    return Markdown(markdown_table(["method", "development", "test"], rows))


def clip_length() -> Figure:
    """Difference of a part of a clip from the whole clip, by its duration."""
    table = pd.read_csv(HERE / "clip_length.csv")
    figure, rows = plt.subplots(2, 3, sharex=True, sharey="row", figsize=(9, 5.4))
    figure.set_layout_engine("constrained")
    titles = {"mean": "mean absolute difference", "bias": "mean difference"}
    for panels, (statistic, title) in zip(rows, titles.items(), strict=True):
        for axes, name in zip(panels, DIMENSIONS, strict=True):
            _draw_lengths(axes, table[table.statistic == statistic], name)
        panels[0].set_ylabel(title)
    for axes, name in zip(rows[0], DIMENSIONS, strict=True):
        axes.set_title(name)
    for axes in rows[1]:
        axes.set_xlabel("duration of the part, s")
        axes.axhline(0, color="grey", lw=0.5)
    handles = axes.get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3)
    return figure


def _draw_lengths(axes: Axes, table: pd.DataFrame, name: str) -> None:
    """Draw a line for each model, of a colour for each corpus."""
    corpora = list(table.corpus.unique())
    for (corpus, model), rows in table.groupby(["corpus", "model"], sort=False):
        colour = STYLES[corpora.index(corpus)][0]
        line = "-" if model == "wav2small" else "--"
        label = f"{corpus}, {model}"
        axes.plot(rows.duration, rows[name], line, color=colour, label=label)


def clip_length_table() -> Markdown:
    """The same, as a table of means and 95th percentiles."""
    table = pd.read_csv(HERE / "clip_length.csv", dtype={"duration": str})
    keys = ["corpus", "model", "sha256", "duration", "num_clips"]
    pairs = table.pivot(index=keys, columns="statistic", values=list(DIMENSIONS))
    pairs = pairs.reset_index()
    rows = [
        [*map(str, row[keys]), *(_mean(row[name]) for name in DIMENSIONS)]
        for _, row in pairs.iterrows()
    ]
    header = ["corpus", "model", "sha256", "seconds", "clips", *DIMENSIONS]
    return Markdown(markdown_table(header, rows))


def _mean(values: pd.Series) -> str:
    return f"{values['mean']:.2f} ({values['p95']:.2f})"
