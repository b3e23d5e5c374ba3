"""Evaluations of a model, kept beside it and in its card."""

import json
import os
from collections.abc import Sequence

from audw2s.evaluation.render import card_table
from audw2s.files import replacing
from audw2s.files import write_json
from audw2s.model.early_exit import Choice
from audw2s.model.find import members
from audw2s.model.find import model_sha256
from audw2s.model.names import entry_of
from audw2s.model.registry import FOLDER

MARKS = ("<!-- metrics -->", "<!-- /metrics -->")
"""Lines of a model card between which its evaluations stand."""


def store(evaluation: dict, path: str) -> list[dict]:
    """Add an evaluation to an ``evaluation.json``.

    It replaces one of the same model against the same reference on the same
    corpora (folds of a teacher's own corpus count as another). Those of an earlier
    file of the model are dropped: they don't describe this one.

    Returns:
        all evaluations in the file

    """
    known = read(path) if os.path.exists(path) else []
    kept = [other for other in known if not _is_replaced(other, evaluation)]
    write_json([*kept, evaluation], path)
    return [*kept, evaluation]


def read(path: str) -> list[dict]:
    """Read the evaluations in an ``evaluation.json``."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def beside(model: str) -> list[dict]:
    """Evaluations beside a model; those of the catalogue are in the package.

    Args:
        model: name or folder; an ensemble has none

    """
    if members(model):
        return []
    path = os.path.join(folder_of(model), "evaluation.json")
    return read(path) if os.path.isfile(path) else []


def folder_of(model: str) -> str:
    """Folder of a model's card; for models of the catalogue it is in the package.

    Args:
        model: name or folder, not an ensemble

    """
    entry = entry_of(model)
    return os.path.join(FOLDER, entry.name) if entry else model


def measured(model: str, exit: Choice = None) -> list[dict]:
    """Evaluations beside a model, those of this very file.

    Args:
        model: name or folder
        exit: early exit of the model

    """
    sha256, entry = model_sha256(model, exit), entry_of(model)
    # The file of a model that is converted depends on the versions of libraries
    is_converted = entry is not None and not entry.packaged
    return [e for e in beside(model) if is_converted or e["sha256"] == sha256]


def _is_replaced(old: dict, new: dict) -> bool:
    if old["model"] != new["model"]:
        return False
    return old["sha256"] != new["sha256"] or _subject(old) == _subject(new)


def _subject(evaluation: dict) -> tuple:
    results = evaluation["corpora"].items()
    corpora = {(name, "folds" in result) for name, result in results}
    return evaluation["against"], corpora


def update_card(path: str, evaluations: Sequence[dict]) -> None:
    """Write the table of evaluations into a model card.

    It replaces what is between the lines ``<!-- metrics -->`` and
    ``<!-- /metrics -->``.

    Raises:
        ValueError: if the card doesn't have both lines, once and in this order

    """
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    mask = [n for n, line in enumerate(lines) if line.strip() in MARKS]
    if [lines[n].strip() for n in mask] != list(MARKS):
        raise ValueError(f"'{path}' needs a line '{MARKS[0]}' and a line '{MARKS[1]}'.")
    first, last = mask
    lines[first + 1 : last] = ["", card_table(evaluations), ""]
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
