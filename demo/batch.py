"""Table of several files, their groups, and the agreement of teacher and student."""

import csv
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from audw2s.demo.clip import read_clip
from audw2s.demo.job import Job
from audw2s.demo.limits import MAX_FILES
from audw2s.demo.page import rendered
from audw2s.demo.prediction import analyse
from audw2s.demo.prediction import has_speech
from audw2s.demo.words import RefusedError
from audw2s.demo.words import adjective
from audw2s.demo.words import explanation
from audw2s.demo.words import legible
from audw2s.evaluation.ccc import ccc
from audw2s.model.registry import DIMENSIONS

TIME_LIMIT = 10.0
"""Seconds that a batch may take per file."""

MAX_GROUPS = 12
"""Most groups that are shown."""

COLUMNS = [f"{role}_{name}" for role in ("teacher", "student") for name in DIMENSIONS]
"""Columns with values."""


def batch_answer(job: Job, *chosen: Any) -> tuple[str, str]:
    """Results of a batch as HTML, and the panel for researchers.

    Args:
        job: request
        chosen: further arguments of :func:`analyse_all`

    Raises:
        RefusedError: if there are no files, or too many

    """
    return batch_results(analyse_all(job, *chosen))


def analyse_all(
    job: Job, paths: Sequence[str] | None, teacher: str, student: str
) -> pd.DataFrame:
    """Predict A/D/V of files with both models; every file has a row.

    Args:
        job: request, which is told which file is next
        paths: paths of the files, ``None`` if none are chosen
        teacher: name of the teacher
        student: name of the student

    Returns:
        table with the columns ``file``, ``group``, ``duration`` in seconds,
        ``teacher_arousal`` … ``student_valence`` (NaN where there is no value),
        ``status`` and ``note``

    Raises:
        RefusedError: if there are no files, or too many

    """
    if not paths:
        raise RefusedError("no_files")
    if len(paths) > MAX_FILES:
        raise RefusedError("too_many_files", count=len(paths), limit=MAX_FILES)
    quiet = Job(job.models, is_awaited=job.is_awaited, seconds=TIME_LIMIT * len(paths))
    rows = []
    for number, path in enumerate(paths, 1):
        name = os.path.basename(path)
        job.progress(number / len(paths), f"{number} of {len(paths)}: {legible(name)}")
        row = _row(quiet, path, teacher, student)
        # Up to the first hyphen or underscore
        rows.append({"file": name, "group": re.split("[-_]", name)[0]} | row)
    columns = ["file", "group", "duration", *COLUMNS, "status", "note"]
    return pd.DataFrame(rows, columns=columns)


def _row(job: Job, path: str, teacher: str, student: str) -> dict[str, object]:
    """Row of a file; what is silent or short has no values."""
    row: dict[str, object] = {}
    try:
        clip = read_clip(job, path)
        if clip.status not in ("silent", "short"):
            if not has_speech(job, student, clip):
                raise RefusedError("no_speech")
            for role, name in (("student", student), ("teacher", teacher)):
                values = analyse(job, name, clip).values
                row |= {f"{role}_{key}": value for key, value in values.items()}
    except Exception as error:
        # No file ends the batch
        return {"status": "refused", "note": explanation(error)}
    notes = " ".join(clip.notes)
    return row | {"duration": clip.duration, "status": clip.status, "note": notes}


def as_csv(batch: pd.DataFrame) -> bytes:
    r"""Content of a CSV file, for Excel as well: no name becomes a formula.

    Examples:
        >>> table = pd.DataFrame({"file": ["=1+1.wav", "a.wav"]})
        >>> print(as_csv(table).decode("utf-8-sig"), end="")
        "file"
        "'=1+1.wav"
        "a.wav"

    """
    safe = batch.replace(r"^(?=[=+\-@\t\r])", "'", regex=True)
    text = safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    return text.encode("utf-8-sig")


def agreement(batch: pd.DataFrame) -> pd.DataFrame:
    """Concordance (CCC) and mean absolute difference of each dimension.

    Args:
        batch: rows of :func:`analyse_all` with values, two or more

    Returns:
        a row per dimension

    Examples:
        >>> values = dict.fromkeys(COLUMNS, [0.2, 0.4])
        >>> agreement(pd.DataFrame(values)).loc["valence"].tolist()
        [1.0, 0.0]

    """
    teacher, student = np.split(batch[COLUMNS].to_numpy(float), 2, axis=1)
    table = pd.DataFrame({"CCC": ccc(teacher, student)}, list(DIMENSIONS))
    table["mean absolute difference"] = np.abs(teacher - student).mean(axis=0)
    return table


def batch_results(batch: pd.DataFrame) -> tuple[str, str]:
    """Show files and how their values are distributed, and how far the models agree."""
    names = {f"teacher_{name}": name for name in DIMENSIONS} | {"duration": "seconds"}
    table = batch.rename(columns=names).assign(file=batch["file"].map(legible))
    table["sounds"] = list(map(adjective, table["arousal"], table["valence"]))
    files = table[["file", "seconds", "sounds", *DIMENSIONS, "note"]]
    complete = batch.dropna(subset=COLUMNS)
    parts = list(complete.groupby("group"))
    # No groups if each has one file
    is_grouped = 1 < len(parts) <= MAX_GROUPS and len(parts) < len(complete)
    groups = [("all", complete), *(parts if is_grouped else [])]
    found = {"files": files, "complete": complete, "groups": groups}
    page = rendered("batch.html", csv=as_csv(batch), **found)
    if len(complete) < 2:
        return page, ""
    agreed = agreement(complete)
    return page, rendered("agreement.html", agreement=agreed, complete=complete)
