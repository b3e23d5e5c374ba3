"""Normalise a signal to zero mean and unit variance, block by block.

Students normalise their input as a whole, as Wav2Small does. Where windows are pooled
from a single pass, mean and variance are those of the surroundings of each sample.
"""

import math
from collections.abc import Callable

import numpy as np

from audw2s.audio.samples import HOP
from audw2s.audio.samples import SAMPLING_RATE

EPSILON = 1e-7
"""Constant added to the variance, for networks whose metadata has no ``epsilon``."""

Counts = Callable[[int, int], np.ndarray]
"""Function that returns a Boolean for each hop of a range."""

LEAST_VARIANCE = 1e-14
"""Lower bound of the variance, for silence."""


class SlidingNormaliser:
    """Normalise samples by mean and variance of their surroundings.

    Mean and variance (the level) of a hop of 64 samples are those of the ``dur``
    seconds around it. Near the start or end of the recording they are those of the
    first or last ``dur`` seconds. For a recording of at most ``dur`` seconds this is
    the normalisation of the networks.

    With ``past`` they are those of the ``dur`` seconds that end with the hop, as in a
    live stream nothing else is known; at the start, those of the first ``first_dur``
    seconds.

    Samples are returned as soon as their level is known. At most ``dur`` seconds and
    one block are kept in memory.

    Args:
        dur: duration in seconds, or ``math.inf`` for the whole recording
        past: use samples up to the current hop only
        first_dur: shortest duration in seconds of which a level is computed, with
            ``past``
        epsilon: constant added to the variance, as in the network that takes the
            samples
        counts: function that returns whether hops count, given the index of the first
            one and the index after the last one, such as whether they are speech; by
            default all do

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
        counts: Counts | None = None,
    ):
        self.epsilon = epsilon
        self.counts = counts
        # Numbers of hops, beyond any recording for infinity
        self.size, first = (
            2**60 if math.isinf(k) else max(1, round(k * SAMPLING_RATE / HOP))
            for k in (dur, first_dur)
        )
        self.ahead = 0 if past else self.size - self.size // 2 - 1
        self.first = min(self.size, first) if past else self.size
        self.waiting = np.zeros(0, np.float32)
        # Sums of x, of x², and number of samples of each hop that is still needed
        self.sums = np.zeros((0, 3))
        self.num_dropped = 0
        self.num_known = 0
        self.num_done = 0

    def push(self, block: np.ndarray) -> np.ndarray:
        """Add samples ``(num_samples,)``; return those that can be normalised."""
        self.waiting = np.concatenate([self.waiting, block])
        held = self.num_done * HOP
        count = (held + len(self.waiting)) // HOP - self.num_known
        start = self.num_known * HOP - held
        self._note(self.waiting[start : start + count * HOP].reshape(-1, HOP))
        if self.num_known < self.first:
            return self.waiting[:0]
        return self._release(max(self.num_done, self.num_known - self.ahead))

    def finish(self) -> np.ndarray:
        """Return the remaining samples at the end of the recording."""
        rest = self.waiting[(self.num_known - self.num_done) * HOP :]
        if len(rest):
            self._note(rest[None])
        return self._release(self.num_known)

    def _note(self, hops: np.ndarray) -> None:
        """Store the sums of hops of equal length."""
        hops = hops.astype(np.float64)
        count = np.full(len(hops), hops.shape[1])
        sums = [hops.sum(axis=1), np.einsum("ij,ij->i", hops, hops), count]
        if self.counts is not None:
            sums = sums * self.counts(self.num_known, self.num_known + len(hops))
        self.sums = np.concatenate([self.sums, np.stack(sums, axis=1)])
        self.num_known += len(hops)

    def _release(self, last: int) -> np.ndarray:
        """Normalise hops up to an index; drop sums that later hops don't need."""
        hops = np.arange(self.num_done, last)
        behind = self.size - 1 - self.ahead
        low = np.minimum(hops - behind, self.num_known - self.size)
        low = np.maximum(low, 0)
        high = np.minimum(np.maximum(hops + 1 + self.ahead, self.first), self.num_known)
        if self.ahead:
            high = np.minimum(low + self.size, self.num_known)
        total = self._totals(low, high)
        # Where no hop counts, there is nothing to normalise for
        mean, square = (total[:, :2] / np.maximum(total[:, 2:], 1)).T
        variance = np.maximum(square - mean * mean, 0) + self.epsilon
        scale = 1 / np.sqrt(np.maximum(variance, LEAST_VARIANCE))
        mean, scale = mean.astype(np.float32), scale.astype(np.float32)
        taken, self.waiting = np.split(self.waiting, [len(hops) * HOP])
        self.num_done = last
        # One more, as an incomplete last hop shifts the range of the last hops
        needed = max(0, last - behind - 1)
        self.sums = self.sums[needed - self.num_dropped :]
        self.num_dropped = needed
        whole = len(taken) // HOP
        inside = taken[: whole * HOP].reshape(-1, HOP) - mean[:whole, None]
        inside *= scale[:whole, None]
        if whole == len(hops):
            return inside.ravel()
        # The last hop of a recording may be shorter
        rest = (taken[whole * HOP :] - mean[-1]) * scale[-1]
        return np.append(inside, rest)

    def _totals(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Sum hops ``low`` to ``high``, which are ``size`` hops, or all.

        Hops are divided into chunks of ``size``, so that a range consists of the end of
        a chunk and the start of the next. Nothing is subtracted, as rounding errors of
        a loud hop would remain in all later sums.
        """
        size = min(self.size, max(1, self.num_known))
        lead = self.num_dropped % size
        rest = -(lead + len(self.sums)) % size
        chunks = np.pad(self.sums, ((lead, rest), (0, 0))).reshape(-1, size, 3)
        starts = chunks.cumsum(axis=1).reshape(-1, 3)
        ends = chunks[:, ::-1].cumsum(axis=1)[:, ::-1].reshape(-1, 3)
        offset = self.num_dropped - lead
        # A range that starts with a chunk ends with it
        tails = np.where((low % size == 0)[:, None], 0, ends[low - offset])
        return starts[high - 1 - offset] + tails


class RunningMoments:
    """Mean and variance of a recording that is too long for memory.

    Args:
        epsilon: constant added to the variance, see :class:`SlidingNormaliser`

    """

    def __init__(self, epsilon: float = EPSILON):
        self.epsilon = epsilon
        self.count = 0
        self.mean = 0.0
        self.square = 0.0

    def update(self, block: np.ndarray) -> None:
        """Update mean and variance with samples ``(num_samples,)``."""
        if not len(block):
            return
        values = block.astype(np.float64)
        self.count += len(values)
        share = len(values) / self.count
        self.mean += share * (values.mean() - self.mean)
        # No BLAS: its threads wait actively, on cores that other workers need
        square = np.einsum("i,i->", values, values) / len(values)
        self.square += share * (square - self.square)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Normalise a block, after an update with the whole recording."""
        variance = max(self.square - self.mean**2, 0.0) + self.epsilon
        scale = 1 / math.sqrt(max(variance, LEAST_VARIANCE))
        return (block - np.float32(self.mean)) * np.float32(scale)

    def finish(self) -> np.ndarray:
        """Return the remaining samples, of which there are none."""
        return np.zeros(0, np.float32)
