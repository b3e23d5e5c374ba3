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
from audw2s.demo.words import listed
from audw2s.demo.words import short
from audw2s.model.registry import DIMENSIONS

AGREEMENT = 0.05
"""Largest difference at which models are called to agree."""


class Comparison(NamedTuple):
    """Values that both models predict for a recording."""

    clip: Clip
    models: dict[str, Analysis]
    """By role, the teacher first; recordings above
    :data:`audw2s.demo.limits.MAX_DUR` have only the student."""

    win_dur: float

    @property
    def student(self) -> Analysis:
        """The smaller of the models."""
        return self.models["student"]

    @property
    def best(self) -> Analysis:
        """The larger of the models."""
        return next(iter(self.models.values()))

    @property
    def differences(self) -> dict[str, float]:
        """Student minus teacher."""
        student, best = self.student.values, self.best.values
        return {name: student[name] - best[name] for name in DIMENSIONS}

    @property
    def sentence(self) -> str:
        """How far both models agree, in words."""
        return sentence(self.differences)

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
    def windows(self) -> pd.DataFrame:
        """A row per value over time.

        Columns are ``time``, ``start`` and ``end`` in seconds, A/D/V of the teacher
        (``teacher_arousal`` …) and of the student, and the statuses.
        """
        index = pd.TimedeltaIndex(self.student.curve.index)
        table = pd.DataFrame({"time": index.total_seconds()}, index)
        table["start"] = (table["time"] - self.win_dur / 2).clip(lower=0)
        table["end"] = (table["time"] + self.win_dur / 2).clip(upper=self.clip.duration)
        for role, one in self.models.items():
            table = table.join(one.curve[list(DIMENSIONS)].add_prefix(f"{role}_"))
        table["status"] = self.student.curve["status"]
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
    # The student first: it is quick, and more requests wait for the teacher
    analyses = {
        name: analyse(job, name, clip, (win_dur, hop_dur))
        for name in dict.fromkeys(reversed(roles.values()))
    }
    models = {role: analyses[name] for role, name in roles.items()}
    return Comparison(clip, models, win_dur)


def sentence(differences: dict[str, float]) -> str:
    """Sentence on how far two models agree.

    Args:
        differences: differences of A/D/V by dimension

    Examples:
        >>> sentence({"arousal": 0.02, "dominance": 0.03, "valence": -0.18})
        'Teacher and student agree within .05 on arousal and dominance; valence differs
        most, by .18.'
        >>> sentence(dict.fromkeys(("arousal", "dominance", "valence"), 0.01))
        'Teacher and student agree within .05 on arousal, dominance and valence.'
        >>> sentence({"arousal": 0.2, "dominance": 0.1, "valence": 0.3})
        'Teacher and student agree within .05 on none of the three; valence differs
        most, by .30.'

    """
    sizes = {name: abs(value) for name, value in differences.items()}
    close = [name for name in DIMENSIONS if sizes[name] <= AGREEMENT]
    limit = short(AGREEMENT)
    names = listed(close) if close else "none of the three"
    text = f"Teacher and student agree within {limit} on {names}"
    if len(close) == len(DIMENSIONS):
        return f"{text}."
    most = max(sizes, key=lambda name: sizes[name])
    return f"{text}; {most} differs most, by {short(sizes[most])}."
