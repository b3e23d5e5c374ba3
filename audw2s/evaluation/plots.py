"""Plots of evaluations and of comparisons of models."""

from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation

from audw2s.files import replacing
from audw2s.model.registry import DIMENSIONS

LINES = ("-", "--", ":", "-.")
"""What is compared differs in line as well as in colour."""

MARKERS = "o^sDvP*X"
"""What is compared differs in marker as well as in colour."""

WHOLE = {"clip_on": False, "zorder": 3}
"""Markers on the edge of a panel are drawn as a whole."""

RATER = "one rater against the others"
"""How people are called."""

MAX_NAMES = 24
"""More speakers than these are not named on the axis."""


def save(figure: Figure, path: str) -> None:
    """Write a picture, atomically."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _styles(result: dict) -> Iterator[tuple[dict, dict]]:
    """Each model with how it is drawn."""
    for number, entry in enumerate(result["models"]):
        yield (
            entry,
            {
                "color": f"C{number % 10}",
                "marker": MARKERS[number % len(MARKERS)],
                "label": entry["model"],
            },
        )


def _legend(figure: Figure) -> None:
    """One legend for all panels, above them."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    # Areas come first, but models are what one looks for
    pairs = sorted(zip(handles, labels, strict=True), key=lambda p: p[1] == RATER)
    handles, labels = zip(*pairs, strict=True)
    columns = min(len(labels), 4)
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def plot_accuracy_over_size(result: dict) -> Figure | None:
    """CCC over the size of the ONNX file: a row per corpus, a panel per dimension.

    Models of about the same size stand side by side.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    """
    corpora = _rated_corpora(result)
    if not corpora:
        return None
    figure = Figure(figsize=(11, 1 + 3.2 * len(corpora)), layout="constrained")
    panels = figure.subplots(len(corpora), 3, sharex=True, sharey="row", squeeze=False)
    for row, corpus in zip(panels, corpora, strict=True):
        for axes, name in zip(row, DIMENSIONS, strict=True):
            _accuracy(axes, result, corpus, name)
        row[0].set_ylabel(f"CCC with {result['against']}, {corpus}")
    for axes, name in zip(panels[0], DIMENSIONS, strict=True):
        axes.set_title(name)
    fitted = any(
        corpus in e["fitted_to"] for e in result["models"] for corpus in corpora
    )
    for axes in panels[-1]:
        hollow = "; hollow: fitted to the corpus" if fitted else ""
        axes.set_xlabel(f"ONNX file in MB{hollow}")
    sizes = [entry["cost"]["onnx_bytes"] / 1e6 for entry in result["models"]]
    _label_sizes(panels[0, 0], min(sizes) / 3, max(sizes) * 4)
    _legend(figure)
    return figure


def _accuracy(axes: Axes, result: dict, corpus: str, name: str) -> None:
    sizes: list[float] = []
    for entry, style in _styles(result):
        values = entry["evaluation"]["corpora"][corpus][name]
        if values is None:
            continue
        size = entry["cost"]["onnx_bytes"] / 1e6
        face = "white" if corpus in entry["fitted_to"] else style["color"]
        drawn = _with_bars(axes, [size], [values], "ccc", ms=8, mfc=face, **style)
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
    axes.grid(alpha=0.3)


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
    if not _rated_corpora(result):
        return None
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3, sharey=True), DIMENSIONS, strict=True):
        _speakers(axes, result, name)
        axes.set_title(name)
    figure.axes[0].set_ylabel(f"CCC with {result['against']}, 95 % interval")
    _legend(figure)
    return figure


def _speakers(axes: Axes, result: dict, name: str) -> None:
    several = len(_rated_corpora(result)) > 1
    places: dict[tuple[str, str], int] = {}
    for entry, style, beside in _side_by_side(result):
        rows = {
            (row["corpus"], row["group"]): row[name]
            for row in entry["evaluation"]["speakers"]
            if row[name] is not None
        }
        for speaker in sorted(rows, key=lambda key: rows[key]["ccc"]):
            places.setdefault(speaker, len(places))
        x = [places[speaker] + beside for speaker in rows]
        _with_bars(axes, x, list(rows.values()), "ccc", alpha=0.8, **style)
    names = ["/".join(speaker) if several else speaker[1] for speaker in places]
    if len(names) <= MAX_NAMES:
        long = max(map(len, names), default=0) > 3
        axes.set_xticks(range(len(names)), names, rotation=90 if long else 0)
    else:
        axes.set_xticks([])
    axes.set_xlabel(f"{len(names)} speakers" if names else "no speaker is known")
    axes.grid(alpha=0.3)


def _side_by_side(result: dict) -> Iterator[tuple[dict, dict, float]]:
    """Each model, how it is drawn, and where it is beside the others."""
    count = len(result["models"])
    for number, (entry, style) in enumerate(_styles(result)):
        yield entry, style, 0.6 * ((number + 0.5) / count - 0.5)


def _with_bars(
    axes: Axes,
    x: Sequence[float],
    values: Sequence[dict],
    key: str,
    **style: object,
) -> ErrorbarContainer:
    """Draw figures with their intervals; of few clips one may lie beside the other."""
    y, low, high = (np.array([v[k] for v in values]) for k in (key, "low", "high"))
    bars = [np.maximum(0, y - low), np.maximum(0, high - y)]
    return axes.errorbar(x, y, bars, ls="none", capsize=4, **style)


def _rated_corpora(result: dict) -> list[str]:
    """Corpora on which predictions can be compared with references."""
    corpora = result["models"][0]["evaluation"]["corpora"]
    return [k for k, values in corpora.items() if any(values[d] for d in DIMENSIONS)]


def plot_ranking(result: dict) -> Figure | None:
    """AUC of each pair of emotions with its interval, a panel per corpus.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has such emotions

    """
    first = result["models"][0]["evaluation"]["corpora"]
    corpora = [name for name, values in first.items() if "ranking" in values]
    if not corpora:
        return None
    figure = Figure(figsize=(2 + 4.5 * len(corpora), 4.5), layout="constrained")
    panels = figure.subplots(1, len(corpora), sharey=True, squeeze=False)[0]
    for axes, corpus in zip(panels, corpora, strict=True):
        for entry, style, beside in _side_by_side(result):
            pairs = entry["evaluation"]["corpora"][corpus]["ranking"]["pairs"]
            _with_bars(axes, np.arange(len(pairs)) + beside, pairs, "auc", **style)
        pairs = first[corpus]["ranking"]["pairs"]
        names = [f"{p['dimension']}:\n{p['above']} >\n{p['below']}" for p in pairs]
        axes.set_xticks(range(len(pairs)), names, fontsize="small")
        axes.axhline(0.5, color="grey", ls="--", lw=1)
        axes.set_title(corpus)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("AUC, 95 % interval; 0.5: chance")
    _legend(figure)
    return figure


def plot_tenths(result: dict) -> Figure | None:
    """Bias by tenth of the reference: a row per corpus, a panel per dimension.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        the figure, ``None`` if no corpus has references

    """
    corpora = _rated_corpora(result)
    if not corpora:
        return None
    figure = Figure(figsize=(11, 1 + 3 * len(corpora)), layout="constrained")
    panels = figure.subplots(len(corpora), 3, sharex=True, sharey="row", squeeze=False)
    for row, corpus in zip(panels, corpora, strict=True):
        for axes, name in zip(row, DIMENSIONS, strict=True):
            _tenths(axes, result, corpus, name)
        row[0].set_ylabel(f"prediction − reference, {corpus}")
    for axes, name in zip(panels[0], DIMENSIONS, strict=True):
        axes.set_title(name)
    for axes in panels[-1]:
        axes.set_xlabel(f"{result['against']}, by tenth")
    _legend(figure)
    return figure


def _tenths(axes: Axes, result: dict, corpus: str, name: str) -> None:
    for number, (entry, style) in enumerate(_styles(result)):
        tables = entry["evaluation"]["corpora"][corpus]["error_by_tenth"]
        x = [row["low"] + 0.05 for row in tables.get(name, ())]
        y = [row["bias"] for row in tables.get(name, ())]
        axes.plot(x, y, ls=LINES[number % len(LINES)], **style, **WHOLE)
    axes.axhline(0, color="grey", lw=1)
    axes.grid(alpha=0.3)


def plot_durations(result: dict) -> Figure | None:
    """Error and CCC over the duration of clips, a column per dimension.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    """
    if not _rated_corpora(result):
        return None
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    measures = {"mean_absolute_error": "mean absolute error", "ccc": "CCC"}
    panels = figure.subplots(2, 3, sharex=True, sharey="row")
    for row, (key, label) in zip(panels, measures.items(), strict=True):
        for axes, name in zip(row, DIMENSIONS, strict=True):
            _durations(axes, result, name, key)
        row[0].set_ylabel(label)
    panels[0, 0].set_ylim(bottom=0)
    for axes, name in zip(panels[0], DIMENSIONS, strict=True):
        axes.set_title(name)
    for axes in panels[1]:
        axes.set_xlabel("duration in s, median of bin")
    _legend(figure)
    return figure


def _durations(axes: Axes, result: dict, name: str, key: str) -> None:
    for number, (entry, style) in enumerate(_styles(result)):
        bins = [b for b in entry["durations"] if b.get(name, {}).get(key) is not None]
        times = [row["median"] for row in bins]
        values = [row[name][key] for row in bins]
        axes.plot(times, values, ls=LINES[number % len(LINES)], **style, **WHOLE)
    axes.grid(alpha=0.3)


def plot_evaluation(evaluation: dict, clips: pd.DataFrame, path: str) -> None:
    """Predicted values over references, a panel per dimension.

    Args:
        evaluation: see :func:`audw2s.distill.evaluate.evaluate`
        clips: the clips it was made from
        path: picture to write

    """
    results = evaluation["corpora"]
    rated = [r for r in results.values() if any(r[name] for name in DIMENSIONS)]
    overall = evaluation.get("pooled", (rated or [dict.fromkeys(DIMENSIONS)])[0])
    clips = clips[clips["left_out"] == ""]
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3), DIMENSIONS, strict=True):
        if overall[name] is None:
            axes.set_title(f"{name}\nno references")
            continue
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


PICTURES = {
    "accuracy_over_size.png": plot_accuracy_over_size,
    "ranking.png": plot_ranking,
    "speakers.png": plot_speakers,
    "error_by_rating.png": plot_tenths,
    "duration.png": plot_durations,
}
"""Plots by the names of their files; each may be ``None``, with nothing to show."""
