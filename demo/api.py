"""Results of the page for programs, as typed dictionaries."""

from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from audw2s.demo.clip import Clip
from audw2s.demo.clip import read_clip
from audw2s.demo.comparison import compare
from audw2s.demo.job import Job
from audw2s.demo.prediction import Analysis
from audw2s.demo.prediction import analyse
from audw2s.demo.words import agreement_text
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
    return prediction(clip, analyse(job, model, clip), clip.notes)


def prediction(clip: Clip, analysis: Analysis, notes: list[str]) -> Prediction:
    """Convert values of a model to the result for programs."""
    found = clip._asdict() | analysis._asdict() | analysis.values
    found |= {"version": __version__, "notes": notes}
    # Takes what the type names, and leaves out the rest
    return TypeAdapter(Prediction).validate_python(found)


def compared(job: Job, path: str, *chosen: Any) -> Compared:
    """Predict A/D/V of a file with both models.

    Args:
        job: request
        path: path of the file
        chosen: further arguments of :func:`audw2s.demo.comparison.compare`

    Raises:
        RefusedError: with a sentence that says what to do

    """
    comparison = compare(job, read_clip(job, path), *chosen)
    difference: dict[Any, float] = comparison.totals["difference"].to_dict()
    windows = comparison.windows.to_dict("records")
    found: dict[str, object] = {"difference": difference, "windows": windows}
    found["sentence"] = agreement_text(difference)
    for role, one in comparison.models.items():
        found[role] = prediction(comparison.clip, one, comparison.notes)
        for row in windows:
            row[role] = {name: row[f"{role}_{name}"] for name in DIMENSIONS}
    return TypeAdapter(Compared).validate_python(found)
