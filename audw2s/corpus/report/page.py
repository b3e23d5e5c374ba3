"""Report on a corpus as one page, which needs no other file."""

import datetime
import itertools
import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import duration_text
from audw2s.corpus.report.overview import Overview
from audw2s.corpus.report.summary import Summary
from audw2s.corpus.speakers import Speakers
from audw2s.files import replacing
from audw2s.model.registry import DIMENSIONS
from audw2s.plots import STYLES

DASHES = {"-": "none", "--": "7 3", ":": "2 3", "-.": "7 3 2 3"}
"""Line styles of matplotlib in SVG."""

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
"""Characters that a page can't have."""


NUM_SPEAKERS = 50
"""Largest number of speakers on the page."""


def check_report(path: str) -> None:
    """Check that a page can be written before hours are spent on it.

    Raises:
        ValueError: if the path is a folder, or its folder doesn't exist

    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder '{folder}' for the report.")
    if os.path.isdir(path):
        raise ValueError(f"The report can't be '{path}', which is a folder.")


def write_report(
    path: str,
    corpus: str,
    summary: Summary,
    overview: Overview,
    provenance: dict[str, Any],
    speed: str,
    speakers: Speakers | None = None,
) -> None:
    """Write the page, complete or not at all.

    Args:
        path: path of the page
        corpus: name of the corpus
        summary: summary of all rows
        overview: counts of all rows
        provenance: models, version and settings
        speed: speed of this run in words
        speakers: means of speakers, if they are known

    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__))),
        autoescape=True,
        finalize=printable,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    text = environment.get_template("page.html").render(
        title=f"Arousal, dominance and valence of {corpus}",
        dimensions=list(DIMENSIONS),
        facts=_facts(corpus, summary, overview, provenance, speed),
        models=[(m["name"], m["licence"], m["sha256"]) for m in provenance["models"]],
        statuses=list(_statuses(summary)),
        examples=list(_examples(summary, overview)),
        durations=_durations(overview),
        speakers=_speakers(speakers),
        **_values(summary, overview),
    )
    with replacing(path) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text.lstrip())


def _speakers(speakers: Speakers | None) -> dict[str, object] | None:
    """Table of the first speakers, and how many there are."""
    if speakers is None or not speakers.are_known:
        return None
    table = speakers.table()
    shown = table.head(NUM_SPEAKERS).copy()
    for name in table.columns[table.columns.get_loc("rows") + 1 :]:
        digits = 1 if name in ("duration", "speech") else 3
        shown[name] = shown[name].map(f"{{:.{digits}f}}".format)
    header = list(shown)
    rows = shown.astype(str).to_numpy().tolist()
    numbers = range(header.index("rows"), len(header))
    return {"header": header, "rows": rows, "numbers": numbers, "count": len(table)}


def printable(value: object) -> object:
    r"""Show control characters of a text; numbers have separators of thousands.

    Examples:
        >>> printable("a\x01"), printable(1234)
        ('a\\x01', '1,234')

    """
    if isinstance(value, int):
        return f"{value:,}"
    if type(value) is str:  # parts of the page are a subclass, and stay
        return CONTROLS.sub(lambda match: ascii(match[0])[1:-1], value)
    return value


def _facts(
    corpus: str,
    summary: Summary,
    overview: Overview,
    provenance: dict[str, Any],
    speed: str,
) -> dict[str, str]:
    inputs = f"{summary.num_inputs:,}, {duration_text(overview.seconds)} of audio"
    facts = {"corpus": corpus, "inputs": inputs, "windows": "none, a row per input"}
    if summary.statuses.total() != summary.num_inputs:
        facts["rows"] = f"{summary.statuses.total():,}"
    if provenance.get("win_dur") is not None:
        facts["windows"] = (
            f"{provenance['win_dur']:g} s, each {provenance['hop_dur']:g} s"
        )
    if provenance.get("segments"):
        facts["segments"] = "segments of speech"
    if provenance.get("vad"):
        facts["pooled"] = "speech only"
    if provenance["exact"]:
        facts["analysis"] = "exact, each window or segment alone"
    if provenance["max_dur"] is not None:
        facts["longest input"] = f"{provenance['max_dur']:g} s"
    now = datetime.datetime.now().astimezone()
    return facts | {
        "this run": speed,
        "date": now.strftime("%Y-%m-%d %H:%M %z"),
        "made by": f"audw2s {provenance['version']}",
    }


def _statuses(summary: Summary) -> Iterator[tuple]:
    total = summary.statuses.total()
    for status, count in summary.statuses.most_common():
        values = "no" if status in UNUSABLE else "yes"
        yield status, count, f"{100 * count / total:.1f}\u00a0%", values


def _examples(summary: Summary, overview: Overview) -> Iterator[tuple]:
    for status, _ in summary.statuses.most_common():
        for example in overview.examples.get(status, ()):
            start = "" if np.isnan(example.start) else f"{example.start:.3f}"
            yield status, example.file, start, example.message


def _values(summary: Summary, overview: Overview) -> dict[str, Any]:
    """Tables and pictures of values and of agreement, empty without values."""
    from audw2s.corpus.report import pictures

    if not summary.moments.count:
        return {"values": [], "agreement": []}
    values = [
        [name, *(f"{mean:.3f} ±\u00a0{std:.3f}" for mean, std in statistics)]
        for name, statistics in summary.statistics()
    ]
    pairs = [
        pictures.pairs(overview, numbers, k, f"{names}, CCC {ccc:.3f}")
        for numbers, names, cccs in summary.agreement()
        for k, ccc in enumerate(cccs)
    ]
    styles = zip(overview.names, itertools.cycle(STYLES), strict=False)
    return {
        "num_values": f"{summary.moments.count:,}",
        "values": values,
        "key": [(name, colour, DASHES[line]) for name, (colour, line) in styles],
        "histograms": [
            pictures.values(
                overview, k, ", ".join(f"{row[0]} {row[1 + k]}" for row in values)
            )
            for k in range(len(DIMENSIONS))
        ],
        "agreement": [
            [names, *(f"{ccc:.3f}" for ccc in cccs)]
            for _, names, cccs in summary.agreement()
        ],
        "pairs": pairs,
    }


def _durations(overview: Overview) -> list:
    from audw2s.corpus.report import pictures

    return [pictures.durations(overview)] if overview.durations.any() else []
