"""Live values as HTML: bars, numbers, and a line over the last seconds."""

import json
import math
from collections.abc import Sequence
from html import escape

from audw2s.demo.limits import MAX_DUR
from audw2s.demo.live import HISTORY_DUR
from audw2s.demo.live import Point
from audw2s.demo.live import View
from audw2s.model.registry import DIMENSIONS

STATUSES = {
    "waiting": "Listening: the first values come after half a second.",
    "silent": "The signal is silent. Check the microphone.",
    "not_finite": "Some samples were invalid and replaced by silence.",
    "out_of_range": "Some samples were invalid and replaced by silence.",
    "no_value": "The model gives no numbers. Its weights may be damaged.",
}
"""Messages by status of the stream."""


def meters(view: View | None) -> str:
    """Show live values; ``None`` before the first chunk."""
    student = view.student if view else []
    teacher = view.teacher if view else []
    now = view.moment.time if view else 0.0
    parts = [_dimension(name, student, teacher, now) for name in DIMENSIONS]
    fresh = student[len(student) - view.num_fresh :] if view else []
    steps = escape(json.dumps([point.values for point in fresh]))
    first = view.num_updates - max(0, len(fresh) - 1) if view else 0
    # live.js goes on from the first fresh values to the last
    student = student[: len(student) - max(0, len(fresh) - 1)]
    return (
        f'<div class="adv adv-live" data-updates="{first}" data-steps="{steps}">'
        f'<p class="adv-sentence">{status(view)}</p>{"".join(parts)}'
        f'<p class="adv-quiet">{details(view)}</p></div>'
    )


def status(view: View | None) -> str:
    """Sentence on the state of the stream."""
    if view is None:
        return "Press record and speak."
    if view.is_over:
        return f"{MAX_DUR:.0f} s are over. Stop, and record again to go on."
    return STATUSES.get(view.moment.status, "Listening.")


def details(view: View | None) -> str:
    """Sentence on delay and rate of the values."""
    if view is None:
        return (
            f"Values are those of the last 2 s (student, solid line) and 4 s (teacher, "
            f"dashed line); lines show the last {HISTORY_DUR:.0f} s, 0…1."
        )
    behind = ""
    if view.teacher:
        behind = f", teacher {view.moment.time - view.teacher[-1].time:.1f} s behind"
    return (
        f"{view.moment.time:.1f} s processed, {view.num_updates} values of the "
        f"student, {view.rate:.1f} updates a second{behind}."
    )


def _dimension(
    name: str, student: Sequence[Point], teacher: Sequence[Point], now: float
) -> str:
    bars = _bar(name, "student", student) + _bar(name, "teacher", teacher)
    lines = _line(name, "student", student, now) + _line(name, "teacher", teacher, now)
    return (
        f'<div class="adv-dimension"><h3>{name}</h3>{bars}'
        f'<svg viewBox="0 -1 200 42" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="M0 0H200M0 20H200M0 40H200" class="middle"/>{lines}</svg></div>'
    )


def _bar(name: str, role: str, points: Sequence[Point]) -> str:
    value = points[-1].values[name] if points else math.nan
    if math.isnan(value):
        text, width = "–", 0.0
    else:
        text, width = f"{value:.2f}", 100 * min(1.0, max(0.0, value))
    return (
        f'<span>{role} <b data-value="{role}-{name}">{text}</b></span>'
        f'<div class="adv-bar {role}" data-bar="{role}-{name}" role="meter" '
        f'aria-label="{name}, {role}" '
        f'aria-valuemin="0" aria-valuemax="1" aria-valuenow="{width / 100:.2f}" '
        f'aria-valuetext="{text}"><span style="width: {width:.1f}%"></span></div>'
    )


def _line(name: str, role: str, points: Sequence[Point], now: float) -> str:
    """Draw the last seconds in units of 1/20 s and 1/40 of the range."""
    places = [
        (200 - (now - point.time) * 200 / HISTORY_DUR, 40 * (1 - point.values[name]))
        for point in points
        if not math.isnan(point.values[name])
    ]
    path = " ".join(f"{x:.1f},{min(40.0, max(0.0, y)):.1f}" for x, y in places)
    return f'<polyline class="{role}" points="{path}"/>' if places else ""
