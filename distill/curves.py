"""Curves of a training: loss and scores on held-out clips over steps."""

import os

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from audw2s.distill.state import State
from audw2s.evaluation.plots import LINES
from audw2s.evaluation.plots import save
from audw2s.files import write_json


def write_curves(state: State, writer: SummaryWriter) -> None:
    """Write ``history.json`` and ``curves.png``, and the last entry for TensorBoard."""
    write_json(state.history, os.path.join(state.folder, "history.json"))
    save(plot(state), os.path.join(state.folder, "curves.png"))
    last = state.history[-1]
    writer.add_scalar("loss", last["loss"], last["step"])
    for name in state.names:
        tag = f"{state.measure.lower()}/{name}"
        writer.add_scalar(tag, last[name], last["step"])
    writer.flush()


def plot(state: State) -> Figure:
    """Plot loss and scores over steps."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = [entry["step"] for entry in state.history]
    for number, name in enumerate(state.names):
        values = [entry[name] for entry in state.history]
        line = LINES[number % len(LINES)]
        axes.plot(steps, values, line, label=f"{state.measure} {name}")
    losses = [entry["loss"] for entry in state.history]
    axes.plot(steps, losses, "-.", color="grey", label="loss")
    axes.set(xlabel="step", ylim=(min(0.0, *axes.get_ylim()), 1.0))
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
