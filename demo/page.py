"""Results as HTML, in reading order."""

import base64
import re
from html import escape

import pandas as pd

from audw2s.demo.comparison import Comparison
from audw2s.demo.figure import Pictures
from audw2s.demo.prediction import Analysis
from audw2s.model.registry import DIMENSIONS
from audw2s.plots import STYLES

BROWSER = "browser"
"""Path of the static page."""

INTRODUCTION = (
    "# Teacher and student on the same speech\n"
    "Arousal, dominance and valence of speech, from 0 (low) to 1 (high), by a large "
    "model and by a small one distilled from it. Recordings are processed on this "
    "server only, and deleted after some minutes. "
    f"[Another page]({BROWSER}/) runs the small model in your browser, also live, and "
    "uploads nothing."
)

COLOURS = {
    STYLES[0][0]: "var(--adv-teacher)",
    STYLES[1][0]: "var(--adv-student)",
    "fill: #ffffff": "fill: none",
    "#ffffff": "var(--adv-page)",
    "#000000": "currentColor",
    "#555555": "#808080",
}
"""Colours on the page by the colours of the saved pictures."""

TYPES = {"csv": "text/csv", "png": "image/png", "svg": "image/svg+xml"}


def results(comparison: Comparison, pictures: Pictures) -> str:
    """Show a comparison."""
    windows = comparison.windows
    files = {
        "Windows (CSV)": ("windows.csv", windows.to_csv(index=False).encode()),
        "Curves (PNG)": ("curves.png", pictures.curves["png"]),
        "Curves (SVG)": ("curves.svg", pictures.curves["svg"]),
        "Plane (PNG)": ("plane.png", pictures.plane["png"]),
        "Plane (SVG)": ("plane.svg", pictures.plane["svg"]),
    }
    parts = [
        f'<p class="adv-sentence">{escape(comparison.sentence)}</p>',
        notes(comparison.notes),
        values_table(comparison),
        channels_table(comparison),
        '<div class="adv-pictures">',
        picture(
            pictures.curves["svg"],
            "curves",
            "Waveform, and arousal, dominance and valence over time. "
            f"Each value is that of the {comparison.win_dur:g} s around it.",
        ),
        picture(
            pictures.plane["svg"],
            "plane",
            "Where the recording lies (large mark), and its path over time (small "
            "marks, growing).",
        ),
        "</div>",
        costs_table([comparison.teacher, comparison.student]),
        details(
            f"The curves as a table, {len(windows)} rows",
            table(windows, "Times in seconds; values of the window around each time."),
        ),
        downloads(files),
    ]
    return f'<div class="adv">{"".join(parts)}</div>'


def message(text: str) -> str:
    """Show a sentence instead of results."""
    return f'<div class="adv"><p class="adv-message">{escape(text)}</p></div>'


def notes(sentences: list[str]) -> str:
    """Show notes on a recording as a list."""
    items = "".join(f"<li>{escape(note)}</li>" for note in sentences)
    return f'<ul class="adv-notes">{items}</ul>' if items else ""


def values_table(comparison: Comparison) -> str:
    """Show A/D/V of teacher and student, and the difference."""
    rows = [
        [
            name,
            f"{comparison.teacher.values[name]:.2f}",
            f"{comparison.student.values[name]:.2f}",
            f"{comparison.differences[name]:+.2f}".replace("-", "−"),
        ]
        for name in DIMENSIONS
    ]
    head = ["", "teacher", "student", "difference"]
    return html_table(head, rows, "The whole recording, 0 (low) … 1 (high).")


def channels_table(comparison: Comparison) -> str:
    """Show values of each channel, nothing if there is one speaker."""
    if not comparison.channels:
        return ""
    rows = [
        [f"channel {number}", *(f"{values[name]:.2f}" for name in DIMENSIONS)]
        for number, values in enumerate(comparison.channels)
    ]
    caption = "The channels differ: values of the student for each, as of a speaker."
    return html_table(["", *DIMENSIONS], rows, caption)


def costs_table(analyses: list[Analysis]) -> str:
    """Show latency, size and licence of the models."""
    facts = {
        "model": [one.model for one in analyses],
        "latency": [f"{1000 * one.latency:,.0f} ms" for one in analyses],
        "real-time factor": [f"{one.real_time_factor:.4f}" for one in analyses],
        "parameters": [f"{one.facts.parameters:,}" for one in analyses],
        "file size": [size_in_words(one.facts.size) for one in analyses],
        "licence": [one.facts.licence for one in analyses],
    }
    caption = (
        "What it costs. Latency: the warm model on the whole recording, on one "
        "thread, without the network. Real-time factor: latency by duration."
    )
    rows = [[name, *values] for name, values in facts.items()]
    return html_table(["", "teacher", "student"], rows, caption)


def size_in_words(size: int) -> str:
    """Size of a file in words.

    Examples:
        >>> size_in_words(315_000), size_in_words(13_600_000)
        ('315 KB', '13.6 MB')

    """
    return f"{size / 1e6:,.1f} MB" if size > 1e6 else f"{size / 1e3:,.0f} KB"


def table(frame: pd.DataFrame, caption: str) -> str:
    """Show a data frame as a table."""
    rows = [
        [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row]
        for row in frame.itertuples(index=False)
    ]
    head = [name.replace("_", " ") for name in frame.columns]
    return html_table(head, rows, caption)


def html_table(head: list[str], rows: list[list[str]], caption: str) -> str:
    """Table whose first column names the rows."""
    titles = "".join(
        f'<th scope="col">{escape(name)}</th>' if name else "<td></td>" for name in head
    )
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in rest)
        + "</tr>"
        for first, *rest in rows
    )
    label = escape(caption, quote=True)
    # Wide tables scroll, by keyboard as well, their captions don't
    return (
        f'<p class="adv-caption">{label}</p>'
        f'<div class="adv-scroll" tabindex="0" role="group" aria-label="{label}">'
        f'<table aria-label="{label}"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def details(title: str, inner: str) -> str:
    """Section that is closed at first."""
    return f"<details><summary>{escape(title)}</summary>{inner}</details>"


def picture(svg: bytes, name: str, caption: str) -> str:
    """Picture with the width and the colours of the page, light or dark.

    Args:
        svg: content of an SVG file of matplotlib
        name: name of the picture, unique on the page
        caption: caption of the picture

    """
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for paper, page in COLOURS.items():
        text = text.replace(paper, page)
    text = re.sub(r'id="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    label = escape(caption, quote=True)
    text = text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return f"<figure>{text}<figcaption>{escape(caption)}</figcaption></figure>"


def downloads(files: dict[str, tuple[str, bytes]]) -> str:
    """Links to files whose content is in the page: the server stores none.

    Args:
        files: name and content by text of the link

    """
    links = []
    for label, (name, content) in files.items():
        kind = TYPES[name.rsplit(".", 1)[1]]
        data = base64.b64encode(content).decode()
        links.append(
            f'<a download="{name}" href="data:{kind};base64,{data}">{escape(label)}</a>'
        )
    return f'<p class="adv-downloads">Download: {" ".join(links)}</p>'
