"""Evaluate students of folds, each on the speakers that its training held out."""

import os
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.corpus.clips import ModelValues
from audw2s.corpus.evaluate import agreement_of_raters
from audw2s.corpus.evaluate import join_references
from audw2s.corpus.evaluate import rated
from audw2s.corpus.evaluate import read_corpora
from audw2s.corpus.evaluate import scale_of
from audw2s.distill.disjoint import not_learnt
from audw2s.distill.export import export_student
from audw2s.evaluation.assessment import assess_folds
from audw2s.inference.pipeline import Predictor


def evaluate_folds(
    runs: Sequence[str],
    corpus: str,
    *,
    scale: tuple[float, float] | None = None,
    columns: Mapping[str, str] | None = None,
    num_workers: int = 1,
    verbose: bool = True,
) -> dict:
    """Evaluate a recipe on the corpus of its trainings, by folds of speakers.

    Args:
        runs: folders of trainings with different ``held_out_speakers``, which together
            hold out every speaker of the corpus once
        corpus: path, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        scale: see :func:`audw2s.corpus.evaluate.evaluate`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        num_workers: threads, each with a session of one thread
        verbose: show progress bars

    Returns:
        see :func:`audw2s.evaluation.assessment.assess_folds`

    Raises:
        FileNotFoundError: if the corpus or a training isn't there
        ValueError: if a speaker is held out by none of the trainings, or by several

    """
    ((name, table),) = read_corpora([corpus], columns).items()
    configs = [os.path.join(run, "config.json") for run in runs]
    folds = [not_learnt(table, config) for config in configs]
    counts = np.sum(folds, axis=0)
    if wrong := sorted(set(table["speaker"][counts != 1].astype(str))):
        raise ValueError(
            f"Each speaker of '{corpus}' has to be held out by one of {len(runs)} "
            f"trainings; which isn't true for {', '.join(wrong[:5])}: check their "
            "'held_out_speakers'. With 'keep = \"best\"' these choose the weights, and "
            "count as trained on."
        )
    parts = []
    for run, fold in zip(runs, folds, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            export_student(run, folder, os.path.basename(os.path.abspath(run)))
            values = ModelValues(Predictor(folder), None, num_workers, verbose)
            parts.append(values.of(table[fold]))
    scale = scale_of(name, table, scale)
    clips = join_references(pd.concat(parts).sort_index(), *rated(table, scale, name))
    result = assess_folds(clips.assign(corpus=name), folds, table.assign(corpus=name))
    return result | agreement_of_raters(table, scale, clips["left_out"] == "")
