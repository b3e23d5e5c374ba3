"""Comparison of models as Markdown, for papers and terminals."""

from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from audw2s.evaluation.papers import GRADES
from audw2s.evaluation.render import template
from audw2s.evaluation.tables import is_rated
from audw2s.evaluation.tables import pair_text
from audw2s.evaluation.tables import with_interval
from audw2s.evaluation.tables import with_pooled
from audw2s.model.registry import DIMENSIONS


def size_text(num_bytes: float) -> str:
    """Write a number of bytes.

    Examples:
        >>> size_text(295570), size_text(13640005)
        ('296 KB', '13.6 MB')

    """
    if num_bytes < 1e6:
        return f"{num_bytes / 1e3:.0f} KB"
    return f"{num_bytes / 1e6:,.1f}".removesuffix(".0") + " MB"


COSTS: dict[str, tuple[str, Callable[[float], str]]] = {
    "parameters": ("parameters", "{:,.0f}".format),
    "gmac": ("GMAC", "{:.3g}".format),
    "onnx_bytes": ("ONNX file", size_text),
    "peak_ram_bytes": ("peak RAM", size_text),
    "latency_ms": ("latency", "{:.3g} ms".format),
    "cpu_ms": ("CPU time", "{:.3g} ms".format),
    "latency_ratio": ("relative", "{:.2f} ×".format),
    "tokens_per_second": ("tokens/s", "{:.3g}".format),
}
"""Keys of costs, name of the column, and function that writes a value."""


def spread(evaluations: Sequence[dict]) -> list[dict]:
    """Mean and standard deviation of the CCC over models of one name, such as seeds.

    Args:
        evaluations: one of each model, all of the same corpora, see
            :func:`audw2s.corpus.evaluate.evaluate`

    Returns:
        an entry for each name that several models have, and each corpus, with
        ``num_models`` and for each dimension ``mean`` and ``std`` (with n - 1)

    Examples:
        >>> def made(name, ccc):
        ...     values = {k: {"ccc": ccc} for k in ("arousal", "dominance", "valence")}
        ...     return {"model": name, "corpora": {"mine": values}}
        >>> (entry,) = spread([made("a", 0.5), made("a", 0.7), made("b", 0.9)])
        >>> entry["model"], entry["num_models"], entry["corpus"]
        ('a', 2, 'mine')
        >>> {key: round(value, 3) for key, value in entry["valence"].items()}
        {'mean': 0.6, 'std': 0.141}

    """
    groups: dict[tuple[str, str], list[dict]] = {}
    for evaluation in evaluations:
        for corpus, result in with_pooled(evaluation):
            groups.setdefault((evaluation["model"], corpus), []).append(result)
    return [
        {"model": model, "num_models": len(results), "corpus": corpus}
        | {name: _moments([result[name] for result in results]) for name in DIMENSIONS}
        for (model, corpus), results in groups.items()
        if len(results) > 1 and is_rated(results[0])
    ]


def _moments(values: Sequence[dict | None]) -> dict[str, float] | None:
    cccs = [value["ccc"] for value in values if value is not None]
    if not cccs:
        return None
    return {"mean": float(np.mean(cccs)), "std": float(np.std(cccs, ddof=1))}


def to_markdown(result: dict) -> str:
    """Render a comparison.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        tables of agreement, models of one name, ranking of emotions, distributions,
        costs, groups, and errors by tenth, of which those without rows are left out,
        and notes

    """
    functions: list[Callable] = [size_text, ranked_pairs, ranking_texts, cost_texts]
    text = template("comparison.md.jinja").render(
        **result,
        **{function.__name__: function for function in [*functions, published_costs]},
        busy_text=_busy_text(result["machine"]),
        cost_names=[name for name, _ in COSTS.values()],
        grades=GRADES,
        bias_text=lambda values: with_interval(values, "bias", "+"),
        spread_text=lambda values: f"{values['mean']:.3f} ± {values['std']:.3f}",
        published_ccc=lambda figure: stated(figure, _as_stated),
    )
    return text.strip()


def _busy_text(machine: dict) -> str:
    load = machine["load_average"]
    if load is None or load < machine["num_cores"]:
        return ""
    return " **The machine was busy**: rely on CPU time and the relative latency."


def _as_stated(value: float) -> str:
    """Write a CCC with the digits that were published, two at least."""
    return max(f"{value:.2f}", f"{value:g}", key=len)


def stated(figure: dict | None, write: Callable[[float], str]) -> str:
    """Write a figure of a paper, with its grade if it wasn't read there.

    Examples:
        >>> stated({"value": 0.56, "grade": "S", "about": True}, "{:.2f}".format)
        '≈ 0.56 (S)'

    """
    if figure is None:
        return "–"
    about = "≈ " if figure["about"] else ""
    grade = "" if figure["grade"] in ("", "P") else f" ({figure['grade']})"
    return f"{about}{write(figure['value'])}{grade}"


def cost_texts(cost: dict) -> list[str]:
    """Costs of a model, by the columns of :data:`COSTS`."""
    values = [(cost[key], write) for key, (_, write) in COSTS.items()]
    return ["–" if value is None else write(value) for value, write in values]


def published_costs(cost: dict) -> list[str]:
    """Costs that a paper states, by the columns of :data:`COSTS`."""
    return [stated(cost.get(key), write) for key, (_, write) in COSTS.items()]


def ranked_pairs(evaluation: dict) -> list[str]:
    """Pairs of emotions that occur in any corpus."""
    pairs = [
        pair_text(pair)
        for values in evaluation["corpora"].values()
        for pair in values.get("ranking", {}).get("pairs", ())
    ]
    return list(dict.fromkeys(pairs))


def ranking_texts(ranking: dict, pairs: Sequence[str]) -> list[str]:
    """AUC of pairs of emotions, a dash for those that a corpus lacks."""
    texts = {pair_text(pair): with_interval(pair, "auc") for pair in ranking["pairs"]}
    return [texts.get(pair, "–") for pair in pairs]
