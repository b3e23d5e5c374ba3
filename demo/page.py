"""Results of a recording as HTML."""

import base64
import functools
import math
import mimetypes
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from audw2s.audio import statuses
from audw2s.demo import limits
from audw2s.demo import words
from audw2s.demo.clip import read_clip
from audw2s.demo.comparison import Comparison
from audw2s.demo.comparison import compare
from audw2s.demo.figure import pictures
from audw2s.demo.job import Job
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import check_file
from audw2s.demo.models import facts
from audw2s.demo.prediction import Voice
from audw2s.demo.prediction import has_speech
from audw2s.demo.prediction import of_span
from audw2s.demo.prediction import voices
from audw2s.demo.words import WORDS
from audw2s.demo.words import RefusedError
from audw2s.evaluation.comparison import size_text
from audw2s.files import templates
from audw2s.inference.row import MIN_DUR
from audw2s.model import find
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import DIMENSIONS

MAX_COLUMNS = 800
"""Most columns of a waveform."""


@functools.cache
def _templates() -> jinja2.Environment:
    """Templates of this folder, with what all of them use."""
    environment = templates(__file__, autoescape=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
    environment.filters.update(address=address, cell=cell, size=size_text)
    environment.globals.update(DIMENSIONS=DIMENSIONS, WORDS=WORDS, MIN_DUR=MIN_DUR)
    environment.globals.update(limits=limits, statuses=statuses, words=words)
    environment.globals.update(facts=facts, find=find)
    return environment


def rendered(name: str, **values: object) -> str:
    """Fill in a template of this folder.

    Examples:
        >>> rendered("message.html", text="1 < 2")
        '<div class="adv"><p class="adv-message">1 &lt; 2</p></div>'

    """
    return _templates().get_template(f"{name}.jinja").render(values)


def terms(*names: str) -> str:
    """Licences of models, and how to get the paper's teacher, in Markdown."""
    return rendered("terms.html", names=names, paper=CATALOGUE["teacher"])


def answer(job: Job, path: str | None, *chosen: Any) -> tuple[str, ...]:
    """Process a recording.

    Args:
        job: request
        path: path of the recording
        chosen: further arguments of :func:`audw2s.demo.comparison.compare`

    Returns:
        HTML of the outputs of the tab: result, values of a part (none is selected),
        segments of speech, models side by side, drawings (none are asked for)

    Raises:
        RefusedError: with a sentence that says what to do

    """
    comparison = compare(job, read_clip(job, path, math.inf), *chosen)
    speakers = voices(job, comparison.best.name, comparison.clip)
    segments = pd.concat([voice.segments for voice in speakers]).sort_values("start")
    if segments.empty:
        is_silent = comparison.clip.status == "silent"
        text = WORDS["notes"]["silent"] if is_silent else WORDS["refused"]["no_voice"]
        message = rendered("message.html", text=text)
        return message, "", "", message, ""
    table = rendered("segments.html", segments=segments, comparison=comparison)
    panel = rendered("comparison.html", comparison=comparison)
    return result(comparison, speakers), "", table, panel, ""


def part(
    job: Job, path: str, teacher: str, student: str, start: float, end: float
) -> tuple[str]:
    """Show A/D/V of a part of a recording.

    Raises:
        RefusedError: if it is too short, or not in the recording

    """
    duration = check_file(path, job.models.settings.max_dur)
    if not 0 <= start <= end - MIN_DUR <= duration:
        raise RefusedError("short_part")
    name = teacher if duration <= MAX_DUR else student
    values = of_span(job, name, path, start, end)
    return (rendered("part.html", start=start, end=end, values=values),)


def drawings(job: Job, path: str | None, *chosen: Any) -> tuple[str]:
    """Links to pictures of a comparison; arguments are those of :func:`answer`."""
    comparison = compare(job, read_clip(job, path, math.inf), *chosen)
    if not has_speech(job, comparison.models["student"].name, comparison.clip):
        raise RefusedError("no_voice")
    return (rendered("drawings.html", files=pictures(comparison)),)


def result(comparison: Comparison, speakers: list[Voice]) -> str:
    """Show how a voice sounds: in words, in the plane, over time."""
    totals = {role: one.values for role, one in comparison.models.items()}
    wave = envelope(comparison.clip.signal)
    found = {"comparison": comparison, "speakers": speakers}
    return rendered("result.html", wave=wave, totals=totals, **found)


def envelope(signal: np.ndarray) -> tuple[list[int], ...]:
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
    kind, _ = mimetypes.guess_type(name)
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
