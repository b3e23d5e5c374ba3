"""Results of the trainings of a study."""

import dataclasses
import functools
import os
import pathlib
from itertools import groupby
from operator import attrgetter

import numpy as np
import pandas as pd

from audw2s.distill.exits.metrics import adaptive_curve
from audw2s.distill.exits.metrics import fused
from audw2s.distill.exits.metrics import score
from audw2s.distill.exits.metrics import score_of_resamples
from audw2s.distill.exits.metrics import score_with_interval
from audw2s.distill.exits.train import OUTCOME
from audw2s.distill.teachers.checkpoint import read_json
from audw2s.evaluation.intervals import interval
from audw2s.evaluation.speakers import speaker_or_file
from audw2s.model.registry import DIMENSIONS

PARTS = ("devel", "test")
"""Parts of the corpus that are evaluated."""

FUSION = "fusion"
"""Fusion of the students' exits, as in the paper."""

FUSION_WITH_DEEPEST = "fusion with deepest (ours)"
"""Fusion of all exits, which the paper doesn't have."""


class Predictions:
    """Predictions of the exits of a training for a part of the corpus.

    Args:
        path: path of the table

    """

    def __init__(self, path: str):
        table = pd.read_parquet(path)
        self.depths: tuple[int, ...] = tuple(table["exit"].unique().tolist())
        parts = [table[table["exit"] == depth] for depth in self.depths]
        first = parts[0]
        columns = list(table)
        labels = columns[columns.index("exit") + 1 :]
        self.speakers = speaker_or_file(first)
        self.labels = tuple(labels)
        self.logits = np.stack([part[labels].to_numpy() for part in parts])
        self.of_classes = "truth" in table
        """Whether the outputs are classes, and not values."""
        columns = [f"reference_{name}" for name in DIMENSIONS]
        truth = first["truth"].map(labels.index) if self.of_classes else first[columns]
        self.truth: np.ndarray = truth.to_numpy()
        self.outputs = dict(zip(map(str, self.depths), self.logits, strict=True))
        """Outputs by exit, and their fusions."""
        if self.of_classes and len(self.depths) > 2:
            self.outputs[FUSION] = fused(self.logits[:-1])
            self.outputs[FUSION_WITH_DEEPEST] = fused(self.logits)


@dataclasses.dataclass(frozen=True, order=True)
class Run:
    """A finished training of a study."""

    corpus: str
    method: str
    seed: int
    folder: str

    @functools.cached_property
    def outcome(self) -> dict:
        """Content of ``outcome.json``."""
        return read_json(os.path.join(self.folder, OUTCOME))

    @functools.cached_property
    def predictions(self) -> dict[str, Predictions]:
        """Predictions by part of the corpus."""
        paths = {part: os.path.join(self.folder, f"{part}.parquet") for part in PARTS}
        return {part: Predictions(path) for part, path in paths.items()}


def collect(folder: str, fuse_deepest: bool = False) -> dict:
    """Read all finished trainings of a study.

    Args:
        folder: folder of the study
        fuse_deepest: whether the fusion of all exits is a result as well; the paper's
            is without the deepest

    Returns:
        for each corpus its ``methods`` and ``gains`` (see :func:`gains`). Of each
        method ``seeds``, ``parameters`` by exit, ``epochs``, ``block``,
        ``similarity`` and ``compared``, and by exit (``fusion`` among them) and part
        the ``scores`` of all seeds, their ``mean``, and ``low`` and ``high`` end of the
        interval of all clips; on the test part of classes also a ``curve`` of adaptive
        exits

    Raises:
        FileNotFoundError: if no training is finished

    """
    runs = finished(folder)
    if not runs:
        raise FileNotFoundError(f"No finished training in '{folder}'.")
    results = {}
    for corpus, of_corpus in grouped(runs, "corpus").items():
        methods = grouped(of_corpus, "method").items()
        summaries = {name: summary(part, fuse_deepest) for name, part in methods}
        results[corpus] = {"methods": summaries, "gains": gains(of_corpus)}
    return results


def finished(folder: str) -> list[Run]:
    """Finished trainings of a study."""
    runs = []
    for path in pathlib.Path(folder).glob(f"*/*-seed*/{OUTCOME}"):
        method, _, seed = path.parent.name.rpartition("-seed")
        corpus = path.parents[1].name
        runs.append(Run(corpus, method, int(seed), str(path.parent)))
    return sorted(runs)


def grouped(runs: list[Run], key: str) -> dict[str, list[Run]]:
    """Trainings by one of their attributes, by which they are sorted."""
    return {name: list(of_name) for name, of_name in groupby(runs, attrgetter(key))}


def summary(runs: list[Run], fuse_deepest: bool = False) -> dict:
    """Results of a method over all seeds, see :func:`collect`."""
    by_part = {part: [run.predictions[part] for run in runs] for part in PARTS}
    tests, outcome = by_part["test"], runs[0].outcome
    result = {
        "measure": "UAR" if tests[0].of_classes else "CCC",
        "seeds": [run.seed for run in runs],
        "epochs": [run.outcome["epoch"] for run in runs],
        "parameters": outcome["parameters"],
        "labels": outcome["labels"],
        **{key: outcome["config"][key] for key in ("block", "similarity", "compared")},
        "exits": {
            name: {part: over_seeds(by_part[part], name) for part in PARTS}
            for name in tests[0].outputs
            if fuse_deepest or name != FUSION_WITH_DEEPEST
        },
    }
    if tests[0].of_classes and len(tests[0].depths) > 1:
        curves = [adaptive_curve(p.truth, p.logits, layers=p.depths) for p in tests]
        points = pd.concat(map(pd.DataFrame, curves)).groupby("margin").mean()
        result["curve"] = points.reset_index().to_dict("records")
    return result


def over_seeds(predictions: list[Predictions], name: str) -> dict:
    """Scores of an exit on each seed's clips, and on all of them."""
    scores = [score(p.truth, p.outputs[name]) for p in predictions]
    truth, speakers = _pooled(predictions)
    outputs = np.concatenate([p.outputs[name] for p in predictions])
    pooled = score_with_interval(truth, outputs, speakers)
    pooled["pooled"] = pooled.pop("score")
    return {"scores": scores, "mean": float(np.mean(scores)), **pooled}


def _pooled(predictions: list[Predictions]) -> tuple[np.ndarray, np.ndarray]:
    """Truth and speakers of the clips of all seeds."""
    truth = np.concatenate([p.truth for p in predictions])
    return truth, np.concatenate([p.speakers for p in predictions])


def gains(runs: list[Run]) -> list[dict]:
    """Gains of exits over plain fine-tuning cut at the same layer.

    Args:
        runs: trainings on a corpus

    Returns:
        an entry for each self-distilled method and exit with a plain counterpart:
        the ``differences`` of their scores on the test part, by seed, their ``mean``,
        and ``low`` and ``high`` end of the interval of the difference on all clips,
        of which the same ones are drawn for both

    """
    tests = {run: run.predictions["test"] for run in runs}
    plain = {
        (test.depths[-1], run.seed): test.logits[-1]
        for run, test in tests.items()
        if run.method.startswith("plain-")
    }
    entries = []
    for method, of_method in grouped(runs, "method").items():
        depths = tests[of_method[0]].depths
        for depth in depths if method.startswith("distilled-") else ():
            both = [run for run in of_method if (depth, run.seed) in plain]
            if both:
                baseline = [plain[depth, run.seed] for run in both]
                gain = _gain([tests[run] for run in both], str(depth), baseline)
                entries.append({"method": method, "exit": depth, **gain})
    return entries


def _gain(
    predictions: list[Predictions], name: str, baseline: list[np.ndarray]
) -> dict:
    outputs = [p.outputs[name] for p in predictions]
    differences = [
        score(p.truth, ours) - score(p.truth, theirs)
        for p, ours, theirs in zip(predictions, outputs, baseline, strict=True)
    ]
    truth, speakers = _pooled(predictions)
    ours, theirs = (
        score_of_resamples(truth, np.concatenate(values), speakers)
        for values in (outputs, baseline)
    )
    low, high = interval(ours - theirs)
    mean = float(np.mean(differences))
    return {"differences": differences, "mean": mean, "low": low, "high": high}
