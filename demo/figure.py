"""Pictures of a comparison: curves over time, and the arousal–valence plane."""

import io
import threading
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from audw2s.demo.comparison import Comparison
from audw2s.model.registry import DIMENSIONS
from audw2s.plots import STYLES
from audw2s.plots import plot_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MARKS = ("o", "s")
"""Markers of teacher and student, which differ in more than colour."""

PANELS = [(0.82, 0.11), (0.575, 0.205), (0.325, 0.205), (0.075, 0.205)]
"""Bottom and height of the waveform and the curves, as shares of the picture."""

LOCK = threading.Lock()
"""Guards the settings of matplotlib, which all threads share."""


def pictures(comparison: Comparison) -> dict[str, bytes]:
    """Draw a comparison; content of files by name."""
    import matplotlib

    # The text of an SVG is kept as text
    with LOCK, matplotlib.rc_context({"svg.fonttype": "none", "font.size": 11}):
        figures = {
            "curves": curves_figure(comparison),
            "plane": plane_figure(comparison),
        }
        return {
            f"{name}.{kind}": written(figure, kind)
            for name, figure in figures.items()
            for kind in ("png", "svg")
        }


def curves_figure(comparison: Comparison) -> "Figure":
    """Draw the waveform and the curves of the models on one time axis."""
    figure = plot_curves(_named_curves(comparison), comparison.clip.signal)
    figure.set_size_inches(5.6, 6.4)
    # Automatic layout takes as long as drawing, and gives the same here each time
    figure.set_layout_engine("none")
    for axis, (bottom, height) in zip(figure.axes, PANELS, strict=True):
        axis.set_position((0.12, bottom, 0.85, height))
    for axis in figure.axes[1:]:
        # The same for most recordings, so that their pictures can be compared
        axis.set_ylim(comparison.ranges[axis.get_ylabel()])
        axis.set_yticks([0, 0.5, 1])
        for line in axis.lines:
            line.set_clip_on(False)
    figure.axes[-1].set_xlim(0, comparison.clip.duration)
    return figure


def plane_figure(comparison: Comparison) -> "Figure":
    """Draw where the recording lies for the models, and the path over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 5.4))
    axis = figure.subplots()
    figure.subplots_adjust(0.14, 0.1, 0.95, 0.85)
    names = _named_curves(comparison)
    models = comparison.models.values()
    for number, (one, name) in enumerate(zip(models, names, strict=True)):
        _draw_path(axis, names[name], number)
        axis.plot(
            one.values["valence"],
            one.values["arousal"],
            MARKS[number],
            clip_on=False,
            color=STYLES[number][0],
            markersize=12,
            markeredgecolor="white",
            label=name,
        )
    ranges = comparison.ranges
    axis.set(xlim=ranges["valence"], ylim=ranges["arousal"], box_aspect=1)
    axis.set(xlabel="valence", ylabel="arousal")
    axis.set_xticks([0, 0.5, 1])
    axis.set_yticks([0, 0.5, 1])
    axis.axhline(0.5, color="#808080", lw=0.6, zorder=0)
    axis.axvline(0.5, color="#808080", lw=0.6, zorder=0)
    figure.legend(loc="upper center", ncols=1)
    return figure


def written(figure: "Figure", kind: str) -> bytes:
    """Content of a file with a figure.

    Args:
        figure: figure of matplotlib
        kind: ``"png"`` or ``"svg"``

    """
    file = io.BytesIO()
    # Without its date the same figure gives the same file
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(file, format=kind, dpi=150, metadata=metadata)
    return file.getvalue()


def _named_curves(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Curves by their label in the legend."""
    return {
        f"{role} ({one.model})": one.curve[list(DIMENSIONS)]
        for role, one in comparison.models.items()
    }


def _draw_path(axis: "Axes", curve: pd.DataFrame, number: int) -> None:
    """Draw the path through the plane; later points are larger."""
    colour, line = STYLES[number]
    valence, arousal = curve["valence"], curve["arousal"]
    axis.plot(valence, arousal, line, color=colour, lw=1.2, alpha=0.8, clip_on=False)
    sizes = np.linspace(4, 26, len(curve))
    axis.scatter(valence, arousal, sizes, color=colour, alpha=0.5, lw=0, clip_on=False)
