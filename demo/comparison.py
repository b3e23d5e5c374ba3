"""Teacher and student on one recording: sentence, values and windows."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from audw2s.demo.clip import Clip
from audw2s.demo.clip import read_clip
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import check_windows
from audw2s.demo.models import Models
from audw2s.demo.prediction import Analysis
from audw2s.demo.prediction import analyse
from audw2s.demo.prediction import by_channel
from audw2s.model.registry import DIMENSIONS

AGREEMENT = 0.05
"""Largest difference at which models are called to agree."""

WIN_DUR = 2.0
"""Default duration in seconds of the window around each value over time."""

HOP_DUR = 0.25
"""Default seconds from one value over time to the next."""

OUTSIDE = (
    "Some values lie outside of 0…1, which the models allow; pictures show them at the "
    "edge."
)
"""Note on recordings with such values."""


class Comparison(NamedTuple):
    """Values that both models predict for a recording."""

    clip: Clip
    teacher: Analysis
    student: Analysis
    win_dur: float
    hop_dur: float
    channels: list[dict[str, float]]
    """A/D/V of the student for each channel, if these differ."""

    @property
    def differences(self) -> dict[str, float]:
        """Student minus teacher."""
        return {
            name: self.student.values[name] - self.teacher.values[name]
            for name in DIMENSIONS
        }

    @property
    def sentence(self) -> str:
        """How far both models agree, in words."""
        return sentence(self.differences)

    @property
    def notes(self) -> list[str]:
        """Sentences on what makes values unsure."""
        notes = self.clip.notes
        values = [
            value
            for model in (self.teacher, self.student)
            for value in (*model.values.values(), *np.ravel(model.curve[[*DIMENSIONS]]))
        ]
        if np.nanmin(values) < 0 or np.nanmax(values) > 1:
            notes.append(OUTSIDE)
        return notes

    @property
    def windows(self) -> pd.DataFrame:
        """A row per value over time.

        Columns are ``time``, ``start`` and ``end`` in seconds, A/D/V of the teacher
        (``teacher_arousal`` …) and of the student, and the statuses.
        """
        index = pd.TimedeltaIndex(self.teacher.curve.index)
        times = index.total_seconds().to_numpy()
        table = pd.DataFrame({"time": times})
        table["start"] = (times - self.win_dur / 2).clip(min=0)
        table["end"] = (times + self.win_dur / 2).clip(max=self.clip.duration)
        for role, model in (("teacher", self.teacher), ("student", self.student)):
            for name in DIMENSIONS:
                table[f"{role}_{name}"] = model.curve[name].to_numpy()
        table["status"] = self.student.curve["status"].to_numpy()
        return table.round(4)


def compare(
    models: Models,
    path: str,
    teacher: str,
    student: str,
    win_dur: float = WIN_DUR,
    hop_dur: float = HOP_DUR,
    *,
    deadline: Deadline | None = None,
) -> Comparison:
    """Predict A/D/V of a file with teacher and student.

    Args:
        models: models of the page
        path: path of the file
        teacher: name of the teacher
        student: name of the student
        win_dur: duration in seconds of the window around each value of the curves
        hop_dur: seconds from one value to the next
        deadline: time limit, :data:`audw2s.demo.limits.TIME_LIMIT` by default

    Raises:
        RefusedError: with a sentence that says what to do

    """
    deadline = deadline or Deadline()
    clip = read_clip(path)
    check_windows(win_dur, hop_dur, clip.duration)
    # The student first: it is quick, and more requests wait for the teacher
    analyses = {
        name: analyse(models, name, clip, deadline, (win_dur, hop_dur))
        for name in dict.fromkeys((student, teacher))
    }
    channels = by_channel(models, student, path, clip.num_channels, deadline)
    both = analyses[teacher], analyses[student]
    return Comparison(clip, *both, win_dur, hop_dur, channels)


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
    limit = _short(AGREEMENT)
    text = f"Teacher and student agree within {limit} on {_listed(close)}"
    if len(close) == len(DIMENSIONS):
        return f"{text}."
    most = max(sizes, key=lambda name: sizes[name])
    return f"{text}; {most} differs most, by {_short(sizes[most])}."


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _listed(names: list[str]) -> str:
    if not names:
        return "none of the three"
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"
