"""Speech while it is spoken: a stream per session, the teacher trailing behind."""

import collections
import threading
import time
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
"""Most microphones that are heard at a time."""

IDLE_DUR = 15.0
"""Seconds without sound after which a session is given up."""

UPDATE_DUR = 0.05
"""Seconds of speech after which the student's values change.

Browsers send 0.1 s at a time, so two values come together."""

HISTORY_DUR = 10.0
"""Seconds of values that are kept to be drawn."""

TEACHER_DUR = 4.0
"""Seconds of speech that the teacher hears each time."""

MIN_TEACHER_DUR = 1.0
"""Seconds of speech before which the teacher is not asked."""

SLOT_DUR = 2.0
"""Seconds that live speech waits for a model."""


class Point(NamedTuple):
    """Values at a moment."""

    time: float
    """Seconds of audio that were heard."""

    values: dict[str, float]
    """A/D/V of the last seconds, NaN if unknown."""


class View(NamedTuple):
    """What there is to show of a session."""

    moment: Moment
    student: list[Point]
    """Of the last :data:`HISTORY_DUR`, the newest last."""

    num_fresh: int
    """How many of them the last chunk brought."""

    teacher: list[Point]
    rate: float
    """Chunks heard per second."""

    num_updates: int
    """How often the student's values changed."""

    is_over: bool
    """Whether :data:`audw2s.demo.limits.MAX_DUR` were heard."""


class Session:
    """One microphone; what it holds is bounded.

    Args:
        models: of the page
        teacher: name of the model that trails
        student: name of the model that gives live values
        sampling_rate: of the chunks in Hz
        pool: runs the teacher

    Raises:
        RefusedError: if the student can't be heard live

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
                    # Less, as resampling gives samples in lumps
                    update_dur=0.4 * UPDATE_DUR,
                )
            except ValueError as error:
                raise RefusedError(str(error)) from None
        self.recent: collections.deque[np.ndarray] = collections.deque()
        self.student: collections.deque[Point] = collections.deque()
        self.teacher: collections.deque[Point] = collections.deque()
        self.trailing: Future | None = None
        self.asked = 0.0
        self.arrivals: collections.deque[float] = collections.deque(maxlen=20)
        self.num_updates = 0
        self.used = time.monotonic()

    def push(self, chunk: np.ndarray) -> View:
        """Hear samples ``(num_samples,)``, float32.

        Raises:
            BusyError: if the student isn't free

        """
        self.used = time.monotonic()
        self.arrivals.append(self.used)
        room = max(0, round(MAX_DUR * self.sampling_rate) - self.stream.num_samples)
        before = self.num_updates
        moment = self._hear(chunk[:room])
        self._trail(moment.time)
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

    def _hear(self, chunk: np.ndarray) -> Moment:
        """Push pieces of the length of an update, so that each is seen."""
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

    def _trail(self, now: float) -> None:
        """Take what the teacher has said, and ask it again when it is free."""
        if self.trailing is not None and self.trailing.done():
            point, self.trailing = self.trailing.result(), None
            if point is not None:
                self.teacher.append(point)
        if self.trailing is None and now > max(self.asked, MIN_TEACHER_DUR):
            self.asked = now
            signal = np.concatenate(self.recent)
            self.trailing = self.pool.submit(self._ask_teacher, signal, now)

    def _ask_teacher(self, signal: np.ndarray, now: float) -> Point | None:
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
        models: of the page

    """

    def __init__(self, models: Models):
        self.models = models
        self.sessions: dict[str, Session] = {}
        self.lock = threading.Lock()
        self.pool = ThreadPoolExecutor(1, "trailing")

    def push(self, key: str, path: str, teacher: str, student: str) -> View | None:
        """Hear a chunk of a session, which begins with its first one.

        Args:
            key: of the session
            path: of a short audio file
            teacher: see :class:`Session`
            student: see :class:`Session`

        Returns:
            what there is to show, ``None`` if the chunk holds nothing

        Raises:
            RefusedError: with a sentence that says what to do

        """
        report = Report()
        # As much as may have queued up while the page was slow
        blocks = [mono(block)[0] for block in file_blocks(path, report, end=MAX_DUR)]
        if not blocks:
            return None
        session = self._session(key, teacher, student, report.sampling_rate)
        return session.push(np.concatenate(blocks))

    def drop(self, key: str) -> None:
        """Forget a session."""
        with self.lock:
            self.sessions.pop(key, None)

    def _session(
        self, key: str, teacher: str, student: str, sampling_rate: int
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
