"""A comparison of models as Markdown, for papers and terminals."""

from collections.abc import Callable
from collections.abc import Iterator

from audw2s.catalogue import DIMENSIONS
from audw2s.evaluation.card import clips_text
from audw2s.evaluation.card import with_pooled
from audw2s.evaluation.papers import GRADES
from audw2s.evaluation.speakers import clips_and_speakers
from audw2s.evaluation.tables import markdown_table
from audw2s.evaluation.tables import number

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
        a table of agreement, of models of one name and of groups if there are any,
        of costs, and notes

    """
    sections = {
        f"Agreement with {result['against']}": markdown_table(
            ["from", "model", "corpus", "clips", *DIMENSIONS], agreement_rows(result)
        ),
    }
    if result["spread"]:
        sections["Models of one name, mean ± standard deviation"] = markdown_table(
            ["model", "models", "corpus", *DIMENSIONS], spread_rows(result)
        )
    sections["Cost for 5 s, on one thread"] = markdown_table(
        ["from", "model", *(name for name, _ in COSTS.values())], cost_rows(result)
    )
    groups = list(group_rows(result))
    if groups:
        header = ["model", "corpus", "group", "clips", "measure", *DIMENSIONS]
        sections["Groups"] = markdown_table(header, groups)
    sections["Notes"] = "\n".join(f"- {note}" for note in notes(result))
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())


def agreement_rows(result: dict) -> Iterator[list[str]]:
    """CCC of each model on each corpus, then of people, then of papers."""
    for entry in result["models"]:
        evaluation = entry["evaluation"]
        for corpus, values in with_pooled(evaluation):
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
        texts = [f"{value['mean']:.3f} ± {value['std']:.3f}" for value in values]
        yield [entry["model"], str(entry["num_models"]), entry["corpus"], *texts]


def _corpus_text(entry: dict, corpus: str) -> str:
    """Name of a corpus; what a model was fitted to says nothing of other speech."""
    return f"{corpus}, **fitted to it**" if corpus in entry["fitted_to"] else corpus


def _ccc_texts(values: dict, itself: bool) -> list[str]:
    if itself:
        return ["itself"] * len(DIMENSIONS)
    return [_interval(values[name], "ccc", "low", "high") for name in DIMENSIONS]


def _interval(values: dict | None, key: str, low: str, high: str, sign="") -> str:
    if values is None:
        return "–"
    # z: never "-0.00"
    value, low, high = (f"{values[k]:{sign}z.2f}" for k in (key, low, high))
    return f"{value} [{low}, {high}]"


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


def group_rows(result: dict) -> Iterator[list[str]]:
    """Bias and CCC of each group, but of the model that others are compared with."""
    for entry in result["models"]:
        if entry["sha256"] == result["against_sha256"]:
            continue
        for group in entry["groups"]:
            name = f"{group['column']} {group['group']}"
            count = str(group["num_clips"])
            if "num_speakers" in group:
                count = clips_and_speakers(group)
            values = [group[name] for name in DIMENSIONS]
            yield [
                *(entry["model"], _corpus_text(entry, group["corpus"]), name),
                *(count, "bias"),
                *(_interval(v, "bias", "bias_low", "bias_high", "+") for v in values),
            ]
            yield [
                *("", "", "", "", "CCC"),
                *(_interval(v, "ccc", "low", "high") for v in values),
            ]


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
