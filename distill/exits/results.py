"""Results of the trainings of a study."""

import json
import os
from collections.abc import Iterator

import numpy as np
import pandas as pd

from audw2s.distill.exits.metrics import adaptive
from audw2s.distill.exits.metrics import fused
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.metrics import score_of_resamples
from audw2s.distill.exits.metrics import score_with_interval
from audw2s.distill.exits.train import OUTCOME
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.model.registry import DIMENSIONS

PARTS = ("devel", "test")
"""Parts of the corpus that are evaluated."""

MARGINS = np.linspace(0, 1, 41)
"""Margins of the curves of adaptive exits."""


class Predictions:
    """Predictions of the exits of a training for a part of the corpus.

    Args:
        path: path of the table

    """

    def __init__(self, path: str):
        table = pd.read_parquet(path)
        depths = table["exit"].unique()
        parts = [table[table["exit"] == depth] for depth in depths]
        first = parts[0]
        self.depths = tuple(int(depth) for depth in depths)
        self.speakers = speaker_or_file(first)
        labels = list(first.columns[first.columns.get_loc("exit") + 1 :])
        self.labels = tuple(labels)
        self.logits = np.stack([part[labels].to_numpy() for part in parts])
        if "truth" in first:
            self.truth = first["truth"].map(labels.index).to_numpy()
        else:
            names = [f"reference_{name}" for name in DIMENSIONS]
            self.truth = first[names].to_numpy()

    @property
    def of_classes(self) -> bool:
        """Whether the outputs are classes, and not values."""
        return self.truth.ndim == 1

    def outputs(self) -> Iterator[tuple[str, np.ndarray]]:
        """Outputs by exit, and their fusion."""
        for depth, logits in zip(self.depths, self.logits, strict=True):
            yield str(depth), logits
        if self.of_classes and len(self.depths) > 1:
            yield "fusion", fused(self.logits)


def collect(folder: str) -> dict:
    """Read all finished trainings of a study.

    Args:
        folder: folder of the study

    Returns:
        for each corpus its ``methods`` and ``gains`` (see :func:`gains`). Of each
        method ``seeds``, ``parameters`` by exit, ``epochs``, and by exit (``fusion``
        among them) and part the ``scores`` of all seeds, their ``mean``, and ``low``
        and ``high`` end of the interval of all clips; on the test part of classes
        also a ``curve`` of adaptive exits

    Raises:
        FileNotFoundError: if no training is finished

    """
    corpora: dict[str, dict] = {}
    for corpus, method, seed, path in sorted(finished(folder)):
        corpora.setdefault(corpus, {}).setdefault(method, []).append((seed, path))
    if not corpora:
        raise FileNotFoundError(f"No finished training in '{folder}'.")
    return {
        corpus: {
            "methods": {method: summary(runs) for method, runs in methods.items()},
            "gains": gains(methods),
        }
        for corpus, methods in corpora.items()
    }


def finished(folder: str) -> Iterator[tuple[str, str, int, str]]:
    """Corpus, method, seed and path of the finished trainings of a study."""
    for corpus in os.listdir(folder) if os.path.isdir(folder) else ():
        place = os.path.join(folder, corpus)
        for name in os.listdir(place) if os.path.isdir(place) else ():
            method, _, seed = name.rpartition("-seed")
            path = os.path.join(place, name)
            if method and os.path.isfile(os.path.join(path, OUTCOME)):
                yield corpus, method, int(seed), path


def summary(runs: list[tuple[int, str]]) -> dict:
    """Results of a method over all seeds."""
    outcomes = []
    for _, path in runs:
        with open(os.path.join(path, OUTCOME), encoding="utf-8") as file:
            outcomes.append(json.load(file))
    predictions = {
        part: [Predictions(os.path.join(path, f"{part}.parquet")) for _, path in runs]
        for part in PARTS
    }
    exits = [name for name, _ in predictions["test"][0].outputs()]
    result = {
        "measure": "UAR" if predictions["test"][0].of_classes else "CCC",
        "seeds": [seed for seed, _ in runs],
        "epochs": [outcome["epoch"] for outcome in outcomes],
        "parameters": outcomes[0]["parameters"],
        "labels": outcomes[0]["labels"],
        "exits": {
            name: {part: over_seeds(predictions[part], k) for part in PARTS}
            for k, name in enumerate(exits)
        },
    }
    if "fusion" in exits:
        result["curve"] = curve(predictions["test"])
    return result


def gains(methods: dict[str, list[tuple[int, str]]]) -> list[dict]:
    """Gains of exits over plain fine-tuning cut at the same layer.

    Args:
        methods: seed and folder of the trainings of each method

    Returns:
        an entry for each self-distilled method and exit with a plain counterpart:
        the ``differences`` of their scores on the test part, by seed, their ``mean``,
        and ``low`` and ``high`` end of the interval of the difference on all clips,
        of which the same ones are score_of_resamples for both

    """
    found = []
    plain = {depth: runs for depth, runs in map(_plain, methods.items()) if depth}
    for method, runs in methods.items():
        if not method.startswith("distilled-"):
            continue
        for depth in _tests(runs)[runs[0][0]].depths:
            pairs = _pairs(runs, plain.get(depth, []), depth)
            if pairs:
                found.append({"method": method, "exit": depth, **_gain(pairs)})
    return found


def _tests(runs: list[tuple[int, str]]) -> dict[int, Predictions]:
    return {
        seed: Predictions(os.path.join(path, "test.parquet")) for seed, path in runs
    }


def _plain(entry: tuple[str, list]) -> tuple[int, list]:
    """Depth and trainings of plain fine-tuning; depth 0 for other methods."""
    method, runs = entry
    if not method.startswith("plain-"):
        return 0, runs
    return _tests(runs)[runs[0][0]].depths[-1], runs


def _pairs(runs: list, plain: list, depth: int) -> list[tuple]:
    """Truth, speakers and both outputs for each seed that both have."""
    ours, theirs = _tests(runs), _tests(plain)
    pairs = []
    for seed in sorted(set(ours) & set(theirs)):
        one, other = ours[seed], theirs[seed]
        outputs = one.logits[one.depths.index(depth)], other.logits[-1]
        pairs.append((one.truth, one.speakers, *outputs))
    return pairs


def _gain(pairs: list[tuple]) -> dict:
    differences = [
        score(truth, ours) - score(truth, theirs) for truth, _, ours, theirs in pairs
    ]
    parts = map(np.concatenate, zip(*pairs, strict=True))
    truth, speakers, ours, theirs = parts
    low, high = interval(
        score_of_resamples(truth, ours, speakers)
        - score_of_resamples(truth, theirs, speakers)
    )
    mean = float(np.mean(differences))
    return {"differences": differences, "mean": mean, "low": low, "high": high}


def over_seeds(predictions: list[Predictions], number: int) -> dict:
    """Scores of an exit on each seed's clips, and on all of them."""
    outputs = [list(one.outputs())[number][1] for one in predictions]
    scores = [
        score(one.truth, values)
        for one, values in zip(predictions, outputs, strict=True)
    ]
    pooled = score_with_interval(
        np.concatenate([one.truth for one in predictions]),
        np.concatenate(outputs),
        np.concatenate([one.speakers for one in predictions]),
    )
    pooled["pooled"] = pooled.pop("score")
    return {"scores": scores, "mean": float(np.mean(scores)), **pooled}


def curve(predictions: list[Predictions]) -> list[dict]:
    """Score and mean layer of adaptive exits, by margin; means over seeds."""
    points = []
    for margin in MARGINS:
        scores, layers = [], []
        for one in predictions:
            outputs, chosen = adaptive(one.logits, margin)
            scores.append(score(one.truth, outputs))
            layers.append(np.mean(np.array(one.depths)[chosen]))
        points.append(
            {
                "margin": round(float(margin), 3),
                "score": float(np.mean(scores)),
                "layers": float(np.mean(layers)),
            }
        )
    return points


def good_margin(predictions: Predictions, loss: float = 0.01) -> float:
    """Smallest margin whose loss of score is small on the development part.

    Args:
        predictions: predictions for the development part
        loss: allowed loss against the score of the deepest exit

    """
    wanted = score(predictions.truth, predictions.logits[-1]) - loss
    for margin in MARGINS:
        if score(predictions.truth, adaptive(predictions.logits, margin)[0]) >= wanted:
            return float(margin)
    return 1.0
