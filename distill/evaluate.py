"""Agreement of a model with human ratings, or with another model."""

import hashlib
import json
import os
from collections.abc import Mapping
from collections.abc import Sequence

import audeer
import numpy as np
import pandas as pd

from audw2s.corpus.inputs import split_part
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.ratings import has_ratings
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.disjoint import check_disjoint
from audw2s.distill.label import annotate
from audw2s.distill.label import identify
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.assessment import assess
from audw2s.evaluation.groups import by_group
from audw2s.evaluation.intervals import CONFIDENCE
from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.files import replacing
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS

HUMANS = "humans"
"""Value of ``against`` for human ratings."""

GROUPS = ("gender", "language")
"""Columns to group clips by, by default, where a corpus has them."""


def evaluate(
    model: str,
    corpora: Sequence[str],
    *,
    against: str = HUMANS,
    scale: tuple[float, float] | None = None,
    columns: Mapping[str, str] | None = None,
    trained_on: str | None = None,
    groups: Sequence[str] | None = None,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    num_workers: int = 1,
    verbose: bool = True,
    store: str | None = None,
) -> tuple[dict, pd.DataFrame]:
    """Compare a model's values of whole clips with ratings or another model's values.

    Args:
        model: name or folder, see :func:`audw2s.load`
        corpora: paths, see :func:`audw2s.corpus.lists.corpus.read_corpus`
        against: ``"humans"`` for the mean of the corpora's raters, or name or
            folder of another model, say the teacher
        scale: lowest and highest rating, which become 0 and 1; ``None`` for that of
            each corpus, see :func:`audw2s.corpus.lists.ratings.rating_scale`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        trained_on: ``config.json`` of the model's training; none of its clips and
            speakers may be in the corpora
        groups: columns to group clips by, by default those of :data:`GROUPS` that
            exist
        num_resamples: number of resamples of the bootstrap
        seed: seed of the bootstrap
        num_workers: threads, each with a session of one thread
        verbose: show progress bars
        store: folder in which predictions are stored, so that other calls use them

    Returns:
        the evaluation, and its clips (see :func:`join_references`). The evaluation has
        ``corpora``, see :func:`audw2s.evaluation.assessment.assess`; ``pooled`` over
        all clips if several corpora have references, see
        :func:`audw2s.evaluation.agreement.summarise`; ``groups`` and ``speakers``, see
        :func:`audw2s.evaluation.groups.by_group`

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if a corpus has no ratings or fewer than two clips that can be
            compared, two have the same name, or one is in the training

    """
    tables = read_corpora(corpora, trained_on, columns)
    predictor = Predictor(model)
    judge = None if against == HUMANS else Predictor(against)
    options = {"store": store, "num_workers": num_workers, "verbose": verbose}
    scales = {}
    if judge is None:
        scales = {name: scale_of(name, table, scale) for name, table in tables.items()}
    references = references_of(tables, scales, judge, **options)
    parts = {
        name: join_references(
            predict_clips(table, predictor, **options), *references[name]
        ).assign(corpus=name)
        for name, table in tables.items()
    }
    clips, facts = pd.concat(parts.values(), ignore_index=True), joined(tables)
    kinds = group_columns(facts, groups)
    resampling = {"num_resamples": num_resamples, "seed": seed}
    evaluation = header(predictor.provenance, **resampling) | {
        "against": HUMANS if judge is None else judge.network.name,
        "against_sha256": None if judge is None else judge.network.sha256,
        "training_checked": trained_on is not None,
        "corpora": {
            name: assess(part, tables[name].get("emotion"), **resampling)
            for name, part in parts.items()
        },
        "groups": by_group(clips, facts, kinds, **resampling),
        "speakers": by_group(clips, facts, ["speaker"], **resampling),
    }
    with_references = [p for p in parts.values() if p[REFERENCE].notna().any(axis=None)]
    if len(with_references) > 1:
        pooled = pd.concat(with_references, ignore_index=True)
        evaluation["pooled"] = summarise(pooled, **resampling)
    for name, used in scales.items():
        evaluation["corpora"][name] |= agreement_of_raters(
            tables[name], used, parts[name]["left_out"] == ""
        )
    return evaluation, clips


def references_of(
    tables: Mapping[str, pd.DataFrame],
    scales: Mapping[str, tuple[float, float] | None],
    judge: Predictor | None,
    **options: object,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Reference values of the clips of each corpus, and reasons where they are NaN.

    Args:
        tables: clips of each corpus
        scales: scale of the ratings of each corpus
        judge: model whose values are the reference; ``None`` for the mean of raters
        options: options of :func:`predict_clips`

    """
    if judge is None:
        return {name: rated(tables[name], scales[name], name) for name in tables}
    return {
        name: values_and_reasons(predict_clips(table, judge, **options))
        for name, table in tables.items()
    }


def scale_of(
    name: str,
    table: pd.DataFrame,
    scale: tuple[float, float] | None = None,
) -> tuple[float, float] | None:
    """Scale of the ratings of a corpus, ``None`` if it has emotions only.

    Args:
        name: name of the corpus
        table: clips of the corpus
        scale: see :func:`evaluate`

    Raises:
        ValueError: if it has neither, or see
            :func:`audw2s.corpus.lists.ratings.rating_scale`

    """
    if "emotion" in table and not has_ratings(table):
        return None
    return rating_scale(table, scale, f"'{name}'")


def agreement_of_raters(
    table: pd.DataFrame,
    scale: tuple[float, float] | None,
    used: pd.Series,
) -> dict:
    """Scale of the ratings of a corpus, and how well its raters agree.

    Args:
        table: clips of the corpus
        scale: see :func:`scale_of`
        used: mask of the clips that are evaluated

    Returns:
        ``scale``, and the result of
        :func:`audw2s.evaluation.agreement.rater_agreement` by the key
        :data:`audw2s.evaluation.agreement.RATERS`; empty if the corpus has no ratings

    """
    if scale is None:
        return {}
    raters = ratings(table, *scale)[:, used]
    return {"scale": list(scale), RATERS: rater_agreement(raters)}


def joined(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Clips of all corpora in one table, in the order of the evaluation."""
    parts = [table.assign(corpus=name) for name, table in tables.items()]
    return pd.concat(parts, ignore_index=True)


def group_columns(facts: pd.DataFrame, wanted: Sequence[str] | None) -> list[str]:
    """Columns to group clips by.

    Args:
        facts: table of all clips
        wanted: names of columns, ``None`` for those of :data:`GROUPS` that exist

    Raises:
        ValueError: if there is no such column

    Examples:
        >>> group_columns(pd.DataFrame(columns=["file", "gender"]), None)
        ['gender']

    """
    if wanted is None:
        return [column for column in GROUPS if column in facts]
    missing = [column for column in wanted if column not in facts]
    if missing:
        raise ValueError(
            f"No corpus has a column '{missing[0]}' to group by; they have "
            f"{', '.join(facts)}."
        )
    return list(dict.fromkeys(wanted))


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
        ValueError: if two have the same name, or one is in the training

    """
    tables = {corpus_name(path): read_corpus(path, columns) for path in paths}
    if len(tables) < len(paths):
        raise ValueError(f"Each corpus needs another name, got {list(paths)}.")
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


def predict_clips(
    table: pd.DataFrame,
    predictor: Predictor,
    *,
    store: str | None = None,
    num_workers: int = 1,
    verbose: bool = True,
) -> pd.DataFrame:
    """Predict whole clips; see :func:`audw2s.distill.label.annotate`.

    Args:
        table: clips, see :mod:`audw2s.corpus.lists.corpus`
        predictor: predictor that gives a row per clip
        store: folder in which predictions are stored; they are used again until
            model, version, clips or audio change
        num_workers: threads
        verbose: show a progress bar

    """
    path = ""
    if store is not None:
        identity = json.dumps(identify(table, predictor))
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        path = os.path.join(audeer.mkdir(store), f"{name}.parquet")
    if os.path.exists(path):
        # The same clips may have had other paths
        same = {name: list(table[name]) for name in ("file", "speaker")}
        return pd.read_parquet(path).assign(**same)
    clips = annotate(table, predictor, num_workers=num_workers, verbose=verbose)
    if path:
        with replacing(path) as temporary:
            clips.to_parquet(temporary)
    return clips


def rated(
    table: pd.DataFrame,
    scale: tuple[float, float] | None,
    name: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean ratings of clips, and the reasons where they are NaN.

    A corpus without a scale has no ratings, only emotions.
    """
    means = np.full((len(table), len(DIMENSIONS)), np.nan)
    if scale is not None:
        means = mean_rating(ratings(table, *scale, f"'{name}'"))
    return means, np.full(len(table), "not rated")


def values_and_reasons(predictions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Values that a model predicts for clips, and the reasons where they are NaN."""
    return predictions[list(DIMENSIONS)].to_numpy(), predictions["status"].to_numpy()


def join_references(
    predictions: pd.DataFrame,
    reference: np.ndarray,
    problems: np.ndarray,
) -> pd.DataFrame:
    """Join predictions and references.

    Args:
        predictions: table, see :func:`audw2s.distill.label.annotate`
        reference: reference values ``(num_clips, 3)``
        problems: reasons why a reference is NaN, ``(num_clips,)``

    Returns:
        the table with columns ``reference_arousal``, ``reference_dominance``,
        ``reference_valence`` and ``left_out``: the reason why a clip can't be
        compared, else empty. A clip needs each dimension that any clip has

    """
    clips = predictions.copy()
    clips[REFERENCE] = reference
    without_value = clips[list(DIMENSIONS)].isna().any(axis=1)
    references = clips[REFERENCE].dropna(axis=1, how="all")
    unknown = references.isna().any(axis=1)
    reasons = np.where(unknown, problems.astype(object), "")
    clips["left_out"] = np.where(without_value, clips["status"].astype(object), reasons)
    return clips


def header(
    provenance: dict[str, object],
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict[str, object]:
    """Model, version and settings of an evaluation."""
    identity = {key: provenance[key] for key in ("model", "sha256", "version")}
    settings = {"num_resamples": num_resamples, "seed": seed}
    return {**identity, "confidence": CONFIDENCE, **settings}


def describe_folds(folder: str, corpus: str, report: dict) -> dict:
    """Evaluation of a model on folds of the corpus it was fitted to.

    Args:
        folder: folder of the model
        corpus: path of the corpus
        report: evaluation, see :func:`audw2s.evaluation.assessment.assess_folds`

    """
    return header(Predictor(folder).provenance) | {
        "against": HUMANS,
        "against_sha256": None,
        # Each fold is predicted by a model that was fitted to the others
        "training_checked": True,
        "corpora": {corpus_name(corpus): report},
    }
