"""Bring a recording to one level: zero mean and unit variance, without hearing the end.

Students normalise what they are given, as Wav2Small does. Where windows are pooled
from one pass, the level that counts is that of the surroundings of each sample.
"""

import math

import numpy as np

from audw2s.audio.samples import HOP
from audw2s.audio.samples import SAMPLING_RATE

EPSILON = 1e-7
"""Added to the variance by networks that don't say what they add."""

LEAST_VARIANCE = 1e-14
"""Variance that silence is taken to have."""


class SlidingNormaliser:
    """Level around each sample, over a duration that stays within the recording.

    The level of a hop of 64 samples is that of the ``dur`` seconds around it; near an
    end of the recording it is that of the first or last ``dur`` seconds. Over a
    recording of at most ``dur`` seconds that is what the networks do themselves.

    With ``past`` it is that of the ``dur`` seconds that end with the hop, as nothing
    else is known while somebody speaks; at the start it is that of the first
    ``first_dur`` seconds.

    Samples come back as soon as their level is known; at most ``dur`` seconds and a
    block are held.

    Args:
        dur: seconds, or ``math.inf`` for the whole recording
        past: hear nothing that comes later
        first_dur: fewest seconds that a level is taken from, with ``past``
        epsilon: added to the variance, as the network does that takes the samples

    Examples:
        >>> level = SlidingNormaliser(math.inf)
        >>> level.push(np.array([0.5, -0.5], np.float32)).tolist()
        []
        >>> level.finish().round(3).tolist()
        [1.0, -1.0]

    """

    def __init__(
        self,
        dur: float,
        *,
        past: bool = False,
        first_dur: float = 0.5,
        epsilon: float = EPSILON,
    ):
        self.epsilon = epsilon
        self.size = _hops(dur)
        self.ahead = 0 if past else self.size - self.size // 2 - 1
        self.first = min(self.size, _hops(first_dur)) if past else self.size
        self.waiting = np.zeros(0, np.float32)
        # Sums of x, of x², and number of samples of each hop that is still needed
        self.sums = np.zeros((0, 3))
        self.num_dropped = 0
        self.num_known = 0
        self.num_done = 0

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take samples ``(num_samples,)``, return those whose level is known now."""
        self.waiting = np.concatenate([self.waiting, block])
        held = self.num_done * HOP
        count = (held + len(self.waiting)) // HOP - self.num_known
        start = self.num_known * HOP - held
        self._note(self.waiting[start : start + count * HOP].reshape(-1, HOP))
        if self.num_known < self.first:
            return self.waiting[:0]
        return self._release(max(self.num_done, self.num_known - self.ahead))

    def finish(self) -> np.ndarray:
        """Return the rest; the recording is over."""
        rest = self.waiting[(self.num_known - self.num_done) * HOP :]
        if len(rest):
            self._note(rest[None])
        return self._release(self.num_known)

    def _note(self, hops: np.ndarray) -> None:
        """Add up hops of the same length."""
        hops = hops.astype(np.float64)
        count = np.full(len(hops), hops.shape[1])
        sums = [hops.sum(axis=1), np.einsum("ij,ij->i", hops, hops), count]
        self.sums = np.concatenate([self.sums, np.stack(sums, axis=1)])
        self.num_known += len(hops)

    def _release(self, last: int) -> np.ndarray:
        """Normalise hops up to a number; forget what no later hop needs."""
        hops = np.arange(self.num_done, last)
        behind = self.size - 1 - self.ahead
        low = np.minimum(hops - behind, self.num_known - self.size)
        low = np.maximum(low, 0)
        high = np.minimum(np.maximum(hops + 1 + self.ahead, self.first), self.num_known)
        if self.ahead:
            high = np.minimum(low + self.size, self.num_known)
        total = self._totals(low, high)
        mean, square = (total[:, :2] / total[:, 2:]).T
        variance = np.maximum(square - mean * mean, 0) + self.epsilon
        scale = 1 / np.sqrt(np.maximum(variance, LEAST_VARIANCE))
        taken, self.waiting = np.split(self.waiting, [len(hops) * HOP])
        self.num_done = last
        # One more: a last hop that isn't full shifts what the end is compared with
        needed = max(0, last - behind - 1)
        self.sums = self.sums[needed - self.num_dropped :]
        self.num_dropped = needed
        return _apply(taken, mean, scale)

    def _totals(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Add up hops ``low`` to ``high``, of which there are ``size``, or all.

        Hops lie in chunks of ``size``, so a range is the end of one and the start of
        the next. Nothing is subtracted: a loud hop would leave its rounding in all
        that come later.
        """
        size = min(self.size, max(1, self.num_known))
        lead = self.num_dropped % size
        rest = -(lead + len(self.sums)) % size
        chunks = np.pad(self.sums, ((lead, rest), (0, 0))).reshape(-1, size, 3)
        starts = chunks.cumsum(axis=1).reshape(-1, 3)
        ends = chunks[:, ::-1].cumsum(axis=1)[:, ::-1].reshape(-1, 3)
        offset = self.num_dropped - lead
        # Those that begin with a chunk end in it
        tails = np.where((low % size == 0)[:, None], 0, ends[low - offset])
        return starts[high - 1 - offset] + tails


def _hops(dur: float) -> int:
    """Hops in a duration; more than there ever are, for infinity."""
    return 2**60 if math.isinf(dur) else max(1, round(dur * SAMPLING_RATE / HOP))


def _apply(signal: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Normalise samples by the mean and scale of their hops."""
    mean, scale = mean.astype(np.float32), scale.astype(np.float32)
    whole = len(signal) // HOP
    hops = signal[: whole * HOP].reshape(-1, HOP)
    done = ((hops - mean[:whole, None]) * scale[:whole, None]).ravel()
    rest = signal[whole * HOP :]
    if len(rest):
        done = np.concatenate([done, (rest - mean[-1]) * scale[-1]])
    return done


class RunningMoments:
    """Mean and variance of a recording that is too long to be held.

    Args:
        epsilon: see :class:`SlidingNormaliser`

    """

    def __init__(self, epsilon: float = EPSILON):
        self.epsilon = epsilon
        self.count = 0
        self.mean = 0.0
        self.square = 0.0

    def see(self, block: np.ndarray) -> None:
        """Take note of samples ``(num_samples,)``, as means, so that nothing drifts."""
        if not len(block):
            return
        values = block.astype(np.float64)
        self.count += len(values)
        share = len(values) / self.count
        self.mean += share * (values.mean() - self.mean)
        # No BLAS: its threads wait by spinning, on the cores that other workers need
        square = np.einsum("i,i->", values, values) / len(values)
        self.square += share * (square - self.square)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Normalise a block, once all of the recording was seen."""
        variance = max(self.square - self.mean**2, 0.0) + self.epsilon
        scale = 1 / math.sqrt(max(variance, LEAST_VARIANCE))
        return (block - np.float32(self.mean)) * np.float32(scale)
