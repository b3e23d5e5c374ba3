"""Live speech: a stream per session for the student, delayed values of the teacher."""

import collections
import threading
import time
from collections.abc import Hashable
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import mono
from audw2s.audio.quality import Report
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import BusyError
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import RefusedError
from audw2s.demo.models import Models
from audw2s.inference.stream import Moment
from audw2s.inference.stream import Stream
from audw2s.model.registry import named

MAX_SESSIONS = 8
"""Most microphones at a time."""

IDLE_DUR = 15.0
"""Seconds without a chunk after which a session is dropped."""

UPDATE_DUR = 0.05
"""Seconds of speech from one value of the student to the next.

Browsers send 0.1 s at a time, so two values come together."""

HISTORY_DUR = 10.0
"""Seconds of values that are kept for drawing."""

TEACHER_DUR = 4.0
"""Seconds of speech that the teacher processes each time."""

MIN_TEACHER_DUR = 1.0
"""Seconds of speech before the first value of the teacher."""

SLOT_DUR = 2.0
"""Seconds that a chunk waits for a model."""


class Point(NamedTuple):
    """Values at a time."""

    time: float
    """Seconds of audio that were processed."""

    values: dict[str, float]
    """A/D/V of the last seconds, NaN without a value."""


class View(NamedTuple):
    """State of a session that the page shows."""

    moment: Moment
    student: list[Point]
    """Values of the last :data:`HISTORY_DUR` seconds, the newest last."""

    num_fresh: int
    """Number of values that the last chunk added."""

    teacher: list[Point]
    rate: float
    """Chunks per second."""

    num_updates: int
    """Number of values of the student so far."""

    is_over: bool
    """Whether :data:`audw2s.demo.limits.MAX_DUR` is reached."""


class Session:
    """Stream of one microphone, in bounded memory.

    Args:
        models: models of the page
        teacher: name of the model whose values are delayed
        student: name of the model with live values
        sampling_rate: sampling rate of the chunks in Hz
        pool: thread pool that runs the teacher

    Raises:
        RefusedError: if the student can't process live speech

    """

    def __init__(
        self,
        models: Models,
        teacher: str,
        student: str,
        sampling_rate: int,
        pool: ThreadPoolExecutor,
    ):
        self.models = models
        self.teacher_name, self.student_name = teacher, student
        self.sampling_rate = sampling_rate
        self.pool = pool
        with models.held(student, Deadline(SLOT_DUR)) as predictor:
            try:
                self.stream = Stream(
                    predictor.network.model,
                    sampling_rate=sampling_rate,
                    # Less, as resampling gives samples in blocks
                    update_dur=0.4 * UPDATE_DUR,
                )
            except ValueError as error:
                raise RefusedError(str(error)) from None
        self.recent: collections.deque[np.ndarray] = collections.deque()
        self.student: collections.deque[Point] = collections.deque()
        self.teacher: collections.deque[Point] = collections.deque()
        self.pending: Future | None = None
        self.last_run = 0.0
        self.arrivals: collections.deque[float] = collections.deque(maxlen=20)
        self.num_updates = 0
        self.used = time.monotonic()

    def push(self, chunk: np.ndarray) -> View:
        """Process samples ``(num_samples,)``, float32.

        Raises:
            BusyError: if the student isn't free

        """
        self.used = time.monotonic()
        self.arrivals.append(self.used)
        room = max(0, round(MAX_DUR * self.sampling_rate) - self.stream.num_samples)
        before = self.num_updates
        moment = self._process(chunk[:room])
        self._update_teacher(moment.time)
        for points in (self.student, self.teacher):
            while len(points) > 1 and points[0].time < moment.time - HISTORY_DUR:
                points.popleft()
        is_over = len(chunk) >= room
        return View(
            moment,
            list(self.student),
            self.num_updates - before,
            list(self.teacher),
            self._rate(),
            self.num_updates,
            is_over,
        )

    def _process(self, chunk: np.ndarray) -> Moment:
        """Process a chunk in pieces of one update each, so that no value is missed."""
        size = max(1, round(UPDATE_DUR * self.sampling_rate))
        pieces = np.split(chunk, range(size, len(chunk), size))
        with self.models.held(self.student_name, Deadline(SLOT_DUR)):
            for piece in pieces:
                before = self.stream.window
                moment = self.stream.push(piece)
                if moment.window is not before:
                    self.num_updates += 1
                    self.student.append(Point(moment.time, moment.window))
        self.recent.extend(pieces)
        held = sum(map(len, self.recent))
        while held - len(self.recent[0]) > TEACHER_DUR * self.sampling_rate:
            held -= len(self.recent.popleft())
        return moment

    def _update_teacher(self, now: float) -> None:
        """Collect the teacher's last value, and start the next one if it is free."""
        if self.pending is not None and self.pending.done():
            point, self.pending = self.pending.result(), None
            if point is not None:
                self.teacher.append(point)
        if self.pending is None and now > max(self.last_run, MIN_TEACHER_DUR):
            self.last_run = now
            signal = np.concatenate(self.recent)
            self.pending = self.pool.submit(self._run_teacher, signal, now)

    def _run_teacher(self, signal: np.ndarray, now: float) -> Point | None:
        try:
            with self.models.held(self.teacher_name, Deadline(SLOT_DUR)) as predictor:
                (row,) = predictor.signal(signal, self.sampling_rate)
        except BusyError:
            return None
        return Point(now, named(row.values[0]))

    def _rate(self) -> float:
        if len(self.arrivals) < 2:
            return 0.0
        return (len(self.arrivals) - 1) / (self.arrivals[-1] - self.arrivals[0])


class Live:
    """All sessions of the page.

    Args:
        models: models of the page

    """

    def __init__(self, models: Models):
        self.models = models
        self.sessions: dict[Hashable, Session] = {}
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(1, "trailing")

    def push(self, key: Hashable, path: str, teacher: str, student: str) -> View | None:
        """Process a chunk of a session; the first chunk starts it.

        Args:
            key: identifier of the session
            path: path of a short audio file with the chunk
            teacher: see :class:`Session`
            student: see :class:`Session`

        Returns:
            state of the session, ``None`` if the chunk has no samples

        Raises:
            RefusedError: with a sentence that says what to do

        """
        report = Report()
        # Several chunks may be in the file if the page was slow
        blocks = [mono(block)[0] for block in file_blocks(path, report, end=MAX_DUR)]
        if not blocks:
            return None
        session = self._session(key, teacher, student, report.sampling_rate)
        return session.push(np.concatenate(blocks))

    def drop(self, key: Hashable) -> None:
        """Remove a session."""
        with self.lock:
            self.sessions.pop(key, None)

    def _session(
        self, key: Hashable, teacher: str, student: str, sampling_rate: int
    ) -> Session:
        with self.lock:
            self._drop_idle()
            session = self.sessions.get(key)
            if session is not None and session.sampling_rate == sampling_rate:
                return session
            if session is None and len(self.sessions) >= MAX_SESSIONS:
                raise BusyError
            session = Session(self.models, teacher, student, sampling_rate, self.pool)
            self.sessions[key] = session
            return session

    def _drop_idle(self) -> None:
        oldest = time.monotonic() - IDLE_DUR
        for key in [k for k, s in self.sessions.items() if s.used < oldest]:
            del self.sessions[key]
