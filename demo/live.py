"""Live speech: values of the student while it is spoken, later ones of the teacher."""

import contextlib
import threading
import time
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pydantic

from audw2s.demo.job import Job
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import TEACHER_DUR
from audw2s.demo.limits import WIN_DUR
from audw2s.demo.models import Models
from audw2s.demo.words import RefusedError
from audw2s.inference.stream import Moment
from audw2s.inference.stream import Stream

MAX_SESSIONS = 8
"""Most microphones at a time; a client may have as many as there are free places."""

IDLE_DUR = 15.0
"""Seconds without a chunk after which a session is dropped."""

MAX_AGE = 3 * MAX_DUR
"""Seconds after which a session is dropped; slow networks need more than MAX_DUR."""

UPDATE_DUR = 0.05
"""Seconds of speech from one value of the student to the next."""

MAX_CHUNK_DUR = 2.0
"""Most seconds of speech that are processed at once."""

TEACHER_HOP_DUR = 0.5
"""Least seconds of speech from one value of the teacher to the next."""

TURN_DUR = 2.0
"""Seconds that the teacher's turn may take to come."""


class Chunk(pydantic.BaseModel, arbitrary_types_allowed=True):
    """Samples that a browser sends, and what it has already."""

    client: str
    """Address of the browser."""

    session: str
    """Identifier that the browser chose."""

    teacher: str
    student: str
    rate: int = pydantic.Field(ge=8000, le=192_000)
    """Sampling rate in Hz."""

    first: pydantic.NonNegativeInt
    """Number of samples before these."""

    samples: np.ndarray
    """``(num_samples,)``, int16."""

    last: bool
    """Whether no samples follow."""

    student_points: pydantic.NonNegativeInt
    """Number of points of the student that the browser has."""

    teacher_points: pydantic.NonNegativeInt


DURATIONS: dict[str, Any] = {"win_dur": WIN_DUR, "update_dur": 0.4 * UPDATE_DUR}
"""Of the student's stream; updates are shorter, as resampling gives blocks."""


class Session:
    """Stream of one microphone.

    Args:
        models: models of the page
        chunk: first chunk, which names the models and the sampling rate
        pool: thread pool that runs the teacher

    Raises:
        RefusedError: if there is no such model, or the student can't run live

    """

    def __init__(self, models: Models, chunk: Chunk, pool: ThreadPoolExecutor):
        self.models = models
        self.client, self.rate = chunk.client, chunk.rate
        self.teacher_name = chunk.teacher
        self.pool = pool
        models.lock(chunk.teacher)
        # It waits for no lock, which other requests may hold for long
        models.lock(chunk.student)
        try:
            self.stream = Stream(chunk.student, sampling_rate=self.rate, **DURATIONS)
        except ValueError as error:
            raise RefusedError("not_live", reason=error) from None
        self.lock = threading.Lock()
        self.recent = np.zeros(0, np.int16)
        self.status = "waiting"
        # Points: seconds of speech that were processed, and A/D/V of the last ones
        self.student: list[tuple[float, ...]] = []
        self.teacher: list[tuple[float, ...]] = []
        self.pending: Future | None = None
        self.last_run = 0.0
        self.begun = self.used = time.monotonic()

    def push(self, chunk: Chunk) -> dict[str, Any]:
        """Process samples if they are the next ones, and say how far this is.

        Returns:
            number of samples that were processed, after which the browser goes on;
            status of the stream; points of both models that are new to the browser;
            whether the session is over

        """
        with self.lock:
            self.used = time.monotonic()
            if chunk.first == self.stream.num_samples and not self.stream.is_over:
                self._process(chunk)
            return {
                "num_samples": self.stream.num_samples,
                "status": self.status,
                "student": self.student[chunk.student_points :],
                "teacher": self.teacher[chunk.teacher_points :],
                "is_over": self.stream.is_over,
            }

    def _process(self, chunk: Chunk) -> None:
        """Process whole updates, so that values don't depend on the chunks' sizes."""
        size = round(UPDATE_DUR * self.rate)
        most = round(MAX_DUR * self.rate) - chunk.first
        samples = chunk.samples[: min(most, round(MAX_CHUNK_DUR * self.rate))]
        is_last = chunk.last and len(samples) == len(chunk.samples)
        if not is_last:
            samples = samples[: len(samples) // size * size]
        for first in range(0, len(samples), size):
            self._add(self.stream.push(samples[first : first + size]))
        self.recent = np.append(self.recent, samples)[-round(TEACHER_DUR * self.rate) :]
        if is_last:
            self._add(self.stream.finish())
        self._run_teacher(self.stream.num_samples / self.rate)

    def _add(self, moment: Moment) -> None:
        self.status = moment.status
        values = list(moment.window.values())
        if np.isfinite(values).all():
            self.student.append((moment.time, *values))

    def _run_teacher(self, now: float) -> None:
        """Let the teacher process the last seconds, if it is done with earlier ones."""
        if self.pending is not None and self.pending.done():
            # Raises its error
            self.pending = self.pending.result()
        if self.pending is None and now >= self.last_run + TEACHER_HOP_DUR:
            self.last_run = now
            self.pending = self.pool.submit(self._add_teacher, self.recent, now)

    def _add_teacher(self, signal: np.ndarray, now: float) -> None:
        turn = Job(self.models, seconds=TURN_DUR).held(self.teacher_name)
        with contextlib.suppress(RefusedError), turn as predictor:
            (row,) = predictor.signal(signal, self.rate)
            if np.isfinite(row.values[0]).all():
                self.teacher.append((now, *row.values[0].tolist()))


class Live:
    """All sessions of the page.

    Args:
        models: models of the page

    """

    def __init__(self, models: Models):
        self.models = models
        self.sessions: dict[str, Session] = {}
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(1, "teacher")

    def push(self, chunk: Chunk) -> dict[str, Any]:
        """Process a chunk.

        A session that isn't known, as the server was restarted, begins anew: the
        browser then sends all samples again.

        Raises:
            RefusedError: with a sentence that says what to do

        """
        state = self._session(chunk).push(chunk)
        if state["is_over"]:
            with self.lock:
                self.sessions.pop(chunk.session, None)
        return state

    def _session(self, chunk: Chunk) -> Session:
        now = time.monotonic()
        with self.lock:
            for key, session in list(self.sessions.items()):
                if session.used <= now - IDLE_DUR or session.begun <= now - MAX_AGE:
                    del self.sessions[key]
            if chunk.session not in self.sessions:
                clients = [session.client for session in self.sessions.values()]
                if clients.count(chunk.client) >= MAX_SESSIONS - len(clients):
                    raise RefusedError("live_full")
                self.sessions[chunk.session] = Session(self.models, chunk, self.pool)
            return self.sessions[chunk.session]
