"""Curves of a training."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from audw2s.evaluation.plots import LINES
from audw2s.evaluation.plots import save
from audw2s.model.registry import DIMENSIONS


def plot_curves(
    history: list[dict],
    path: str,
    names: Sequence[str] = DIMENSIONS,
    measure: str = "CCC",
) -> None:
    """Plot loss and scores on held-out clips over steps.

    Args:
        history: entries with ``step``, ``loss`` and a value per name
        path: picture to write
        names: names of the scores
        measure: name of the measure

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
