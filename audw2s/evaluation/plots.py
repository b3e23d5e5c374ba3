"""Plots of evaluations and of comparisons of models."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation

from audw2s.catalogue import DIMENSIONS
from audw2s.files import replacing

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


def plot_accuracy_over_size(result: dict) -> Figure:
    """CCC over the size of the ONNX file: a row per corpus, a panel per dimension.

    Models of about the same size stand side by side.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    """
    corpora = list(result["models"][0]["evaluation"]["corpora"])
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
        ccc = values["ccc"]
        # Of few clips the interval may lie beside the value
        bars = [[max(0, ccc - values["low"])], [max(0, values["high"] - ccc)]]
        size = entry["cost"]["onnx_bytes"] / 1e6
        face = "white" if corpus in entry["fitted_to"] else style["color"]
        drawn = axes.errorbar(
            size, ccc, bars, ls="none", ms=8, capsize=4, mfc=face, **style
        )
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


def plot_speakers(result: dict) -> Figure:
    """Mean absolute error of each speaker, a panel per dimension.

    Speakers are in the order of the first model's error.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    """
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3, sharey=True), DIMENSIONS, strict=True):
        _speakers(axes, result, name)
        axes.set_title(name)
    figure.axes[0].set_ylabel("mean absolute error")
    figure.axes[0].set_ylim(bottom=0)
    _legend(figure)
    return figure


def _speakers(axes: Axes, result: dict, name: str) -> None:
    several = len(result["models"][0]["evaluation"]["corpora"]) > 1
    places: dict[tuple[str, str], int] = {}
    for entry, style in _styles(result):
        errors = {
            (row["corpus"], row["speaker"]): row[name]["mean_absolute_error"]
            for row in entry["speakers"]
        }
        for speaker in sorted(errors, key=errors.get):
            places.setdefault(speaker, len(places))
        order = [places[speaker] for speaker in errors]
        axes.plot(order, list(errors.values()), ls="none", alpha=0.8, **style, **WHOLE)
    names = ["/".join(speaker) if several else speaker[1] for speaker in places]
    if len(names) <= MAX_NAMES:
        long = max(map(len, names), default=0) > 3
        axes.set_xticks(range(len(names)), names, rotation=90 if long else 0)
    else:
        axes.set_xticks([])
    axes.set_xlabel(f"{len(names)} speakers" if names else "no speaker is known")
    axes.grid(alpha=0.3)


def plot_durations(result: dict) -> Figure:
    """Error and CCC over the duration of clips, a column per dimension.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    """
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
        bins = [row for row in entry["durations"] if row[name][key] is not None]
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


PICTURES = {
    "accuracy_over_size.png": plot_accuracy_over_size,
    "speakers.png": plot_speakers,
    "duration.png": plot_durations,
}
"""Pictures by the names of their files."""
