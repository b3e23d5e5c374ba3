"""What was found in a corpus as one page, which needs nothing but itself."""

import datetime
import html
import itertools
import os
import re
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.progress import Speed
from audw2s.corpus.progress import amount
from audw2s.corpus.report import pictures
from audw2s.corpus.report.overview import Overview
from audw2s.corpus.report.summary import Summary
from audw2s.corpus.report.summary import concordance
from audw2s.files import replacing
from audw2s.model.registry import DIMENSIONS

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c1e21; --faint: #5a5f66;
  --line: #d5d8dc; --model0: #1b5e9b; --model1: #c4501b; --model2: #3c7a3c;
  --model3: #7b4b94; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --ink: #e8e9eb; --faint: #a6abb2; --line: #3a3f45;
    --model0: #74b3ea; --model1: #f29a6b; --model2: #8fcb8f; --model3: #c7a2dc; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { max-width: 44rem; margin: .4rem 0; }
.faint, caption { color: var(--faint); }
.wide { overflow-x: auto; margin: .6rem 0 1.2rem; }
table { border-collapse: collapse; font-size: .92rem; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
.facts th { white-space: nowrap; }
td { overflow-wrap: anywhere; }
td.text { min-width: 9rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { overflow-wrap: normal; }
code { font-size: .85em; overflow-wrap: anywhere; }
.pictures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.pictures svg, .one svg { width: 100%; height: auto; display: block; }
.one { max-width: 40rem; }
@media (max-width: 30rem) {
  table { font-size: .85rem; }
  th, td { padding-right: .6rem; } }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; padding: 0;
  margin: .4rem 0; }
.key svg { width: 2.2rem; height: .8rem; vertical-align: middle; margin-right: .4rem; }
"""

DASHES = ("none", "7 3", "2 3", "7 3 2 3")
"""Lines of models in the key, as in :data:`audw2s.plots.STYLES`."""


def check_report(path: str) -> None:
    """Make sure that a page can be made before hours are spent on it.

    Raises:
        ModuleNotFoundError: if matplotlib isn't there
        ValueError: if the path is a folder, or lies in none

    """
    pictures.check_matplotlib()
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
    provenance: dict[str, object],
    speed: Speed,
) -> None:
    """Write the page; it is there whole or not at all.

    Args:
        path: of the page
        corpus: as it was named
        summary: of all rows
        overview: of all rows
        provenance: models, version and settings
        speed: of this run

    """
    title = f"Arousal, dominance and valence of {corpus}"
    facts = _facts(corpus, summary, overview, provenance, speed)
    sections = [
        *_what(facts, provenance),
        *_statuses(summary, overview),
        *_values(summary, overview),
        *_agreement(summary, overview),
        *_durations(overview),
    ]
    # Well-formed XML as well, so that any tool can read it
    text = "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{_text(title)}</title><style>{STYLE}</style></head><body><main>",
            f"<h1>{_text(title)}</h1>",
            *sections,
            "</main></body></html>\n",
        ]
    )
    with replacing(path) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)


def _facts(
    corpus: str,
    summary: Summary,
    overview: Overview,
    provenance: dict[str, object],
    speed: Speed,
) -> list[tuple[str, str]]:
    inputs = f"{summary.num_inputs:,}, {amount(overview.seconds)} of audio"
    facts = [("corpus", corpus), ("inputs", inputs)]
    window = "none, a row per input"
    if summary.windows:
        window = f"{provenance['win_dur']:g} s, each {provenance['hop_dur']:g} s"
        facts.append(("rows", f"{summary.statuses.total():,}"))
    facts += [("windows", window), ("heard", "each alone")][: 1 + provenance["exact"]]
    if provenance["max_dur"] is not None:
        facts.append(("longest input", f"{provenance['max_dur']:g} s"))
    now = datetime.datetime.now().astimezone()
    return [
        *facts,
        ("this run", str(speed)),
        ("date", now.strftime("%Y-%m-%d %H:%M %z")),
        ("made by", f"audw2s {provenance['version']}"),
    ]


def _what(
    facts: Sequence[tuple[str, str]],
    provenance: dict[str, object],
) -> Iterable[str]:
    caption = "What was annotated"
    yield f'{_wide(caption)}<table class="facts"><caption>{caption}</caption>'
    for name, fact in facts:
        yield f'<tr><th scope="row">{name}</th><td>{_text(fact)}</td></tr>'
    yield "</table></div>"
    rows = [
        (model["name"], model["licence"], Code(model["sha256"]))
        for model in provenance["models"]
    ]
    yield _table("By which models", ["model", "licence", "sha256"], rows)


def _statuses(summary: Summary, overview: Overview) -> Iterable[str]:
    total = summary.statuses.total()
    yield "<h2>Statuses</h2>"
    rows = [
        (status, count, f"{100 * count / total:.1f}\u00a0%", _has(status))
        for status, count in summary.statuses.most_common()
    ]
    names = ["status", "rows", "share", "values"]
    yield _table("How many rows have which status", names, rows)
    found = [
        (status, example.file, _time(example.start), example.message)
        for status, _ in summary.statuses.most_common()
        for example in overview.examples.get(status, [])
    ]
    if found:
        names = ["status", "file", "start / s", "message"]
        yield _table("The first of each status other than ok", names, found)


def _has(status: str) -> str:
    return "no" if status in UNUSABLE else "yes"


def _values(summary: Summary, overview: Overview) -> Iterable[str]:
    yield "<h2>Values</h2>"
    if not summary.moments.count:
        yield "<p>No row has values.</p>"
        return
    spreads = np.sqrt(np.diag(summary.moments.matrix)).reshape(-1, 3)
    means = np.reshape(summary.moments.mean, (-1, 3))
    rows = [
        (name, *(f"{m:.3f} ±\u00a0{s:.3f}" for m, s in zip(*own, strict=True)))
        for name, *own in zip(overview.names, means, spreads, strict=True)
    ]
    count = f"{summary.moments.count:,} rows with values"
    yield _table(f"Mean and standard deviation, {count}", ["model", *DIMENSIONS], rows)
    yield _key(overview.names)
    yield '<div class="pictures">'
    for number, dimension in enumerate(DIMENSIONS):
        said = [f"{row[0]} {row[1 + number]}" for row in rows]
        about = f"Histogram of {dimension}: {', '.join(said)}"
        yield pictures.values(overview, number, about)
    yield "</div>"
    yield '<p class="faint">Values aren’t clipped and can leave 0…1.</p>'


def _key(names: Sequence[str]) -> str:
    lines = [
        '<li><svg viewBox="0 0 36 10" aria-hidden="true"><line x1="0" y1="5" x2="36" '
        f'y2="5" stroke-width="3" stroke="var(--model{k % 4})" '
        f'stroke-dasharray="{DASHES[k % 4]}"/></svg>{_text(name)}</li>'
        for k, name in enumerate(names)
    ]
    return f'<ul class="key">{"".join(lines)}</ul>'


def _agreement(summary: Summary, overview: Overview) -> Iterable[str]:
    if len(overview.names) < 2 or not summary.moments.count:
        return
    yield "<h2>Agreement between models</h2>"
    rows, drawn = [], []
    for first, second in itertools.combinations(range(len(overview.names)), 2):
        both = f"{overview.names[first]} and {overview.names[second]}"
        found = [
            concordance(summary.moments, 3 * first + k, 3 * second + k)
            for k in range(len(DIMENSIONS))
        ]
        rows.append((both, *(f"{value:.3f}" for value in found)))
        for number, dimension in enumerate(DIMENSIONS):
            about = f"{dimension} of {both}, CCC {found[number]:.3f}"
            about = f"How often which pair of values: {about}"
            drawn.append(pictures.agreement(overview, (first, second), number, about))
    names = ["models", *DIMENSIONS]
    yield _table("Concordance correlation (CCC)", names, rows)
    yield f'<div class="pictures">{"".join(drawn)}</div>'
    yield (
        '<p class="faint">The darker or brighter a cell stands out, the more rows have '
        "these two values; on the dotted line both models say the same.</p>"
    )


def _durations(overview: Overview) -> Iterable[str]:
    yield "<h2>Durations</h2>"
    if not overview.durations.any():
        yield "<p>Nothing was heard.</p>"
        return
    count = int(overview.durations.sum())
    about = f"Histogram of the durations of {count:,} inputs, {overview.seconds:.0f} s"
    yield f'<div class="one">{pictures.durations(overview, about)}</div>'


class Code(str):
    """Text of which each character counts."""


def _table(
    caption: str,
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
) -> str:
    """Write a table; the first cell of a row is its heading."""
    rows = list(rows)
    numeric = [
        all(
            re.fullmatch(r"-?[\d.,]+(\u00a0%| ±\u00a0[\d.]+)?|nan", _plain(cell))
            for cell in cells
        )
        for cells in zip(*rows, strict=True)
    ]
    kinds = [f' class="{"number" if number else "text"}"' for number in numeric]
    kinds[0] = ""
    head = "".join(
        f'<th scope="col"{kind}>{_text(name)}</th>'
        for name, kind in zip(names, kinds, strict=True)
    )
    lines = []
    for first, *cells in rows:
        texts = [f'<th scope="row">{_text(first)}</th>']
        for cell, kind in zip(cells, kinds[1:], strict=True):
            text = _text(_plain(cell))
            text = f"<code>{text}</code>" if isinstance(cell, Code) else text
            texts.append(f"<td{kind}>{text}</td>")
        lines.append(f"<tr>{''.join(texts)}</tr>")
    return (
        f"{_wide(caption)}<table><caption>{_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _wide(caption: str) -> str:
    """Begin what is scrolled, by keys as well, where it is wider than the page."""
    about = f'role="region" tabindex="0" aria-label="{_text(caption)}"'
    return f'<div class="wide" {about}>'


def _plain(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _time(seconds: float) -> str:
    return "" if np.isnan(seconds) else f"{seconds:.3f}"


def _text(text: str) -> str:
    r"""Escape text of any kind.

    Examples:
        >>> _text("<b>\x01&")
        '&lt;b&gt;\\x01&amp;'

    """
    controls = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
    text = controls.sub(lambda found: ascii(found[0])[1:-1], text)
    return html.escape(text)
