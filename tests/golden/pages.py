"""Write what pages show of the models and of commands.

    python tests/golden/pages.py

Tables of README, docs/models.md and docs/commands.md are from the models'
``evaluation.json`` and from ``costs.json``; figures of several trainings, in README and
the card, from ``docs/trainings/repeats.csv``; robustness and ranking in the cards from
what ``audw2s distill robustness`` and ``ranking`` wrote (``--out``) into
``docs/robustness`` and ``docs/rankings``; the table at the top of README and the JSON
of docs/commands.md are what commands print.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pandas as pd

from audw2s.distill.robustness import to_markdown as robustness_table
from audw2s.evaluation.conformal import half_widths
from audw2s.evaluation.ranking import to_markdown as ranking_tables
from audw2s.evaluation.tables import markdown_table
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
HUMAN = "one human rater"


def evaluations(name: str) -> list[dict]:
    path = pathlib.Path(FOLDER) / name / "evaluation.json"
    return json.loads(path.read_text()) if path.is_file() else []


def agreement(result: dict) -> list[str]:
    """CCC with its interval, for each dimension."""
    return [
        "{ccc:.2f} [{low:.2f}, {high:.2f}]".format(**result[dimension])
        for dimension in DIMENSIONS
    ]


def raters(result: dict) -> list[str]:
    """CCC of each rater with the mean of the others, for each dimension."""
    results = result["one_rater_against_the_others"]
    return [", ".join(f"{rater[name]:.2f}" for rater in results) for name in DIMENSIONS]


def metrics() -> str:
    """CCC of each model, on each corpus, against each reference."""
    rows = []
    for name in CATALOGUE:
        for evaluation in evaluations(name):
            results = dict(evaluation["corpora"])
            if "pooled" in evaluation:
                results["both"] = evaluation["pooled"]
            for corpus, result in results.items():
                if "folds" in result:
                    corpus += ", folds by speaker"
                against = evaluation["against"]
                rows.append([f"`{name}`", against, corpus, *agreement(result)])
                if "one_rater_against_the_others" in result:
                    row = [HUMAN, "the other raters", corpus, *raters(result)]
                    if row not in rows and "folds" not in result:
                        rows.append(row)
    return markdown_table(["model", "against", "corpus", *DIMENSIONS], rows)


def with_people(name: str) -> list[dict]:
    """Agreement with people on EmoTale, for speakers that were in no training.

    First of the model; behind it, or instead, of trainings by folds of speakers.
    """
    results = [
        evaluation["corpora"]["emotale"]
        for evaluation in evaluations(name)
        if evaluation["against"] == "humans"
    ]
    return sorted(results, key=lambda result: "folds" in result)


def size_of(num_bytes: float) -> str:
    return (
        f"{num_bytes / 1e6:.1f} MB" if num_bytes > 1e6 else f"{num_bytes / 1e3:.0f} KB"
    )


def repeated() -> tuple[int, list[str]]:
    """Number of trainings of ``wav2small``, and mean and deviation of their CCC."""
    table = pd.read_csv(ROOT / "docs" / "trainings" / "repeats.csv")
    scores = table[list(DIMENSIONS)].agg(["mean", "std"])
    return len(table), [f"{mean:.3f} ± {std:.3f}" for _, (mean, std) in scores.items()]


def seeds() -> str:
    """How far trainings of ``wav2small`` are apart that differ in their seed."""
    number, scores = repeated()
    return (
        f"These weights are the first of {number} trainings that differ in their seed."
        f"\nMean and standard deviation of their CCC: {' / '.join(scores)}."
    )


def models() -> str:
    """The packaged models and the teacher: agreement, time, size and licence."""
    costs = json.loads((HERE / "costs.json").read_text())["models"]
    rows = []
    for name, cost in costs.items():
        ratio = cost["cpu_ms"] / costs["wav2small"]["cpu_ms"]
        size = os.path.getsize(pathlib.Path(FOLDER) / name / "model.onnx")
        licence = CATALOGUE[name].licence.split(" (")[0]
        result, *others = with_people(name)
        cells = [str(result["num_speakers"]), *agreement(result), f"{ratio:.1f}"]
        rows.append([f"`{name}`", *cells, size_of(size), licence])
        for other in others:
            cells = [str(other["num_speakers"]), *agreement(other)]
            rows.append([f"the same, {other['num_folds']} folds", *cells, "", "", ""])
    number, scores = repeated()
    rows.insert(1, [f"the same, {number} seeds", rows[0][1], *scores, "", "", ""])
    (result,) = with_people("whisper-tiny-adv")
    rater = [str(result["num_speakers"]), *raters(result)]
    rows.append([HUMAN, *rater, "", "", ""])
    size = sum(CATALOGUE[name].size for name in CATALOGUE["teacher"].members)
    licence = CATALOGUE["teacher"].licence.replace(", non-commercial", "")
    unknown = ["", "not run here yet", "", "", "", f"{size / 1e9:.1f} GB", licence]
    rows.append(["`teacher`", *unknown])
    header = ["model", "speakers", *DIMENSIONS, "time", "file", "licence"]
    return markdown_table(header, rows)


def intervals() -> str:
    """Half of the intervals that hold nine in ten ratings."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name in json.loads((HERE / "costs.json").read_text())["models"]:
        widths = half_widths(name, 0.9)
        cells = tuple(f"± {widths[dimension]:.2f}" for dimension in DIMENSIONS)
        names.setdefault(cells, []).append(f"`{name}`")
    rows = [[", ".join(models), *cells] for cells, models in names.items()]
    return markdown_table(["model", *DIMENSIONS], rows)


def measured(kind: str, name: str, model: str) -> dict:
    """What a command measured of a model, with the weights that are packaged."""
    result = json.loads((ROOT / "docs" / kind / f"{name}.json").read_text())
    entry = CATALOGUE[model]
    assert not entry.packaged or result["sha256"] == entry.sha256, "other weights"
    return result


def robustness(model: str) -> str:
    """CCC of changed clips of RAVDESS with the clips as they are."""
    return robustness_table(measured("robustness", model, model))


def ranking(name: str, model: str) -> str:
    """Share of pairs of clips that are in the order of their emotions."""
    result = measured("rankings", name, model)
    _, of_pairs = ranking_tables(result, "emotion").split("\n\n")
    return of_pairs


TINY, BASE = "whisper-tiny-adv", "whisper-base-adv"

TABLES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"models": models},
    "docs/models.md": {"metrics": metrics},
    "docs/commands.md": {"intervals": intervals},
    "audw2s/assets/wav2small/card.md": {
        "seeds": seeds,
        "nemo": partial(ranking, "wav2small-nemo", "wav2small"),
        "robustness": partial(robustness, "wav2small"),
    },
    "audw2s/assets/wav2small-int8/card.md": {
        "robustness": partial(robustness, "wav2small-int8")
    },
    f"audw2s/assets/{TINY}/card.md": {
        "ravdess": partial(ranking, f"{TINY}-ravdess", TINY),
        "nemo": partial(ranking, f"{TINY}-nemo", TINY),
        "robustness": partial(robustness, TINY),
    },
    f"audw2s/assets/{BASE}/card.md": {
        "ravdess": partial(ranking, f"{BASE}-ravdess", BASE),
        "mean": partial(ranking, "mean-ravdess", BASE),
    },
}
"""Marks in a page, and what makes the text between them."""


def updated(path: str) -> str:
    """Text of a page with what is between its marks."""
    text = (ROOT / path).read_text()
    for mark, make in TABLES[path].items():
        before, rest = text.split(f"<!-- {mark} -->\n")
        _, after = rest.split(f"<!-- /{mark} -->\n")
        text = f"{before}<!-- {mark} -->\n\n{make()}\n\n<!-- /{mark} -->\n{after}"
    return text


def printed(command: str) -> str:
    """Output of a command of the package in a wide terminal, in the root folder."""
    _, *arguments = command.split()
    return subprocess.run(
        [sys.executable, "-m", "audw2s", *arguments],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300"},
        text=True,
    ).stdout


OUTPUTS = {
    "README.md": ("text", "audw2s predict examples"),
    "docs/commands.md": ("json", "audw2s predict examples/speech/*anger.flac --json"),
}
"""Language of the first such block of a page, and the command that prints it."""


def with_output(page: str, text: str) -> str:
    """Text of a page with what its command prints."""
    language, command = OUTPUTS[page]
    block = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return block.sub(f"```{language}\n{printed(command)}```", text, count=1)


if __name__ == "__main__":
    for path in TABLES:
        (ROOT / path).write_text(updated(path))
    for path in OUTPUTS:
        (ROOT / path).write_text(with_output(path, (ROOT / path).read_text()))
