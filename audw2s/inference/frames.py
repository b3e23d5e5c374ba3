"""What a student makes of a signal before it pools: tokens, in one pass."""

import functools
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.inference.normalisation import EPSILON
from audw2s.model.device import Device
from audw2s.model.device import Frozen
from audw2s.model.device import thawed
from audw2s.model.folder import explained

BLOCK_DUR = 1.0
"""Seconds of tokens that the network makes at a time; with more, memory grows, and
less time goes into what blocks overlap by."""

ENDLESS = 2**50
"""Number of a sample, or a token, that no recording has."""

Wanted = Callable[[int], tuple[int, int] | None]
"""Tells which tokens, from a number on, are wanted next: first, and after the last."""


class Tokens:
    """The part of a student's graph between normalisation and pooling.

    Args:
        path: of an ONNX file that ``audw2s distill export`` wrote
        hop: samples from token to token
        context: tokens on each side that a token depends on
        device: see :func:`audw2s.load`
        hidden_states: see :class:`audw2s.inference.network.Network`
        block_dur: see :class:`audw2s.inference.network.Network`
        order: numbers of arousal, dominance and valence among the model's values

    """

    def __init__(
        self,
        path: str,
        hop: int,
        context: int,
        device: Device = "cpu",
        hidden_states: bool = False,
        block_dur: float = BLOCK_DUR,
        order: Sequence[int] = (0, 1, 2),
    ):
        import audonnx
        import onnx

        model = onnx.load(path)
        inner = onnx.utils.Extractor(model).extract_model(["normalised"], ["tokens"])
        self.session = audonnx.Model(inner, device=device).sess
        weights = {weight.name: weight for weight in model.graph.initializer}
        self.weight, self.bias = (
            onnx.numpy_helper.to_array(weights[name]).astype(np.float64)[list(order)]
            for name in ("adv.weight", "adv.bias")
        )
        properties = {entry.key: entry.value for entry in model.metadata_props}
        self.epsilon = float(properties.get("epsilon", EPSILON))
        self.path = path
        self.hop = hop
        self.context = context
        self.hidden_states = hidden_states
        block = max(block_dur * SAMPLING_RATE / hop, 8 * context)
        self.block = round(block)

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return SAMPLING_RATE / self.hop

    def make(self, normalised: np.ndarray) -> np.ndarray:
        """Run the network.

        Args:
            normalised: ``(num_samples,)``, float32, see
                :mod:`audw2s.inference.normalisation`

        Returns:
            ``(num_tokens, 2 * size)``: ``lin`` and ``sof``, float32

        """
        with explained(self.path, "can't be run"):
            given = {"normalised": normalised[None]}
            return self.session.run(["tokens"], given)[0][0].T

    def logits(self, hidden_states: np.ndarray) -> np.ndarray:
        """Turn pooled tokens ``(..., size)`` into A/D/V ``(..., 3)``, float32."""
        # No BLAS, see audw2s.inference.normalisation.Moments
        with explained(self.path, "can't be run"):
            values = np.einsum("...s,ds->...d", hidden_states, self.weight) + self.bias
        return values.astype(np.float32)

    def outputs(self, hidden_states: np.ndarray) -> np.ndarray:
        """A/D/V of pooled tokens, followed by these if they are asked for."""
        values = self.logits(hidden_states)
        if not self.hidden_states:
            return values
        return np.concatenate([values, hidden_states.astype(np.float32)], axis=-1)

    def range(self, first: int, last: int) -> tuple[int, int]:
        """Tokens of samples at 16 kHz: those that lie there as a whole.

        Shorter segments have the token in which they start.

        Args:
            first: number of the first sample
            last: number of the one after the last, :data:`ENDLESS` if it isn't known

        Examples:
            >>> from audw2s.inference.network import Network
            >>> tokens = Network("wav2small").tokens
            >>> tokens.range(0, 16000), tokens.range(16016, 16048)
            ((0, 250), (250, 251))

        """
        inside = -(-first // self.hop), last // self.hop
        if inside[0] < inside[1]:
            return inside
        return first // self.hop, first // self.hop + 1


@functools.lru_cache(maxsize=16)
def open_tokens(
    path: str,
    sha256: str,
    hop: int,
    context: int,
    device: Frozen,
    hidden_states: bool,
    block_dur: float,
    order: tuple[int, ...],
    process: int,
) -> Tokens:
    """Open the tokens of a model, once per process."""
    about = (thawed(device), hidden_states, block_dur, order)
    return Tokens(path, hop, context, *about)


class TokenStream:
    """Makes tokens of a normalised signal that comes in pieces.

    Each piece is heard with the context that its tokens depend on, so that they are
    the tokens of one pass over all, but for rounding.

    Args:
        tokens: of a model
        least: fewest tokens that are made at a time; as many as a block by default
        wanted: tells which tokens are wanted, all by default

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

    def push(self, normalised: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Take samples; give tokens, with the number of the first."""
        skipped = min(self.missing, len(normalised))
        self.missing -= skipped
        self.waiting = np.concatenate([self.waiting, normalised[skipped:]])
        hop, context = self.tokens.hop, self.tokens.context
        while need := self.wanted(self.num_done):
            self._go_to(max(self.num_done, need[0]))
            ready = self.origin + len(self.waiting) // hop - context
            if ready < min(self.num_done + self.least, need[1]):
                return
            last = min(self.num_done + self.tokens.block, need[1], ready)
            made = self.tokens.make(
                self.waiting[: (last + context - self.origin) * hop]
            )
            yield (
                self.num_done,
                made[self.num_done - self.origin :][: last - self.num_done],
            )
            self._go_to(last)
        self._go_to(ENDLESS)

    def finish(self) -> Iterator[tuple[int, np.ndarray]]:
        """Give the rest, which ends as the recording does."""
        if len(self.waiting) >= MIN_SAMPLES and self.wanted(self.num_done):
            made = self.tokens.make(self.waiting)[self.num_done - self.origin :]
            if len(made):
                yield self.num_done, made

    def _go_to(self, number: int) -> None:
        """Forget what tokens from a number on don't depend on."""
        origin = max(self.origin, number - self.tokens.context)
        drop = (origin - self.origin) * self.tokens.hop
        self.missing += max(0, drop - len(self.waiting))
        self.waiting = self.waiting[drop:]
        self.origin, self.num_done = origin, number
