"""Rows of tables: how figures of evaluations are written."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from typing import Any

from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.model.registry import DIMENSIONS

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


MEASURES = {
    "CCC": ("ccc", ""),
    "Pearson": ("pearson", ""),
    "MAE": ("mean_absolute_error", ""),
    "bias": ("bias", "+"),
}
"""Keys of measures in evaluations, and the sign of their format, by their names."""


def row(cells: Iterable[object]) -> str:
    """Write a row of a table.

    Examples:
        >>> row(["wav2small", 5])
        '| wav2small | 5 |'

    """
    return f"| {' | '.join(map(str, cells))} |"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table.

    Examples:
        >>> print(markdown_table(["name", "size"], [["wav2small", "72K"]]))
        | name | size |
        | --- | --- |
        | wav2small | 72K |

    """
    return "\n".join(map(row, [header, ["---"] * len(header), *rows]))


def number(value: float | None) -> str:
    """Write a CCC or another figure, a dash if there is none.

    Examples:
        >>> number(0.625), number(None)
        ('0.62', '–')

    """
    return "–" if value is None else f"{value:.2f}"


def with_interval(values: Mapping, key: str, sign: str = "") -> str:
    """Write a figure and its interval, a dash if there is none.

    Examples:
        >>> with_interval({"ccc": 0.5, "low": 0.4, "high": 0.625}, "ccc")
        '0.50 [0.40, 0.62]'

    """
    if values[key] is None:
        return number(None)
    has_own = f"{key}_low" in values
    ends = (f"{key}_low", f"{key}_high") if has_own else ("low", "high")
    # z: never "-0.00"
    value, low, high = (f"{values[k]:{sign}z.2f}" for k in (key, *ends))
    return f"{value} [{low}, {high}]"


def each(values: Mapping, write: Callable[[Any], str]) -> list[str]:
    """Write the values of each dimension, a dash where there are none.

    Examples:
        >>> each({"arousal": 0.5, "dominance": None, "valence": 0.25}, "{:.1f}".format)
        ['0.5', '–', '0.2']

    """
    return ["–" if values[d] is None else write(values[d]) for d in DIMENSIONS]


def is_rated(result: Mapping) -> bool:
    """Whether a corpus has references of any dimension."""
    return any(result[name] for name in DIMENSIONS)


def with_pooled(evaluation: dict) -> list[tuple[str, dict]]:
    """Results by corpus; if there are several, of all of them as well."""
    results = list(evaluation["corpora"].items())
    if "pooled" in evaluation:
        results.append(("all of these", evaluation["pooled"]))
    return results


def clips_text(result: dict) -> str:
    """Number of clips and speakers, and reasons why others were left out."""
    text = clips_and_speakers(result)
    for reason, count in result["left_out"].items():
        text += f"; without {count} {reason}"
    return text


def pair_text(pair: dict) -> str:
    """Write which emotion is expected above which.

    Examples:
        >>> pair_text({"dimension": "arousal", "above": "anger", "below": "sadness"})
        'anger > sadness in arousal'

    """
    return f"{pair['above']} > {pair['below']} in {pair['dimension']}"


def rater_texts(raters: Sequence[dict]) -> list[str]:
    """CCC of each rater with the others, a text per dimension."""
    return [", ".join(number(rater[d]) for rater in raters) for d in DIMENSIONS]


def distribution(result: dict) -> dict[str, list[str]]:
    """Distribution of predictions beside references: rows of a text per dimension.

    Without references the correlation of predicted arousal with valence is left.
    """

    def ratio(v: dict) -> str:
        return number(v["std"] / v["reference_std"] if v["reference_std"] else None)

    rows = {}
    if is_rated(result):
        rows = {
            "Pearson correlation": each(result, lambda v: number(v["pearson"])),
            "mean ± std": each(result, "{mean:.2f} ± {std:.2f}".format_map),
            "mean ± std of the reference": each(
                result, "{reference_mean:.2f} ± {reference_std:.2f}".format_map
            ),
            "std divided by that of the reference": each(result, ratio),
        }
    if correlations := result.get("arousal_with_valence"):
        texts = [f"{k} {number(v)}" for k, v in correlations.items() if v is not None]
        rows["correlation of arousal with valence"] = ["", "", ", ".join(texts) or "–"]
    return rows


def group_rows(evaluation: dict) -> Iterator[tuple[str, list[str]]]:
    """Corpus and cells: group, number of clips, CCC with its interval."""
    for group in (*evaluation.get("groups", ()), *evaluation.get("speakers", ())):
        clips = str(group["num_clips"])
        if group["column"] != "speaker" and "num_speakers" in group:
            clips = clips_text(group)
        cccs = each(group, lambda v: with_interval(v, "ccc"))
        yield group["corpus"], [f"{group['column']} {group['group']}", clips, *cccs]


def tenth_rows(evaluation: dict) -> Iterator[tuple[str, list[str]]]:
    """Corpus and cells: tenth, number of clips, and errors of each dimension."""
    for corpus, result in evaluation["corpora"].items():
        tables = result.get("error_by_tenth", {})
        lows = {entry["low"] for entries in tables.values() for entry in entries}
        for low in sorted(lows):
            tenth = dict.fromkeys(DIMENSIONS) | {
                name: entry
                for name, entries in tables.items()
                for entry in entries
                if entry["low"] == low
            }
            clips = " / ".join(each(tenth, "{num_clips}".format_map))
            errors = each(tenth, "{mean_absolute_error:.2f}, {bias:+z.2f}".format_map)
            yield corpus, [f"{low:.1f}–{low + 0.1:.1f}", clips, *errors]


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


def measure_rows(result: Mapping) -> Iterator[tuple[str, list[str]]]:
    """Name of each measure, and a text with its interval for each dimension."""
    for name, (key, sign) in MEASURES.items():
        yield name, each(result, partial(with_interval, key=key, sign=sign))
    if raters := result.get(RATERS):
        cccs = [[r[d] for r in raters if r[d] is not None] for d in DIMENSIONS]
        ranges = [f"{min(c):z.2f} to {max(c):z.2f}" if c else "–" for c in cccs]
        yield "one rater", ranges
