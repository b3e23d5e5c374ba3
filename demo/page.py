"""Results of a recording as HTML."""

import base64
import json
import urllib.parse
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.demo.clip import Progress
from audw2s.demo.clip import unwatched
from audw2s.demo.comparison import OUTSIDE
from audw2s.demo.comparison import Comparison
from audw2s.demo.comparison import compare
from audw2s.demo.comparison import time_limit
from audw2s.demo.description import ADJECTIVES
from audw2s.demo.description import MEANINGS
from audw2s.demo.description import REMARK
from audw2s.demo.description import headline
from audw2s.demo.description import level
from audw2s.demo.description import short
from audw2s.demo.description import uncertain
from audw2s.demo.figure import pictures
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import MAX_FILE_DUR
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import RefusedError
from audw2s.demo.limits import check_file
from audw2s.demo.models import Models
from audw2s.demo.prediction import Voice
from audw2s.demo.prediction import of_span
from audw2s.demo.prediction import voices
from audw2s.files import templates
from audw2s.inference.row import MIN_DUR
from audw2s.model.registry import DIMENSIONS

BROWSER = "browser"
"""Path of the static page."""

QUESTION = "# How does this voice sound?"

PRIVACY = (
    "Recordings are processed on this server only, and deleted after some minutes. "
    f"[Another page]({BROWSER}/) runs in your browser and uploads nothing."
)

NO_RECORDING = "Choose a recording, record yourself, or take an example first."

NO_SPEECH = (
    "There is no speech in this recording, so there is nothing to say of a voice. "
    "Check the microphone, or choose another recording."
)

MAX_COLUMNS = 800
"""Most columns of a waveform."""

TYPES = {"csv": "text/csv", "png": "image/png", "svg": "image/svg+xml"}

LEVELS = {"low": 0.2, "medium": 0.5, "high": 0.8}
"""Where the adjectives stand in the plane."""


class Link(NamedTuple):
    """Link to a file whose content is in the page: the server stores none."""

    label: str
    name: str
    content: bytes

    @property
    def address(self) -> str:
        """Content as an address."""
        kind = TYPES[self.name.rsplit(".", 1)[1]]
        return f"data:{kind};base64,{base64.b64encode(self.content).decode()}"


def rendered(name: str, **values: object) -> str:
    """Fill in a template of this folder."""
    environment = templates(__file__, autoescape=True, lstrip_blocks=True)
    return environment.get_template(f"{name}.html.jinja").render(values)


def message(text: str) -> str:
    """Show a sentence instead of results.

    Examples:
        >>> message("1 < 2")
        '<div class="adv"><p class="adv-message">1 &lt; 2</p></div>'

    """
    return rendered("message", text=text)


def recorder() -> str:
    """Button that records, see ``record.js``."""
    return (
        f'<button type="button" data-longest="{MAX_FILE_DUR:.0f}">Record</button>'
        '<span role="status"></span>'
    )


def answer(
    models: Models, path: str | None, *chosen: Any, progress: Progress = unwatched
) -> tuple[str, str, str, str]:
    """Result, no part of it, the models side by side, and no drawings.

    Args:
        models: models of the page
        path: path of the recording
        chosen: further arguments of :func:`audw2s.demo.comparison.compare`
        progress: function that is told how far it is

    Raises:
        RefusedError: with a sentence that says what to do

    """
    if path is None:
        raise RefusedError(NO_RECORDING)
    comparison = compare(models, path, *chosen, limit=MAX_FILE_DUR, progress=progress)
    name, clip = comparison.best.model, comparison.clip
    speakers = voices(models, name, clip, time_limit(clip), progress)
    return result(comparison, speakers), "", comparison_panel(comparison), ""


def part(
    models: Models, path: str, teacher: str, student: str, start: float, end: float
) -> str:
    """Show A/D/V of a part of a recording.

    Raises:
        RefusedError: if it is too short, or not in the recording

    """
    duration = check_file(path, MAX_FILE_DUR)
    if not 0 <= start <= end - MIN_DUR <= duration:
        raise RefusedError("This part is too short. Drag over a longer one.")
    name = teacher if duration <= MAX_DUR else student
    values = of_span(models, name, path, (start, end), Deadline())
    return rendered(
        "part",
        start=start,
        end=end,
        model=name,
        headline=headline(values, []),
        values={name: short(value) for name, value in values.items()},
    )


def drawings(models: Models, path: str | None, *chosen: Any) -> str:
    """Links to pictures of a comparison; arguments are those of :func:`answer`."""
    if path is None:
        raise RefusedError(NO_RECORDING)
    drawn = pictures(compare(models, path, *chosen, limit=MAX_FILE_DUR))
    links = [
        Link(f"{name.capitalize()} ({kind.upper()})", f"{name}.{kind}", content)
        for name, files in drawn._asdict().items()
        for kind, content in files.items()
    ]
    return rendered("drawings", links=links)


def result(comparison: Comparison, speakers: list[Voice]) -> str:
    """Show how a voice sounds: in words, in the plane, over time."""
    if not any(len(voice.segments) for voice in speakers):
        silent = comparison.clip.status == "silent"
        return message(comparison.notes[0] if silent else NO_SPEECH)
    values = [one.values for one in comparison.models.values()]
    unsure = uncertain(values)
    return rendered(
        "result",
        notes=[note for note in comparison.notes if note != OUTSIDE],
        caption=OUTSIDE if OUTSIDE in comparison.notes else "",
        headline=headline(comparison.best.values, unsure),
        headline_of=lambda values: headline(values, []),
        voices=speakers,
        lines=[_line(comparison, name, name in unsure) for name in DIMENSIONS],
        remark=REMARK,
        data=json.dumps(_data(comparison), separators=(",", ":")),
        is_long=comparison.clip.duration > MAX_DUR,
        **_segments(speakers),
    )


def _line(comparison: Comparison, name: str, is_uncertain: bool) -> dict[str, object]:
    """A dimension in words, and where the models are on its scale."""
    value = comparison.best.values[name]
    text = f"{level(value)} ({short(value)})"
    if is_uncertain:
        text += (
            f", uncertain: models differ by {short(abs(comparison.differences[name]))}"
        )
    low, high = comparison.ranges[name]
    marks = {
        role: round(100 * (one.values[name] - low) / (high - low), 1)
        for role, one in comparison.models.items()
    }
    return {"name": name, "text": text, "marks": marks, "meaning": MEANINGS[name]}


def _segments(speakers: list[Voice]) -> dict[str, list]:
    """Header and rows of the table of segments."""
    rows = [
        [f"{row.start:.1f}", f"{row.end:.1f}", *map(short, row[3:])]
        + ([str(voice.channel + 1)] if voice.channel is not None else [])
        for voice in speakers
        for row in voice.segments.itertuples()
    ]
    rows.sort(key=lambda row: float(row[0]))
    channel = ["channel"] if speakers[0].channel is not None else []
    return {"head": ["start", "end", *DIMENSIONS, *channel], "rows": rows}


def _data(comparison: Comparison) -> dict[str, object]:
    """Curves, waveform and plane for the script of the page."""
    windows = comparison.windows
    low, high = envelope(comparison.clip.signal)
    return {
        "duration": comparison.clip.duration,
        "source": f"gradio_api/file={urllib.parse.quote(comparison.clip.path)}",
        "low": low,
        "high": high,
        "ranges": comparison.ranges,
        "times": windows["time"].tolist(),
        "lines": [
            {
                "role": role,
                "model": one.model,
                "total": one.values,
                "values": {
                    name: windows[f"{role}_{name}"]
                    .astype(object)
                    .where(windows[f"{role}_{name}"].notna(), None)
                    .tolist()
                    for name in DIMENSIONS
                },
            }
            for role, one in comparison.models.items()
        ],
        "words": [
            [LEVELS[arousal], LEVELS[valence], word]
            for (arousal, valence), word in ADJECTIVES.items()
        ],
    }


def envelope(signal: np.ndarray) -> tuple[list[int], list[int]]:
    """Lowest and highest sample of each column of a waveform, in % of the largest.

    Examples:
        >>> envelope(np.array([0.0, 0.5, -0.25]))
        ([0, 100, -50], [0, 100, -50])

    """
    edges = np.linspace(0, len(signal), min(len(signal), MAX_COLUMNS) + 1).astype(int)
    low = np.minimum.reduceat(signal, edges[:-1])
    high = np.maximum.reduceat(signal, edges[:-1])
    scale = 100 / max(high.max(), -low.min(), 1e-9)
    return tuple(np.round(scale * part).astype(int).tolist() for part in (low, high))


def comparison_panel(comparison: Comparison) -> str:
    """Show the models side by side, for researchers."""
    windows = comparison.windows
    rows = [
        [name, *(f"{one.values[name]:.2f}" for one in comparison.models.values())]
        for name in DIMENSIONS
    ]
    columns = list(comparison.models)
    if comparison.teacher is not None:
        columns.append("difference")
        for row, difference in zip(rows, comparison.differences.values(), strict=True):
            row.append(f"{difference:+.2f}".replace("-", "−"))
    return rendered(
        "comparison",
        comparison=comparison,
        values={"columns": columns, "rows": rows},
        costs=_costs(comparison),
        windows=shown(windows),
        links=[
            Link("Windows (CSV)", "windows.csv", windows.to_csv(index=False).encode())
        ],
    )


def _costs(comparison: Comparison) -> list[list[str]]:
    """Latency, size and licence of the models."""
    models = comparison.models.values()
    return [
        ["model", *(one.model for one in models)],
        ["latency", *(f"{1000 * one.latency:,.0f} ms" for one in models)],
        ["real-time factor", *(f"{one.real_time_factor:.4f}" for one in models)],
        ["parameters", *(f"{one.facts.parameters:,}" for one in models)],
        ["file size", *(size_in_words(one.facts.size) for one in models)],
        ["licence", *(one.facts.licence for one in models)],
    ]


def size_in_words(size: int) -> str:
    """Size of a file in words.

    Examples:
        >>> size_in_words(315_000), size_in_words(13_600_000)
        ('315 KB', '13.6 MB')

    """
    return f"{size / 1e6:,.1f} MB" if size > 1e6 else f"{size / 1e3:,.0f} KB"


def shown(frame: pd.DataFrame) -> dict[str, Sequence]:
    """Header and rows of a table."""
    rows = [
        [f"{value:.2f}" if isinstance(value, float) else str(value) for value in row]
        for row in frame.itertuples(index=False)
    ]
    return {"columns": [name.replace("_", " ") for name in frame.columns], "rows": rows}
