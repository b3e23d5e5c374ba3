"""Pictures of trainings and evaluations."""

from matplotlib.figure import Figure

from audw2s.catalogue import DIMENSIONS

STYLES = {"arousal": "-", "dominance": "--", "valence": ":"}
"""Dimensions are told apart by line as well as by colour."""


def plot_curves(history: list[dict], path: str) -> None:
    """Loss and validation CCCs over steps.

    Args:
        history: entries with ``step``, ``loss`` and a CCC per dimension
        path: picture to write

    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = [entry["step"] for entry in history]
    for name in DIMENSIONS:
        values = [entry[name] for entry in history]
        axes.plot(steps, values, STYLES[name], label=f"CCC {name}")
    losses = [entry["loss"] for entry in history]
    axes.plot(steps, losses, "-.", color="grey", label="loss (1 − CCC)")
    axes.set(xlabel="step", ylim=(min(0.0, *axes.get_ylim()), 1.0))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
