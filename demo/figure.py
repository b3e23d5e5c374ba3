"""Pictures of a comparison for download: curves over time, and the plane."""

import io
import itertools
import threading
from typing import TYPE_CHECKING
from typing import Any

import pandas as pd

from audw2s.demo.comparison import Comparison
from audw2s.model.registry import DIMENSIONS
from audw2s.plots import STYLES
from audw2s.plots import plot_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MARKS = ("o", "s")
"""Markers of teacher and student, which differ in more than colour."""

LOCK = threading.Lock()
"""Guards the settings of matplotlib, which all threads share."""


def pictures(comparison: Comparison) -> dict[str, bytes]:
    """Draw a comparison; content of files by name."""
    import matplotlib

    # The text of an SVG is kept as text
    with LOCK, matplotlib.rc_context({"svg.fonttype": "none", "font.size": 11}):
        curves = plot_curves(named_curves(comparison), comparison.clip.signal)
        figures = {"curves": curves, "plane": plane_figure(comparison)}
        files = itertools.product(figures, ("png", "svg"))
        return {f"{name}.{kind}": written(figures[name], kind) for name, kind in files}


def plane_figure(comparison: Comparison) -> "Figure":
    """Draw where the recording lies for the models, and the path over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 5.4), layout="constrained")
    axis = figure.subplots()
    models, curves = comparison.models.values(), named_curves(comparison)
    drawn = zip(models, curves.items(), STYLES, MARKS)
    for one, (name, path), (colour, line), mark in drawn:
        options: dict[str, Any] = {"color": colour, "clip_on": False}
        axis.plot(path["valence"], path["arousal"], line, lw=1.2, **options)
        options |= {"markersize": 12, "markeredgecolor": "white", "label": name}
        axis.plot(one.values["valence"], one.values["arousal"], mark, **options)
    ranges = comparison.ranges
    axis.set(xlim=ranges["valence"], ylim=ranges["arousal"], box_aspect=1)
    axis.set(xlabel="valence", ylabel="arousal")
    for middle in (axis.axhline, axis.axvline):
        middle(0.5, color="#808080", lw=0.6, zorder=0)
    figure.legend(loc="outside upper center")
    return figure


def named_curves(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Curves by their label in the legend."""
    return {
        f"{role} ({one.model})": one.curve[list(DIMENSIONS)]
        for role, one in comparison.models.items()
    }


def written(figure: "Figure", kind: str) -> bytes:
    """Content of a PNG or SVG with a figure."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=150)
    return file.getvalue()
