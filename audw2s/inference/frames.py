"""Tokens of a student: the frames that are pooled over time."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from audw2s.audio.samples import MIN_SAMPLES
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.inference.normalisation import EPSILON
from audw2s.model.device import Device
from audw2s.model.folder import explained

BLOCK_DUR = 5.0
"""Duration in seconds of a block that the network processes at once. Longer blocks need
more memory, 2 MB a second, and less time for the context by which blocks overlap."""

ENDLESS = 2**50
"""Index of a sample or token beyond the end of any recording."""

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
        self.session = audonnx.Model(inner, device=device).sess
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

        self.block = round(max(BLOCK_DUR * self.rate, 8 * context))
        """Number of tokens that are computed at once."""

    def make(self, normalised: np.ndarray) -> np.ndarray:
        """Run the network.

        Args:
            normalised: normalised signal ``(num_samples,)``, float32, see
                :mod:`audw2s.inference.normalisation`

        Returns:
            ``(num_tokens, 2 * size)``: ``lin`` and ``sof``, float32

        """
        try:
            (tokens,) = self.session.run(["tokens"], {"normalised": normalised[None]})
        except Exception:
            with explained(self.path, "can't be run"):
                raise
        return tokens[0].T

    def speech_logits(self, tokens: np.ndarray) -> np.ndarray:
        """Logits ``(num_tokens,)`` of a student with this layer, above 0 for speech.

        Args:
            tokens: tokens ``(num_tokens, 2 * size)``

        """
        weight = self.speech_weight
        lin = tokens[:, : len(weight)]
        return np.einsum("ts,s->t", lin, weight) + float(self.speech_bias)

    def outputs(self, hidden_states: np.ndarray) -> np.ndarray:
        """Turn pooled tokens into values.

        Args:
            hidden_states: pooled tokens ``(..., size)``

        Returns:
            A/D/V, and the pooled tokens with ``hidden_states``, float32

        """
        # No BLAS, see audw2s.inference.normalisation.RunningMoments
        values = np.einsum("...s,ds->...d", hidden_states, self.weight) + self.bias
        if self.hidden_states:
            values = np.concatenate([values, hidden_states], axis=-1)
        return values.astype(np.float32)

    def range(self, first: int, last: int) -> tuple[int, int]:
        """Range of the tokens that lie within a range of samples at 16 kHz.

        If no token lies within it, this is the token at the first sample.

        Args:
            first: index of the first sample
            last: index after the last sample, :data:`ENDLESS` if unknown

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

    def push(self, normalised: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Add samples; yield tokens and the index of the first one."""
        skipped = min(self.missing, len(normalised))
        self.missing -= skipped
        self.waiting = np.concatenate([self.waiting, normalised[skipped:]])
        hop, context = self.tokens.hop, self.tokens.context
        # After the last wanted token there are no ranges to look for
        while self.num_done < ENDLESS and (need := self.wanted(self.num_done)):
            self._go_to(max(self.num_done, need[0]))
            ready = self.origin + len(self.waiting) // hop - context
            if ready < min(self.num_done + self.least, need[1]):
                return
            last = min(self.num_done + self.tokens.block, need[1], ready)
            samples = self.waiting[: (last + context - self.origin) * hop]
            made = self.tokens.make(samples)[self.num_done - self.origin :]
            yield self.num_done, made[: last - self.num_done]
            self._go_to(last)
        self._go_to(ENDLESS)

    def finish(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the remaining tokens at the end of the recording."""
        if len(self.waiting) >= MIN_SAMPLES and self.wanted(self.num_done):
            made = self.tokens.make(self.waiting)[self.num_done - self.origin :]
            if len(made):
                yield self.num_done, made

    def _go_to(self, number: int) -> None:
        """Drop samples that tokens from an index on don't depend on."""
        origin = max(self.origin, number - self.tokens.context)
        drop = (origin - self.origin) * self.tokens.hop
        self.missing += max(0, drop - len(self.waiting))
        self.waiting = self.waiting[drop:]
        self.origin, self.num_done = origin, number
