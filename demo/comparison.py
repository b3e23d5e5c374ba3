"""Teacher and student on one recording: sentence, values and windows."""

from typing import NamedTuple

import pandas as pd

from audw2s.demo.clip import Clip
from audw2s.demo.clip import read_clip
from audw2s.demo.job import Job
from audw2s.demo.limits import HOP_DUR
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import MAX_WINDOWS
from audw2s.demo.limits import WIN_DUR
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
    teacher: Analysis | None
    """``None`` for recordings above :data:`audw2s.demo.limits.MAX_DUR`."""

    student: Analysis
    win_dur: float
    hop_dur: float

    @property
    def models(self) -> dict[str, Analysis]:
        """Models by their role, the teacher first."""
        both = {"teacher": self.teacher, "student": self.student}
        return {role: one for role, one in both.items() if one is not None}

    @property
    def best(self) -> Analysis:
        """The larger of the models."""
        return self.teacher or self.student

    @property
    def differences(self) -> dict[str, float]:
        """Student minus teacher."""
        return {
            name: self.student.values[name] - self.best.values[name]
            for name in DIMENSIONS
        }

    @property
    def sentence(self) -> str:
        """How far both models agree, in words."""
        return sentence(self.differences)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest value of each dimension, at least 0…1."""
        models = self.models.values()
        values = pd.concat(
            [m.curve for m in models] + [pd.DataFrame([m.values for m in models])]
        )
        return {
            name: (min(0.0, values[name].min()), max(1.0, values[name].max()))
            for name in DIMENSIONS
        }

    @property
    def notes(self) -> list[str]:
        """Sentences on what makes values unsure."""
        notes = self.clip.notes
        if set(self.ranges.values()) != {(0, 1)}:
            notes.append(WORDS["notes"]["outside"])
        if self.teacher is None:
            notes.append(WORDS["notes"]["alone"].format(limit=MAX_DUR))
        return notes

    @property
    def windows(self) -> pd.DataFrame:
        """A row per value over time.

        Columns are ``time``, ``start`` and ``end`` in seconds, A/D/V of the teacher
        (``teacher_arousal`` …) and of the student, and the statuses.
        """
        index = pd.TimedeltaIndex(self.student.curve.index)
        times = index.total_seconds().to_numpy()
        table = pd.DataFrame({"time": times})
        table["start"] = (times - self.win_dur / 2).clip(min=0)
        table["end"] = (times + self.win_dur / 2).clip(max=self.clip.duration)
        for role, model in self.models.items():
            for name in DIMENSIONS:
                table[f"{role}_{name}"] = model.curve[name].to_numpy()
        table["status"] = self.student.curve["status"].to_numpy()
        return table.round(4)


def compare(
    job: Job,
    path: str | None,
    teacher: str,
    student: str,
    win_dur: float = WIN_DUR,
    hop_dur: float = HOP_DUR,
    *,
    limit: float = MAX_DUR,
) -> Comparison:
    """Predict A/D/V of a file with both models.

    Above :data:`audw2s.demo.limits.MAX_DUR` the student processes it alone.

    Args:
        job: request
        path: path of the file
        teacher: name of the teacher
        student: name of the student
        win_dur: duration in seconds of the window around each value of the curves
        hop_dur: seconds from one value to the next; larger in long recordings
        limit: longest duration in seconds

    Raises:
        RefusedError: with a sentence that says what to do

    """
    clip = read_clip(job, path, limit)
    is_long = clip.duration > MAX_DUR
    if is_long:
        hop_dur = max(hop_dur, clip.duration / (MAX_WINDOWS - 1))
        win_dur = max(win_dur, hop_dur)
    check_windows(win_dur, hop_dur, clip.duration)
    # The student first: it is quick, and more requests wait for the teacher
    analyses = {
        name: analyse(job, name, clip, (win_dur, hop_dur))
        for name in dict.fromkeys([student] if is_long else [student, teacher])
    }
    first = None if is_long else analyses[teacher]
    return Comparison(clip, first, analyses[student], win_dur, hop_dur)


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
