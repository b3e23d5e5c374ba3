"""Pictures of a corpus, as SVG of matplotlib."""

import base64
import io
from collections.abc import Iterable
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.ticker import MaxNLocator

from audw2s.corpus.report.summary import CELLS
from audw2s.corpus.report.summary import DURATIONS
from audw2s.corpus.report.summary import EDGES
from audw2s.corpus.report.summary import Summary
from audw2s.model.registry import DIMENSIONS
from audw2s.plots import STYLES

MANY = 2000
"""Number of rows from which on a histogram has narrow bins."""


Statistics = Iterable[tuple[str, list[tuple[float, float]]]]


class Picture(NamedTuple):
    """Picture of a page."""

    svg: str
    """Content of an SVG file, encoded by Base64."""

    text: str
    """What the picture shows, in words."""


def mean_std(pair: tuple[float, float]) -> str:
    """Mean and standard deviation in words."""
    return f"{pair[0]:.3f} ±\u00a0{pair[1]:.3f}"


def values(summary: Summary, dimension: int, statistics: Statistics) -> Picture:
    """Histograms of the values of a dimension, all models in one picture.

    Args:
        summary: summary of the corpus
        dimension: number of the dimension
        statistics: mean and standard deviation of A/D/V by each model

    """
    figure, axes = _axes(3.6, 2.5)
    for number, counts in enumerate(summary.values[:, dimension]):
        # Few rows need wide bins
        step = 1 if counts.sum() >= MANY else 2
        counts, edges = counts.reshape(-1, step).sum(axis=1), EDGES[::step]
        colour, line = STYLES[number % len(STYLES)]
        share = 100 * counts / max(1, counts.sum())
        axes.stairs(share, edges, color=colour, ls=line, lw=1.8)
        axes.stairs(share, edges, color=colour, alpha=0.15, fill=True)
    axes.set_xlim(*_limits(summary.values[:, dimension], EDGES))
    axes.set(ylim=(0, None), xlabel=DIMENSIONS[dimension], ylabel="% of rows")
    means = (f"{name} {mean_std(pairs[dimension])}" for name, pairs in statistics)
    text = f"Histogram of {DIMENSIONS[dimension]}: {', '.join(means)}"
    return _picture(figure, text)


def pairs(
    summary: Summary, pair: tuple[int, int], dimension: int, text: str
) -> Picture:
    """Number of rows by the values of two models.

    Args:
        summary: summary of the corpus
        pair: numbers of the models
        dimension: number of the dimension
        text: names of the models, and their agreement

    """
    figure, axes = _axes(3.1, 3.2)
    cells = summary.pairs[pair][dimension]
    limits = _limits(np.stack([cells.sum(axis=1), cells.sum(axis=0)]), CELLS)
    colour = matplotlib.colors.to_rgb(STYLES[pair[1] % len(STYLES)][0])
    axes.imshow(
        np.ma.masked_equal(cells.T, 0),
        LinearSegmentedColormap.from_list("rows", [(*colour, 0.3), colour]),
        # Logarithmic, so that a single row can be seen
        LogNorm(0.5, max(1, cells.max())),
        origin="lower",
        extent=(CELLS[0], CELLS[-1]) * 2,
        interpolation="nearest",
    )
    axes.plot(limits, limits, color="black", alpha=0.5, lw=1, ls=":")
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel=summary.names[pair[0]], ylabel=summary.names[pair[1]])
    axes.set_title(DIMENSIONS[dimension], fontsize="medium")
    return _picture(figure, f"Number of rows by {DIMENSIONS[dimension]} of {text}")


def durations(summary: Summary) -> Picture:
    """Histogram of the durations of inputs."""
    figure, axes = _axes(6.0, 2.6)
    low, high = np.flatnonzero(summary.durations)[[0, -1]]
    axes.stairs(summary.durations, DURATIONS, color=STYLES[0][0], fill=True)
    axes.set_xscale("log")
    last = min(len(DURATIONS) - 1, high + 3)
    axes.set_xlim(DURATIONS[max(0, low - 2)], DURATIONS[last])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set(xlabel="seconds", ylabel="inputs")
    count, seconds = int(summary.durations.sum()), f"{summary.seconds:.0f} s"
    return _picture(
        figure, f"Histogram of the durations of {count:,} inputs, {seconds}"
    )


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)
    axes.set_axisbelow(True)
    return figure, axes


def _limits(counts: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """0 to 1, and further where there are values."""
    bins = np.flatnonzero(counts.sum(axis=0))
    if not len(bins):
        return 0.0, 1.0
    return min(0.0, edges[bins[0]]), max(1.0, edges[bins[-1] + 1])


def _picture(figure: Figure, text: str) -> Picture:
    # Text stays text, in a font of the reader
    with matplotlib.rc_context({"svg.fonttype": "none"}), io.BytesIO() as file:
        metadata = dict.fromkeys(["Date", "Creator", "Format", "Type"])
        figure.savefig(file, format="svg", transparent=True, metadata=metadata)
        return Picture(base64.b64encode(file.getvalue()).decode(), text)
