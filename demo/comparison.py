"""Teacher and student on one recording: sentence, values and windows."""

from typing import NamedTuple

import pandas as pd

from audw2s.demo.clip import Clip
from audw2s.demo.job import Job
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import MAX_WINDOWS
from audw2s.demo.limits import check_windows
from audw2s.demo.prediction import Analysis
from audw2s.demo.prediction import analyse
from audw2s.demo.words import WORDS
from audw2s.model.registry import DIMENSIONS


class Comparison(NamedTuple):
    """Values that both models predict for a recording."""

    clip: Clip
    models: dict[str, Analysis]
    """By role, the teacher first; recordings above
    :data:`audw2s.demo.limits.MAX_DUR` have only the student."""

    win_dur: float

    @property
    def best(self) -> Analysis:
        """The larger of the models."""
        return next(iter(self.models.values()))

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest value of each dimension, at least 0…1."""
        totals = pd.DataFrame([one.values for one in self.models.values()])
        values = pd.concat([totals, *(one.curve for one in self.models.values())])
        ends = values[list(DIMENSIONS)].agg(["min", "max"]).T.itertuples()
        return {name: (min(0.0, low), max(1.0, high)) for name, low, high in ends}

    @property
    def notes(self) -> list[str]:
        """Sentences on what makes values unsure."""
        notes = self.clip.notes
        if set(self.ranges.values()) != {(0, 1)}:
            notes.append(WORDS["notes"]["outside"])
        if "teacher" not in self.models:
            notes.append(WORDS["notes"]["alone"].format(limit=MAX_DUR))
        return notes

    @property
    def totals(self) -> pd.DataFrame:
        """Values of the whole recording: a row per dimension, a column per role.

        With a teacher also ``difference``: student minus teacher.
        """
        totals = pd.DataFrame({role: one.values for role, one in self.models.items()})
        if "teacher" in self.models:
            totals["difference"] = totals["student"] - totals["teacher"]
        return totals

    @property
    def windows(self) -> pd.DataFrame:
        """A row per value over time.

        Columns are ``time``, ``start`` and ``end`` in seconds, A/D/V of the teacher
        (``teacher_arousal`` …) and of the student, and the statuses.
        """
        student = self.models["student"]
        index = pd.TimedeltaIndex(student.curve.index)
        table = pd.DataFrame({"time": index.total_seconds()}, index)
        table["start"] = (table["time"] - self.win_dur / 2).clip(lower=0)
        table["end"] = (table["time"] + self.win_dur / 2).clip(upper=self.clip.duration)
        for role, one in self.models.items():
            table = table.join(one.curve[list(DIMENSIONS)].add_prefix(f"{role}_"))
        table["status"] = student.curve["status"]
        return table.reset_index(drop=True).round(4)


def compare(
    job: Job, clip: Clip, teacher: str, student: str, win_dur: float, hop_dur: float
) -> Comparison:
    """Predict A/D/V of a recording with both models.

    Above :data:`audw2s.demo.limits.MAX_DUR` the student processes it alone.

    Args:
        job: request
        clip: recording
        teacher: name of the teacher
        student: name of the student
        win_dur: duration in seconds of the window around each value of the curves
        hop_dur: seconds from one value to the next; larger in long recordings

    Raises:
        RefusedError: with a sentence that says what to do

    """
    check_windows(win_dur, hop_dur, clip.duration)
    roles = {"teacher": teacher, "student": student}
    if clip.duration > MAX_DUR:
        hop_dur = max(hop_dur, clip.duration / (MAX_WINDOWS - 1))
        win_dur = max(win_dur, hop_dur)
        del roles["teacher"]
    windows = {"win_dur": win_dur, "rate": 1 / hop_dur}
    # The student first: it is quick, and more requests wait for the teacher
    names = dict.fromkeys(reversed(roles.values()))
    analyses = {name: analyse(job, name, clip, windows) for name in names}
    models = {role: analyses[name] for role, name in roles.items()}
    return Comparison(clip, models, win_dur)
