"""A network and its preprocessing."""

import copy
import math
from collections.abc import Iterator
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING
from typing import Self

import numpy as np

from audw2s.audio.preprocess import mixed
from audw2s.audio.preprocess import prepared
from audw2s.audio.preprocess import selected
from audw2s.audio.quality import Report
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.windows import Grid
from audw2s.audio.windows import default_hop_dur
from audw2s.inference.frames import BLOCK_DUR
from audw2s.inference.network import Network
from audw2s.inference.row import MIN_DUR
from audw2s.inference.source import Callback
from audw2s.inference.source import Read
from audw2s.inference.source import Span
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice

if TYPE_CHECKING:
    import audonnx


class Analyser:
    """Network with its settings and the preprocessing of signals.

    The strategies :mod:`audw2s.inference.exact` and :mod:`audw2s.inference.one_pass`
    take it. Arguments are those of :class:`audw2s.inference.pipeline.Predictor`.

    """

    at_once = 1
    """Number of windows that :meth:`run` processes in one call."""

    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        win_dur: float | None = None,
        hop_dur: float | None = None,
        exact: bool = False,
        min_signal_dur: float | None = None,
        max_signal_dur: float | None = None,
        channels: int | Sequence[int] | None = None,
        mixdown: bool = True,
        resample: bool = True,
        device: Device = "cpu",
        hidden_states: bool = False,
        exit: Choice = None,
        classes: bool = False,
        block_dur: float = BLOCK_DUR,
    ):
        self.network = Network(
            model,
            device,
            exit=exit,
            classes=classes,
            hidden_states=hidden_states,
            block_dur=block_dur,
        )
        self.win_dur = win_dur
        self.hop_dur = default_hop_dur(win_dur, hop_dur)
        self.min_signal_dur = min_signal_dur
        self.max_signal_dur = max_signal_dur
        for name in ("win_dur", "hop_dur", "min_signal_dur", "max_signal_dur"):
            duration = getattr(self, name)
            if duration is not None and not MIN_DUR <= duration < math.inf:
                raise ValueError(
                    f"'{name}' has to be at least {MIN_DUR} s, got {duration} s."
                )
        self.grid = None if win_dur is None else Grid(win_dur, self.hop_dur)
        self.exact = exact
        self.channels = channels
        self.mixdown = mixdown
        self.resample = resample

    def of_channel(self, channel: int | None) -> Self:
        """Return a copy that processes one channel; ``None`` for this object."""
        if channel is None:
            return self
        other = copy.copy(self)
        other.channels = channel
        return other

    def blocks(
        self,
        read: Read,
        report: Report,
        span: Span,
        callback: Callback | None = None,
    ) -> Iterator[np.ndarray]:
        """Yield blocks ``(num_channels, num_samples)`` at 16 kHz."""
        start, end = span
        report.start = start
        blocks = self._selected(read(report, start=start, end=end), report)
        blocks = prepared(blocks, report, SAMPLING_RATE)
        return blocks if callback is None else callback(blocks)

    def _selected(
        self,
        blocks: Iterator[np.ndarray],
        report: Report,
    ) -> Iterator[np.ndarray]:
        """Select channels, check the samples and convert blocks to mono."""
        for block in blocks:
            if not block.size:
                return
            if report.sampling_rate != SAMPLING_RATE and not self.resample:
                rate = f"{report.sampling_rate} Hz, the model takes {SAMPLING_RATE} Hz"
                report.problem = ("sampling_rate", f"{rate} and resample is off")
                return
            report.num_channels = len(block)
            try:
                block = selected(block, self.channels)
            except ValueError as error:
                report.problem = ("channels", str(error).rstrip("."))
                return
            yield mixed(block, report, self.mixdown)

    def run(self, windows: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network on each channel of each window."""
        return [
            np.stack([self.network(np.ascontiguousarray(row)) for row in window])
            for window in windows
        ]

    @property
    def num_channels(self) -> int:
        """Number of channels for which a row holds values."""
        if self.mixdown or self.channels is None or isinstance(self.channels, Integral):
            return 1
        return len(self.channels)

    def no_values(self) -> np.ndarray:
        """Values of unusable input."""
        shape = (self.num_channels, self.network.num_values)
        return np.full(shape, np.nan, np.float32)

    @property
    def provenance(self) -> dict[str, object]:
        """Model, version and settings that results are stored with."""
        return self.network.provenance | {
            "win_dur": self.win_dur,
            "hop_dur": self.hop_dur,
            "exact": self.exact,
        }
