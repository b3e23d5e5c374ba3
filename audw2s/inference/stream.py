"""A/D/V of speech while it is spoken."""

import collections
import math
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from typing import NamedTuple

import numpy as np
import soxr

from audw2s.audio.decode import mono
from audw2s.audio.preprocess import as_float
from audw2s.audio.samples import HOP
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.samples import check_sampling_rate
from audw2s.audio.speech import SpeechGate
from audw2s.audio.statuses import MAX_SAMPLE
from audw2s.audio.statuses import SHORT_DUR
from audw2s.inference.frames import SlidingNormaliser
from audw2s.inference.frames import TokenStream
from audw2s.inference.network import Network
from audw2s.inference.pooling import Sums
from audw2s.inference.pooling import combined
from audw2s.inference.pooling import total_sums
from audw2s.inference.row import MIN_SPEECH_DUR
from audw2s.model.device import Device
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx

UPDATE_DUR = 0.1
"""Default duration in seconds between updates of the values."""


class Recent(NamedTuple):
    """Tokens of the window."""

    tokens: np.ndarray
    is_speech: np.ndarray | None
    """Whether each token is speech, ``None`` if all count."""

    state: Sequence[Sums] = ()
    """Sums over the tokens that count, empty if none does."""

    def sums(self, first: int) -> list[Sums]:
        """Sums over the tokens from an index on that count."""
        tokens = self.tokens[first:]
        if self.is_speech is not None:
            tokens = tokens[self.is_speech[first:]]
        return [total_sums(tokens)] if len(tokens) else []


class Moment(NamedTuple):
    """Values and status of a stream at a time; values are NaN in the first 0.5 s."""

    time: float
    """Duration in seconds of the audio that was pushed."""

    window: dict[str, float]
    """A/D/V of the last window."""

    total: dict[str, float]
    """A/D/V of everything so far."""

    status: str
    """``waiting`` in the first 0.5 s; ``no_speech`` if the window has less than 0.3 s
    of it, with ``vad`` (its values are NaN then); ``silent`` if all samples of the
    window are equal; ``not_finite`` or ``out_of_range`` if the window has samples that
    are NaN, inf or beyond any scale, which are replaced by zeros; ``no_value`` if the
    model gives NaN or inf (all values are NaN then); else ``ok``."""

    speech: float = math.nan
    """Duration in seconds of speech in the window; NaN without ``vad``."""

    def __repr__(self) -> str:
        """Values with three digits.

        Examples:
            >>> Stream().push(np.ones(16000))
            Moment(1.0 s, silent, window: arousal ..., dominance ..., valence ...,
            total: arousal ..., dominance ..., valence ...)

        """
        window, total = (
            ", ".join(f"{name} {value:.3f}" for name, value in values.items())
            for values in (self.window, self.total)
        )
        return (
            f"Moment({self.time:.1f} s, {self.status}, window: {window}, "
            f"total: {total})"
        )


class Stream:
    """Arousal, dominance and valence of live speech: of the last window, and in total.

    Chunks may have any size. The memory is bounded: a few seconds of samples and
    tokens are kept, however much was pushed.

    As later samples are unknown, a sample is normalised by mean and variance of the
    ``win_dur`` seconds before it (at the start, of the first 0.5 s), whereas
    :class:`audw2s.Feature` uses the ``win_dur`` seconds around it. This is the only
    difference: values equal those of a single pass over the whole signal with that
    normalisation, to 1e-4, for any size of the chunks. They are updated every
    ``update_dur`` seconds, with a delay of 24 ms, as a token depends on the following
    samples; :meth:`finish` processes the rest.

    Args:
        model: name or folder of a student of this package, see :func:`audw2s.load`
        win_dur: duration of the window in seconds, at least 0.5
        sampling_rate: sampling rate of the chunks in Hz
        update_dur: duration in seconds between updates; shorter ones cost more
        vad: pool speech only, as found by a voice activity detector, and normalise by
            its level. Values come up to 0.4 s later, as the detector decides on speech
            of 0.25 s at least
        device: device of the model, see :func:`audw2s.load`

    Raises:
        ValueError: if the model doesn't give tokens, a duration is too short, or the
            sampling rate is no positive whole number

    Examples:
        >>> stream = Stream("wav2small", win_dur=2)
        >>> rng = np.random.default_rng(0)
        >>> for _ in range(20):
        ...     moment = stream.push(0.1 * rng.standard_normal(1600))
        >>> moment.time, list(moment.window), moment.status
        (2.0, ['arousal', 'dominance', 'valence'], 'ok')

    """

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        win_dur: float = 2.0,
        sampling_rate: int = SAMPLING_RATE,
        update_dur: float = UPDATE_DUR,
        vad: bool = False,
        device: Device = "cpu",
    ):
        check_sampling_rate(sampling_rate)
        network = Network(model, device)
        if network.tokens is None:
            raise ValueError(
                f"'{network.name}' can't be used live: it gives no tokens to pool. "
                "Use a student exported by 'audw2s distill export', such as wav2small."
            )
        if not SHORT_DUR <= win_dur < math.inf:
            raise ValueError(
                f"'win_dur' has to be at least {SHORT_DUR} s, got {win_dur} s."
            )
        if not 0 < update_dur < math.inf:
            raise ValueError(f"'update_dur' has to be positive, got {update_dur} s.")
        self.network = network
        self.win_dur = win_dur
        self.sampling_rate = sampling_rate
        self.tokens = network.tokens
        is_resampled = sampling_rate != SAMPLING_RATE
        rates = sampling_rate, SAMPLING_RATE
        self.resampler = soxr.ResampleStream(*rates, 1) if is_resampled else None
        self.gate = gate = SpeechGate() if vad else None
        self.level = SlidingNormaliser(
            win_dur,
            past=True,
            first_dur=SHORT_DUR,
            epsilon=self.tokens.epsilon,
            counts=None if gate is None else partial(gate.marks.hops, hop=HOP),
        )
        least = max(1, round(update_dur * self.tokens.rate))
        self.stream = TokenStream(self.tokens, least=least)
        self.size = round(win_dur * self.tokens.rate)
        self.recent: collections.deque[Recent] = collections.deque()
        self.num_recent = self.num_tokens = 0
        self.sums: list[Sums] = []
        self.is_over = False
        self.num_samples = 0
        self.num_equal = 0
        self.last = math.nan
        self.last_bad = {"not_finite": -math.inf, "out_of_range": -math.inf}
        self.window = self.total = named(np.full(3, np.nan))

    def __repr__(self) -> str:
        """Model, window, and how much was pushed.

        Examples:
            >>> Stream()
            Stream('wav2small', win_dur=2.0, sampling_rate=16000) after 0.0 s

        """
        seconds = self.num_samples / self.sampling_rate
        return (
            f"Stream({self.network.name!r}, win_dur={self.win_dur}, "
            f"sampling_rate={self.sampling_rate}) after {seconds:.1f} s"
        )

    def push(self, chunk: np.ndarray) -> Moment:
        """Process a chunk.

        Args:
            chunk: chunk ``(num_samples,)`` or ``(num_channels, num_samples)``, of
                which the mean of the channels is processed; float or integer; it is
                not changed

        Raises:
            ValueError: if the array has more than two dimensions, or more channels
                than samples, as blocks of sounddevice and soundfile, which are
                ``(num_samples, num_channels)``
            TypeError: if it holds no real numbers
            RuntimeError: after :meth:`finish`

        """
        self._refuse_if_over()
        signal = as_float(chunk)
        if 0 < signal.shape[1] < signal.shape[0]:
            raise ValueError(
                f"The chunk has {signal.shape[0]} channels of {signal.shape[1]} "
                "samples: is the array transposed? It has to be (num_channels, "
                "num_samples). Blocks of sounddevice and soundfile are pushed as "
                "chunk.T."
            )
        self._push(self._resampled(self._checked(mono(signal)[0])))
        return self._moment()

    def finish(self) -> Moment:
        """Process the remaining samples and close the stream.

        Raises:
            RuntimeError: if the stream is closed already

        """
        self._refuse_if_over()
        self.is_over = True
        self._push(self._resampled(np.zeros(0, np.float32), last=True))
        rest = np.zeros(0, np.float32) if self.gate is None else self.gate.finish()
        self._pool(self.stream.push(self.level.push(rest, last=True), last=True))
        return self._moment()

    @property
    def provenance(self) -> dict[str, object]:
        """Name of the model, its sha256, version of audw2s, and window."""
        return self.network.provenance | {"win_dur": self.win_dur}

    def _push(self, signal: np.ndarray) -> None:
        """Process samples at 16 kHz."""
        if self.gate is not None:
            signal = self.gate.push(signal)
        self._pool(self.stream.push(self.level.push(signal)))

    def _refuse_if_over(self) -> None:
        if self.is_over:
            raise RuntimeError(
                "The stream is over since finish(): make a new Stream to go on."
            )

    def _checked(self, signal: np.ndarray) -> np.ndarray:
        """Count samples, and equal ones at the end; replace bad ones by zeros."""
        if not len(signal):
            return signal
        finite = np.isfinite(signal)
        beyond = finite & (np.abs(signal) > MAX_SAMPLE)
        for status, bad in (("not_finite", ~finite), ("out_of_range", beyond)):
            if bad.any():
                signal = np.where(bad, np.float32(0), signal)
                self.last_bad[status] = self.num_samples + np.flatnonzero(bad)[-1]
        changes = np.flatnonzero(signal != np.append(self.last, signal[:-1]))
        if len(changes):
            self.num_equal = len(signal) - int(changes[-1])
        else:
            self.num_equal += len(signal)
        self.last = signal[-1]
        self.num_samples += len(signal)
        return signal

    def _resampled(self, signal: np.ndarray, last: bool = False) -> np.ndarray:
        if self.resampler is None:
            return signal
        chunk = np.ascontiguousarray(signal[:, None], np.float32)
        return self.resampler.resample_chunk(chunk, last=last)[:, 0]

    def _pool(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        before = self.num_tokens
        for first, tokens in made:
            self.num_tokens = first + len(tokens)
            recent = Recent(tokens, self._is_speech(first, len(tokens)))
            sums = recent.sums(0)
            if sums:
                self.sums = [combined([*self.sums, *sums])]
            self.recent.append(recent._replace(state=sums))
            self.num_recent += len(tokens)
            while self.num_recent - len(self.recent[0].tokens) >= self.size:
                self.num_recent -= len(self.recent.popleft().tokens)
        if self.num_tokens == before:
            return
        states = [recent.state for recent in self.recent]
        if (outside := self.num_recent - self.size) > 0:
            # The window contains the oldest tokens only in part
            states[0] = self.recent[0].sums(outside)
        self.window = self._values([sums for state in states for sums in state])
        self.total = self._values(self.sums)

    def _is_speech(self, first: int, count: int) -> np.ndarray | None:
        if self.gate is None:
            return None
        return self.gate.marks.hops(first, first + count, self.tokens.hop)

    def _values(self, states: list[Sums]) -> dict[str, float]:
        if not states:
            return named(np.full(3, np.nan))
        _, weight, value = combined(states)
        return named(self.tokens.outputs(value / weight)[0])

    @property
    def _speech(self) -> float:
        """Duration of the speech in the window; NaN without a detector."""
        if self.gate is None:
            return math.nan
        last = self.num_tokens * self.tokens.hop
        first = last - min(self.num_recent, self.size) * self.tokens.hop
        return self.gate.marks.num_samples(first, last) / SAMPLING_RATE

    def _moment(self) -> Moment:
        time = self.num_samples / self.sampling_rate
        window = self.win_dur * self.sampling_rate
        bad = [s for s, at in self.last_bad.items() if self.num_samples - at <= window]
        values = [*self.window.values(), *self.total.values()]
        speech = self._speech
        if not self.num_tokens:
            status = "waiting"
        elif speech < MIN_SPEECH_DUR:
            self.window = named(np.full(3, np.nan))
            status = "no_speech"
        elif not np.isfinite(values).all():
            self.window = self.total = named(np.full(3, np.nan))
            status = "no_value"
        elif bad:
            status = bad[0]
        elif self.num_equal >= min(window, self.num_samples):
            status = "silent"
        else:
            status = "ok"
        return Moment(time, self.window, self.total, status, speech)
