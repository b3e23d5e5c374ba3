"""Table of several files, and the agreement of teacher and student."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from audw2s.demo.clip import read_clip
from audw2s.demo.limits import MAX_FILES
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import RefusedError
from audw2s.demo.models import Models
from audw2s.demo.page import downloads
from audw2s.demo.page import html_table
from audw2s.demo.page import picture
from audw2s.demo.page import table
from audw2s.demo.prediction import analyse
from audw2s.evaluation.ccc import ccc
from audw2s.model.registry import DIMENSIONS

TIME_LIMIT = 120.0
"""Seconds that a batch may take."""

FILES = "One value per file, 0 (low) … 1 (high)."

COLUMNS = [f"{role}_{name}" for role in ("teacher", "student") for name in DIMENSIONS]
"""Columns with values."""


def analyse_all(
    models: Models,
    paths: Sequence[str],
    teacher: str,
    student: str,
    *,
    deadline: Deadline | None = None,
) -> pd.DataFrame:
    """Predict A/D/V of files with both models; every file has a row.

    Args:
        models: models of the page
        paths: paths of the files
        teacher: name of the teacher
        student: name of the student
        deadline: time limit, :data:`TIME_LIMIT` by default

    Returns:
        table with the columns ``file``, ``duration`` in seconds, ``teacher_arousal``
        … ``student_valence`` (NaN where there is no value) and ``note``

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
    deadline = deadline or Deadline(TIME_LIMIT)
    rows = [_row(models, path, teacher, student, deadline) for path in paths]
    return pd.DataFrame(rows, columns=["file", "duration", *COLUMNS, "note"])


def _row(
    models: Models, path: str, teacher: str, student: str, deadline: Deadline
) -> dict[str, object]:
    row: dict[str, object] = {"file": os.path.basename(path), "duration": np.nan}
    row |= dict.fromkeys(COLUMNS, np.nan)
    try:
        deadline.check()
        clip = read_clip(path)
        for role, name in (("student", student), ("teacher", teacher)):
            analysis = analyse(models, name, clip, deadline)
            row |= {f"{role}_{key}": value for key, value in analysis.values.items()}
    except RefusedError as error:
        return row | dict.fromkeys(COLUMNS, np.nan) | {"note": str(error)}
    return row | {"duration": clip.duration, "note": " ".join(clip.notes)}


def agreement(batch: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Concordance (CCC) and mean absolute difference of each dimension.

    Args:
        batch: table, see :func:`analyse_all`

    Returns:
        CCC and difference by dimension; empty if fewer than two files have values

    Examples:
        >>> values = dict.fromkeys(COLUMNS, [0.2, 0.4, np.nan])
        >>> agreement(pd.DataFrame(values))["valence"]
        (1.0, 0.0)

    """
    values = batch[COLUMNS].dropna().to_numpy(float)
    if len(values) < 2:
        return {}
    teacher, student = np.split(values, 2, axis=1)
    differences = np.abs(teacher - student).mean(axis=0).tolist()
    cccs = ccc(teacher, student).tolist()
    return dict(zip(DIMENSIONS, zip(cccs, differences, strict=True), strict=True))


def batch_results(batch: pd.DataFrame) -> str:
    """Show the table of a batch as HTML, with the agreement of the models."""
    from audw2s.demo.figure import agreement_picture

    shown = batch.assign(duration=batch["duration"].map("{:.1f} s".format))
    shown = shown.replace({"nan s": "–"})
    files = {"Table (CSV)": ("batch.csv", batch.to_csv(index=False).encode())}
    parts = [f'<p class="adv-sentence">{sentence(batch)}</p>', table(shown, FILES)]
    if numbers := agreement(batch):
        rows = [
            [name, f"{value:.2f}".replace("-", "−"), f"{difference:.2f}"]
            for name, (value, difference) in numbers.items()
        ]
        head = ["", "CCC", "mean absolute difference"]
        svg = agreement_picture(batch)
        files["Agreement (SVG)"] = ("agreement.svg", svg)
        caption = "Student against teacher, a point per file; on the line they agree."
        parts += [
            html_table(head, rows, "Agreement of teacher and student over the files."),
            f'<div class="adv-pictures">{picture(svg, "agreement", caption)}</div>',
        ]
    parts.append(downloads(files))
    return f'<div class="adv">{"".join(parts)}</div>'


def sentence(batch: pd.DataFrame) -> str:
    """Sentence on how many files have values.

    Examples:
        >>> sentence(pd.DataFrame({"student_valence": [0.5, np.nan]}))
        '1 of 2 files has values; agreement needs two.'

    """
    count = int(batch["student_valence"].notna().sum())
    text = f"{count} of {len(batch)} files {'has' if count == 1 else 'have'} values"
    return f"{text}." if count > 1 else f"{text}; agreement needs two."
