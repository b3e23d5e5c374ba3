"""Tables as in the paper, of trainings made here, with the paper's figures."""

import os
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from audw2s.distill.exits.metrics import as_text
from audw2s.distill.exits.results import FUSION
from audw2s.distill.exits.results import PARTS
from audw2s.distill.exits.results import collect
from audw2s.evaluation.plots import LINES
from audw2s.evaluation.plots import MARKERS
from audw2s.evaluation.plots import save
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.files import templates
from audw2s.files import write_json
from audw2s.files import write_text
from audw2s.tables import write_table

FOLDER = os.path.dirname(os.path.abspath(__file__))

TITLES = {
    "UAR": "UAR in percent, development / test part",
    "CCC": "CCC, mean of arousal, dominance and valence, development / test part; "
    "the paper has classes only",
}


def write_tables(folder: str, fuse_deepest: bool = False) -> str:
    """Write ``results.json``, ``results.csv``, ``tables.md`` and curves of a study.

    Args:
        folder: folder of the study
        fuse_deepest: see :func:`audw2s.distill.exits.results.collect`

    Returns:
        the tables, in Markdown

    Raises:
        FileNotFoundError: if no training is finished

    """
    results = collect(folder, fuse_deepest)
    write_json(results, os.path.join(folder, "results.json"))
    write_table(pd.DataFrame(rows(results)), os.path.join(folder, "results.csv"))
    text = to_markdown(results)
    write_text(f"{text}\n", os.path.join(folder, "tables.md"))
    for corpus, entry in results.items():
        methods = entry["methods"]
        if curves_of(methods):
            save(plot_layers(methods), os.path.join(folder, picture_of(corpus)))
        if by_layer := exits_by_layer(methods):
            path = os.path.join(folder, picture_of(corpus, "layers"))
            save(plot_exits(by_layer, methods), path)
    return text


def table1() -> pd.DataFrame:
    """Table 1 of Ren et al.: UAR in percent, wav2vec 2.0 base on DEMoS.

    Self-distillation by block and similarity, exits 3, 8 and 10, embedding level.

    Fusion is that of the three exits, without the deepest. Devel of exit 10 with LSTM,
    L2 and cosine is pieced together from a damaged cell.

    Returns:
        a row for each ``block`` and ``similarity``; columns are pairs of an exit (
        ``"12"`` is the deepest, then there is ``"fusion"``) and a part (``"devel"``
        or ``"test"``)

    Examples:
        >>> float(table1().loc[("lstm", "l2"), ("3", "test")])
        86.7

    """
    path = os.path.join(FOLDER, "table1.csv")
    table = pd.read_csv(path, header=[0, 1], index_col=[0, 1])
    return table.rename_axis(["block", "similarity"])


def table2() -> pd.DataFrame:
    """Table 2 of Ren et al.: comparison with other networks.

    Its rows of self-distillation are two runs: exits 3, 8 and 10 of LSTM with L1, and
    the deepest exit of LSTM with L2 and cosine.

    Returns:
        a row for each ``method`` (named as in
        :class:`audw2s.distill.exits.study.Study`) and ``exit`` with ``devel``, ``test``
        and millions of ``parameters``

    Examples:
        >>> table2()["method"].iloc[-1], float(table2()["test"].iloc[-1])
        ('distilled-lstm-l2+cosine', 91.4)

    """
    path = os.path.join(FOLDER, "table2.csv")
    return pd.read_csv(path, dtype={"exit": str}, keep_default_na=False)


def rows(results: dict) -> Iterator[dict]:
    """Yield a row for each corpus, method, exit and seed.

    Args:
        results: see :func:`audw2s.distill.exits.results.collect`

    """
    for corpus, entry in results.items():
        for method, result in entry["methods"].items():
            for name, parts in result["exits"].items():
                scores = [parts[part]["scores"] for part in PARTS]
                of_seeds = zip(result["seeds"], result["epochs"], *scores, strict=True)
                for seed, epoch, *values in of_seeds:
                    row = {"corpus": corpus, "method": method, "exit": name}
                    row |= {"seed": seed, "epoch": epoch, "measure": result["measure"]}
                    yield row | dict(zip(PARTS, values, strict=True))


def curves_of(methods: dict) -> dict:
    """Curves of adaptive exits, for methods that have them."""
    return {k: result["curve"] for k, result in methods.items() if "curve" in result}


def picture_of(corpus: str, kind: str = "adaptive") -> str:
    """Name of the file with the curves of a corpus."""
    return f"{corpus}-{kind}.png"


def to_markdown(results: dict) -> str:
    """Both tables of each corpus.

    Args:
        results: see :func:`audw2s.distill.exits.results.collect`

    """
    functions = (
        *(as_text, clips_and_speakers, curves_of, exits_by_layer, exits_of, picture_of),
        *(printed, with_interval),
    )
    values: dict[str, Any] = {function.__name__: function for function in functions}
    values |= {"titles": TITLES, "paper": table2().to_dict("records")}
    return render("tables.md.jinja", results=results, **values)


def render(name: str, **values: object) -> str:
    """Render a template of this folder.

    Args:
        name: file name of the template
        values: names that are used in it

    """
    return templates(__file__, strict=False).get_template(name).render(values).strip()


def distilled(methods: dict) -> dict:
    """Self-distilled methods."""
    return {k: result for k, result in methods.items() if k.startswith("distilled-")}


def exits_of(methods: dict) -> list[str]:
    """Exits of all self-distilled methods by depth, then their fusions."""
    results = distilled(methods).values()
    names = dict.fromkeys(name for result in results for name in result["exits"])
    depths = sorted((name for name in names if name.isdigit()), key=int)
    return [*depths, *(name for name in names if not name.isdigit())]


def printed(result: dict, names: list[str]) -> list[str] | None:
    """Table 1's cells for a method, ``None`` if it has no row for these exits."""
    row = (result["block"], result["similarity"])
    if names != ["3", "8", "10", "12", FUSION] or result["compared"] != "embedding":
        return None
    table = table1().loc[row].unstack()
    return [f"{table.loc[k, 'devel']} / {table.loc[k, 'test']}" for k in names]


def exits_by_layer(methods: dict) -> dict[str, dict[int, dict]]:
    """Scores by layer of the students' exits, if there is one after many layers.

    Returns:
        for block, similarity and level the scores of each layer, see
        :func:`audw2s.distill.exits.results.collect`; empty if no such curve has more
        layers than the paper's three

    """
    curves: dict[str, dict[int, dict]] = {}
    for name, result in distilled(methods).items():
        *layers, deepest = result["parameters"]
        curve = curves.setdefault(name.split("-exits")[0], {})
        curve |= {int(layer): result["exits"][layer] for layer in layers}
    if all(len(curve) <= 3 for curve in curves.values()):
        return {}
    return {name: dict(sorted(curve.items())) for name, curve in curves.items()}


def plot_exits(curves: dict[str, dict[int, dict]], methods: dict) -> Figure:
    """Plot scores over the layer of an exit, on devel and test: the paper's Figure 2.

    Args:
        curves: see :func:`exits_by_layer`
        methods: methods of the corpus

    """
    measure = next(iter(methods.values()))["measure"]
    figure = Figure(figsize=(11, 4), layout="constrained")
    for axes, part in zip(figure.subplots(1, 2, sharey=True), PARTS, strict=True):
        for name, curve in curves.items():
            scores = [entry[part]["mean"] for entry in curve.values()]
            add_curve(axes, list(curve), scores, name)
        axes.set(xlabel="layer of the exit", ylabel=measure, title=part)
    lines = axes.get_legend_handles_labels()
    figure.legend(*lines, loc="outside right upper", fontsize="small")
    return figure


def add_curve(axes: Axes, x: list, y: list, label: str) -> None:
    """Draw a curve in another style than those before it."""
    number = len(axes.lines)
    style = f"{MARKERS[number % len(MARKERS)]}{LINES[number % len(LINES)]}"
    axes.plot(x, y, style, ms=3, label=label)
    axes.grid(alpha=0.3)


def with_interval(values: dict, key: str, measure: str) -> str:
    """Write a score with its interval."""
    score, low, high = (as_text(values[k], measure) for k in (key, "low", "high"))
    return f"{score} [{low}, {high}]"


def plot_layers(methods: dict) -> Figure:
    """Plot UAR over layers that run, of adaptive exits and of plain fine-tuning.

    Args:
        methods: methods of a corpus, see :func:`audw2s.distill.exits.results.collect`

    """
    plain: dict[str, tuple[float, float]] = {
        f"plain {layer}": (int(layer), scores["test"]["mean"])
        for method, result in methods.items()
        if method.startswith("plain-")
        for layer, scores in result["exits"].items()
    }
    label = "layers that run, mean over clips"
    return plot_adaptive(curves_of(methods), plain, "layers", label)


def plot_adaptive(
    curves: dict[str, list[dict]],
    points: Mapping[str, tuple[float, float]],
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
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for method, curve in curves.items():
        x, y = ([point[key] for point in curve] for key in (cost, "score"))
        add_curve(axes, x, y, f"{method}, adaptive")
    for name, place in points.items():
        axes.plot(*place, "kx")
        axes.annotate(name, place)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(xlabel=label, ylabel="UAR")
    # Many curves would lie under a legend inside
    figure.legend(loc="outside right upper", fontsize="small")
    return figure
