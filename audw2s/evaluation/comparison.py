"""A comparison of models as Markdown, for papers and terminals."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial

from audw2s.evaluation.card import clips_text
from audw2s.evaluation.card import distribution
from audw2s.evaluation.card import group_rows
from audw2s.evaluation.card import pair_text
from audw2s.evaluation.card import tenth_rows
from audw2s.evaluation.card import with_interval
from audw2s.evaluation.card import with_pooled
from audw2s.evaluation.papers import GRADES
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number
from audw2s.model.registry import DIMENSIONS

MEASURED = "measured"
"""Where the figures of a row are from, if not from a paper."""


def size_text(num_bytes: float) -> str:
    """Bytes in words.

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
"""Keys of costs, how a column is called and its values are written."""


def to_markdown(result: dict) -> str:
    """Render a comparison.

    Args:
        result: see :func:`audw2s.distill.compare.compare`

    Returns:
        tables of agreement, models of one name, ranking of emotions, distributions,
        costs, groups, and errors by tenth, of which those without rows are left out,
        and notes

    """
    pairs = ranked_pairs(result)
    against, group = result["against"], ["corpus", "group"]
    tables = (
        (
            f"Agreement with {against}",
            ["from", "model", "corpus", "clips", *DIMENSIONS],
            agreement_rows(result),
        ),
        (
            "Models of one name, mean ± std over models",
            ["model", "models", "corpus", *DIMENSIONS],
            spread_rows(result),
        ),
        (
            "Ranking of emotions, AUC with its 95 % interval",
            ["model", "corpus", "clips", "interval over", *pairs],
            ranking_rows(result, pairs),
        ),
        (
            f"Distribution of predictions beside {against}",
            ["model", "corpus", "measure", *DIMENSIONS],
            distribution_rows(result),
        ),
        (
            "Cost for 5 s, on one thread",
            ["from", "model", *(name for name, _ in COSTS.values())],
            cost_rows(result),
        ),
        (
            "CCC of groups and speakers",
            ["model", *group, "clips", *DIMENSIONS],
            _ccc_rows(result),
        ),
        ("Bias of groups", ["model", *group, *DIMENSIONS], bias_rows(result)),
        (
            f"Error by tenth of the rating of {against}: mean absolute, bias",
            ["model", "corpus", "tenth", "clips", *DIMENSIONS],
            _tenth_rows(result),
        ),
    )
    sections = {
        title: markdown_table(header, rows)
        for title, header, rows in ((t, h, list(rows)) for t, h, rows in tables)
        if rows
    }
    sections["Notes"] = "\n".join(f"- {note}" for note in notes(result))
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())


def agreement_rows(result: dict) -> Iterator[list[str]]:
    """CCC of each model on each corpus, then of people, then of papers."""
    for entry in result["models"]:
        evaluation = entry["evaluation"]
        for corpus, values in with_pooled(evaluation):
            if not _is_rated(values):
                continue
            yield [
                MEASURED,
                entry["model"],
                _corpus_text(entry, corpus),
                clips_text(values),
                *_ccc_texts(values, evaluation["sha256"] == result["against_sha256"]),
            ]
    for corpus, raters in result["raters"].items():
        texts = [", ".join(number(r[name]) for r in raters) for name in DIMENSIONS]
        yield [MEASURED, "one rater against the others", corpus, "", *texts]
    for paper in result["papers"]:
        for corpus, figures in paper["accuracy"].items():
            texts = [stated(figures[name], _as_stated) for name in DIMENSIONS]
            yield [_source(paper), paper["model"], corpus, "", *texts]


def spread_rows(result: dict) -> Iterator[list[str]]:
    """CCC of models of one name, such as seeds of a training."""
    for entry in result["spread"]:
        values = [entry[name] for name in DIMENSIONS]
        texts = [f"{v['mean']:.3f} ± {v['std']:.3f}" if v else "–" for v in values]
        yield [entry["model"], str(entry["num_models"]), entry["corpus"], *texts]


def _corpus_text(entry: dict, corpus: str) -> str:
    """Name of a corpus; what a model was fitted to says nothing of other speech."""
    return f"{corpus}, **fitted to it**" if corpus in entry["fitted_to"] else corpus


def _ccc_texts(values: dict, itself: bool) -> list[str]:
    if itself:
        return ["itself"] * len(DIMENSIONS)
    return [with_interval(values[name], "ccc") for name in DIMENSIONS]


def _as_stated(value: float) -> str:
    """Write a CCC with the digits that were published, two at least."""
    return max(f"{value:.2f}", f"{value:g}", key=len)


def _source(paper: dict) -> str:
    return f"paper: {paper['source']}"


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


def cost_rows(result: dict) -> Iterator[list[str]]:
    """What each model costs here, then in papers."""
    for entry in result["models"]:
        costs = [(entry["cost"][key], write) for key, (_, write) in COSTS.items()]
        texts = ["–" if value is None else write(value) for value, write in costs]
        yield [MEASURED, entry["model"], *texts]
    for paper in result["papers"]:
        if paper["cost"]:
            figures = [
                stated(paper["cost"].get(key), write)
                for key, (_, write) in COSTS.items()
            ]
            yield [_source(paper), paper["model"], *figures]


def distribution_rows(result: dict) -> Iterator[list[str]]:
    """How predictions lie beside references, on each corpus."""
    for entry in _judged(result):
        for corpus, values in with_pooled(entry["evaluation"]):
            for measure, texts in distribution(values).items():
                yield [entry["model"], _corpus_text(entry, corpus), measure, *texts]


def ranking_rows(result: dict, pairs: Sequence[str]) -> Iterator[list[str]]:
    """AUC of each pair of emotions, on each corpus that has some."""
    for entry in result["models"]:
        for corpus, values in entry["evaluation"]["corpora"].items():
            if ranking := values.get("ranking"):
                texts = {
                    pair_text(p): with_interval(p, "auc") for p in ranking["pairs"]
                }
                yield [
                    *(entry["model"], _corpus_text(entry, corpus)),
                    *(clips_text(values), ranking["resampled"]),
                    *(texts.get(pair, "–") for pair in pairs),
                ]


def ranked_pairs(result: dict) -> list[str]:
    """Pairs of emotions that occur in any corpus."""
    corpora = result["models"][0]["evaluation"]["corpora"].values()
    pairs = [
        p for values in corpora for p in values.get("ranking", {}).get("pairs", ())
    ]
    return list(dict.fromkeys(map(pair_text, pairs)))


def bias_rows(result: dict) -> Iterator[list[str]]:
    """Bias of each group."""
    for entry in _judged(result):
        for group in entry["evaluation"]["groups"]:
            yield [
                *(entry["model"], _corpus_text(entry, group["corpus"])),
                f"{group['column']} {group['group']}",
                *(with_interval(group[name], "bias", "+") for name in DIMENSIONS),
            ]


def _ccc_rows(result: dict) -> Iterator[list[str]]:
    for entry in _judged(result):
        for row in group_rows(entry["evaluation"], partial(_corpus_text, entry)):
            yield [entry["model"], *row]


def _tenth_rows(result: dict) -> Iterator[list[str]]:
    for entry in _judged(result):
        for row in tenth_rows(entry["evaluation"], partial(_corpus_text, entry)):
            yield [entry["model"], *row]


def _judged(result: dict) -> Iterator[dict]:
    """Each model but the one that others are compared with."""
    for entry in result["models"]:
        if entry["sha256"] != result["against_sha256"]:
            yield entry


def _is_rated(values: dict) -> bool:
    return any(values[name] for name in DIMENSIONS)


def notes(result: dict) -> Iterator[str]:
    """By what the numbers were made, and what they don't say."""
    yield from _fit_notes(result)
    yield (
        f"Intervals: {result['confidence']:.0%} of {result['num_resamples']} bootstrap "
        f"resamples (seed {result['seed']}) of speakers, of files where they "
        "aren't known, of clips where there are fewer than five of either. Bias: mean "
        "of prediction minus reference, on a scale of 0…1."
    )
    yield from _machine_notes(result)
    for entry in result["models"]:
        yield f"{entry['model']}: sha256 {entry['sha256']}."
    if result["against_sha256"]:
        yield f"{result['against']} (reference): sha256 {result['against_sha256']}."
    if result["papers"]:
        grades = "; ".join(f"({k}): {v}" for k, v in GRADES.items() if k != "P")
        yield (
            "Rows of papers: other corpora with human ratings, other machines; not "
            f"measured here. {grades}; ≈: about."
        )
    for paper in result["papers"]:
        if paper["remark"]:
            yield f"{paper['model']} ({paper['source']}): {paper['remark']}."


def _fit_notes(result: dict) -> Iterator[str]:
    for entry in result["models"]:
        corpora = entry["evaluation"]["corpora"]
        for corpus in sorted(entry["fitted_to"].keys() & corpora):
            yield (
                f"{entry['model']} was fitted to {corpus}: its row tells how well it "
                "knows these clips, not how well it does on others."
            )
            folds = entry["fitted_to"][corpus]
            if folds:
                cccs = " / ".join(number(folds[name]) for name in DIMENSIONS)
                yield (
                    f"CCC of {entry['model']} with people on folds of {corpus} by "
                    f"speaker that it hadn't heard: {cccs}."
                )
    yield "Not checked: whether the models were trained on clips of these corpora."


def _machine_notes(result: dict) -> Iterator[str]:
    machine = result["machine"]
    load, cores = machine["load_average"], machine["num_cores"]
    where = f"{machine['cpu']}, {cores} cores"
    if load is not None:
        where += f", load average {load:.1f}"
    yield (
        f"Measured on {where}; audw2s {machine['audw2s']}, onnxruntime "
        f"{machine['onnxruntime']}, Python {machine['python']}, {machine['system']}."
    )
    text = (
        f"Latency: median of {result['num_rounds']} rounds in which all models took "
        "turns, warm; CPU time: the same without waiting for a core; relative: latency "
        "as a multiple of the first model's, median over rounds."
    )
    if load is not None and load >= cores:
        text += " **The machine was busy**: rely on CPU time and the relative latency."
    yield text
    yield (
        "Peak RAM: of a whole fresh process, Python and libraries included; without "
        f"a model it takes {size_text(machine['bytes_without_a_model'])}."
    )
    yield (
        "GMAC: convolutions and matrix products of the ONNX graph, its front end "
        "included. Parameters: values in that graph, so batch normalisations that "
        "were folded into convolutions don't count."
    )
