"""A file and its segments as a task of a worker, and the result of it."""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from audw2s.audio.times import from_seconds
from audw2s.files import Stamp
from audw2s.files import stamp
from audw2s.inference.row import Row
from audw2s.model.registry import DIMENSIONS

OPEN = np.iinfo(np.int64).min
"""Unknown end in nanoseconds: NaT as an integer."""

BYTES_PER_SECOND = 1e6
"""Bytes of a file per additional second of its time limit, as disks may be slow."""

LATE = 1
"""Exit code of a worker whose file has made no progress until its time limit."""


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """File and its segments, which a worker processes together."""

    file: str
    """Name of the file in the corpus."""

    path: str
    """Absolute path of the file."""

    spans: list[tuple[int, int]]
    """Start and end of each segment in nanoseconds, :data:`OPEN` for the end of the
    file."""

    @property
    def seconds(self) -> list[tuple[float, float | None]]:
        """Start and end of each segment in seconds, ``None`` for the end of the file.

        Examples:
            >>> Task("a.wav", "/a.wav", [(500_000_000, OPEN)]).seconds
            [(0.5, None)]

        """
        return [
            (start / 1e9, None if end == OPEN else end / 1e9)
            for start, end in self.spans
        ]


class Prediction(NamedTuple):
    """Values of all models for a segment or window."""

    row: Row
    """Row of the first model, with the status of one without values if there is one."""

    values: list[np.ndarray]
    """Values of each model, float32, NaN for unusable input: A/D/V, and hidden states
    if they were requested."""

    channel: int | None = None
    """Channel, ``None`` for the mean of all."""


class Result(NamedTuple):
    """Result of a file."""

    stamp: Stamp
    """Size and time of the file when it was processed."""

    rows: list[list[Prediction]]
    """Rows of each segment, at least one."""


def time_limit(tasks: Iterable[Task], timeout: float) -> float:
    """Seconds without progress after which files are given up."""
    largest = max(stamp(task.path).size for task in tasks)
    return timeout + max(0, largest) / BYTES_PER_SECOND


def unreadable(task: Task, reason: str, num_models: int) -> Result:
    """Result of a file that can't be processed."""
    rows = [
        [without_values(start, end, "unreadable", reason, num_models)]
        for start, end in task.seconds
    ]
    return Result(stamp(task.path), rows)


def without_values(
    start: float, end: float | None, status: str, message: str, num_models: int
) -> Prediction:
    """Row of a segment without values."""
    values = [np.full(len(DIMENSIONS), np.nan, np.float32)] * num_models
    times = from_seconds(start), from_seconds(end)
    return Prediction(Row(*times, values[0], status, message, 0.0), values)
