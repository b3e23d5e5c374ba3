"""Results for programs: names, numbers and words."""

from typing import TypedDict

from audw2s.demo.clip import read_clip
from audw2s.demo.comparison import Comparison
from audw2s.demo.limits import Deadline
from audw2s.demo.models import Models
from audw2s.demo.prediction import Heard
from audw2s.demo.prediction import hear
from audw2s.model.registry import DIMENSIONS
from audw2s.version import __version__


class Values(TypedDict):
    """A/D/V, roughly 0…1, unclipped."""

    arousal: float
    dominance: float
    valence: float


class Prediction(TypedDict):
    """What one model hears in a recording."""

    arousal: float
    dominance: float
    valence: float
    model: str
    sha256: str
    version: str
    duration: float
    status: str
    notes: list[str]
    latency: float
    real_time_factor: float


class Window(TypedDict):
    """Values around a moment; times in seconds."""

    time: float
    start: float
    end: float
    teacher: Values
    student: Values
    status: str


class Compared(TypedDict):
    """What teacher and student hear in a recording."""

    sentence: str
    teacher: Prediction
    student: Prediction
    difference: Values
    windows: list[Window]


def predict(models: Models, path: str, model: str) -> Prediction:
    """Let one model hear a file.

    Raises:
        RefusedError: with a sentence that says what to do

    """
    clip = read_clip(path)
    heard = hear(models, model, clip, Deadline())
    return _prediction(heard, clip.duration, clip.status, clip.notes)


def compared(comparison: Comparison) -> Compared:
    """Give a comparison as numbers and words."""
    clip = comparison.clip
    teacher, student = (
        _prediction(heard, clip.duration, clip.status, comparison.notes)
        for heard in (comparison.teacher, comparison.student)
    )
    windows = [
        Window(
            time=row["time"],
            start=row["start"],
            end=row["end"],
            teacher=Values(**{name: row[f"teacher_{name}"] for name in DIMENSIONS}),
            student=Values(**{name: row[f"student_{name}"] for name in DIMENSIONS}),
            status=row["status"],
        )
        for row in comparison.windows.to_dict("records")
    ]
    return Compared(
        sentence=comparison.sentence,
        teacher=teacher,
        student=student,
        difference=Values(**comparison.differences),
        windows=windows,
    )


def _prediction(
    heard: Heard, duration: float, status: str, notes: list[str]
) -> Prediction:
    return Prediction(
        **heard.values,
        model=heard.model,
        sha256=heard.sha256,
        version=__version__,
        duration=duration,
        status=status,
        notes=notes,
        latency=heard.latency,
        real_time_factor=heard.real_time_factor,
    )
