"""Plots of A/D/V over time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from audw2s.audio.decode import mono
from audw2s.audio.samples import as_float
from audw2s.files import replacing
from audw2s.model.registry import DIMENSIONS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = [("#1b5e9b", "-"), ("#c4501b", "--"), ("#3c7a3c", ":"), ("#7b4b94", "-.")]
"""Colour and line style of each model, so that they differ without colour, too."""

MAX_POINTS = 2000
"""Number of points of a waveform, more than a screen has columns."""


def plot_curves(
    curves: Mapping[str, pd.DataFrame],
    signal: np.ndarray | None = None,
    sampling_rate: int = 16000,
) -> "Figure":
    """Draw curves of several models, one panel per dimension, on one time axis.

    The axes show 0 to 1, and further where values leave that range.

    Args:
        curves: tables of :func:`audw2s.curve` by name of the model
        signal: signal ``(num_samples,)`` or ``(num_channels, num_samples)`` to plot
            above the curves
        sampling_rate: sampling rate of the signal in Hz

    Raises:
        ValueError: if the curves aren't in a dictionary, or there is none

    Returns:
        figure of matplotlib; save it with ``savefig(path)``

    Examples:
        >>> import audw2s
        >>> frame = audw2s.curve(np.ones(16000), sampling_rate=16000)
        >>> len(plot_curves({"wav2small": frame}).axes)
        3

    """
    from matplotlib.figure import Figure

    if not isinstance(curves, Mapping) or not curves:
        given = "an empty one" if isinstance(curves, Mapping) else type(curves).__name__
        raise ValueError(
            "'curves' has to be a dictionary of tables by the name of the model, such "
            f"as {{'wav2small': frame}}, got {given}."
        )
    extra = signal is not None
    figure = Figure(figsize=(9, 6.4 if extra else 5.4), layout="constrained")
    axes = figure.subplots(
        3 + extra, 1, sharex=True, height_ratios=[0.6] * extra + [1] * 3
    )
    if signal is not None:
        _draw_waveform(axes[0], mono(as_float(signal))[0], sampling_rate)
        axes = axes[1:]
    low = min(0.0, *(float(f[list(DIMENSIONS)].min().min()) for f in curves.values()))
    high = max(1.0, *(float(f[list(DIMENSIONS)].max().max()) for f in curves.values()))
    for axis, dimension in zip(axes, DIMENSIONS, strict=True):
        for number, (name, frame) in enumerate(curves.items()):
            colour, line = STYLES[number % len(STYLES)]
            times = pd.TimedeltaIndex(frame.index).total_seconds()
            axis.plot(times, frame[dimension], line, color=colour, label=name, lw=1.6)
        axis.set_ylim(low, high)
        axis.set_ylabel(dimension)
        axis.grid(alpha=0.3)
        axis.margins(x=0)
    lines, names = axes[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper center", ncols=len(curves))
    axes[-1].set_xlabel("time / s")
    return figure


def _draw_waveform(axis: "Axes", signal: np.ndarray, sampling_rate: int) -> None:
    """Draw the lowest and highest sample of each column of the picture."""
    step = max(1, len(signal) // MAX_POINTS)
    columns = signal[: len(signal) // step * step].reshape(-1, step)
    times = (np.arange(len(columns)) + 0.5) * step / sampling_rate
    axis.fill_between(
        times, columns.min(axis=1), columns.max(axis=1), color="#555555", lw=0
    )
    axis.set_yticks([])
    axis.set_ylabel("signal")


def save_curves(
    path: str, curves: Mapping[str, pd.DataFrame], signal: np.ndarray | None = None
) -> None:
    """Save the figure of :func:`plot_curves`, in the format of the file extension."""
    figure = plot_curves(curves, signal)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)
