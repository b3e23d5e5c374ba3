"""How well a model agrees with people, or with another model."""

import functools
import os
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from audw2s.annotator import Annotator
from audw2s.catalogue import DIMENSIONS
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.entries import split_part
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.disjoint import check_disjoint
from audw2s.distill.label import annotate
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.intervals import CONFIDENCE
from audw2s.evaluation.intervals import NUM_RESAMPLES

HUMANS = "humans"
"""What a model is compared with if it isn't another model."""


def evaluate(
    model: str,
    corpora: Sequence[str],
    *,
    against: str = HUMANS,
    scale: tuple[float, float] | None = None,
    columns: Mapping[str, str] | None = None,
    trained_on: str | None = None,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    num_workers: int = 1,
    verbose: bool = True,
    hear: Callable[..., pd.DataFrame] | None = None,
) -> tuple[dict, pd.DataFrame]:
    """Compare a model's values of whole clips with people's or another model's.

    Args:
        model: name or folder, see :func:`audw2s.load`
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        against: ``"humans"`` for the mean of the corpora's raters, or name or
            folder of another model, say the teacher
        scale: lowest and highest rating, which become 0 and 1; ``None`` for each
            corpus' own, see :func:`audw2s.corpus.lists.ratings.rating_scale`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        trained_on: ``config.json`` of the model's training; nothing that it
            learnt from, and nobody it heard there, may be in the corpora
        num_resamples: of the bootstrap
        seed: of the bootstrap
        num_workers: threads, each with a session of one thread
        verbose: show progress bars
        hear: takes what :func:`predict` takes and gives what it gives, say with a
            memory; :func:`predict` by default

    Returns:
        the evaluation, with an entry per corpus and one of all ``pooled`` if there
        are several (see :func:`audw2s.evaluation.agreement.summarise`), and the clips
        it was made from (see :func:`compare`)

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if it has no ratings or no two clips that can be compared, if
            two corpora have the same name, or one was trained on

    """
    tables = read_corpora(corpora, trained_on, columns)
    annotator = Annotator(model)
    judge = None if against == HUMANS else Annotator(against)
    hear = functools.partial(hear or predict, num_workers=num_workers, verbose=verbose)
    scales = {}
    if judge is None:
        for name, table in tables.items():
            scales[name] = rating_scale(table, scale, f"'{name}'")
    references = {
        name: rated(table, scales[name], name)
        if judge is None
        else judged(hear(table, judge))
        for name, table in tables.items()
    }
    parts = {
        name: compare(hear(table, annotator), *references[name]).assign(corpus=name)
        for name, table in tables.items()
    }
    clips = pd.concat(parts.values(), ignore_index=True)
    evaluation = describe(annotator.provenance, num_resamples, seed) | {
        "against": HUMANS if judge is None else judge.network.name,
        "against_sha256": None if judge is None else judge.network.sha256,
        "training_checked": trained_on is not None,
        "corpora": {k: summarise(v, num_resamples, seed) for k, v in parts.items()},
    }
    for name, used in scales.items():
        raters = ratings(tables[name], *used)[:, parts[name]["left_out"] == ""]
        evaluation["corpora"][name] |= {
            "scale": list(used),
            RATERS: rater_agreement(raters),
        }
    if len(parts) > 1:
        evaluation["pooled"] = summarise(clips, num_resamples, seed)
    return evaluation, clips


def read_corpora(
    paths: Sequence[str],
    trained_on: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, pd.DataFrame]:
    """Read corpora to evaluate on, by name.

    Args:
        paths: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        trained_on: see :func:`evaluate`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`

    Raises:
        ValueError: if two have the same name, or one was trained on

    """
    tables = {corpus_name(path): read_corpus(path, columns) for path in paths}
    if len(tables) < len(paths):
        raise ValueError(f"Each corpus needs a name of its own, got {list(paths)}.")
    if trained_on is not None:
        check_disjoint(tables, trained_on)
    return tables


def corpus_name(path: str) -> str:
    """Name of a corpus: that of its file or folder.

    Examples:
        >>> corpus_name("data/emodb.csv"), corpus_name("data/emodb/")
        ('emodb', 'emodb')
        >>> corpus_name("data/IEMOCAP/:Session1")
        'IEMOCAP:Session1'

    """
    root, part = split_part(path)
    name = os.path.basename(os.path.abspath(root))
    name = name.removesuffix(".csv").removesuffix(".parquet")
    return f"{name}:{part}" if part else name


def predict(
    table: pd.DataFrame,
    annotator: Annotator,
    *,
    num_workers: int = 1,
    verbose: bool = True,
) -> pd.DataFrame:
    """Annotate whole clips, with a progress bar; see :func:`annotate`."""
    name = annotator.network.name
    with tqdm(total=len(table), desc=name, disable=not verbose) as progress:
        return annotate(table, annotator, num_workers=num_workers, progress=progress)


def rated(
    table: pd.DataFrame,
    scale: tuple[float, float],
    name: str,
) -> tuple[np.ndarray, np.ndarray]:
    """What people say of clips: values and what is wrong where they are NaN."""
    raters = ratings(table, *scale, f"'{name}'")
    return mean_rating(raters), np.full(len(table), "not rated")


def judged(heard: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """What a model says of clips: values and what is wrong where they are NaN."""
    return heard[list(DIMENSIONS)].to_numpy(), heard["status"].to_numpy()


def compare(
    heard: pd.DataFrame,
    reference: np.ndarray,
    problems: np.ndarray,
) -> pd.DataFrame:
    """Put predictions and references side by side.

    Args:
        heard: see :func:`annotate`
        reference: ``(num_clips, 3)``
        problems: ``(num_clips,)``, why a reference is NaN

    Returns:
        the table with columns ``reference_arousal``, ``reference_dominance``,
        ``reference_valence`` and ``left_out``: the reason why a clip can't be
        compared, empty if it can

    """
    clips = heard.copy()
    clips[REFERENCE] = reference
    unheard = clips[list(DIMENSIONS)].isna().any(axis=1)
    unknown = clips[REFERENCE].isna().any(axis=1)
    reasons = np.where(unknown, problems.astype(object), "")
    clips["left_out"] = np.where(unheard, clips["status"].astype(object), reasons)
    return clips


def describe(
    provenance: dict[str, object],
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict[str, object]:
    """By what an evaluation was made."""
    identity = {key: provenance[key] for key in ("model", "sha256", "version")}
    settings = {"num_resamples": num_resamples, "seed": seed}
    return {**identity, "confidence": CONFIDENCE, **settings}


def describe_teacher(folder: str, corpus: str, report: dict) -> dict:
    """Evaluation of a teacher on the folds of the corpus it was fitted to.

    Args:
        folder: of the model
        corpus: path of its corpus
        report: made by :func:`audw2s.distill.teachers.fit.fit_teacher`

    """
    return describe(Annotator(folder).provenance) | {
        "against": HUMANS,
        "against_sha256": None,
        # Each fold is heard by a head that was fitted to the others
        "training_checked": True,
        "corpora": {corpus_name(corpus): report},
    }
