"""Where in a recording somebody speaks: by the level, or by a detector of speech."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from audw2s.audio.decode import mono
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.speech import SpeechMarks
from audw2s.audio.speech_frames import FRAME_DUR
from audw2s.audio.speech_frames import joined
from audw2s.audio.speech_frames import num_frames
from audw2s.interface.steady import Interval
from audw2s.interface.steady import levels
from audw2s.interface.steady import sounding


class Activity(Protocol):
    """Rule that is applied to the blocks of a recording."""

    def watch(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield blocks ``(num_channels, num_samples)`` at 16 kHz unchanged."""

    def spans(self, duration: float) -> list[Interval]:
        """Spans with speech in seconds.

        Args:
            duration: duration of the recording in seconds

        """


class LevelActivity:
    """What isn't silent is speech.

    Args:
        threshold: level of silence in dB, relative to the loud frames
        min_silence: duration in seconds of the shortest silence

    """

    def __init__(self, threshold: float, min_silence: float):
        self.threshold = threshold
        self.min_silence = min_silence
        self.level: list[np.ndarray] = []

    def watch(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield blocks unchanged, and note their level."""
        return levels(blocks, SAMPLING_RATE, self.level)

    def spans(self, duration: float) -> list[Interval]:
        """Spans between silences."""
        return sounding(
            np.concatenate([*self.level, []]),
            duration,
            threshold=self.threshold,
            min_silence=self.min_silence,
        )


class SpeechActivity:
    """Speech is what the voice activity detector finds in the mean of all channels.

    Args:
        min_silence: duration in seconds of the shortest silence

    Examples:
        >>> activity = SpeechActivity(0.3)
        >>> _ = list(activity.watch(iter([np.zeros((1, 16000), np.float32)])))
        >>> activity.spans(1.0)
        []

    """

    def __init__(self, min_silence: float):
        self.min_silence = min_silence
        self.marks = SpeechMarks()

    def watch(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield blocks unchanged, and mark their speech."""
        for block in blocks:
            self.marks.push(mono(block)[0])
            yield block
        self.marks.finish()

    def spans(self, duration: float) -> list[Interval]:
        """Spans of speech."""
        end = math.inf if math.isnan(duration) else duration
        speech = joined(self.marks.runs.tolist(), num_frames(self.min_silence))
        return [(a * FRAME_DUR, min(b * FRAME_DUR, end)) for a, b in speech]
