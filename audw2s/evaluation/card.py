"""Evaluations of a model: kept beside it, and shown in its card."""

import json
import os
from collections.abc import Sequence

from audw2s.catalogue import DIMENSIONS
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number
from audw2s.files import replacing
from audw2s.files import write_json

MARKS = ("<!-- metrics -->", "<!-- /metrics -->")
"""Lines of a model card between which its evaluations stand."""

FORMS = {
    "crop": "hearing 1 to 2.5 s of each clip",
    "repeated": "hearing each clip twice in a row, 4 to 8 s",
    "paused": "hearing each clip with silence before and after it",
    "tone": "hearing each clip in another tone",
    "room": "hearing each clip in a room",
    "noise": "hearing each clip in noise",
    "codec": "hearing each clip through a telephone, Opus or MP3",
    "voice": "hearing each clip in another voice",
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
    known = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            known = json.load(file)
    kept = [other for other in known if not _is_replaced(other, evaluation)]
    write_json([*kept, evaluation], path)
    return [*kept, evaluation]


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
    marks = [n for n, line in enumerate(lines) if line.strip() in MARKS]
    if [lines[n].strip() for n in marks] != list(MARKS):
        raise ValueError(f"'{path}' needs a line '{MARKS[0]}' and a line '{MARKS[1]}'.")
    first, last = marks
    lines[first + 1 : last] = ["", card_table(evaluations), ""]
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def card_table(evaluations: Sequence[dict]) -> str:
    """Render evaluations as a table in Markdown, for cards and terminals."""
    header = ["reference", "corpus", "clips", "measure", *DIMENSIONS]
    rows = []
    for evaluation in evaluations:
        for corpus, result in with_pooled(evaluation):
            texts = measures(result)
            first = [evaluation["against"], corpus, clips_text(result)]
            for row, (measure, values) in enumerate(texts.items()):
                rows.append([*(first if not row else [""] * 3), measure, *values])
    return f"{markdown_table(header, rows)}\n\n{footnotes(evaluations)}"


def with_pooled(evaluation: dict) -> list[tuple[str, dict]]:
    """Results by corpus; if there are several, of all of them as well."""
    results = list(evaluation["corpora"].items())
    if "pooled" in evaluation:
        results.append(("all of these", evaluation["pooled"]))
    return results


def clips_text(result: dict) -> str:
    """How many clips of how many speakers, and why others were left out."""
    text = clips_and_speakers(result)
    for reason, count in result["left_out"].items():
        text += f"; without {count} {reason}"
    return text


def measures(result: dict) -> dict[str, list[str]]:
    """Rows of the table for one corpus: a text for each dimension."""
    values = [result[name] for name in DIMENSIONS]
    rows = {
        f"CCC, 95 % interval over {result['resampled']}": [
            f"{v['ccc']:.2f} [{v['low']:.2f}, {v['high']:.2f}]" for v in values
        ],
        "Pearson correlation": [number(v["pearson"]) for v in values],
        "mean ± std": [f"{v['mean']:.2f} ± {v['std']:.2f}" for v in values],
        "mean ± std of the reference": [
            f"{v['reference_mean']:.2f} ± {v['reference_std']:.2f}" for v in values
        ],
    }
    if "mean_of_folds" in result:
        mean, std = result["mean_of_folds"], result["std_of_folds"]
        what = f"{result['num_folds']} folds by {_one(result)}"
        rows[f"CCC, mean ± std of {what}"] = [
            f"{mean[name]:.2f} ± {std[name]:.2f}" for name in DIMENSIONS
        ]
    for form, text in FORMS.items():
        if form in result.get("forms", {}):
            cccs = result["forms"][form]
            rows[f"CCC, {text}"] = [number(cccs[name]) for name in DIMENSIONS]
    if result.get(RATERS):
        rows["CCC of one rater with the mean of the others"] = [
            ", ".join(number(rater[name]) for rater in result[RATERS])
            for name in DIMENSIONS
        ]
    return rows


def _one(result: dict) -> str:
    """What folds don't share: a speaker, or a file where nobody knows the speaker."""
    return result.get("folds_by", "speakers").replace("s ", " ").removesuffix("s")


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
