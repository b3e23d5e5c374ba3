"""Table of several files, their groups, and the agreement of teacher and student."""

import csv
import os
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.demo.answers import explanation
from audw2s.demo.clip import Progress
from audw2s.demo.clip import read_clip
from audw2s.demo.clip import unwatched
from audw2s.demo.description import adjective
from audw2s.demo.description import legible
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import MAX_FILES
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import RefusedError
from audw2s.demo.models import Models
from audw2s.demo.page import rendered
from audw2s.demo.prediction import analyse
from audw2s.demo.prediction import check_speech
from audw2s.evaluation.ccc import ccc
from audw2s.model.registry import DIMENSIONS

TIME_LIMIT = 10.0
"""Seconds that a batch may take per file."""

MAX_GROUPS = 12
"""Most groups that are shown."""

UNCOUNTED = ("silent", "short")
"""Statuses of files whose values aren't shown, and are no part of the agreement."""

COLUMNS = [f"{role}_{name}" for role in ("teacher", "student") for name in DIMENSIONS]
"""Columns with values."""


def batch_answer(
    models: Models,
    paths: Sequence[str] | None,
    teacher: str,
    student: str,
    progress: Progress = unwatched,
) -> tuple[str, str]:
    """Results of a batch as HTML, and the panel for researchers.

    Raises:
        RefusedError: if there are no files, or too many

    """
    batch = analyse_all(models, paths or [], teacher, student, progress)
    return batch_results(batch), agreement_panel(batch)


def analyse_all(
    models: Models,
    paths: Sequence[str],
    teacher: str,
    student: str,
    progress: Progress = unwatched,
) -> pd.DataFrame:
    """Predict A/D/V of files with both models; every file has a row.

    Args:
        models: models of the page
        paths: paths of the files
        teacher: name of the teacher
        student: name of the student
        progress: function that is told which file is next

    Returns:
        table with the columns ``file``, ``group``, ``duration`` in seconds,
        ``teacher_arousal`` … ``student_valence`` (NaN where there is no value),
        ``status`` and ``note``

    Raises:
        RefusedError: if there are no files, or too many

    """
    if not paths:
        raise RefusedError("Choose some audio files first.")
    if len(paths) > MAX_FILES:
        raise RefusedError(
            f"These are {len(paths)} files, this page takes {MAX_FILES} at once. For "
            "more there is 'audw2s annotate' on the command line."
        )
    deadline = Deadline(TIME_LIMIT * len(paths))
    rows = []
    for number, path in enumerate(paths, 1):
        name = os.path.basename(path)
        progress(number / len(paths), f"{number} of {len(paths)}: {legible(name)}")
        row = _row(models, path, teacher, student, deadline)
        rows.append({"file": name, "group": group(name)} | row)
    columns = ["file", "group", "duration", *COLUMNS, "status", "note"]
    return pd.DataFrame(rows, columns=columns)


def _row(
    models: Models, path: str, teacher: str, student: str, deadline: Deadline
) -> dict[str, object]:
    row: dict[str, object] = {}
    try:
        deadline.check()
        clip = read_clip(path, min(MAX_DUR, models.max_dur))
        if clip.status not in UNCOUNTED:
            check_speech(models, student, clip, deadline)
        for role, name in (("student", student), ("teacher", teacher)):
            analysis = analyse(models, name, clip, deadline)
            row |= {f"{role}_{key}": value for key, value in analysis.values.items()}
    except Exception as error:
        # No file ends the batch
        return {"status": "refused", "note": explanation(error)}
    notes = " ".join(clip.notes)
    return row | {"duration": clip.duration, "status": clip.status, "note": notes}


def group(name: str) -> str:
    """Group of a file: its name up to the first hyphen or underscore.

    Examples:
        >>> group("anna_01.wav"), group("a.wav")
        ('anna', 'a.wav')

    """
    return re.split("[-_]", name, maxsplit=1)[0]


def as_csv(batch: pd.DataFrame) -> bytes:
    r"""Content of a CSV file, for Excel as well: no name becomes a formula.

    Examples:
        >>> table = pd.DataFrame({"file": ["=1+1.wav", "a.wav"]})
        >>> print(as_csv(table).decode("utf-8-sig"), end="")
        "file"
        "'=1+1.wav"
        "a.wav"

    """
    texts = batch.select_dtypes(exclude="number")
    safe = texts.replace(r"^(?=[=+\-@\t\r])", "'", regex=True)
    return (
        batch.assign(**safe)
        .to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
        .encode("utf-8-sig")
    )


def agreement(batch: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Concordance (CCC) and mean absolute difference of each dimension.

    Args:
        batch: table, see :func:`analyse_all`

    Returns:
        CCC and difference by dimension; empty if fewer than two files count

    Examples:
        >>> values = dict.fromkeys(COLUMNS, [0.2, 0.4, np.nan])
        >>> agreement(pd.DataFrame(values).assign(status="ok"))["valence"]
        (1.0, 0.0)

    """
    values = counted(batch)[COLUMNS].to_numpy(float)
    if len(values) < 2:
        return {}
    teacher, student = np.split(values, 2, axis=1)
    differences = np.abs(teacher - student).mean(axis=0).tolist()
    cccs = ccc(teacher, student).tolist()
    return dict(zip(DIMENSIONS, zip(cccs, differences, strict=True), strict=True))


def counted(batch: pd.DataFrame) -> pd.DataFrame:
    """Rows with values that are neither silent nor short."""
    return batch[~batch["status"].isin(UNCOUNTED)].dropna(subset=COLUMNS)


def groups(batch: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows that count by group, and of all groups; no groups if each has one file."""
    rows = counted(batch)
    parts = {str(name): part for name, part in rows.groupby("group")}
    is_shown = 1 < len(parts) <= MAX_GROUPS and len(parts) < len(rows)
    return {"all": rows} | (parts if is_shown else {})


def batch_results(batch: pd.DataFrame) -> str:
    """Show files, and how their values are distributed, as HTML."""
    values = batch[COLUMNS].where(~batch["status"].isin(UNCOUNTED))
    arousal, dominance, valence = (values[name] for name in COLUMNS[:3])
    table = pd.DataFrame(
        {
            "file": batch["file"].map(legible),
            "seconds": batch["duration"],
            "sounds": list(map(adjective, arousal, valence)),
            "arousal": arousal,
            "dominance": dominance,
            "valence": valence,
            "note": batch["note"],
        }
    )
    return rendered(
        "batch",
        sentence=sentence(batch),
        rows=table.to_dict("records"),
        groups=groups(batch),
        counted=counted(batch).to_dict("records"),
        files={"batch.csv": as_csv(batch)},
    )


def agreement_panel(batch: pd.DataFrame) -> str:
    """Show how far the models agree, for researchers."""
    rows = [
        {"": name, "CCC": value, "mean absolute difference": difference}
        for name, (value, difference) in agreement(batch).items()
    ]
    points = counted(batch).to_dict("records")
    return rendered("agreement", rows=rows, counted=points) if rows else ""


def sentence(batch: pd.DataFrame) -> str:
    """Sentence on how many files have values.

    Examples:
        >>> sentence(pd.DataFrame({"student_valence": [0.5, np.nan]}))
        '1 of 2 files has values.'

    """
    count = int(batch["student_valence"].notna().sum())
    return f"{count} of {len(batch)} files {'has' if count == 1 else 'have'} values."
