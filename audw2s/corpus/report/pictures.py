"""Pictures of a corpus, as SVG that lies in a page and takes the page's colours."""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from audw2s.corpus.report.overview import CELLS
from audw2s.corpus.report.overview import DURATIONS
from audw2s.corpus.report.overview import EDGES
from audw2s.corpus.report.overview import Overview
from audw2s.model.registry import DIMENSIONS
from audw2s.plots import STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

INK = "#012345"
"""Stands for the colour of text, whatever that is."""

MANY = 2000
"""Rows from which on a histogram has narrow bins."""

SHADES = 8
"""Of cells in which few to many rows are."""

SIZE = (4.0, 2.7)
"""Of a picture, in inches, as it is drawn; it is shown at any width."""


def check_matplotlib() -> None:
    """Make sure that pictures can be drawn.

    Raises:
        ModuleNotFoundError: if not

    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'matplotlib is missing, which a report needs: pip install "audw2s[plot]"',
            name="matplotlib",
        ) from error


def values(overview: Overview, dimension: int, about: str) -> str:
    """Histograms of a dimension, all models in one picture.

    Args:
        overview: of the corpus
        dimension: its number
        about: what the picture says, in words

    Returns:
        an element ``<svg>``

    """

    def draw(axes: "Axes") -> None:
        for number in range(len(overview.names)):
            counts = overview.values[number, dimension]
            # Of few rows wide bins say more
            step = 1 if counts.sum() >= MANY else 2
            counts, edges = counts.reshape(-1, step).sum(axis=1), EDGES[::step]
            colour, line = STYLES[number % len(STYLES)]
            share = 100 * counts / max(1, counts.sum())
            axes.stairs(share, edges, color=colour, ls=line, lw=1.8)
            axes.stairs(share, edges, color=colour, alpha=0.15, fill=True)
        axes.set_xlim(*_limits(overview.values[:, dimension], EDGES))
        axes.set_ylim(bottom=0)
        axes.set_xlabel(DIMENSIONS[dimension])
        axes.set_ylabel("% of rows")

    return _svg(draw, f"values-{dimension}", about)


def agreement(
    overview: Overview,
    pair: tuple[int, int],
    dimension: int,
    about: str,
) -> str:
    """How often two models say what of the same rows; see :func:`values`."""
    from matplotlib.patches import PathPatch

    def draw(axes: "Axes") -> None:
        cells = overview.pairs[pair][dimension]
        # Logarithmic, so that a single row is still seen
        share = np.log1p(cells) / np.log1p(cells.max())
        shade = np.ceil(SHADES * share).astype(int)
        colour, _ = STYLES[pair[1] % len(STYLES)]
        for number in range(1, SHADES + 1):
            corners = CELLS[np.argwhere(shade == number)]
            alpha = 0.2 + 0.8 * number / SHADES
            axes.add_patch(PathPatch(_squares(corners), fc=colour, alpha=alpha, lw=0))
        counted = np.stack([cells.sum(axis=1), cells.sum(axis=0)])
        limits = _limits(counted, CELLS)
        axes.plot(limits, limits, color=INK, alpha=0.5, lw=1, ls=":")
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.set_xlabel(overview.names[pair[0]])
        axes.set_ylabel(overview.names[pair[1]])
        axes.set_title(DIMENSIONS[dimension], fontsize="medium")

    return _svg(draw, f"pair-{pair}-{dimension}", about, (3.4, 3.5))


def durations(overview: Overview, about: str) -> str:
    """Histogram of the durations of inputs; see :func:`values`."""
    from matplotlib.ticker import LogLocator

    def draw(axes: "Axes") -> None:
        low, high = np.flatnonzero(overview.durations)[[0, -1]]
        axes.stairs(overview.durations, DURATIONS, color=STYLES[0][0], fill=True)
        axes.set_xscale("log")
        axes.set_xlim(
            DURATIONS[max(0, low - 2)], DURATIONS[min(len(DURATIONS) - 1, high + 3)]
        )
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter("")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("seconds")
        axes.set_ylabel("inputs")

    return _svg(draw, "durations", about, (6.5, 2.7))


def _limits(counts: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """0 to 1, and further where there are values."""
    found = np.flatnonzero(counts.sum(axis=0))
    if not len(found):
        return 0.0, 1.0
    return min(0.0, edges[found[0]]), max(1.0, edges[found[-1] + 1])


def _squares(corners: np.ndarray) -> "Path":
    """One path around all cells whose lower left corners ``(num_cells, 2)`` these are.

    A path for each would make a page slow.
    """
    from matplotlib.path import Path

    around = np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]])
    points = corners[:, None] + around * (CELLS[1] - CELLS[0])
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path(points.reshape(-1, 2), np.tile(codes, len(corners)))


def _svg(
    draw: Callable[["Axes"], None],
    name: str,
    about: str,
    size: tuple[float, float] = SIZE,
) -> str:
    """Draw one pair of axes, and make what matplotlib writes a part of a page.

    Args:
        draw: is handed the axes
        name: of the picture, no other one has it
        about: what it says, in words
        size: in inches

    """
    import html

    import matplotlib
    from matplotlib.figure import Figure

    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color")
    style = dict.fromkeys([*inks, "ytick.color", "grid.color"], INK)
    # Text stays text; parts that are referred to have a name that no picture shares
    style |= {"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 11}
    with matplotlib.rc_context(style), io.StringIO() as file:
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.2)
        axes.set_axisbelow(True)
        draw(axes)
        about_file = dict.fromkeys(["Date", "Creator", "Format", "Type"])
        figure.savefig(file, format="svg", transparent=True, metadata=about_file)
        text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text)
    text = re.sub(r' id="(?!\w*[0-9a-f]{10})[^"]*"', "", text)
    text = text.replace(INK, "currentColor")
    for number, (colour, _) in enumerate(STYLES):
        text = text.replace(colour, f"var(--model{number})")
    return text.replace(
        "<svg ", f'<svg role="img" aria-label="{html.escape(about)}" ', 1
    )
