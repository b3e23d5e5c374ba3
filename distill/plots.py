"""Pictures of trainings and evaluations."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from audw2s.catalogue import DIMENSIONS
from audw2s.files import replacing

LINES = ("-", "--", ":", "-.")
"""What was measured is told apart by line as well as by colour."""

MARKERS = "o^sDvP*X"
"""Corpora are told apart by marker as well as by colour."""


def save(figure: Figure, path: str) -> None:
    """Write a picture, atomically."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)


def plot_curves(
    history: list[dict],
    path: str,
    names: Sequence[str] = DIMENSIONS,
    measure: str = "CCC",
) -> None:
    """Loss and what was measured on held-out clips, over steps.

    Args:
        history: entries with ``step``, ``loss`` and a value per name
        path: picture to write
        names: of what was measured
        measure: what it was measured by

    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = [entry["step"] for entry in history]
    for number, name in enumerate(names):
        values = [entry[name] for entry in history]
        line = LINES[number % len(LINES)]
        axes.plot(steps, values, line, label=f"{measure} {name}")
    losses = [entry["loss"] for entry in history]
    loss = "loss (1 − CCC)" if measure == "CCC" else "loss"
    axes.plot(steps, losses, "-.", color="grey", label=loss)
    axes.set(xlabel="step", ylim=(min(0.0, *axes.get_ylim()), 1.0))
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)


def plot_evaluation(evaluation: dict, clips: pd.DataFrame, path: str) -> None:
    """Predicted values over references, a panel per dimension.

    Args:
        evaluation: see :func:`audw2s.distill.evaluate.evaluate`
        clips: the clips it was made from
        path: picture to write

    """
    results = evaluation["corpora"]
    overall = evaluation.get("pooled", next(iter(results.values())))
    clips = clips[clips["left_out"] == ""]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3), DIMENSIONS, strict=True):
        _scatter(axes, clips, name)
        ccc, low, high = (overall[name][key] for key in ("ccc", "low", "high"))
        axes.set_title(f"{name}\nCCC {ccc:.2f}, 95 % in [{low:.2f}, {high:.2f}]")
        axes.set_xlabel(f"{evaluation['against']}")
    figure.axes[0].set_ylabel(evaluation["model"])
    if len(results) > 1:
        figure.axes[0].legend()
    save(figure, path)


def _scatter(axes: Axes, clips: pd.DataFrame, name: str) -> None:
    columns = [f"reference_{name}", name]
    for number, (corpus, part) in enumerate(clips.groupby("corpus", sort=False)):
        truth, predicted = part[columns].to_numpy().T
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(truth, predicted, marker, ms=3, alpha=0.4, label=corpus)
    low, high = clips[columns].min(axis=None), clips[columns].max(axis=None)
    axes.plot([low, high], [low, high], "--", color="grey", linewidth=1)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)
