"""Compare models: agreement, groups, speakers and costs."""

import contextlib
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from audw2s.corpus.evaluate import evaluate
from audw2s.corpus.evaluate import read_corpora
from audw2s.corpus.evaluate import values_of
from audw2s.evaluation.agreement import HUMANS
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.card import measured
from audw2s.evaluation.comparison import spread
from audw2s.evaluation.comparison import to_markdown
from audw2s.evaluation.cost import NUM_ROUNDS
from audw2s.evaluation.cost import costs
from audw2s.evaluation.cost import peak_ram
from audw2s.evaluation.groups import by_duration
from audw2s.evaluation.groups import duration_edges
from audw2s.evaluation.papers import papers as published
from audw2s.evaluation.plots import PICTURES
from audw2s.evaluation.plots import save
from audw2s.evaluation.processor import processor
from audw2s.files import write_json
from audw2s.files import write_text
from audw2s.inference.network import Network
from audw2s.model.find import members
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__

SETTINGS = ("against", "against_sha256", "confidence", "num_resamples", "seed")
"""Keys of an evaluation that are the same for all models."""


def compare(
    models: Sequence[str],
    corpora: Sequence[str],
    *,
    against: str = HUMANS,
    scale: tuple[float, float] | None = None,
    columns: Mapping[str, str] | None = None,
    groups: Sequence[str] | None = None,
    papers: bool = True,
    store: str | None = None,
    num_rounds: int = NUM_ROUNDS,
    num_workers: int = 1,
    verbose: bool = True,
) -> dict:
    """Compare models on whole clips of corpora, and what they cost.

    Args:
        models: names or folders, see :func:`audw2s.load`
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        against: see :func:`audw2s.corpus.evaluate.evaluate`
        scale: see :func:`audw2s.corpus.evaluate.evaluate`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        groups: see :func:`audw2s.corpus.evaluate.evaluate`
        papers: whether to add the figures of papers
        store: folder in which the predictions of each model are stored, so that
            another run resumes; ``None`` to store nothing
        num_rounds: see :func:`audw2s.evaluation.cost.latencies`
        num_workers: threads that process clips; costs are those of one
        verbose: show a progress bar per model and corpus

    Returns:
        comparison, which can be stored as JSON: settings and machine; ``raters``: by
        corpus, agreement of single raters with the mean of the others; ``papers``, see
        :func:`audw2s.evaluation.papers.papers`; and for each of the ``models`` its
        ``evaluation``, ``cost`` (see :func:`audw2s.evaluation.cost.costs`),
        :func:`fitted_to`, and ``durations``, see
        :func:`audw2s.evaluation.groups.by_duration`;
        ``spread`` over models of one name, see
        :func:`audw2s.evaluation.comparison.spread`

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if there is no such model, one is given twice, no corpus has
            such a column, or see :func:`audw2s.corpus.evaluate.evaluate`
        ChildProcessError: see :func:`audw2s.evaluation.cost.peak_ram`

    """
    tables = read_corpora(corpora, columns)
    names = name_models(models)
    settings: dict[str, Any] = {"scale": scale, "groups": groups}
    with _folder(store) as folder:
        values = partial(
            values_of, store=folder, num_workers=num_workers, verbose=verbose
        )
        judge = None if against == HUMANS else values(against)
        results = [evaluate(values(m), tables, judge=judge, **settings) for m in models]
    spent = costs(models, num_rounds)
    first, clips = results[0]
    edges = duration_edges(clips)
    entries = [
        {
            "model": name,
            "sha256": evaluation["sha256"],
            "fitted_to": fitted_to(model),
            "cost": cost,
            "evaluation": evaluation,
            "durations": by_duration(clips, edges),
        }
        for model, name, cost, (evaluation, clips) in zip(
            models, names, spent, results, strict=True
        )
    ]
    return {
        **{key: first[key] for key in SETTINGS},
        "num_rounds": num_rounds,
        "machine": machine(),
        "models": entries,
        "spread": spread([evaluation for evaluation, _ in results]),
        "raters": {k: v[RATERS] for k, v in first["corpora"].items() if v.get(RATERS)},
        "papers": published() if papers else [],
    }


def write_comparison(result: dict, folder: str) -> None:
    """Write a comparison as JSON, as Markdown, and as pictures.

    Args:
        result: see :func:`compare`
        folder: folder of the files, made if it isn't there

    """
    os.makedirs(folder, exist_ok=True)
    write_json(result, os.path.join(folder, "comparison.json"))
    write_text(f"{to_markdown(result)}\n", os.path.join(folder, "comparison.md"))
    for name, draw in PICTURES.items():
        figure = draw(result)
        if figure is not None:
            save(figure, os.path.join(folder, name))


def name_models(models: Sequence[str]) -> list[str]:
    """Unique names of models; models of the same name have their sha256 added.

    Raises:
        ValueError: if there is no such model, or one is given twice

    Examples:
        >>> name_models(["whisper-tiny-adv", "wav2small"])
        ['whisper-tiny-adv', 'wav2small']

    """
    if not models:
        raise ValueError("There is no model to compare.")
    networks = [Network(model) for model in models]
    hashes = Counter(network.sha256 for network in networks)
    names = Counter(network.name for network in networks)
    twice = [network.name for network in networks if hashes[network.sha256] > 1]
    if twice:
        raise ValueError(f"'{twice[0]}' is given twice; compare each model once.")
    return [
        f"{network.name} ({network.sha256[:8]})"
        if names[network.name] > 1
        else network.name
        for network in networks
    ]


def _folder(store: str | None) -> contextlib.AbstractContextManager[str]:
    """Folder of the store, or a temporary one."""
    return contextlib.nullcontext(store) if store else tempfile.TemporaryDirectory()


def fitted_to(model: str) -> dict[str, dict[str, float] | None]:
    """Corpora that a model was fitted to, read from the evaluations of its file.

    Corpora are identified by name: a renamed corpus is a different one.

    Args:
        model: name or folder

    Returns:
        CCC of each dimension on speakers outside the training, by corpus;
        ``None`` for a mean one of whose members was fitted to it

    Examples:
        >>> list(fitted_to("whisper-tiny-adv")), list(fitted_to("wav2small"))
        (['emotale'], ['emotale'])
        >>> fitted_to("mean(wav2small, whisper-tiny-adv)")
        {'emotale': None}

    """
    if parts := members(model):
        return {corpus: None for part in parts for corpus in fitted_to(part)}
    return {
        corpus: {name: result[name]["ccc"] for name in DIMENSIONS}
        for evaluation in measured(model)
        for corpus, result in evaluation["corpora"].items()
        if "folds" in result or result.get("learnt_in_part")
    }


def machine() -> dict[str, object]:
    """Machine on which costs were measured; its load shows whether it was busy."""
    libraries = ("onnxruntime", "onnx", "numpy", "audonnx")
    return {
        "cpu": processor(),
        "num_cores": os.cpu_count(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "bytes_without_a_model": peak_ram(None),
        "system": platform.platform(),
        "python": platform.python_version(),
        "audw2s": __version__,
        **{library: version(library) for library in libraries},
    }
