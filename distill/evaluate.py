"""How well a model agrees with people, or with another model."""

import functools
import os
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd
from tqdm import tqdm

from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.entries import split_part
from audw2s.corpus.lists.ratings import has_ratings
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.distill.disjoint import check_disjoint
from audw2s.distill.label import annotate
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.assessment import assess
from audw2s.evaluation.groups import by_group
from audw2s.evaluation.intervals import CONFIDENCE
from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS

HUMANS = "humans"
"""What a model is compared with if it isn't another model."""

GROUPS = ("gender", "language")
"""Columns whose values are told apart by default, where a corpus has them."""


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
        groups: columns of the corpora whose values are told apart, those of
            :data:`GROUPS` that exist by default
        num_resamples: of the bootstrap
        seed: of the bootstrap
        num_workers: threads, each with a session of one thread
        verbose: show progress bars
        hear: takes what :func:`predict` takes and gives what it gives, say with a
            memory; :func:`predict` by default

    Returns:
        the evaluation, and the clips it was made from (see :func:`compare`). It has
        an entry per corpus (see :func:`audw2s.evaluation.assessment.assess`); if
        several have references, one of them ``pooled`` (see
        :func:`audw2s.evaluation.agreement.summarise`); ``groups`` and ``speakers``,
        see :func:`audw2s.evaluation.groups.by_group`

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if it has no ratings or no two clips that can be compared, if
            two corpora have the same name, or one was trained on

    """
    tables = read_corpora(corpora, trained_on, columns)
    predictor = Predictor(model)
    judge = None if against == HUMANS else Predictor(against)
    options = {"num_workers": num_workers, "verbose": verbose}
    predict_ = functools.partial(hear or predict, **options)
    scales = {}
    if judge is None:
        scales = {name: scale_of(name, table, scale) for name, table in tables.items()}
    references = {
        name: rated(table, scales[name], name)
        if judge is None
        else judged(predict_(table, judge))
        for name, table in tables.items()
    }
    parts = {
        name: compare(predict_(table, predictor), *references[name]).assign(corpus=name)
        for name, table in tables.items()
    }
    clips, facts = pd.concat(parts.values(), ignore_index=True), joined(tables)
    kinds = group_columns(facts, groups)
    resampling = {"num_resamples": num_resamples, "seed": seed}
    evaluation = describe(predictor.provenance, **resampling) | {
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


def scale_of(
    name: str,
    table: pd.DataFrame,
    scale: tuple[float, float] | None = None,
) -> tuple[float, float] | None:
    """Scale of the ratings of a corpus, ``None`` if it has emotions only.

    Args:
        name: of the corpus
        table: its clips
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
        used: mask of the clips that count

    Returns:
        ``scale`` and, by the key :data:`audw2s.evaluation.agreement.RATERS`, what
        :func:`audw2s.evaluation.agreement.rater_agreement` gives; nothing if the
        corpus has no ratings

    """
    if scale is None:
        return {}
    raters = ratings(table, *scale)[:, used]
    return {"scale": list(scale), RATERS: rater_agreement(raters)}


def joined(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Clips of all corpora, in the order in which they are evaluated."""
    parts = [table.assign(corpus=name) for name, table in tables.items()]
    return pd.concat(parts, ignore_index=True)


def group_columns(facts: pd.DataFrame, wanted: Sequence[str] | None) -> list[str]:
    """Columns whose values are told apart.

    Args:
        facts: what is known of all clips
        wanted: ``None`` for those of :data:`GROUPS` that are there

    Raises:
        ValueError: if a column that is wanted isn't there

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
    predictor: Predictor,
    *,
    num_workers: int = 1,
    verbose: bool = True,
) -> pd.DataFrame:
    """Annotate whole clips, with a progress bar; see :func:`annotate`."""
    name = predictor.network.name
    with tqdm(total=len(table), desc=name, disable=not verbose) as progress:
        return annotate(table, predictor, num_workers=num_workers, progress=progress)


def rated(
    table: pd.DataFrame,
    scale: tuple[float, float] | None,
    name: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Ratings of clips: their means, and what is wrong where they are NaN.

    A corpus without a scale has emotions only, and no ratings.
    """
    means = np.full((len(table), len(DIMENSIONS)), np.nan)
    if scale is not None:
        means = mean_rating(ratings(table, *scale, f"'{name}'"))
    return means, np.full(len(table), "not rated")


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
        compared, empty if it can. A clip needs all dimensions that others have

    """
    clips = heard.copy()
    clips[REFERENCE] = reference
    unheard = clips[list(DIMENSIONS)].isna().any(axis=1)
    references = clips[REFERENCE].dropna(axis=1, how="all")
    unknown = references.isna().any(axis=1)
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


def describe_folds(folder: str, corpus: str, report: dict) -> dict:
    """Evaluation of a model on folds of the corpus it was fitted to.

    Args:
        folder: of the model
        corpus: path of its corpus
        report: see :func:`audw2s.evaluation.assessment.assess_folds`

    """
    return describe(Predictor(folder).provenance) | {
        "against": HUMANS,
        "against_sha256": None,
        # Each fold is predicted by what was fitted to the others
        "training_checked": True,
        "corpora": {corpus_name(corpus): report},
    }
