"""Voice activity detection: the frames of a signal that are speech, block by block.

The network is that of Silero VAD (Silero Team, MIT licence), see
``audw2s/assets/silero-vad``.
"""

import functools
import hashlib
import os
from typing import TYPE_CHECKING

import numpy as np

from audw2s.audio.speech_frames import FRAME
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


class SpeechGate:
    """Marks the speech of a mono signal at 16 kHz that is read in blocks.

    Samples are returned as soon as it is known whether they are speech, which takes
    less than half a second. Marks are those of
    :func:`audw2s.audio.speech_frames.speech_frames` for the whole signal.

    Examples:
        >>> gate = SpeechGate()
        >>> signal, is_speech = gate.push(np.zeros(16000, np.float32))
        >>> len(signal), is_speech.shape, is_speech.any()
        (15360, (30,), np.False_)

    """

    def __init__(self):
        self.detector = SpeechDetector()
        self.waiting = np.zeros(0, np.float32)
        # Probabilities since the last frame that is known to be a pause
        self.probabilities = np.zeros(0, np.float32)
        self.num_done = 0

    def push(self, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Add samples ``(num_samples,)``.

        Returns:
            samples, and whether each frame of them is speech

        """
        return self._release(signal, self.detector.push(signal), is_last=False)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the remaining samples, and whether each frame of them is speech."""
        return self._release(self.waiting[:0], self.detector.finish(), is_last=True)

    def _release(
        self, signal: np.ndarray, probabilities: np.ndarray, *, is_last: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        self.waiting = np.concatenate([self.waiting, signal])
        self.probabilities = np.concatenate([self.probabilities, probabilities])
        size = len(self.probabilities)
        decided = size if is_last else num_decided(self.probabilities)
        is_speech = speech_frames(self.probabilities)[self.num_done : decided]
        count = len(self.waiting) if is_last else len(is_speech) * FRAME
        released, self.waiting = np.split(self.waiting, [count])
        self.num_done = max(self.num_done, decided)
        if len(is_speech) and not is_speech[-1]:
            self.probabilities = self.probabilities[self.num_done - 1 :]
            self.num_done = 1
        return released, is_speech
