"""Tables as in the paper, of trainings made here, with the paper's figures."""

import os

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from audw2s.distill.exits.metrics import as_text
from audw2s.distill.exits.results import PARTS
from audw2s.distill.exits.results import collect
from audw2s.evaluation.plots import LINES
from audw2s.evaluation.plots import MARKERS
from audw2s.evaluation.plots import save
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.evaluation.tables import markdown_table
from audw2s.files import write_json
from audw2s.files import write_text

PAPER = (
    ("distilled-lstm-l2", "3", "36.2M", 83.3, 85.7),
    ("distilled-lstm-l2", "8", "71.6M", 91.7, 90.7),
    ("distilled-lstm-l2", "10", "85.8M", 91.8, 90.5),
    ("distilled-lstm-l2", "12", "100.0M", 91.8, 91.4),
    ("plain-3", "3", "", 77.1, 83.4),
    ("plain-deepest", "12", "95.2M", None, None),
    ("layerwise-gru", "2", "", 73.1, 77.4),
)
"""Method, exit, parameters, UAR in percent on the development and the test part."""

SOURCE = (
    "Rows marked (paper) are what Ren et al. state, for wav2vec 2.0 base on DEMoS; "
    "none of it was measured here. Their parameters include the quantiser of "
    "pretraining, and a block at the deepest exit."
)

GAINS = "Self-distilled minus plain fine-tuning cut at the same layer, on the test part"

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
    parts = []
    for corpus, entry in results.items():
        methods = entry["methods"]
        measure = next(iter(methods.values()))["measure"]
        distilled = {k: v for k, v in methods.items() if k.startswith("distilled-")}
        parts.append(f"## {corpus}\n\n{TITLES[measure]}.")
        if distilled:
            parts.append(f"Block × loss × exit:\n\n{table_of_exits(distilled)}")
        parts.append(f"Comparison:\n\n{table_of_methods(methods)}")
        if entry["gains"]:
            parts.append(f"{GAINS}:\n\n{table_of_gains(entry['gains'], measure)}")
        if curves_of(methods):
            picture = f"![UAR over layers that run]({picture_of(corpus)})"
            parts.append(f"Adaptive exits, a point for each margin:\n\n{picture}")
        parts.append(conditions(methods))
    return "\n\n".join([*parts, SOURCE])


def table_of_exits(methods: dict) -> str:
    """Table 1: a row for each block and similarity, a column for each exit."""
    names = list(
        dict.fromkeys(k for result in methods.values() for k in result["exits"])
    )
    rows = []
    for method, result in methods.items():
        _, block, similarity = method.split("-")
        texts = [both(result, name) for name in names]
        rows.append([block, similarity, *texts])
    stated = {depth: (devel, test) for method, depth, _, devel, test in PAPER[:4]}
    if [name for name in names if name != "fusion"] == list(stated):
        texts = [f"{devel} / {test}" for devel, test in stated.values()]
        rows.append(["lstm (paper)", "l2", *texts, *["–"] * ("fusion" in names)])
    header = ["block", "similarity", *(exit_title(name) for name in names)]
    return markdown_table(header, rows)


def exit_title(name: str) -> str:
    """Name of an exit in a header."""
    return name if name == "fusion" else f"exit {name}"


def both(result: dict, name: str) -> str:
    """Development and test score of an exit."""
    if name not in result["exits"]:
        return "–"
    means = (result["exits"][name][part]["mean"] for part in PARTS)
    return " / ".join(as_text(mean, result["measure"]) for mean in means)


def table_of_methods(methods: dict) -> str:
    """Table 2: a row for each method and exit, with parameters and intervals."""
    rows, measure = [], next(iter(methods.values()))["measure"]
    for method, result in methods.items():
        for name, scores in result["exits"].items():
            test = scores["test"]
            # All exits run for their fusion
            count = result["parameters"].get(name) or max(result["parameters"].values())
            by_seed = ", ".join(as_text(value, measure) for value in test["scores"])
            intervals = with_interval(test, "pooled", measure)
            count = f"{count / 1e6:.1f}M"
            rows.append([method, name, count, both(result, name), by_seed, intervals])
    if measure == "UAR":
        rows += [
            [f"{method} (paper)", depth, count or "–", stated(*scores), "–", "–"]
            for method, depth, count, *scores in PAPER
        ]
    header = ["method", "exit", "parameters", "mean of seeds", "test, by seed"]
    return markdown_table([*header, "test, all clips, 95 % interval"], rows)


def with_interval(values: dict, key: str, measure: str) -> str:
    """Write a score with its interval."""
    score, low, high = (as_text(values[k], measure) for k in (key, "low", "high"))
    return f"{score} [{low}, {high}]"


def table_of_gains(gains: list[dict], measure: str) -> str:
    """What self-distillation adds at each depth; the paper's claim, exit by exit."""
    rows = []
    for gain in gains:
        verdict = "unsure"
        if gain["low"] > 0 or gain["high"] < 0:
            verdict = "gains" if gain["mean"] > 0 else "loses"
        mean, low, high, *by_seed = (
            as_text(difference, measure, "+")
            for difference in (
                *(gain["mean"], gain["low"], gain["high"]),
                *gain["differences"],
            )
        )
        method, interval = [gain["method"], str(gain["exit"])], f"[{low}, {high}]"
        rows.append([*method, mean, ", ".join(by_seed), interval, verdict])
    header = ["method", "exit", "mean of seeds", "by seed", "all clips, 95 % interval"]
    return markdown_table([*header, ""], rows)


def stated(devel: float | None, test: float | None) -> str:
    """What the paper states, a dash where that isn't known here."""
    return "–" if devel is None else f"{devel} / {test}"


def conditions(methods: dict) -> str:
    """Say how many clips and seeds stand behind the figures."""
    notes = []
    for method, result in methods.items():
        test = next(iter(result["exits"].values()))["test"]
        seeds, epochs = (
            ", ".join(map(str, result[key])) for key in ("seeds", "epochs")
        )
        notes.append(
            f"- {method}: seeds {seeds}; chosen epochs {epochs}; "
            f"{clips_and_speakers(test, ' test clips')}"
        )
    return "\n".join(notes)


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
