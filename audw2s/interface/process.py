"""Process: A/D/V as a series of dictionaries."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import audinterface
import audobject

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.times import Duration
from audw2s.interface.arguments import PREDICTED
from audw2s.interface.arguments import RESOLVERS
from audw2s.interface.arguments import RUNTIME
from audw2s.interface.arguments import make_predictor
from audw2s.interface.arguments import picked
from audw2s.interface.arguments import plain_arguments
from audw2s.interface.base import Plugin
from audw2s.interface.base import by_name
from audw2s.interface.base import with_provenance
from audw2s.interface.base import with_type_warning
from audw2s.interface.rows import RowProcess
from audw2s.model.device import Device
from audw2s.model.early_exit import Choice

if TYPE_CHECKING:
    import audonnx


class Process(RowProcess, Plugin):
    """Arousal, dominance and valence as a series of dictionaries.

    All methods are those of :class:`audinterface.Process`, with these differences:

    - Every input has a row. Windows start at multiples of ``hop_dur``; the last one
      may be shorter, and a recording shorter than a window is one window.
    - A negative ``start`` or ``end`` counts from the end of the input. The index holds
      times from its start, where audinterface keeps the negative ones. An end beyond
      the input is set to the end of the input, for signals as for files.
    - Durations in samples, such as ``"16000"``, refer to 16 kHz in every argument,
      where audinterface sometimes uses the sampling rate of the input.
    - Unusable input (missing, unreadable, empty, under 64 samples, NaN or inf)
      gives NaN and a ``UserWarning`` that names file and reason.
    - ``cache_root`` stores values only. The key holds model, settings, and size and
      modification time of each file; files that couldn't be read are read again.
    - Results hold model, sha256, version and window in ``attrs["audw2s"]``.

    Values are roughly in 0…1 and not clipped: they can leave that range. Models of
    classes give the scores (softmax) of their classes instead, by name and in the
    order used in training.

    Args:
        model: name of a model (see :func:`audw2s.models`), folder with
            ``model.onnx``, or :class:`audonnx.Model`
        exit: layer of an exit, or ``"auto"``, for a model with early exits; see
            :func:`audw2s.load`
        sampling_rate: sampling rate of the models in Hz; other input is resampled
        resample: ``False`` makes input at another rate unusable
        channels: channels to process, ``None`` for all
        mixdown: process the mean of the channels, else each channel on its own
        win_dur: duration of windows, ``None`` for one value per input; seconds, or
            whatever :func:`audinterface.utils.to_timedelta` reads
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
        ValueError: if there is no such model, or an argument is invalid
        audw2s.UnusableSignalError: by methods, with ``on_error="raise"``

    Examples:
        >>> import numpy as np
        >>> process = Process("wav2small")
        >>> y = process.process_signal(np.zeros((1, 16000)), 16000, file="a.wav")
        >>> list(y.iloc[0])
        ['arousal', 'dominance', 'valence']

    """

    @plain_arguments
    @audobject.init_decorator(borrow=PREDICTED, hide=RUNTIME, resolvers=RESOLVERS)
    def __init__(
        self,
        model: "str | audonnx.Model" = "wav2small",
        *,
        exit: Choice = None,
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
        predictor = make_predictor(arguments)
        self.network = predictor.network
        super().__init__(
            predictor,
            make=partial(by_name, names=self.network.names),
            owner=self,
            on_error=on_error,
            **picked(arguments, audinterface.Process),
        )

    process_index = with_provenance(RowProcess.process_index)
    process_file = with_provenance(RowProcess.process_file)
    process_folder = with_type_warning(RowProcess.process_folder)
    process_files = with_provenance(RowProcess.process_files)
    process_signal = with_provenance(RowProcess.process_signal)
    process_signal_from_index = with_provenance(RowProcess.process_signal_from_index)
