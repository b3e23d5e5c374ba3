"""Voice activity detection: the frames of a signal that are speech, block by block.

The network is that of Silero VAD (Silero Team, MIT licence), see
``audw2s/assets/silero-vad``.
"""

import functools
import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np

from audw2s.audio.quality import Runs
from audw2s.audio.quality import runs_of
from audw2s.audio.speech_frames import FRAME
from audw2s.audio.speech_frames import Run
from audw2s.audio.speech_frames import num_decided
from audw2s.audio.speech_frames import speech_frames

if TYPE_CHECKING:
    import onnxruntime

PATH = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
    *("assets", "silero-vad", "model.onnx"),
)
"""Path of the network in the package."""

SHA256 = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
"""Expected sha256 of the network."""

CONTEXT = 64
"""Number of samples before a frame that the network takes as well."""

MAX_FRAMES = 256
"""Largest number of frames that the network processes at once, 8 s."""


def open_detector(path: str = PATH) -> "onnxruntime.InferenceSession":
    """Open the network, once per process.

    Raises:
        ValueError: if its sha256 isn't the expected one

    """
    return _open(path, os.getpid())


@functools.lru_cache(maxsize=2)
def _open(path: str, process: int) -> "onnxruntime.InferenceSession":
    import onnxruntime

    with open(path, "rb") as file:
        content = file.read()
    if (found := hashlib.sha256(content).hexdigest()) != SHA256:
        raise ValueError(
            f"{path} has sha256 {found}, expected {SHA256}. It was changed or damaged: "
            "install the package again."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(content, options, providers=providers)


class SpeechDetector:
    """Gives the probability of speech in each frame of a mono signal at 16 kHz.

    The signal may be cut into blocks anywhere, the result is the same.

    Examples:
        >>> detector = SpeechDetector()
        >>> silence = np.zeros(16000, np.float32)
        >>> probabilities = [*detector.push(silence), *detector.finish()]
        >>> len(probabilities), max(probabilities) < 0.1
        (32, np.True_)

    """

    def __init__(self):
        self.session = open_detector()
        self.waiting = np.zeros(CONTEXT, np.float32)
        self.hidden = self.cell = np.zeros((1, 1, 128), np.float32)

    def push(self, signal: np.ndarray) -> np.ndarray:
        """Process samples; return the probabilities of the frames that are complete.

        Args:
            signal: samples ``(num_samples,)``, float32

        """
        self.waiting = np.concatenate([self.waiting, signal])
        count = (len(self.waiting) - CONTEXT) // FRAME
        found = [np.zeros(0, np.float32)]
        for first in range(0, count, MAX_FRAMES):
            end = min(first + MAX_FRAMES, count) * FRAME + CONTEXT
            found.append(self._run(self.waiting[first * FRAME : end]))
        self.waiting = self.waiting[count * FRAME :]
        return np.concatenate(found)

    def finish(self) -> np.ndarray:
        """Return the probability of the last frame, filled up with zeros, if any."""
        if (missing := CONTEXT + FRAME - len(self.waiting)) < FRAME:
            return self.push(np.zeros(missing, np.float32))
        return np.zeros(0, np.float32)

    def _run(self, signal: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(signal, CONTEXT + FRAME)
        inputs = {"input": np.ascontiguousarray(windows[::FRAME])}
        inputs |= {"h": self.hidden, "c": self.cell}
        names = ["speech_probs", "hn", "cn"]
        probabilities, self.hidden, self.cell = self.session.run(names, inputs)
        return probabilities


def speech_probabilities(signal: np.ndarray) -> np.ndarray:
    """Probability of speech in each frame of a mono signal at 16 kHz.

    Args:
        signal: signal ``(num_samples,)``, float32

    """
    detector = SpeechDetector()
    return np.concatenate([detector.push(signal), detector.finish()])


class SpeechMarks:
    """Which frames of a mono signal at 16 kHz are speech, read in blocks.

    Marks are those of :func:`audw2s.audio.speech_frames.speech_frames` for the whole
    signal, and known after less than half a second.

    Examples:
        >>> marks = SpeechMarks()
        >>> marks.push(np.zeros(16000, np.float32))
        >>> marks.num_known, len(marks.runs), marks.hops(0, 2, 64).tolist()
        (30, 0, [False, False])

    """

    def __init__(self):
        self.detector = SpeechDetector()
        self.runs = np.zeros((0, 2), np.int64)
        """First frame, and index after the last one, of each run of speech."""

        self.num_known = 0
        """Number of frames whose mark is known."""

        self.is_over = False
        """Whether no frames will follow."""

        # Probabilities since the last frame that is known to be a pause
        self.probabilities = np.zeros(0, np.float32)
        self.num_done = 0

    def push(self, signal: np.ndarray) -> None:
        """Process samples ``(num_samples,)``, float32."""
        self._mark(self.detector.push(signal))

    def finish(self) -> None:
        """Mark the remaining frames at the end of the signal."""
        self.is_over = True
        self._mark(self.detector.finish())

    def _mark(self, probabilities: np.ndarray) -> None:
        self.probabilities = np.concatenate([self.probabilities, probabilities])
        size = len(self.probabilities)
        decided = size if self.is_over else num_decided(self.probabilities)
        is_speech = speech_frames(self.probabilities)[self.num_done : decided]
        self._append(runs_of(is_speech))
        self.num_known += len(is_speech)
        self.num_done = max(self.num_done, decided)
        if len(is_speech) and not is_speech[-1]:
            self.probabilities = self.probabilities[self.num_done - 1 :]
            self.num_done = 1

    def _append(self, found: np.ndarray) -> None:
        """Append runs, counted from the first frame that isn't known."""
        found = found + self.num_known
        if len(found) and len(self.runs) and self.runs[-1, 1] == found[0, 0]:
            found[0, 0] = self.runs[-1, 0]
            self.runs = self.runs[:-1]
        self.runs = np.concatenate([self.runs, found])

    def hops(self, first: int, last: int, hop: int) -> np.ndarray:
        """Whether each of the hops ``first`` to ``last - 1`` is speech.

        Args:
            first: index of the first hop
            last: index after the last hop
            hop: number of samples of a hop

        """
        frames = (np.arange(first, last) * hop + hop // 2) // FRAME
        numbers = np.searchsorted(self.runs[:, 0], frames, side="right") - 1
        ends = np.append(self.runs[:, 1], 0)
        # Before the first run the number is -1, which is the appended end
        return frames < ends[numbers]

    def next_hops(self, number: int, hop: int) -> Run | None:
        """Next run of hops that are speech, from an index on.

        Args:
            number: index of a hop
            hop: number of samples of a hop

        Returns:
            first hop, and index after the last one; ``None`` if none is known

        """
        edges = -(-(self.runs * FRAME - hop // 2) // hop)
        place = np.searchsorted(edges[:, 1], number, side="right")
        if place == len(edges):
            return None
        first, last = edges[place].tolist()
        return max(first, number), last

    @property
    def samples(self) -> Runs:
        """Runs of samples that are speech."""
        return Runs(self.runs * FRAME)

    def num_samples(self, first: int, last: int) -> int:
        """Number of samples of speech in ``first`` to ``last - 1``."""
        return self.samples.count(first, last)


class SpeechGate:
    """Holds back samples of a mono signal until it is known whether they are speech.

    Args:
        marks: marks of the whole signal, if they are known already

    Examples:
        >>> gate = SpeechGate()
        >>> len(gate.push(np.zeros(16000, np.float32))), len(gate.finish())
        (15360, 640)

    """

    def __init__(self, marks: SpeechMarks | None = None):
        self.is_known = marks is not None
        self.marks = marks or SpeechMarks()
        self.waiting = np.zeros(0, np.float32)
        self.num_released = 0

    def push(self, signal: np.ndarray) -> np.ndarray:
        """Add samples ``(num_samples,)``; return those that are marked."""
        if self.is_known:
            return signal
        self.marks.push(signal)
        self.waiting = np.concatenate([self.waiting, signal])
        return self._release(self.marks.num_known * FRAME - self.num_released)

    def finish(self) -> np.ndarray:
        """Return the remaining samples."""
        if not self.is_known:
            self.marks.finish()
        return self._release(len(self.waiting))

    def _release(self, count: int) -> np.ndarray:
        released, self.waiting = np.split(self.waiting, [count])
        self.num_released += count
        return released


def marked(signal: np.ndarray) -> SpeechMarks:
    """Marks of a mono signal ``(num_samples,)`` at 16 kHz, float32."""
    marks = SpeechMarks()
    marks.push(signal)
    marks.finish()
    return marks


def only_speech(signal: np.ndarray, marks: SpeechMarks) -> np.ndarray:
    """Speech of a signal ``(num_samples,)``, without what lies between."""
    parts = [signal[first * FRAME : last * FRAME] for first, last in marks.runs]
    return np.concatenate([signal[:0], *parts])
