"""Plots of evaluations and of comparisons of models."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation

from audw2s.evaluation.tables import is_rated
from audw2s.files import replacing
from audw2s.model.registry import DIMENSIONS

LINES = ("-", "--", ":", "-.")
"""Line styles, by which curves differ as well as by colour."""

MARKERS = "o^sDvP*X"
"""Markers, by which points differ as well as by colour."""

RATER = "one rater against the others"
"""Label of human raters."""

MAX_NAMES = 24
"""Largest number of speakers that are named on the axis."""


def save(figure: Figure, path: str) -> None:
    """Write a picture, atomically."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)


def plot_accuracy_over_size(result: dict) -> Figure | None:
    """CCC over the size of the ONNX file: a row per corpus, a panel per dimension.

    Models of about the same size stand side by side.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has references

    """
    against, corpora = result["against"], _rated_corpora(result)
    fitted = {name for entry in result["models"] for name in entry["fitted_to"]}
    note = "; hollow: fitted to the corpus" if fitted & set(corpora) else ""
    figure = _figure(
        {f"CCC with {against}, {c}": partial(_accuracy, result, c) for c in corpora},
        size=(11, 1 + 3.2 * len(corpora)),
        xlabel=f"ONNX file in MB{note}",
    )
    if figure is not None:
        sizes = [entry["cost"]["onnx_bytes"] / 1e6 for entry in result["models"]]
        _label_sizes(figure.axes[0], min(sizes) / 3, max(sizes) * 4)
    return figure


def _accuracy(result: dict, corpus: str, axes: Axes, name: str) -> None:
    sizes: list[float] = []
    for entry, style, _ in _models(result):
        values = entry["evaluation"]["corpora"][corpus][name]
        if values is None:
            continue
        size = entry["cost"]["onnx_bytes"] / 1e6
        face = "white" if corpus in entry["fitted_to"] else style["color"]
        drawn = _with_bars(axes, [size], [values], "ccc", style, ms=8, mfc=face)
        # Else the bars of models of one size would lie on each other
        beside = sum(abs(size - other) < 0.2 * other for other in sizes)
        shift = ScaledTranslation(beside * 10 / 72, 0, axes.figure.dpi_scale_trans)
        for artist in drawn.get_children():
            artist.set_transform(artist.get_transform() + shift)
        sizes.append(size)
    raters = [rater[name] for rater in result["raters"].get(corpus, [])]
    raters = [ccc for ccc in raters if ccc is not None]
    if raters:
        style = {"color": "grey", "alpha": 0.25, "zorder": 0}
        axes.axhspan(min(raters), max(raters), label=RATER, **style)


def _label_sizes(axes: Axes, low: float, high: float) -> None:
    """Make the axis of sizes, which all panels share, logarithmic, in plain digits."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    # Powers of ten alone would leave short axes without a number
    steps = (1, 2, 5) if high < 30 * low else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def plot_speakers(result: dict) -> Figure | None:
    """CCC of each speaker with its interval, a panel per dimension.

    Speakers are in the order of the first model's CCC.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has references

    """
    label = f"CCC with {result['against']}, 95 % interval"
    rows = {label: partial(_speakers, result)} if _rated_corpora(result) else {}
    return _figure(rows, size=(11, 4.5), sharex=False)


def _speakers(result: dict, axes: Axes, name: str) -> None:
    several = len(_rated_corpora(result)) > 1
    places: dict[tuple[str, str], int] = {}
    for entry, style, beside in _models(result):
        rows = {
            (row["corpus"], row["group"]): row[name]
            for row in entry["evaluation"]["speakers"]
            if row[name] is not None
        }
        for speaker in sorted(rows, key=lambda key: rows[key]["ccc"]):
            places.setdefault(speaker, len(places))
        x = [places[speaker] + beside for speaker in rows]
        _with_bars(axes, x, list(rows.values()), "ccc", style, alpha=0.8)
    names = ["/".join(speaker) if several else speaker[1] for speaker in places]
    long = max(map(len, names), default=0) > 3
    shown = names if len(names) <= MAX_NAMES else []
    axes.set_xticks(range(len(shown)), shown, rotation=90 if long else 0)
    axes.set_xlabel(f"{len(names)} speakers" if names else "no speaker is known")


def plot_ranking(result: dict) -> Figure | None:
    """AUC of each pair of emotions with its interval, a panel per corpus.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has such emotions

    """
    first = result["models"][0]["evaluation"]["corpora"]

    def draw(axes: Axes, corpus: str) -> None:
        for entry, style, beside in _models(result):
            pairs = entry["evaluation"]["corpora"][corpus]["ranking"]["pairs"]
            _with_bars(axes, np.arange(len(pairs)) + beside, pairs, "auc", style)
        pairs = first[corpus]["ranking"]["pairs"]
        names = [f"{p['dimension']}:\n{p['above']} >\n{p['below']}" for p in pairs]
        axes.set_xticks(range(len(pairs)), names, fontsize="small")
        axes.axhline(0.5, color="grey", ls="--", lw=1)

    corpora = [name for name, values in first.items() if "ranking" in values]
    rows = {"AUC, 95 % interval; 0.5: chance": draw}
    return _figure(rows, corpora, size=(2 + 4.5 * len(corpora), 4.5), sharex=False)


def plot_tenths(result: dict) -> Figure | None:
    """Bias by tenth of the reference: a row per corpus, a panel per dimension.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has references

    """

    def draw(corpus: str, axes: Axes, name: str) -> None:
        for entry, style, _ in _models(result):
            tables = entry["evaluation"]["corpora"][corpus]["error_by_tenth"]
            rows = tables.get(name, ())
            _curve(axes, [(row["low"] + 0.05, row["bias"]) for row in rows], style)
        axes.axhline(0, color="grey", lw=1)

    corpora = _rated_corpora(result)
    rows = {f"prediction − reference, {c}": partial(draw, c) for c in corpora}
    label = f"{result['against']}, by tenth"
    return _figure(rows, size=(11, 1 + 3 * len(corpora)), xlabel=label)


def plot_durations(result: dict) -> Figure | None:
    """Error and CCC over the duration of clips, a column per dimension.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has references

    """

    def draw(key: str, axes: Axes, name: str) -> None:
        for entry, style, _ in _models(result):
            bins = [(row["median"], row.get(name, {})) for row in entry["durations"]]
            points = [(median, values.get(key)) for median, values in bins]
            _curve(axes, [pair for pair in points if pair[1] is not None], style)

    keys = {"mean absolute error": "mean_absolute_error", "CCC": "ccc"}
    is_rated = bool(_rated_corpora(result))
    rows = {label: partial(draw, key) for label, key in keys.items() if is_rated}
    figure = _figure(rows, size=(11, 6.5), xlabel="duration in s, median of bin")
    if figure is not None:
        figure.axes[0].set_ylim(bottom=0)
    return figure


def _figure(
    rows: Mapping[str, Callable[[Axes, str], None]],
    columns: Sequence[str] = DIMENSIONS,
    *,
    size: tuple[float, float],
    xlabel: str = "",
    sharex: bool = True,
) -> Figure | None:
    """Draw rows of panels, with one legend above them; ``None`` without a panel.

    Args:
        rows: label of each row, and function that draws one of the columns in a panel
        columns: names of the columns
        size: width and height of the figure in inches
        xlabel: label below all columns
        sharex: whether columns have the same axis

    """
    if not rows or not columns:
        return None
    figure = Figure(figsize=size, layout="constrained")
    shape = len(rows), len(columns)
    panels = figure.subplots(*shape, sharex=sharex, sharey="row", squeeze=False)
    for row, (label, draw) in zip(panels, rows.items(), strict=True):
        for axes, name in zip(row, columns, strict=True):
            draw(axes, name)
            axes.grid(alpha=0.3)
        row[0].set_ylabel(label)
    for top, bottom, name in zip(panels[0], panels[-1], columns, strict=True):
        top.set_title(name)
        if xlabel:
            bottom.set_xlabel(xlabel)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    # Areas come first, but models are what one looks for
    order = sorted(range(len(labels)), key=lambda number: labels[number] == RATER)
    ordered = ([items[number] for number in order] for items in (handles, labels))
    figure.legend(*ordered, loc="outside upper center", ncols=min(len(labels), 4))
    return figure


def _models(result: dict) -> Iterator[tuple[dict, dict[str, Any], float]]:
    """Each model, its style, and its place beside the others."""
    count = len(result["models"])
    for number, entry in enumerate(result["models"]):
        style = {"color": f"C{number % 10}", "label": entry["model"]}
        style["marker"] = MARKERS[number % len(MARKERS)]
        style["ls"] = LINES[number % len(LINES)]
        yield entry, style, 0.6 * ((number + 0.5) / count - 0.5)


def _curve(axes: Axes, points: Sequence[tuple[float, float]], style: dict) -> None:
    """Draw a curve whose markers aren't cut at the edge of a panel."""
    x, y = np.reshape(points, (-1, 2)).T
    axes.plot(x, y, clip_on=False, zorder=3, **style)


def _with_bars(
    axes: Axes,
    x: Sequence[float] | np.ndarray,
    values: Sequence[dict],
    key: str,
    style: dict,
    **options: Any,
) -> ErrorbarContainer:
    """Draw figures with their intervals; of few clips one may lie beside the other."""
    y, low, high = (np.array([v[k] for v in values]) for k in (key, "low", "high"))
    bars = [np.maximum(0, y - low), np.maximum(0, high - y)]
    options |= style | {"ls": "none", "capsize": 4}
    return axes.errorbar(x, y, bars, **options)


def _rated_corpora(result: dict) -> list[str]:
    """Corpora on which predictions can be compared with references."""
    corpora = result["models"][0]["evaluation"]["corpora"]
    return [name for name, values in corpora.items() if is_rated(values)]


def plot_evaluation(evaluation: dict, clips: pd.DataFrame) -> Figure:
    """Predicted values over references, a panel per dimension.

    Args:
        evaluation: see :func:`audw2s.corpus.evaluate.evaluate`
        clips: the clips it was made from

    """
    results = evaluation["corpora"]
    rated = [result for result in results.values() if is_rated(result)]
    overall = evaluation.get("pooled", (rated or [dict.fromkeys(DIMENSIONS)])[0])
    clips = clips[clips["left_out"] == ""]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3), DIMENSIONS, strict=True):
        if overall[name] is None:
            axes.set_title(f"{name}\nno references")
            axes.set_axis_off()
            continue
        _scatter(axes, clips, name)
        ccc, low, high = (overall[name][key] for key in ("ccc", "low", "high"))
        axes.set_title(f"{name}\nCCC {ccc:.2f}, 95 % in [{low:.2f}, {high:.2f}]")
        axes.set_xlabel(f"{evaluation['against']}")
    figure.axes[0].set_ylabel(evaluation["model"])
    if len(results) > 1:
        figure.axes[0].legend()
    return figure


def _scatter(axes: Axes, clips: pd.DataFrame, name: str) -> None:
    columns = [f"reference_{name}", name]
    for number, (corpus, part) in enumerate(clips.groupby("corpus", sort=False)):
        truth, predicted = part[columns].to_numpy().T
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(truth, predicted, marker, ms=3, alpha=0.4, label=corpus)
    values = clips[columns].to_numpy(float)
    ends = [np.nanmin(values), np.nanmax(values)]
    axes.plot(ends, ends, "--", color="grey", linewidth=1)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(alpha=0.3)


PICTURES = {
    "accuracy_over_size.png": plot_accuracy_over_size,
    "ranking.png": plot_ranking,
    "speakers.png": plot_speakers,
    "error_by_rating.png": plot_tenths,
    "duration.png": plot_durations,
}
"""Plots by the names of their files; each may be ``None``, with nothing to show."""
