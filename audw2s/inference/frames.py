"""Tokens of a student, the frames that are pooled over time, and their input.

Students normalise their input to zero mean and unit variance, as a whole, as Wav2Small
does. Where windows are pooled from a single pass, mean and variance are those of the
surroundings of each sample.
"""

import functools
import math
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.samples import HOP
from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import ENDLESS
from audw2s.model.device import Device
from audw2s.model.folder import explained

EPSILON = 1e-7
"""Constant added to the variance, for networks whose metadata has no ``epsilon``."""

LEAST_VARIANCE = 1e-14
"""Lower bound of the variance, for silence."""

Counts = Callable[[int, int], np.ndarray]
"""Function that returns a Boolean for each hop of a range."""

SMOOTHING_DUR = 0.5
"""Duration in seconds over which logits of speech are averaged."""

BLOCK_DUR = 5.0
"""Duration in seconds of a block that the network processes at once. Longer blocks need
more memory, 2 MB a second, and less time for the context by which blocks overlap."""

Wanted = Callable[[int], tuple[int, int] | None]
"""Function that returns the next range of needed tokens, from an index on."""


class Tokens:
    """Graph of a student from its normalised input to the tokens.

    Args:
        path: path of an ONNX file exported by ``audw2s distill export``
        hop: number of samples from one token to the next
        context: number of tokens on each side that a token depends on
        device: device of the model, see :func:`audw2s.load`
        hidden_states: append hidden states to the outputs
        order: positions of arousal, dominance and valence among the model's values

    """

    def __init__(
        self,
        path: str,
        hop: int,
        context: int,
        device: Device = "cpu",
        hidden_states: bool = False,
        order: Sequence[int] = (0, 1, 2),
    ):
        import audonnx
        import onnx

        model = onnx.load(path)
        inner = onnx.utils.Extractor(model).extract_model(["normalised"], ["tokens"])
        self.open = functools.partial(audonnx.Model, inner, device=device)
        self.session, self.process = self.open().sess, os.getpid()
        weights = {weight.name: weight for weight in model.graph.initializer}
        self.weight, self.bias = (
            onnx.numpy_helper.to_array(weights[name]).astype(np.float64)[list(order)]
            for name in ("adv.weight", "adv.bias")
        )
        self.has_speech = "speech.weight" in weights
        """Whether a layer of the student tells which tokens are speech."""

        if self.has_speech:
            self.speech_weight, self.speech_bias = (
                onnx.numpy_helper.to_array(weights[f"speech.{name}"])[0]
                for name in ("weight", "bias")
            )
        properties = {entry.key: entry.value for entry in model.metadata_props}
        self.epsilon = float(properties.get("epsilon", EPSILON))
        self.path = path
        self.hop = hop
        self.context = context
        self.hidden_states = hidden_states
        self.rate = SAMPLING_RATE / hop
        """Tokens per second."""

        self.smoothing = 2 * round(SMOOTHING_DUR * self.rate / 2) + 1
        """Number of tokens over which logits of speech are averaged, odd."""

        self.block = round(max(BLOCK_DUR * self.rate, 8 * context))
        """Number of tokens that are computed at once."""

    def make(self, normalised: np.ndarray) -> np.ndarray:
        """Run the network.

        Args:
            normalised: normalised signal ``(num_samples,)``, float32, see
                :class:`SlidingNormaliser`

        Returns:
            ``(num_tokens, 2 * size)``: ``lin`` and ``sof``, float32

        """
        if self.process != os.getpid():
            # A session doesn't survive a fork
            self.session, self.process = self.open().sess, os.getpid()
        try:
            (tokens,) = self.session.run(["tokens"], {"normalised": normalised[None]})
        except Exception:
            with explained(self.path, "can't be run"):
                raise
        return tokens[0].T

    def outputs(self, hidden_states: np.ndarray) -> np.ndarray:
        """Turn pooled tokens into values.

        Args:
            hidden_states: pooled tokens ``(..., size)``

        Returns:
            A/D/V, and the pooled tokens with ``hidden_states``, float32

        """
        # No BLAS, see RunningMoments
        values = np.einsum("...s,ds->...d", hidden_states, self.weight) + self.bias
        if self.hidden_states:
            values = np.concatenate([values, hidden_states], axis=-1)
        return values.astype(np.float32)


class TokenStream:
    """Computes tokens of a normalised signal block by block.

    The network processes each block with the context that its tokens depend on. The
    tokens are those of a single pass over the whole signal, except for rounding.

    Args:
        tokens: tokens of a model
        least: smallest number of tokens computed at once, those of a block by default
        wanted: function that returns the needed tokens, all by default

    """

    def __init__(
        self,
        tokens: Tokens,
        *,
        least: int | None = None,
        wanted: Wanted | None = None,
    ):
        self.tokens = tokens
        self.least = least or tokens.block
        self.wanted = wanted or (lambda number: (number, ENDLESS))
        self.waiting = np.zeros(0, np.float32)
        self.missing = 0
        self.origin = 0
        self.num_done = 0

    def push(
        self, normalised: np.ndarray, last: bool = False
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Add samples; yield tokens and the index of the first one.

        Args:
            normalised: next samples ``(num_samples,)``
            last: whether no samples will follow; then all remaining tokens are yielded

        """
        skipped = min(self.missing, len(normalised))
        self.missing -= skipped
        self.waiting = np.concatenate([self.waiting, normalised[skipped:]])
        hop, context = self.tokens.hop, self.tokens.context
        while self.num_done < ENDLESS:
            # After the last wanted token there is nothing to look for
            first, end = self.wanted(self.num_done) or (ENDLESS, ENDLESS)
            self.num_done = max(self.num_done, first)
            # Samples that these tokens don't depend on are dropped
            origin = max(self.origin, self.num_done - context)
            dropped, self.origin = (origin - self.origin) * hop, origin
            self.missing += max(0, dropped - len(self.waiting))
            self.waiting = self.waiting[dropped:]
            ready = self.origin + len(self.waiting) // hop - context
            if self.num_done == ENDLESS or ready < min(self.num_done + self.least, end):
                break
            end = min(self.num_done + self.tokens.block, end, ready)
            samples = self.waiting[: (end + context - self.origin) * hop]
            made = self.tokens.make(samples)[self.num_done - self.origin :]
            yield self.num_done, made[: end - self.num_done]
            self.num_done = end
        if last and len(self.waiting) >= MIN_SAMPLES:
            made = self.tokens.make(self.waiting)[self.num_done - self.origin :]
            if len(made):
                yield self.num_done, made


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
        >>> level.push(np.zeros(0, np.float32), last=True).round(3).tolist()
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

    def push(self, block: np.ndarray, last: bool = False) -> np.ndarray:
        """Add samples ``(num_samples,)``; return those that can be normalised.

        Args:
            block: next samples, float32
            last: whether no samples will follow; then all are returned

        """
        self.waiting = np.concatenate([self.waiting, block])
        end = len(self.waiting) if last else len(self.waiting) // HOP * HOP
        samples = self.waiting[(self.num_known - self.num_done) * HOP : end]
        values = samples.astype(np.float64)
        starts = np.arange(0, len(values), HOP)
        parts = [np.add.reduceat(part, starts) for part in (values, values * values)]
        sums = np.stack([*parts, np.diff(starts, append=len(values))], axis=1)
        first, self.num_known = self.num_known, self.num_known + len(sums)
        if self.counts is not None:
            sums *= self.counts(first, self.num_known)[:, None]
        self.sums = np.concatenate([self.sums, sums])
        if last:
            return self._release(self.num_known)
        if self.num_known < self.first:
            return self.waiting[:0]
        return self._release(max(self.num_done, self.num_known - self.ahead))

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

    def push(self, block: np.ndarray, last: bool = False) -> np.ndarray:
        """Normalise a block, after an update with the whole recording."""
        variance = max(self.square - self.mean**2, 0.0) + self.epsilon
        scale = 1 / math.sqrt(max(variance, LEAST_VARIANCE))
        return (block - np.float32(self.mean)) * np.float32(scale)
