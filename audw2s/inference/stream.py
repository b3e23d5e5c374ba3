"""A/D/V of speech while it is spoken."""

import collections
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import NamedTuple

import numpy as np
import soxr

from audw2s.audio.preprocess import as_float
from audw2s.audio.preprocess import mono
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import MAX_SAMPLE
from audw2s.audio.statuses import SHORT_DUR
from audw2s.inference.frames import TokenStream
from audw2s.inference.network import Network
from audw2s.inference.normalisation import SlidingNormaliser
from audw2s.inference.pooling import PoolingState
from audw2s.inference.pooling import combined
from audw2s.inference.pooling import total_sums
from audw2s.model.device import Device
from audw2s.model.registry import named

if TYPE_CHECKING:
    import audonnx

UPDATE_DUR = 0.1
"""Default duration in seconds between updates of the values."""


class Moment(NamedTuple):
    """Values and status of a stream at a time; values are NaN in the first 0.5 s."""

    time: float
    """Duration in seconds of the audio that was pushed."""

    window: dict[str, float]
    """A/D/V of the last window."""

    total: dict[str, float]
    """A/D/V of everything so far."""

    status: str
    """``waiting`` in the first 0.5 s; ``silent`` if all samples of the window are
    equal; ``not_finite`` or ``out_of_range`` if the window has samples that are NaN,
    inf or beyond any scale, which are replaced by zeros; ``no_value`` if the model
    gives NaN or inf (all values are NaN then); else ``ok``."""


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
        device: device of the model, see :func:`audw2s.load`

    Raises:
        ValueError: if the model doesn't give tokens, or a duration is too short

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
        device: Device = "cpu",
    ):
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
        self.resampler = None
        if sampling_rate != SAMPLING_RATE:
            self.resampler = soxr.ResampleStream(sampling_rate, SAMPLING_RATE, 1)
        self.level = SlidingNormaliser(
            win_dur, past=True, first_dur=SHORT_DUR, epsilon=self.tokens.epsilon
        )
        least = max(1, round(update_dur * self.tokens.rate))
        self.stream = TokenStream(self.tokens, least=least)
        self.size = round(win_dur * self.tokens.rate)
        self.recent: collections.deque[tuple[np.ndarray, PoolingState]] = (
            collections.deque()
        )
        self.num_recent = 0
        self.sums: PoolingState | None = None
        self.is_over = False
        self.num_samples = 0
        self.num_equal = 0
        self.last = math.nan
        self.last_bad = {"not_finite": -math.inf, "out_of_range": -math.inf}
        self.window = self.total = named(np.full(3, np.nan))

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
        signal = self._checked(mono(signal)[0])
        if self.resampler is not None:
            signal = self._resampled(signal, last=False)
        self._pool(self.stream.push(self.level.push(signal)))
        return self._moment()

    def finish(self) -> Moment:
        """Process the remaining samples and close the stream.

        Raises:
            RuntimeError: if the stream is closed already

        """
        self._refuse_if_over()
        self.is_over = True
        if self.resampler is not None:
            rest = self._resampled(np.zeros(0, np.float32), last=True)
            self._pool(self.stream.push(self.level.push(rest)))
        self._pool(self.stream.push(self.level.finish()))
        self._pool(self.stream.finish())
        return self._moment()

    @property
    def provenance(self) -> dict[str, object]:
        """Name of the model, its sha256, version of audw2s, and window."""
        return self.network.provenance | {"win_dur": self.win_dur}

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

    def _resampled(self, signal: np.ndarray, last: bool) -> np.ndarray:
        chunk = np.ascontiguousarray(signal[:, None], np.float32)
        return self.resampler.resample_chunk(chunk, last=last)[:, 0]

    def _pool(self, made: Iterator[tuple[int, np.ndarray]]) -> None:
        found = False
        for _, tokens in made:
            found = True
            sums = total_sums(tokens)
            self.sums = sums if self.sums is None else combined([self.sums, sums])
            self.recent.append((tokens, sums))
            self.num_recent += len(tokens)
            while self.num_recent - len(self.recent[0][0]) >= self.size:
                self.num_recent -= len(self.recent.popleft()[0])
        if not found:
            return
        states = [sums for _, sums in self.recent]
        if (outside := self.num_recent - self.size) > 0:
            # The window contains the oldest tokens only in part
            states[0] = total_sums(self.recent[0][0][outside:])
        self.window, self.total = (
            named(self.tokens.logits(value / weight)[0])
            for _, weight, value in (combined(states), self.sums)
        )

    def _moment(self) -> Moment:
        time = self.num_samples / self.sampling_rate
        window = self.win_dur * self.sampling_rate
        bad = [s for s, at in self.last_bad.items() if self.num_samples - at <= window]
        values = [*self.window.values(), *self.total.values()]
        if self.sums is None:
            status = "waiting"
        elif not np.isfinite(values).all():
            self.window = self.total = named(np.full(3, np.nan))
            status = "no_value"
        elif bad:
            status = bad[0]
        elif self.num_equal >= min(window, self.num_samples):
            status = "silent"
        else:
            status = "ok"
        return Moment(time, self.window, self.total, status)
