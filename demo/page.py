"""Results of a recording as HTML."""

import base64
import functools
import json
import math
import urllib.parse
from typing import Any

import jinja2
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
from audw2s.demo.description import legible
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


@functools.cache
def _templates() -> jinja2.Environment:
    """Templates of this folder, with what all of them use."""
    environment = templates(__file__, autoescape=True, lstrip_blocks=True)
    environment.filters.update(
        address=address, cell=cell, legible=legible, label=label, short=short
    )
    environment.globals.update(
        DIMENSIONS=DIMENSIONS, MEANINGS=MEANINGS, OUTSIDE=OUTSIDE, REMARK=REMARK
    )
    environment.globals.update(headline=headline, level=level)
    return environment


def rendered(name: str, **values: object) -> str:
    """Fill in a template of this folder."""
    return _templates().get_template(f"{name}.html.jinja").render(values)


def message(text: str) -> str:
    """Show a sentence instead of results.

    Examples:
        >>> message("1 < 2")
        '<div class="adv"><p class="adv-message">1 &lt; 2</p></div>'

    """
    return rendered("message", text=text)


def answer(
    models: Models, path: str | None, *chosen: Any, progress: Progress = unwatched
) -> tuple[str, ...]:
    """Process a recording.

    Args:
        models: models of the page
        path: path of the recording
        chosen: further arguments of :func:`audw2s.demo.comparison.compare`
        progress: function that is told how far it is

    Returns:
        HTML of the outputs of the tab: result, values of a part (none is selected),
        segments of speech, models side by side, drawings (none are asked for)

    Raises:
        RefusedError: with a sentence that says what to do

    """
    if path is None:
        raise RefusedError(NO_RECORDING)
    comparison = compare(models, path, *chosen, limit=MAX_FILE_DUR, progress=progress)
    name, clip = comparison.best.model, comparison.clip
    speakers = voices(models, name, clip, time_limit(clip), progress)
    segments = pd.concat([voice.segments for voice in speakers]).sort_values("start")
    panel = comparison_panel(comparison)
    if segments.empty:
        silent = comparison.notes[0] if clip.status == "silent" else NO_SPEECH
        return message(silent), "", "", panel, ""
    rows = segments.to_dict("records")
    table = rendered("segments", rows=rows, is_open=comparison.teacher is None)
    return result(comparison, speakers), "", table, panel, ""


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
    return rendered("part", start=start, end=end, values=values)


def drawings(models: Models, path: str | None, *chosen: Any) -> str:
    """Links to pictures of a comparison; arguments are those of :func:`answer`."""
    if path is None:
        raise RefusedError(NO_RECORDING)
    comparison = compare(models, path, *chosen, limit=MAX_FILE_DUR)
    return rendered("drawings", files=pictures(comparison))


def result(comparison: Comparison, speakers: list[Voice]) -> str:
    """Show how a voice sounds: in words, in the plane, over time."""
    return rendered(
        "result",
        comparison=comparison,
        speakers=speakers,
        unsure=uncertain([one.values for one in comparison.models.values()]),
        data=json.dumps(_data(comparison), separators=(",", ":")),
    )


def _data(comparison: Comparison) -> dict[str, object]:
    """Curves, waveform and plane for the script of the page."""
    windows = comparison.windows.astype(object)
    windows = windows.where(windows.notna(), None)
    low, high = envelope(comparison.clip.signal)
    lines = [
        {
            "role": role,
            "total": one.values,
            "values": {name: windows[f"{role}_{name}"].tolist() for name in DIMENSIONS},
        }
        for role, one in comparison.models.items()
    ]
    return {
        "duration": comparison.clip.duration,
        "source": f"gradio_api/file={urllib.parse.quote(comparison.clip.path)}",
        "low": low,
        "high": high,
        "ranges": comparison.ranges,
        "times": windows["time"].tolist(),
        "lines": lines,
        "words": [(LEVELS[a], LEVELS[v], word) for (a, v), word in ADJECTIVES.items()],
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
    low, high = (np.round(scale * part).astype(int).tolist() for part in (low, high))
    return low, high


def comparison_panel(comparison: Comparison) -> str:
    """Show the models side by side, for researchers."""
    models, windows = comparison.models, comparison.windows
    values = pd.DataFrame({role: one.values for role, one in models.items()})
    if comparison.teacher is not None:
        values["difference"] = values["student"] - values["teacher"]
    costs = {
        "model": [one.model for one in models.values()],
        "latency": [f"{1000 * one.latency:,.0f} ms" for one in models.values()],
        "real-time factor": [f"{one.real_time_factor:.4f}" for one in models.values()],
        "parameters": [f"{one.facts.parameters:,}" for one in models.values()],
        "file size": [size_in_words(one.facts.size) for one in models.values()],
        "licence": [one.facts.licence for one in models.values()],
    }
    return rendered(
        "comparison",
        comparison=comparison,
        values=values.reset_index(names="").to_dict("records"),
        costs=[{"": key, **dict(zip(models, row))} for key, row in costs.items()],
        windows=windows.to_dict("records"),
        files={"windows.csv": windows.to_csv(index=False).encode()},
    )


def size_in_words(size: int) -> str:
    """Size of a file in words.

    Examples:
        >>> size_in_words(315_000), size_in_words(13_600_000)
        ('315 KB', '13.6 MB')

    """
    return f"{size / 1e6:,.1f} MB" if size > 1e6 else f"{size / 1e3:,.0f} KB"


def cell(value: object) -> str:
    """Text of a cell of a table.

    Examples:
        >>> cell("a"), cell(1), cell(0.256), cell(-0.1), cell(float("nan"))
        ('a', '1', '0.26', '−0.10', '–')

    """
    if not isinstance(value, float):
        return str(value)
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def address(content: bytes, name: str) -> str:
    """Address of a link to a file whose content is in the page: none is stored."""
    kind = TYPES[name.rsplit(".", 1)[1]]
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def label(name: str) -> str:
    """Label of a link to a file.

    Examples:
        >>> label("curves.png")
        'Curves (PNG)'

    """
    stem, kind = name.rsplit(".", 1)
    return f"{stem.capitalize()} ({kind.upper()})"
