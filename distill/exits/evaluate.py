"""Evaluate the exits of a model folder on a corpus: score and cost."""

import os
import time
from collections.abc import Mapping

import audeer
import numpy as np
from matplotlib.figure import Figure

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.clips import readable_clips
from audw2s.distill.exits.config import Config
from audw2s.distill.exits.data import read_classes
from audw2s.distill.exits.data import read_values
from audw2s.distill.exits.metrics import adaptive
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.metrics import score_with_interval
from audw2s.distill.exits.results import MARGINS
from audw2s.evaluation.plots import save
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.evaluation.tables import markdown_table
from audw2s.files import write_json
from audw2s.model.find import exits_of
from audw2s.model.find import sha256
from audw2s.model.load import load
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


def evaluate(
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
        for classes also a ``curve`` with score, layers and seconds by margin, where
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
        config = Config("", corpus, target, exits.labels)
        table, truth, _ = read_classes(table, config)
    else:
        table, truth = read_values(table, scale, f"'{corpus}'")
    depths = sorted(exits.files)
    models = [load(model, exit=depth) for depth in depths]
    logits, seconds, readable = [], [], []
    for number, clip in readable_clips(table, desc="Evaluate", verbose=verbose):
        readable.append(number)
        outputs, taken = zip(*(timed(one, clip) for one in models), strict=True)
        logits.append(outputs)
        seconds.append(taken)
    if not readable:
        raise ValueError(f"'{corpus}' has no clip that can be read.")
    table, truth = table.iloc[readable], truth[readable]
    outputs = np.stack(logits, axis=1)
    cost = np.median(seconds, axis=0)
    speakers = speaker_or_file(table)
    result = {
        "model": model,
        "corpus": os.path.basename(corpus),
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
        result["margin"] = exits.margin
        result["curve"] = curve(truth, outputs, np.array(depths), cost)
    write_json(result, os.path.join(audeer.mkdir(folder), "evaluation.json"))
    if exits.of_classes:
        save(plot(result), os.path.join(folder, "adaptive.png"))
    return result


def timed(model: object, clip: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits of a model for a clip, and the seconds they take."""
    start = time.perf_counter()
    values = model(clip[None], SAMPLING_RATE, outputs="logits")[0]
    return values, time.perf_counter() - start


def curve(
    truth: np.ndarray,
    outputs: np.ndarray,
    depths: np.ndarray,
    cost: np.ndarray,
) -> list[dict]:
    """Score and cost of adaptive exits by margin.

    Args:
        truth: class of each clip
        outputs: logits ``(num_exits, num_clips, classes)``
        depths: layer of each exit
        cost: seconds per clip up to each exit

    """
    points = []
    for margin in MARGINS:
        values, chosen = adaptive(outputs, margin)
        points.append(
            {
                "margin": round(float(margin), 3),
                "score": score(truth, values),
                "layers": float(depths[chosen].mean()),
                "seconds": float(cost[chosen].mean()),
            }
        )
    return points


def plot(result: dict) -> Figure:
    """Plot UAR over time of exits and of adaptive exits."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    points = result["curve"]
    times = [1000 * point["seconds"] for point in points]
    axes.plot(times, [100 * p["score"] for p in points], "o-", ms=3, label="auto")
    for depth, entry in result["exits"].items():
        place = 1000 * entry["seconds"], 100 * entry["score"]
        axes.plot(*place, "s", color="grey")
        axes.annotate(f"exit {depth}", place)
    axes.set(xlabel="ms a clip, one thread", ylabel="UAR in percent")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def to_markdown(result: dict) -> str:
    """Table of the exits, and of the adaptive exit at the model's margin."""
    is_uar = result["measure"] == "UAR"
    factor, digits = (100, 1) if is_uar else (1, 3)
    rows = []
    for depth, entry in result["exits"].items():
        texts = [
            f"{factor * entry[key]:.{digits}f}" for key in ("score", "low", "high")
        ]
        more = [] if is_uar else [f"{entry[name]:.3f}" for name in DIMENSIONS]
        interval = f"{texts[0]} [{texts[1]}, {texts[2]}]"
        rows.append([depth, interval, f"{1000 * entry['seconds']:.1f}", *more])
    header = ["exit", f"{result['measure']}, 95 % interval", "ms"]
    header += [] if is_uar else list(DIMENSIONS)
    if is_uar:
        nearest = min(
            result["curve"], key=lambda point: abs(point["margin"] - result["margin"])
        )
        name = f"auto({nearest['margin']:g})"
        rows.append(
            [name, f"{100 * nearest['score']:.1f}", f"{1000 * nearest['seconds']:.1f}"]
        )
    return markdown_table(header, rows)
