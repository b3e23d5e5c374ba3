"""An evaluation as plain text, for terminals of 80 columns."""

import textwrap
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import partial

from audw2s.evaluation.agreement import HUMANS
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.intervals import MIN_SPEAKERS
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.evaluation.tables import each
from audw2s.evaluation.tables import is_rated
from audw2s.evaluation.tables import with_interval
from audw2s.evaluation.tables import with_pooled
from audw2s.model.registry import DIMENSIONS

MEASURES = {
    "CCC": ("ccc", ""),
    "Pearson": ("pearson", ""),
    "MAE": ("mean_absolute_error", ""),
    "bias": ("bias", "+"),
}
"""Keys of measures in evaluations, and the sign of their format, by their names."""

MAX_SPEAKERS = 30
"""Largest number of speakers that have a line."""

WIDTH = 80


def evaluation_text(evaluation: dict) -> str:
    """Write what was evaluated, and the measures of corpora, groups and speakers.

    Args:
        evaluation: see :func:`audw2s.corpus.evaluate.evaluate`

    """
    lines = list(facts(evaluation))
    for name, result in with_pooled(evaluation):
        lines += ["", *_block(name, result)]
    for group in evaluation["groups"]:
        title = f"{group['corpus']}, {group['column']} {group['group']}: "
        if not is_rated(group):
            title += f"{group['num_clips']} clips"
        else:
            title += f"{clips_and_speakers(group, ' clips')}, intervals over "
            title += group["resampled"]
        lines += ["", *_block(title, group)]
    if speakers := [row for row in evaluation["speakers"] if is_rated(row)]:
        lines += ["", "CCC by speaker", _line("", DIMENSIONS)]
        for row in speakers[:MAX_SPEAKERS]:
            cells = each(row, lambda values: with_interval(values, "ccc"))
            lines.append(_line(f"{row['group']} ({row['num_clips']})", cells))
        if len(speakers) > MAX_SPEAKERS:
            lines.append(f"and {len(speakers) - MAX_SPEAKERS} more, see --out")
    return "\n".join(lines)


def facts(evaluation: dict) -> Iterator[str]:
    """Sentences on what was compared, and on what was left out."""
    yield from _wrapped(sentences(evaluation))


def sentences(evaluation: dict) -> Iterator[str]:
    """Sentences of :func:`facts`, each in one line."""
    against = evaluation["against"]
    reference = "human ratings" if against == HUMANS else against
    yield f"{evaluation['model']} ({evaluation['sha256'][:8]}) against {reference}."
    for name, result in evaluation["corpora"].items():
        yield f"{name}: {clips_and_speakers(result, ' clips')}."
        if "scale" in result:
            low, high = result["scale"]
            yield f"{name}: ratings from {low:g} to {high:g} become 0 to 1."
        if result["left_out"]:
            reasons = (f"{count} {why}" for why, count in result["left_out"].items())
            yield f"{name}: clips that are left out: {', '.join(reasons)}."
        yield f"{name}: intervals of 95 % are over {result['resampled']}{_why(result)}."
    if evaluation.get("num_unused"):
        yield f"Rows of the predictions without a rating: {evaluation['num_unused']}."


def _why(result: Mapping) -> str:
    """Reason why intervals aren't over speakers."""
    if result["resampled"] == "speakers":
        return ""
    if result["num_unknown"] == result["num_clips"]:
        return ", as speakers aren't known"
    if result["num_unknown"]:
        return ", as some speakers aren't known"
    return f", as there are fewer than {MIN_SPEAKERS} speakers"


def measure_rows(result: Mapping) -> Iterator[tuple[str, list[str]]]:
    """Name of each measure, and a text with its interval for each dimension."""
    for name, (key, sign) in MEASURES.items():
        yield name, each(result, partial(with_interval, key=key, sign=sign))
    if raters := result.get(RATERS):
        cccs = [[r[d] for r in raters if r[d] is not None] for d in DIMENSIONS]
        ranges = [f"{min(c):z.2f} to {max(c):z.2f}" if c else "–" for c in cccs]
        yield "one rater", ranges


def _block(title: str, result: Mapping) -> Iterator[str]:
    yield from _wrapped([title])
    if not is_rated(result):
        yield "no references, or fewer than two clips"
        return
    yield _line("", DIMENSIONS)
    for name, cells in measure_rows(result):
        yield _line(name, cells)


def _line(name: str, cells: Iterable[str]) -> str:
    """Line of a table.

    Examples:
        >>> _line("CCC", ["0.62 [0.55, 0.68]"])
        'CCC               0.62 [0.55, 0.68]'

    """
    label = name if len(name) < 14 else f"{name[:6]}…{name[-6:]}"
    return f"{label:<14}" + "".join(f"{cell:>21}" for cell in cells)


def _wrapped(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(sentence, WIDTH)
