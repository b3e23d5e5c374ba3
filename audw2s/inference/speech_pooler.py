"""Pool tokens of speech only, normalised by the level of the speech."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from audw2s.audio.samples import HOP
from audw2s.audio.speech import SpeechGate
from audw2s.audio.speech import SpeechMarks
from audw2s.audio.speech import only_speech
from audw2s.audio.speech_frames import FRAME
from audw2s.audio.times import ENDLESS
from audw2s.inference.frames import RunningMoments
from audw2s.inference.frames import SlidingNormaliser
from audw2s.inference.frames import Tokens
from audw2s.inference.pooling import WHOLE
from audw2s.inference.pooling import Range
from audw2s.inference.pooling import SegmentPooler


class SpeechMoments(RunningMoments):
    """Mean and variance of the speech of a recording that is too long for memory.

    Args:
        epsilon: constant added to the variance

    """

    def __init__(self, epsilon: float):
        super().__init__(epsilon)
        self.gate = SpeechGate()

    def update(self, block: np.ndarray) -> None:
        """Update mean and variance with the speech of samples ``(num_samples,)``."""
        self._update(self.gate.push(block))

    def known_gate(self) -> SpeechGate:
        """Gate for a second pass; what is left of the first one is added before."""
        self._update(self.gate.finish())
        return SpeechGate(self.gate.marks)

    def _update(self, released: np.ndarray) -> None:
        last = self.gate.num_released
        first = last - len(released)
        is_speech = self.gate.marks.hops(first // HOP, -(-last // HOP), HOP)
        super().update(released[np.repeat(is_speech, HOP)[: len(released)]])


class SpeechPooler(SegmentPooler):
    """Pools the speech of one channel over ranges; only its tokens are computed.

    Ranges without speech have NaN as values.

    Args:
        tokens: tokens of the model
        normaliser: normaliser of the samples, by the level of the speech
        ranges: ranges of tokens
        gate: gate of the channel

    """

    def __init__(
        self,
        tokens: Tokens,
        normaliser: SlidingNormaliser | RunningMoments,
        ranges: Iterable[Range],
        gate: SpeechGate,
    ):
        super().__init__(tokens, normaliser, ranges)
        self.gate = gate
        self.marks = gate.marks
        # Which tokens are speech is known
        self.has_speech = False
        self.last = np.full(tokens.weight.shape[1], np.nan)
        self.num_samples = 0

    def push(self, signal: np.ndarray, last: bool = False) -> None:
        """Process samples ``(num_samples,)`` at 16 kHz."""
        released = self.gate.push(signal)
        if last:
            released = np.concatenate([released, self.gate.finish()])
        self.num_samples += len(released)
        super().push(released, last)
        self.end = max(self.end, self.num_samples // self.tokens.hop)

    def wanted(self, number: int) -> tuple[int, int] | None:
        """Tokens of speech that are needed."""
        wanted, hop = super().wanted(number), self.tokens.hop
        if wanted is None:
            return None
        following = self.marks.next_hops(max(number, wanted[0]), hop)
        if following is not None:
            return following
        known = self.marks.num_known * FRAME // hop
        return None if self.marks.is_over else (max(number, known), ENDLESS)

    def add(self, first: int, tokens: np.ndarray) -> None:
        """Add the tokens that are speech."""
        number, end = first, first + len(tokens)
        while run := self.marks.next_hops(number, self.tokens.hop):
            if run[0] >= end:
                break
            number = min(run[1], end)
            super().add(run[0], tokens[run[0] - first : number - first])

    def _shares(self, ranges: np.ndarray) -> np.ndarray:
        """Share of the samples of each range that are speech."""
        first, last = ranges.T * self.tokens.hop
        last = np.minimum(last, self.num_samples)
        first = np.minimum(first, np.maximum(0, last - self.tokens.hop))
        # Once, not for each range: both become many with the length of a recording
        speech = self.marks.samples
        pairs = zip(first, last, strict=True)
        counts = np.array([speech.count(*pair) for pair in pairs])
        return (counts / np.maximum(1, last - first)).astype(np.float32)


def sliding_speech_pooler(
    tokens: Tokens, level_dur: float, ranges: Iterable[Range]
) -> SpeechPooler:
    """Pooler whose samples are normalised by the level of the speech around them.

    Args:
        tokens: tokens of the model
        level_dur: duration of the surroundings in seconds
        ranges: ranges of tokens

    """
    gate = SpeechGate()
    level = SlidingNormaliser(
        level_dur, epsilon=tokens.epsilon, counts=partial(gate.marks.hops, hop=HOP)
    )
    return SpeechPooler(tokens, level, ranges, gate)


def pooled_speech(tokens: Tokens, signal: np.ndarray, marks: SpeechMarks) -> np.ndarray:
    """Values ``(num_values + 1,)`` of the speech of a signal, and its share.

    Args:
        tokens: tokens of the model
        signal: signal ``(num_samples,)``, at least 64 samples
        marks: speech of the signal

    """
    moments = RunningMoments(tokens.epsilon)
    moments.update(only_speech(signal, marks))
    pooler = SpeechPooler(tokens, moments, WHOLE, SpeechGate(marks))
    pooler.push(signal)
    return pooler.finish()[0]
