"""Tables as in the paper, of trainings made here, with the paper's figures."""

import os
from typing import NamedTuple

import jinja2
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from audw2s.distill.exits.metrics import as_text
from audw2s.distill.exits.results import collect
from audw2s.evaluation.plots import LINES
from audw2s.evaluation.plots import MARKERS
from audw2s.evaluation.plots import save
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.files import write_json
from audw2s.files import write_text


class Stated(NamedTuple):
    """Unweighted average recall of an exit in percent, as the paper states it."""

    method: str
    exit: str
    parameters: str
    devel: float | None
    test: float | None


PAPER = (
    Stated("distilled-lstm-l2", "3", "36.2M", 83.3, 85.7),
    Stated("distilled-lstm-l2", "8", "71.6M", 91.7, 90.7),
    Stated("distilled-lstm-l2", "10", "85.8M", 91.8, 90.5),
    Stated("distilled-lstm-l2", "12", "100.0M", 91.8, 91.4),
    Stated("plain-3", "3", "", 77.1, 83.4),
    Stated("plain-deepest", "12", "95.2M", None, None),
    Stated("layerwise-gru", "2", "", 73.1, 77.4),
)
"""Rows of the paper that stand beside those of trainings made here."""

TITLES = {
    "UAR": "UAR in percent, development / test part",
    "CCC": "CCC, mean of arousal, dominance and valence, development / test part; "
    "the paper has classes only",
}


def write_tables(folder: str) -> str:
    """Write ``results.json``, ``tables.md`` and curves of a study.

    Args:
        folder: folder of the study

    Returns:
        the tables, in Markdown

    Raises:
        FileNotFoundError: if no training is finished

    """
    results = collect(folder)
    write_json(results, os.path.join(folder, "results.json"))
    text = to_markdown(results)
    write_text(f"{text}\n", os.path.join(folder, "tables.md"))
    for corpus, entry in results.items():
        if curves_of(entry["methods"]):
            figure = plot_layers(entry["methods"])
            save(figure, os.path.join(folder, picture_of(corpus)))
    return text


def curves_of(methods: dict) -> dict:
    """Curves of adaptive exits, for methods that have them."""
    return {k: result["curve"] for k, result in methods.items() if "curve" in result}


def picture_of(corpus: str) -> str:
    """Name of the file with the curves of a corpus."""
    return f"{corpus}-adaptive.png"


def to_markdown(results: dict) -> str:
    """Both tables of each corpus.

    Args:
        results: see :func:`audw2s.distill.exits.results.collect`

    """
    functions = (clips_and_speakers, curves_of, exits_of, picture_of, with_interval)
    values = {function.__name__: function for function in functions}
    return render(
        "tables.md.jinja",
        results=results,
        titles=TITLES,
        paper=PAPER,
        text=as_text,
        **values,
    )


def render(name: str, **values: object) -> str:
    """Render a template of this folder.

    Args:
        name: file name of the template
        values: names that are used in it

    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__))),
        trim_blocks=True,
    )
    return environment.get_template(name).render(values).strip()


def exits_of(methods: dict) -> list[str]:
    """Exits of all self-distilled methods."""
    results = [result for k, result in methods.items() if k.startswith("distilled-")]
    return list(dict.fromkeys(name for result in results for name in result["exits"]))


def with_interval(values: dict, key: str, measure: str) -> str:
    """Write a score with its interval."""
    score, low, high = (as_text(values[k], measure) for k in (key, "low", "high"))
    return f"{score} [{low}, {high}]"


def plot_layers(methods: dict) -> Figure:
    """Plot UAR over layers that run, of adaptive exits and of plain fine-tuning.

    Args:
        methods: methods of a corpus, see :func:`audw2s.distill.exits.results.collect`

    """
    plain = {
        f"plain {layer}": (int(layer), scores["test"]["mean"])
        for method, result in methods.items()
        if method.startswith("plain-")
        for layer, scores in result["exits"].items()
    }
    label = "layers that run, mean over clips"
    return plot_adaptive(curves_of(methods), plain, "layers", label)


def plot_adaptive(
    curves: dict[str, list[dict]],
    points: dict[str, tuple[float, float]],
    cost: str,
    label: str,
) -> Figure:
    """Plot UAR over cost: curves of adaptive exits, and models beside them.

    Args:
        curves: curves by method, see
            :func:`audw2s.distill.exits.metrics.adaptive_curve`
        points: cost and score of models by name
        cost: name of the cost in the curves
        label: label of its axis

    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (method, curve) in enumerate(curves.items()):
        x, y = ([point[key] for point in curve] for key in (cost, "score"))
        style = f"{MARKERS[number % len(MARKERS)]}{LINES[number % len(LINES)]}"
        axes.plot(x, y, style, ms=3, label=f"{method}, adaptive")
    for name, place in points.items():
        axes.plot(*place, "kx")
        axes.annotate(name, place)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(xlabel=label, ylabel="UAR")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
