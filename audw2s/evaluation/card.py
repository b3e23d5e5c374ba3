"""Evaluations of a model: kept beside it, and shown in its card."""

import json
import os
from collections.abc import Sequence

from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.tables import clips_text
from audw2s.evaluation.tables import distribution
from audw2s.evaluation.tables import each
from audw2s.evaluation.tables import group_rows
from audw2s.evaluation.tables import is_rated
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number
from audw2s.evaluation.tables import pair_text
from audw2s.evaluation.tables import rater_texts
from audw2s.evaluation.tables import tenth_rows
from audw2s.evaluation.tables import with_interval
from audw2s.evaluation.tables import with_pooled
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.model.early_exit import Choice
from audw2s.model.find import members
from audw2s.model.find import model_sha256
from audw2s.model.names import entry_of
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER

MARKS = ("<!-- metrics -->", "<!-- /metrics -->")
"""Lines of a model card between which its evaluations stand."""

INTERVALS = "intervals"
"""Key of the calibration of prediction intervals in the result of a corpus."""

FORMS = {
    "crop": "1 to 2.5 s of each clip",
    "repeated": "each clip twice in a row, 4 to 8 s",
    "paused": "each clip with silence before and after it",
    "tone": "each clip in another tone",
    "room": "each clip in a room",
    "noise": "each clip in noise",
    "codec": "each clip through a telephone, Opus or MP3",
    "voice": "each clip in another voice",
}
"""Forms of clips that a teacher was evaluated on, in words."""


def store(evaluation: dict, path: str) -> list[dict]:
    """Add an evaluation to an ``evaluation.json``.

    It replaces one of the same model against the same reference on the same
    corpora (folds of a teacher's own corpus count as another). Those of an earlier
    file of the model are dropped: they don't describe this one.

    Returns:
        all evaluations in the file

    """
    known = read(path) if os.path.exists(path) else []
    kept = [other for other in known if not _is_replaced(other, evaluation)]
    write_json([*kept, evaluation], path)
    return [*kept, evaluation]


def read(path: str) -> list[dict]:
    """Read the evaluations in an ``evaluation.json``."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def beside(model: str) -> list[dict]:
    """Evaluations beside a model; those of the catalogue are in the package.

    Args:
        model: name or folder; an ensemble has none

    """
    if members(model):
        return []
    path = os.path.join(folder_of(model), "evaluation.json")
    return read(path) if os.path.isfile(path) else []


def folder_of(model: str) -> str:
    """Folder of a model's card; for models of the catalogue it is in the package.

    Args:
        model: name or folder, not an ensemble

    """
    entry = entry_of(model)
    return os.path.join(FOLDER, entry.name) if entry else model


def measured(model: str, exit: Choice = None) -> list[dict]:
    """Evaluations beside a model, those of this very file.

    Args:
        model: name or folder
        exit: early exit of the model

    """
    sha256, entry = model_sha256(model, exit), entry_of(model)
    # The file of a model that is converted depends on the versions of libraries
    is_converted = entry is not None and not entry.packaged
    return [e for e in beside(model) if is_converted or e["sha256"] == sha256]


def _is_replaced(old: dict, new: dict) -> bool:
    if old["model"] != new["model"]:
        return False
    return old["sha256"] != new["sha256"] or _subject(old) == _subject(new)


def _subject(evaluation: dict) -> tuple:
    results = evaluation["corpora"].items()
    corpora = {(name, "folds" in result) for name, result in results}
    return evaluation["against"], corpora


def update_card(path: str, evaluations: Sequence[dict]) -> None:
    """Write the table of evaluations into a model card.

    It replaces what is between the lines ``<!-- metrics -->`` and
    ``<!-- /metrics -->``.

    Raises:
        ValueError: if the card doesn't have both lines, once and in this order

    """
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    mask = [n for n, line in enumerate(lines) if line.strip() in MARKS]
    if [lines[n].strip() for n in mask] != list(MARKS):
        raise ValueError(f"'{path}' needs a line '{MARKS[0]}' and a line '{MARKS[1]}'.")
    first, last = mask
    lines[first + 1 : last] = ["", card_table(evaluations), ""]
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def card_table(evaluations: Sequence[dict]) -> str:
    """Render evaluations as tables in Markdown, for cards and terminals.

    The first has the measures of each corpus; those of groups, of speakers, and of
    errors by tenth of the reference follow where an evaluation has them.
    """
    rows = []
    for evaluation in evaluations:
        for corpus, result in with_pooled(evaluation):
            first = [evaluation["against"], corpus, clips_text(result)]
            for measure, values in measures(result).items():
                rows.append([*first, measure, *values])
                first = [""] * 3
    header = ["reference", "corpus", "clips", "measure", *DIMENSIONS]
    parts = [markdown_table(header, rows)]
    for title, column, render in (
        ("CCC by group and speaker, with its 95 % interval", "group", group_rows),
        ("Error by tenth of the reference: mean absolute, bias", "tenth", tenth_rows),
    ):
        rows = [
            [evaluation["against"], corpus, *cells]
            for evaluation in evaluations
            for corpus, cells in render(evaluation)
        ]
        if rows:
            header = ["reference", "corpus", column, "clips", *DIMENSIONS]
            parts.append(f"{title}:\n\n{markdown_table(header, rows)}")
    return "\n\n".join([*parts, footnotes(evaluations)])


def measures(result: dict) -> dict[str, list[str]]:
    """Rows of the table for one corpus: a text for each dimension."""
    rows = {}
    if is_rated(result):
        rows[f"CCC, 95 % interval over {result['resampled']}"] = each(
            result, lambda v: with_interval(v, "ccc")
        )
    rows |= distribution(result) | _ranking(result) | _folds(result)
    if raters := result.get(RATERS):
        rows["CCC of one rater with the mean of the others"] = rater_texts(raters)
    return rows


def _ranking(result: dict) -> dict[str, list[str]]:
    ranking = result.get("ranking", {})
    return {
        f"{pair_text(pair)}, AUC, 95 % interval over {ranking['resampled']}": [
            with_interval(pair, "auc") if name == pair["dimension"] else ""
            for name in DIMENSIONS
        ]
        for pair in ranking.get("pairs", ())
    }


def _folds(result: dict) -> dict[str, list[str]]:
    rows = {}
    if "mean_of_folds" in result:
        mean, std = result["mean_of_folds"], result["std_of_folds"]
        unit = result.get("folds_by", "speakers").replace("s ", " ").removesuffix("s")
        rows[f"CCC, mean ± std of {result['num_folds']} folds by {unit}"] = [
            f"{mean[name]:.2f} ± {std[name]:.2f}" if name in mean else "–"
            for name in DIMENSIONS
        ]
    if known := result.get(INTERVALS):
        half = {name: known.get(name, {}).get("residuals") for name in DIMENSIONS}
        shares = {name: known.get(name, {}).get("coverage") for name in DIMENSIONS}
        rows["interval of 90 %, half its width"] = each(half, lambda r: number(r[89]))
        num_folds = len(next(iter(known.values()))["coverage"])
        key = f"ratings within, mean and range of {num_folds} folds by speaker"
        rows[key] = each(
            shares, lambda c: f"{sum(c) / len(c):.2f} ({min(c):.2f} to {max(c):.2f})"
        )
    for form, text in FORMS.items():
        if form in result.get("forms", {}):
            rows[f"CCC, {text}"] = each(result["forms"][form], number)
    return rows


def footnotes(evaluations: Sequence[dict]) -> str:
    """By which files the numbers of a table were made."""
    notes = []
    for e in evaluations:
        notes.append(f"{e['model']}: sha256 {e['sha256']}, audw2s {e['version']}.")
        if e.get("against_sha256"):
            notes.append(f"{e['against']} (reference): sha256 {e['against_sha256']}.")
        if not e["training_checked"]:
            corpora = ", ".join(e["corpora"])
            notes.append(f"Not checked: whether {e['model']} was trained on {corpora}.")
        for corpus, result in e["corpora"].items():
            if weak := result.get("categories"):
                notes.append(_weak_labels(e["model"], corpus, weak))
            if result.get(INTERVALS):
                notes.append(
                    f"The intervals of --intervals are calibrated on {corpus}; ratings "
                    "of other recordings may lie within them less often, how often "
                    "wasn't measured."
                )
        draws = f"{e['num_resamples']} bootstrap resamples, seed {e['seed']}"
        notes.append(f"Intervals: {draws}.")
    return "\n".join(f"- {note}" for note in dict.fromkeys(notes))


def _weak_labels(model: str, corpus: str, weak: dict) -> str:
    """What a teacher was fitted to beside ratings."""
    dimensions, corpora = ", ".join(weak["dimensions"]), ", ".join(weak["corpora"])
    text = (
        f"{model}: {dimensions} fitted to {weak['num_clips']} clips of {corpora} by "
        f"their category as well, weight {weak['weight']:g}: each has the mean rating "
        f"of that category in {corpus} (weak supervision, a method of our own)"
    )
    if weak["means"]:
        text += f", those of {', '.join(weak['means'])} from {weak['source']}"
    return f"{text}."
