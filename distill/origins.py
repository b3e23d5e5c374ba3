"""Record what students and teachers are made from, with licences."""

import functools
import operator
import os
from collections.abc import Mapping
from collections.abc import Sequence

import pandas as pd

from audw2s.corpus.evaluate import corpus_name
from audw2s.corpus.lists.columns import as_text
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.config import Config
from audw2s.distill.label import identity_of_labels
from audw2s.distill.labels import RATINGS
from audw2s.distill.teachers.python import is_function
from audw2s.files import write_text
from audw2s.model.origins import UNKNOWN
from audw2s.model.origins import Origins
from audw2s.model.origins import origins_of

FILE = "origins.json"
"""File of the origins in the folder of a training."""


def of_corpus(path: str, table: pd.DataFrame) -> Origins:
    """Origins of what was made from a corpus.

    Args:
        path: path of the corpus
        table: its table; a column ``licence`` names the licence of each clip

    Examples:
        >>> of_corpus("mine.csv", pd.DataFrame({"file": ["a.wav"]})).corpora
        {'mine': 'unknown'}

    """
    cells = as_text(table["licence"]) if "licence" in table else [None]
    licences = dict.fromkeys(cell or UNKNOWN for cell in cells)
    return Origins(corpora={corpus_name(path): "; ".join(licences)})


def of_corpora(
    paths: Sequence[str], columns: Mapping[str, str] | None = None
) -> Origins:
    """Origins of what was made from corpora; they are read.

    Args:
        paths: see :func:`audw2s.corpus.lists.corpus.read_corpus`
        columns: see :func:`audw2s.corpus.lists.corpus.read_corpus`

    """
    parts = (of_corpus(path, read_corpus(path, columns)) for path in paths)
    return functools.reduce(operator.or_, parts, Origins())


def of_settings(config: Config) -> Origins:
    """Origins of the labels of a training, and of the student that it begins with."""
    start = of_training(config.start) if config.start else Origins()
    if config.labels == RATINGS:
        return start
    if config.labels is None:
        return start | of_teacher(config.teacher)
    models = identity_of_labels(config.labels)["models"]
    assert isinstance(models, list)
    named = {os.path.basename(model["name"]): model["licence"] for model in models}
    return start | Origins(models=named)


def of_teacher(teacher: str) -> Origins:
    """Origins of a teacher; the licence of a Python function isn't known."""
    if is_function(teacher):
        return Origins(models={os.path.basename(teacher): UNKNOWN})
    return origins_of(teacher)


def of_training(folder: str) -> Origins:
    """Origins of the student of a training, which :func:`write_origins` wrote.

    Args:
        folder: folder of a training

    """
    path = os.path.join(folder, FILE)
    if not os.path.isfile(path):
        name = os.path.basename(os.path.abspath(folder))
        return Origins(models={name: UNKNOWN})
    with open(path, encoding="utf-8") as file:
        return Origins.from_json(file.read())


def write_origins(origins: Origins, folder: str) -> None:
    """Write the origins of a student beside its weights."""
    write_text(origins.to_json(), os.path.join(folder, FILE))
