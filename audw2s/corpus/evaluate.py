"""Agreement of predictions with human ratings, or with another model."""

import os
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.corpus.clips import ModelValues
from audw2s.corpus.inputs import split_part
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.corpus.lists.raters import raters_as_columns
from audw2s.corpus.lists.ratings import has_ratings
from audw2s.corpus.lists.ratings import mean_rating
from audw2s.corpus.lists.ratings import rating_scale
from audw2s.corpus.lists.ratings import ratings
from audw2s.corpus.predictions import TableValues
from audw2s.corpus.predictions import read_predictions
from audw2s.corpus.predictions import table_path
from audw2s.evaluation.agreement import HUMANS
from audw2s.evaluation.agreement import RATERS
from audw2s.evaluation.agreement import REFERENCE
from audw2s.evaluation.agreement import rater_agreement
from audw2s.evaluation.agreement import summarise
from audw2s.evaluation.assessment import assess
from audw2s.evaluation.groups import GROUPS
from audw2s.evaluation.groups import by_group
from audw2s.evaluation.intervals import CONFIDENCE
from audw2s.evaluation.intervals import NUM_RESAMPLES
from audw2s.evaluation.intervals import SEED
from audw2s.inference.pipeline import Predictor
from audw2s.model.registry import DIMENSIONS

ClipValues = ModelValues | TableValues
"""Values of clips, wherever they are from."""

Scale = tuple[float, float]
"""Lowest and highest rating."""


def evaluate(
    values: ClipValues,
    tables: Mapping[str, pd.DataFrame],
    *,
    judge: ClipValues | None = None,
    scale: Scale | None = None,
    groups: Sequence[str] | None = None,
) -> tuple[dict, pd.DataFrame]:
    """Compare values of clips with ratings, or with the values of another model.

    Args:
        values: values that are evaluated, see :func:`values_of`
        tables: clips of each corpus, see :func:`read_corpora`
        judge: values that are the reference, ``None`` for the mean of the raters
        scale: lowest and highest rating, which become 0 and 1; ``None`` for that of
            each corpus, see :func:`audw2s.corpus.lists.ratings.rating_scale`
        groups: columns to group clips by, by default those of :data:`GROUPS` that
            exist

    Returns:
        the evaluation, and its clips (see :func:`join_references`). The evaluation has
        ``corpora``, see :func:`audw2s.evaluation.assessment.assess`; ``pooled`` over
        all clips if several corpora have references, see
        :func:`audw2s.evaluation.agreement.summarise`; ``groups`` and ``speakers``, see
        :func:`audw2s.evaluation.groups.by_group`; ``num_unused``, the number of rows of
        a table of predictions that belong to no clip

    Raises:
        ValueError: if a corpus has no ratings or fewer than two clips that can be
            compared

    """
    facts = pd.concat(
        [table.assign(corpus=name) for name, table in tables.items()], ignore_index=True
    )
    kinds = group_columns(facts, groups)
    scales: dict[str, Scale | None] = {}
    if judge is None:
        scales = {name: scale_of(name, table, scale) for name, table in tables.items()}
    parts, corpora = [], {}
    for name, table in tables.items():
        if judge is None:
            references = rated(table, scales[name], name)
        else:
            references = values_and_reasons(judge.of(table))
        part = join_references(values.of(table), *references).assign(corpus=name)
        agreement = agreement_of_raters(table, scales.get(name), part["left_out"] == "")
        corpora[name] = assess(part, table.get("emotion")) | agreement
        parts.append(part)
    clips = pd.concat(parts, ignore_index=True)
    evaluation = header(values.identity) | {
        "against": HUMANS if judge is None else judge.identity["model"],
        "against_sha256": None if judge is None else judge.identity["sha256"],
        "training_checked": False,
        "corpora": corpora,
        "groups": by_group(clips, facts, kinds),
        "speakers": by_group(clips, facts, ["speaker"]),
    }
    if isinstance(values, TableValues):
        evaluation["num_unused"] = values.num_unused
    with_references = [p for p in parts if p[REFERENCE].notna().any(axis=None)]
    if len(with_references) > 1:
        pooled = pd.concat(with_references, ignore_index=True)
        evaluation["pooled"] = summarise(pooled)
    return evaluation, clips


def values_of(
    source: str,
    *,
    store: str | None = None,
    num_workers: int = 1,
    verbose: bool = True,
) -> ClipValues:
    """Values of a model, or of a table of predictions.

    Args:
        source: name or folder of a model, see :func:`audw2s.load`, or path of a table,
            see :func:`audw2s.corpus.predictions.table_path`
        store: see :class:`audw2s.corpus.clips.ModelValues`
        num_workers: threads, each with a session of one thread
        verbose: show a progress bar

    """
    if table_path(source):
        return read_predictions(source)
    return ModelValues(Predictor(source), store, num_workers, verbose)


def scale_of(
    name: str, table: pd.DataFrame, scale: Scale | None = None
) -> Scale | None:
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
    table: pd.DataFrame, scale: Scale | None, used: pd.Series
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
            f"{', '.join(map(str, facts))}."
        )
    return list(dict.fromkeys(wanted))


def read_corpora(
    paths: Sequence[str], columns: Mapping[str, str] | None = None
) -> dict[str, pd.DataFrame]:
    """Read corpora to evaluate on, by name.

    Args:
        paths: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`

    Raises:
        FileNotFoundError: if a corpus isn't there
        ValueError: if two have the same name

    """
    tables = {
        corpus_name(path): raters_as_columns(
            read_corpus(path, columns), f"'{corpus_name(path)}'"
        )
        for path in paths
    }
    if len(tables) < len(paths):
        raise ValueError(f"Each corpus needs another name, got {list(paths)}.")
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


def rated(
    table: pd.DataFrame, scale: Scale | None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Mean ratings of clips, and the reasons where they are NaN.

    A corpus without a scale has no ratings, only emotions.
    """
    means = np.full((len(table), len(DIMENSIONS)), np.nan)
    if scale is not None:
        means = mean_rating(ratings(table, *scale, f"'{name}'"))
    return means, np.full(len(table), "not rated")


def values_and_reasons(values: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Values of clips, and the reasons where they are NaN."""
    return values[list(DIMENSIONS)].to_numpy(), values["status"].to_numpy()


def join_references(
    values: pd.DataFrame, reference: np.ndarray, problems: np.ndarray
) -> pd.DataFrame:
    """Join values of clips and references.

    Args:
        values: table, see :class:`audw2s.corpus.clips.ModelValues`
        reference: reference values ``(num_clips, 3)``
        problems: reasons why a reference is NaN, ``(num_clips,)``

    Returns:
        the table with columns ``reference_arousal``, ``reference_dominance``,
        ``reference_valence`` and ``left_out``: the reason why a clip can't be
        compared, else empty. A clip needs each dimension that any clip has

    """
    clips = values.copy()
    clips[REFERENCE] = reference
    known = clips[list(DIMENSIONS)].dropna(axis=1, how="all")
    references = clips[REFERENCE].dropna(axis=1, how="all")
    without_value = known.isna().any(axis=1) | known.empty
    reasons = np.where(references.isna().any(axis=1), problems.astype(object), "")
    clips["left_out"] = np.where(without_value, clips["status"].astype(object), reasons)
    return clips


def header(identity: Mapping[str, object]) -> dict[str, object]:
    """Model, version and settings of an evaluation."""
    settings = {"num_resamples": NUM_RESAMPLES, "seed": SEED}
    return {**identity, "confidence": CONFIDENCE, **settings}


def describe_folds(folder: str, corpus: str, report: dict) -> dict:
    """Evaluation of a model on folds of the corpus it was fitted to.

    Args:
        folder: folder of the model
        corpus: path of the corpus
        report: evaluation, see :func:`audw2s.evaluation.assessment.assess_folds`

    """
    name = corpus_name(corpus)
    parts = {
        kind: [{**group, "corpus": name} for group in report[kind]]
        for kind in ("groups", "speakers")
    }
    result = {key: value for key, value in report.items() if key not in parts}
    return header(Predictor(folder).network.provenance) | {
        "against": HUMANS,
        "against_sha256": None,
        # Each fold is predicted by a model that was fitted to the others
        "training_checked": True,
        "corpora": {name: result},
        **parts,
    }
