"""Evaluations of a model: kept beside it, and shown in its card."""

import json
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.model.registry import DIMENSIONS

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
            for row, (measure, values) in enumerate(measures(result).items()):
                rows.append([*(first if not row else [""] * 3), measure, *values])
    header = ["reference", "corpus", "clips", "measure", *DIMENSIONS]
    parts = [markdown_table(header, rows)]
    for title, column, render in (
        ("CCC by group and speaker, with its 95 % interval", "group", group_rows),
        ("Error by tenth of the reference: mean absolute, bias", "tenth", tenth_rows),
    ):
        rows = [
            [evaluation["against"], *row]
            for evaluation in evaluations
            for row in render(evaluation)
        ]
        if rows:
            header = ["reference", "corpus", column, "clips", *DIMENSIONS]
            parts.append(f"{title}:\n\n{markdown_table(header, rows)}")
    return "\n\n".join([*parts, footnotes(evaluations)])


def group_rows(evaluation: dict, corpus_text: Callable = str) -> Iterator[list[str]]:
    """Corpus, group, number of clips, and CCC of each dimension, with its interval."""
    for group in (*evaluation.get("groups", ()), *evaluation.get("speakers", ())):
        yield [
            corpus_text(group["corpus"]),
            f"{group['column']} {group['group']}",
            _group_clips(group),
            *_each(group, lambda v: with_interval(v, "ccc")),
        ]


def _group_clips(group: dict) -> str:
    is_speaker = group["column"] == "speaker" or "num_speakers" not in group
    return str(group["num_clips"]) if is_speaker else clips_text(group)


def tenth_rows(evaluation: dict, corpus_text: Callable = str) -> Iterator[list[str]]:
    """Corpus, tenth, number of clips, and errors of each dimension."""
    for corpus, result in evaluation["corpora"].items():
        tables = result.get("error_by_tenth", {})
        by_low = {
            name: {row["low"]: row for row in rows} for name, rows in tables.items()
        }
        for low in sorted({low for rows in by_low.values() for low in rows}):
            found = {name: by_low.get(name, {}).get(low) for name in DIMENSIONS}
            counts = [str(row["num_clips"]) if row else "–" for row in found.values()]
            yield [
                corpus_text(corpus),
                f"{low:.1f}–{low + 0.1:.1f}",
                " / ".join(counts),
                *_each(
                    found,
                    lambda v: f"{v['mean_absolute_error']:.2f}, {v['bias']:+z.2f}",
                ),
            ]


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
    rows = {}
    if any(result[name] for name in DIMENSIONS):
        rows[f"CCC, 95 % interval over {result['resampled']}"] = _each(
            result, lambda v: with_interval(v, "ccc")
        )
    rows |= distribution(result)
    rows |= _ranking(result) | _folds(result)
    if result.get(RATERS):
        rows["CCC of one rater with the mean of the others"] = [
            ", ".join(number(rater[name]) for rater in result[RATERS])
            for name in DIMENSIONS
        ]
    return rows


def distribution(result: dict) -> dict[str, list[str]]:
    """Rows that say how predictions lie beside references, a text per dimension.

    Without references the correlation of predicted arousal with valence is left.
    """
    rows = {
        "Pearson correlation": _each(result, lambda v: number(v["pearson"])),
        "mean ± std": _each(result, lambda v: f"{v['mean']:.2f} ± {v['std']:.2f}"),
        "mean ± std of the reference": _each(
            result, lambda v: f"{v['reference_mean']:.2f} ± {v['reference_std']:.2f}"
        ),
        "std divided by that of the reference": _each(
            result,
            lambda v: number(
                v["std"] / v["reference_std"] if v["reference_std"] else None
            ),
        ),
    }
    rows = rows if any(result[name] for name in DIMENSIONS) else {}
    if found := result.get("arousal_with_valence"):
        texts = [f"{k} {number(v)}" for k, v in found.items() if v is not None]
        rows["correlation of arousal with valence"] = ["", "", ", ".join(texts) or "–"]
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


def pair_text(pair: dict) -> str:
    """Write which emotion is expected above which.

    Examples:
        >>> pair_text({"dimension": "arousal", "above": "anger", "below": "sadness"})
        'anger > sadness in arousal'

    """
    return f"{pair['above']} > {pair['below']} in {pair['dimension']}"


def with_interval(values: dict | None, key: str, sign: str = "") -> str:
    """Write a figure and its interval, a dash if there is none.

    Examples:
        >>> with_interval({"ccc": 0.5, "low": 0.4, "high": 0.625}, "ccc")
        '0.50 [0.40, 0.62]'

    """
    if values is None:
        return "–"
    ends = ("bias_low", "bias_high") if key == "bias" else ("low", "high")
    # z: never "-0.00"
    value, low, high = (f"{values[k]:{sign}z.2f}" for k in (key, *ends))
    return f"{value} [{low}, {high}]"


def _each(values: dict, write: Callable[[dict], str]) -> list[str]:
    """Write the values of each dimension, a dash where there are none."""
    return ["–" if values[d] is None else write(values[d]) for d in DIMENSIONS]


def _folds(result: dict) -> dict[str, list[str]]:
    rows = {}
    if "mean_of_folds" in result:
        mean, std = result["mean_of_folds"], result["std_of_folds"]
        what = f"{result['num_folds']} folds by {_one(result)}"
        rows[f"CCC, mean ± std of {what}"] = [
            f"{mean[name]:.2f} ± {std[name]:.2f}" if name in mean else "–"
            for name in DIMENSIONS
        ]
    for form, text in FORMS.items():
        if form in result.get("forms", {}):
            cccs = result["forms"][form]
            rows[f"CCC, {text}"] = [number(cccs[name]) for name in DIMENSIONS]
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
