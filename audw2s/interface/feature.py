"""Feature: A/D/V as a table."""

from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import audformat
import audinterface
import audobject
import numpy as np
import pandas as pd

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import Duration
from audw2s.interface.arguments import BORROWED
from audw2s.interface.arguments import RESOLVERS
from audw2s.interface.arguments import RUNTIME
from audw2s.interface.arguments import make_predictor
from audw2s.interface.arguments import picked
from audw2s.interface.arguments import plain_arguments
from audw2s.interface.base import Plugin
from audw2s.interface.base import like
from audw2s.interface.base import with_type_warning
from audw2s.interface.rows import RowProcess
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice

if TYPE_CHECKING:
    import audonnx

EMPTY_INDEX = audformat.segmented_index()
"""Index of results for no files."""


class Feature(audinterface.Feature, Plugin):
    """Arousal, dominance and valence as a table with these three columns.

    For a model of classes the columns are the classes, in the order used in training,
    and the values are their scores (softmax), which add up to one.

    With ``embeddings`` the columns are the model's hidden states instead,
    ``hidden_states-0`` and so on: of a file those of :func:`audw2s.load`, of windows
    and segments pooled as A/D/V is.

    Arguments and behaviour are those of :class:`audw2s.Process`; methods are those
    of :class:`audinterface.Feature`. With ``mixdown=False`` and several channels
    there are columns for each of them, such as ``(0, "arousal")``.

    Args:
        model: name of a model (see :func:`audw2s.models`), folder with
            ``model.onnx``, or :class:`audonnx.Model`
        exit: layer of an exit, or ``"auto"``, for a model with early exits; see
            :func:`audw2s.load`
        embeddings: columns of hidden states in place of A/D/V
        sampling_rate: sampling rate of the models in Hz; other input is resampled
        resample: ``False`` makes input at another rate unusable
        channels: channels to process, ``None`` for all
        mixdown: process the mean of the channels, else each channel on its own
        win_dur: duration of windows, ``None`` for one value per input
        hop_dur: duration between the starts of windows, half a window by default
        exact: process each window and segment on its own; by default students
            process a file in a single pass, and a window depends on its surroundings
        vad: process speech only, as found by a voice activity detector; input with
            less than 0.3 s of it has no values
        min_signal_dur: shorter input is padded with zeros up to this duration
        max_signal_dur: longer input is cut
        segment: object that finds the segments to process, such as
            :class:`audw2s.Segment`
        keep_nat: if no end is given, leave it as NaT
        on_error: ``"nan"``, or ``"raise"`` to raise an exception on unusable input
        device: see :func:`audw2s.load`
        num_workers: workers over files, ``None`` for five per core
        multiprocessing: use processes instead of threads
        verbose: show a progress bar

    Raises:
        ValueError: if there is no such model, an argument is invalid, or the model has
            no hidden states
        audw2s.UnusableSignalError: by methods, with ``on_error="raise"``

    Examples:
        >>> feature = Feature("wav2small", win_dur=2, hop_dur=1)
        >>> frame = feature.process_signal(np.ones((1, 48000)), 16000)
        >>> list(frame.columns), len(frame)
        (['arousal', 'dominance', 'valence'], 2)

    """

    @plain_arguments
    @audobject.init_decorator(borrow=BORROWED, hide=RUNTIME, resolvers=RESOLVERS)
    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        exit: Choice = None,
        embeddings: bool = False,
        sampling_rate: int = SAMPLING_RATE,
        resample: bool = True,
        channels: int | Sequence[int] | None = None,
        mixdown: bool = True,
        win_dur: Duration | None = None,
        hop_dur: Duration | None = None,
        exact: bool = False,
        vad: bool = False,
        min_signal_dur: Duration | None = None,
        max_signal_dur: Duration | None = None,
        segment: audinterface.Segment | None = None,
        keep_nat: bool = False,
        on_error: str = "nan",
        device: Device = "cpu",
        num_workers: int | None = 1,
        multiprocessing: bool = False,
        verbose: bool = False,
    ):
        arguments = locals()
        if not mixdown and channels is None:
            raise ValueError(
                "With mixdown=False the table has columns for each channel: "
                "name the channels, for instance channels=[0, 1]."
            )
        predictor = make_predictor(arguments | {"hidden_states": embeddings})
        names = list(predictor.network.names)
        make: Callable[[np.ndarray], np.ndarray] = np.asarray
        if embeddings:
            make = partial(_from_column, len(names))
            names = predictor.network.open().labels("hidden_states")
        inherited = picked(arguments, audinterface.Feature)
        super().__init__(names, name="audw2s", **inherited)
        self.embeddings = embeddings
        self.predictor = predictor
        self.network = predictor.network
        self.process = RowProcess(
            predictor,
            make=make,
            owner=self,
            on_error=on_error,
            **picked(arguments, audinterface.Process),
        )
        self.params = self.to_dict(flatten=True)

    @like(audinterface.Feature.process_index)
    def process_index(self, index: pd.Index, **kwargs: Any) -> pd.DataFrame:
        """Process an index, see :meth:`audinterface.Feature.process_index`.

        ``cache_root`` and errors are those of :class:`audw2s.Process`.
        """
        return self._series_to_frame(self.process.process_index(index, **kwargs))

    process_folder = with_type_warning(audinterface.Feature.process_folder)

    def __call__(self, signal: np.ndarray, sampling_rate: int) -> np.ndarray:
        """Apply the model to a signal.

        Args:
            signal: ``(num_channels, num_samples)`` or ``(num_samples,)``
            sampling_rate: in Hz

        Returns:
            ``(num_channels, num_values, num_windows)``

        """
        values = self.process(signal, sampling_rate)
        return np.stack([values] if self.win_dur is None else values, axis=-1)

    def _series_to_frame(self, y: pd.Series) -> pd.DataFrame:
        index = EMPTY_INDEX if isinstance(y.index, pd.RangeIndex) else y.index
        values = np.reshape([*y], (len(y), len(self.column_names)))
        frame = pd.DataFrame(values, index, self.column_names, dtype="float32")
        frame.attrs["audw2s"] = dict(self.predictor.provenance)
        return frame


def _from_column(first: int, values: np.ndarray) -> np.ndarray:
    """Values ``(num_channels, num_values)`` from a column on."""
    return values[:, first:]
