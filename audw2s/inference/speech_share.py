"""Share of speech by a student's own layer, whose values are smoothed over time."""

from collections.abc import Sequence

import numpy as np

from audw2s.audio.quality import Runs

SMOOTHING_DUR = 0.5
"""Duration in seconds over which values of the layer are averaged."""


def smoothing_size(rate: float) -> int:
    """Number of tokens over which values are averaged, odd.

    Args:
        rate: tokens per second

    Examples:
        >>> smoothing_size(250), smoothing_size(16)
        (125, 9)

    """
    return 2 * round(SMOOTHING_DUR * rate / 2) + 1


def smoothed(values: np.ndarray, size: int) -> np.ndarray:
    """Average values over time; at the ends, over those that there are.

    Args:
        values: values ``(num_tokens, ...)``
        size: number of tokens, odd

    Examples:
        >>> smoothed(np.array([0.0, 3.0, 6.0]), 3).tolist()
        [1.5, 3.0, 4.5]

    """
    sums = np.zeros((len(values) + 1, *values.shape[1:]))
    np.cumsum(values, axis=0, out=sums[1:])
    places = np.arange(len(values))
    low = np.maximum(places - size // 2, 0)
    high = np.minimum(places + size // 2 + 1, len(values))
    counts = (high - low).reshape(-1, *[1] * (values.ndim - 1))
    return (sums[high] - sums[low]) / counts


class SpeechShare:
    """Share of tokens that are speech, of tokens that come block by block.

    Args:
        rate: tokens per second

    Examples:
        >>> share = SpeechShare(rate=4)
        >>> share.finish([(0, 1)]).tolist()
        [nan]
        >>> share.add(0, np.array([-1.0, -1.0, 4.0, 4.0]))
        >>> share.add(4, np.array([4.0, -9.0]))
        >>> share.finish([(0, 6), (4, 2**50)]).tolist()
        [0.5, 0.0]

    """

    def __init__(self, rate: float):
        self.size = smoothing_size(rate)
        self.speech = Runs()
        # Logits since a token whose average isn't known, and those before it needs
        self.logits = np.zeros(0)
        self.begin = self.num_done = 0

    def add(self, first: int, logits: np.ndarray) -> None:
        """Add tokens behind the previous ones, with or without a gap.

        Args:
            first: index of the first token
            logits: logits of the tokens ``(num_tokens,)``, above 0 for speech

        """
        if first != self.begin + len(self.logits):
            self._decide(len(self.logits))
            self.logits, self.begin, self.num_done = self.logits[:0], first, 0
        self.logits = np.concatenate([self.logits, logits])
        self._decide(len(self.logits) - self.size // 2)

    def finish(self, ranges: Sequence[tuple[int, int]]) -> np.ndarray:
        """Return the share of the tokens of each range, as far as there are any.

        Behind the last token it is that of the last token, without any it is NaN.

        Args:
            ranges: index of the first token, and index after the last one

        """
        self._decide(len(self.logits))
        end = self.begin + len(self.logits)
        if not end:
            return np.full(len(ranges), np.nan)
        first, last = np.minimum(ranges, end).T
        first = np.minimum(first, last - 1)
        return self.speech.count(first, last) / (last - first)

    def _decide(self, known: int) -> None:
        """Decide on tokens up to an index of the kept ones."""
        if known <= self.num_done:
            return
        is_speech = smoothed(self.logits, self.size)[self.num_done : known] > 0
        self.speech.add(is_speech, self.begin + self.num_done)
        dropped = max(0, known - self.size // 2)
        self.logits, self.num_done = self.logits[dropped:], known - dropped
        self.begin += dropped
