"""Evaluate the exits of a model folder on a corpus: score and cost."""

import os
import time
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import audeer
import audonnx
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.clips import readable_clips
from audw2s.distill.exits.data import read_classes
from audw2s.distill.exits.data import read_values
from audw2s.distill.exits.metrics import adaptive_curve
from audw2s.distill.exits.metrics import as_text
from audw2s.distill.exits.metrics import score_with_interval
from audw2s.distill.exits.tables import plot_adaptive
from audw2s.distill.exits.tables import with_interval
from audw2s.evaluation.plots import save
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.tables import markdown_table
from audw2s.files import write_json
from audw2s.model.find import exits_of
from audw2s.model.find import sha256
from audw2s.model.load import load
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


def evaluate_exits(
    model: str,
    corpus: str,
    folder: str,
    target: str = "emotion",
    *,
    scale: tuple[float, float] | None = None,
    columns: Mapping[str, str] | None = None,
    verbose: bool = True,
) -> dict:
    """Evaluate each exit, and adaptive exits at many margins.

    Args:
        model: folder with exits
        corpus: see :func:`audw2s.corpus.lists.corpus.read_corpus`; clips of classes
            that the model doesn't know are left out
        folder: folder for ``evaluation.json`` and, of classes, ``adaptive.png``
        target: column of the classes, or ``"dimensions"``
        scale: scale of ratings, see :func:`audw2s.corpus.lists.ratings.rating_scale`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        verbose: show a progress bar

    Returns:
        score with its interval and median ``seconds`` of a clip on one thread by exit;
        for classes also those ``missing`` in the corpus, without which UAR is the mean
        of the others, and a ``curve`` with score, layers and seconds by margin, where
        only the layers that ran for a clip count

    Raises:
        FileNotFoundError: if the corpus isn't there
        ValueError: if the folder has no exits, or the corpus no labels

    """
    exits = exits_of(model)
    if exits is None:
        raise ValueError(f"The model '{model}' has no exits.")
    if exits.of_classes == (target == "dimensions"):
        kind = "classes" if exits.of_classes else "values"
        raise ValueError(f"'{model}' gives {kind}, which '{target}' isn't.")
    table = read_corpus(corpus, columns)
    if exits.of_classes:
        table, _ = read_classes(table, target, exits.labels, f"'{corpus}'", every=False)
    else:
        table = read_values(table, scale, f"'{corpus}'")
    depths = sorted(exits.files)
    models = [load(model, exit=depth) for depth in depths]
    table, outputs, cost = predict_exits(models, table, verbose=verbose)
    truth, speakers = np.stack(table["truth"].to_list()), speaker_or_file(table)
    result: dict[str, Any] = {
        "model": model,
        "corpus": os.path.basename(os.path.normpath(corpus)),
        "version": __version__,
        "measure": "UAR" if exits.of_classes else "CCC",
        "exits": {
            str(depth): {
                **score_with_interval(truth, values, speakers),
                "seconds": float(taken),
                "sha256": sha256(exits.file(depth).path),
            }
            for depth, values, taken in zip(depths, outputs, cost, strict=True)
        },
    }
    if exits.of_classes:
        costs = {"layers": depths, "seconds": cost.tolist()}
        result |= {
            "missing": [k for n, k in enumerate(exits.labels) if n not in truth],
            "margin": exits.margin,
            "curve": adaptive_curve(truth, outputs, **costs),
        }
        save(plot_seconds(result), os.path.join(audeer.mkdir(folder), "adaptive.png"))
    write_json(result, os.path.join(audeer.mkdir(folder), "evaluation.json"))
    return result


def predict_exits(
    models: Sequence[audonnx.Model], table: pd.DataFrame, *, verbose: bool
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Predict clips by each exit.

    Args:
        models: model of each exit
        table: clips
        verbose: show a progress bar

    Returns:
        clips that can be read, logits ``(num_exits, num_clips, num_outputs)``, and the
        median of the seconds that each exit takes

    Raises:
        ValueError: if no clip can be read

    """
    logits, seconds, readable = [], [], []
    for number, clip in readable_clips(table, desc="Evaluate", verbose=verbose):
        readable.append(number)
        outputs, taken = zip(*(timed(one, clip) for one in models), strict=True)
        logits.append(outputs)
        seconds.append(taken)
    if not readable:
        raise ValueError("The corpus has no clip that can be read.")
    return table.iloc[readable], np.stack(logits, axis=1), np.median(seconds, axis=0)


def timed(model: audonnx.Model, clip: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits of a model for a clip, and the seconds they take."""
    start = time.perf_counter()
    values = model(clip[None], SAMPLING_RATE, outputs="logits")[0]
    return values, time.perf_counter() - start


def plot_seconds(result: dict) -> Figure:
    """Plot UAR over time of exits and of adaptive exits."""
    exits = result["exits"].items()
    points = {f"exit {depth}": (one["seconds"], one["score"]) for depth, one in exits}
    label = "seconds per clip, one thread"
    return plot_adaptive({"auto": result["curve"]}, points, "seconds", label)


def to_markdown(result: dict) -> str:
    """Table of the exits, and of the adaptive exit at the model's margin."""
    measure = result["measure"]
    names = () if measure == "UAR" else DIMENSIONS
    rows = []
    for depth, entry in result["exits"].items():
        row = [depth, with_interval(entry, "score", measure), as_ms(entry)]
        rows.append([*row, *(as_text(entry[name], measure) for name in names)])
    if measure == "UAR":
        margin = result["margin"]
        point = min(result["curve"], key=lambda point: abs(point["margin"] - margin))
        score = as_text(point["score"], measure)
        rows.append([f"auto({point['margin']:g})", score, as_ms(point)])
    text = markdown_table(["exit", f"{measure}, 95 % interval", "ms", *names], rows)
    if missing := result.get("missing"):
        text += f"\n\nThe corpus has no clips of {', '.join(missing)}."
    return text


def as_ms(entry: dict) -> str:
    """Write the seconds of a clip in ms."""
    return f"{1000 * entry['seconds']:.1f}"
