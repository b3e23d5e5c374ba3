"""Results of the page for programs, as typed dictionaries."""

from collections.abc import Mapping
from typing import Any
from typing import TypedDict

from audw2s.demo.clip import Clip
from audw2s.demo.clip import read_clip
from audw2s.demo.comparison import Comparison
from audw2s.demo.job import Job
from audw2s.demo.prediction import Analysis
from audw2s.demo.prediction import analyse
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


class Values(TypedDict):
    """A/D/V, roughly 0…1, unclipped."""

    arousal: float
    dominance: float
    valence: float


class Prediction(Values):
    """Values that one model predicts for a recording."""

    model: str
    sha256: str
    version: str
    duration: float
    status: str
    notes: list[str]
    latency: float
    real_time_factor: float


class Window(TypedDict):
    """Values of a window around a time; times in seconds."""

    time: float
    start: float
    end: float
    teacher: Values
    student: Values
    status: str


class Compared(TypedDict):
    """Values that teacher and student predict for a recording."""

    sentence: str
    teacher: Prediction
    student: Prediction
    difference: Values
    windows: list[Window]


def predict(job: Job, path: str, model: str) -> Prediction:
    """Predict A/D/V of a file with one model.

    Raises:
        RefusedError: with a sentence that says what to do

    """
    clip = read_clip(job, path)
    return _prediction(clip, analyse(job, model, clip), clip.notes)


def compared(comparison: Comparison) -> Compared:
    """Convert a comparison to the result for programs."""
    clip, notes = comparison.clip, comparison.notes
    windows = [
        Window(
            time=row["time"],
            start=row["start"],
            end=row["end"],
            teacher=_values(row, "teacher_"),
            student=_values(row, "student_"),
            status=row["status"],
        )
        for row in comparison.windows.to_dict("records")
    ]
    return Compared(
        sentence=comparison.sentence,
        teacher=_prediction(clip, comparison.best, notes),
        student=_prediction(clip, comparison.student, notes),
        difference=_values(comparison.differences),
        windows=windows,
    )


def _values(values: Mapping[Any, float], prefix: str = "") -> Values:
    arousal, dominance, valence = (values[f"{prefix}{name}"] for name in DIMENSIONS)
    return Values(arousal=arousal, dominance=dominance, valence=valence)


def _prediction(clip: Clip, analysis: Analysis, notes: list[str]) -> Prediction:
    return Prediction(
        **_values(analysis.values),
        model=analysis.model,
        sha256=analysis.sha256,
        version=__version__,
        duration=clip.duration,
        status=clip.status,
        notes=notes,
        latency=analysis.latency,
        real_time_factor=analysis.real_time_factor,
    )
