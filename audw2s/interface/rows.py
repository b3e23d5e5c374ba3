"""Process of audinterface that decodes and checks files itself."""

import warnings
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

import audeer
import audformat
import audinterface
import audobject
import numpy as np
import pandas as pd

from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import UnusableSignalError
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import Duration
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_limit
from audw2s.files import label
from audw2s.files import resolve
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.interface.base import Plugin
from audw2s.interface.cache import cache_path
from audw2s.interface.cache import kept_series
from audw2s.interface.checks import check_files
from audw2s.interface.checks import check_found
from audw2s.interface.checks import check_index
from audw2s.interface.checks import plain

if TYPE_CHECKING:
    from audinterface.core.typing import Timestamps

Limits = tuple[Duration | None, Duration | None]
"""Start and end of a segment, ``None`` or NaT for the start or end of the input."""

Items = tuple[list, list[str], list[pd.Timedelta], list[pd.Timedelta]]
"""Values, files, starts and ends, as audinterface collects them."""

WORTH_A_WARNING = (*UNUSABLE, "silent", "quiet", "truncated")
"""Statuses that are reported as a warning."""


class RowProcess(audinterface.Process):
    """Decode, check and process files and signals.

    audinterface does the rest: lists, folders, indices, workers, segments.

    Args:
        predictor: predictor of the values
        make: function that turns the values of a row into an item of the result
        owner: interface whose settings and provenance belong to the results
        on_error: ``"nan"``, or ``"raise"`` to raise an exception on unusable input
        kwargs: arguments of :class:`audinterface.Process`

    """

    owner: "Plugin"
    """Interface whose settings and provenance belong to the results."""

    def __init__(
        self,
        predictor: Predictor,
        *,
        make: Callable[[np.ndarray], object],
        owner: "Plugin",
        on_error: str = "nan",
        **kwargs: object,
    ):
        if on_error not in ("nan", "raise"):
            raise ValueError(
                f"'on_error' has to be 'nan' or 'raise', got '{on_error}'."
            )
        super().__init__(sampling_rate=SAMPLING_RATE, **kwargs)
        self.owner = owner
        self.predictor = predictor
        self.make = make
        self.on_error = on_error

    def process_files(
        self,
        files: Sequence[File],
        *,
        starts: "Timestamps | None" = None,
        ends: "Timestamps | None" = None,
        root: str | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process a list, as :meth:`audinterface.Process.process_files` does."""
        check_files(files)
        return super().process_files(
            files,
            starts=plain(starts),
            ends=plain(ends),
            root=root,
            process_func_args=process_func_args,
        )

    def process_index(
        self,
        index: pd.Index,
        *,
        preserve_index: bool = False,
        root: str | None = None,
        cache_root: str | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process an index, as :meth:`audinterface.Process.process_index` does.

        The cache is not that of audinterface, see :mod:`audw2s.interface.cache`.

        Raises:
            FileNotFoundError: if paths are relative, and none of the files exists
            ValueError: if the index is neither filewise nor segmented, or the settings
                of the segment object can't be written to YAML

        """
        _refuse(process_func_args)
        check_index(index)
        check_found(index, root)
        given, index = index, audformat.utils.to_segmented_index(index)
        if self.segment is not None:
            index = self._segmented(index, root, cache_root)
        compute = partial(self._process_index_wo_segment, root=root)
        if cache_root is None:
            series = compute(index)
        else:
            settings = self.owner.cache_settings
            path = cache_path(cache_root, settings, index, root)
            series = kept_series(path, index, compute)
        if self.segment is None and preserve_index:
            series.index = given
        return series

    def _segmented(
        self,
        index: pd.MultiIndex,
        root: str | None,
        cache_root: str | None,
    ) -> pd.MultiIndex:
        if cache_root is None or not isinstance(self.segment, audobject.Object):
            if cache_root is not None:
                raise ValueError(
                    "The settings of this 'segment' can't be written to YAML, and "
                    "'cache_root' needs them. Leave 'cache_root' out, or use "
                    "audw2s.Segment."
                )
            return self.segment.process_index(index, root=root)
        # Other segment objects may have a cache that ignores changes of a file
        own = cache_root if isinstance(self.segment, Plugin) else None
        return self.segment.process_index(index, root=root, cache_root=own)

    def _process_file(
        self,
        file: File,
        *,
        idx: int = 0,
        root: str | None = None,
        start: pd.Timedelta | None = None,
        end: pd.Timedelta | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> Items:
        _refuse(process_func_args)
        return self._items(file_source(file, root), label(file), [(start, end)])[0]

    def _process_signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        *,
        idx: int = 0,
        root: str | None = None,
        file: str | None = None,
        start: pd.Timedelta | None = None,
        end: pd.Timedelta | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> Items:
        _refuse(process_func_args)
        source = partial(array_blocks, signal, sampling_rate)
        return self._items(source, file, [(start, end)])[0]

    def process_signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        *,
        file: str | None = None,
        start: Duration | None = None,
        end: Duration | None = None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process a signal, as :meth:`audinterface.Process.process_signal` does.

        Samples in ``start`` and ``end`` refer to 16 kHz, as everywhere.
        """
        return super().process_signal(
            signal,
            sampling_rate,
            file=file,
            # audinterface would refer samples to the sampling rate of the signal
            start=_limit(start),
            end=_limit(end),
            process_func_args=process_func_args,
        )

    def _process_index_wo_segment(
        self,
        index: pd.Index,
        root: str | None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process an index; each file is read once for all of its segments."""
        _refuse(process_func_args)
        if index.empty:
            return pd.Series(None, index=index, dtype=object)
        numbers: dict[str, list[int]] = {}
        for number, file in enumerate(index.get_level_values("file")):
            numbers.setdefault(file, []).append(number)
        limits = _limits(index)
        found = audeer.run_tasks(
            self._items,
            [
                ((file_source(file, root), file, [limits[k] for k in own]), {})
                for file, own in numbers.items()
            ],
            num_workers=self.num_workers,
            multiprocessing=self.multiprocessing,
            progress_bar=self.verbose,
            task_description=f"Process {len(index)} segments",
            maximum_refresh_time=1,
        )
        items: list[Items] = [([], [], [], [])] * len(index)
        for own, of_file in zip(numbers.values(), found, strict=True):
            for number, item in zip(own, of_file, strict=True):
                items[number] = item
        y, files, starts, ends = _joined(items)
        return pd.Series(y, audformat.segmented_index(files, starts, ends))

    def _process_signal_from_index_wo_segment(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        index: pd.Index,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process segments of a signal, in a single pass over the signal."""
        _refuse(process_func_args)
        if index.empty:
            return pd.Series(None, index=index, dtype=object)
        of_files = audformat.is_filewise_index(index) or "file" in index.names
        if of_files:
            index = audformat.utils.to_segmented_index(index)
        limits = _limits(index)
        source = partial(array_blocks, signal, sampling_rate)
        items = self._items(source, None, limits)
        y, _, starts, ends = _joined(items)
        if not of_files:
            return pd.Series(y, audinterface.utils.signal_index(starts, ends))
        names = index.get_level_values("file")
        files = [f for f, item in zip(names, items, strict=True) for _ in item[0]]
        return pd.Series(y, audformat.segmented_index(files, starts, ends))

    def _items(
        self,
        source: Read,
        file: str | None,
        limits: list[Limits],
    ) -> list[Items]:
        """Predict segments of a source; one item per segment."""
        spans = [(to_limit(start) or 0.0, to_limit(end)) for start, end in limits]
        found = self.predictor.segments(source, spans)
        return [
            self._item(rows, file, is_open=end is None)
            for rows, (_, end) in zip(found, spans, strict=True)
        ]

    def _item(self, rows: list[Row], file: str | None, *, is_open: bool) -> Items:
        self._report_problems(rows, file)
        ends = [row.end for row in rows]
        if self.win_dur is None and self.keep_nat and is_open:
            ends = [pd.NaT]
        starts = [row.start for row in rows]
        return [self.make(row.values) for row in rows], [file] * len(rows), starts, ends

    def _report_problems(self, rows: list[Row], file: str | None) -> None:
        """Warn of unusable or doubtful input, or raise with ``on_error="raise"``."""
        problems = {r.status: r for r in rows if r.status in WORTH_A_WARNING}
        for status, row in problems.items():
            count = sum(row.status == status for row in rows)
            where = f"{count} of {len(rows)} windows: " if len(rows) > 1 else ""
            reason = f": {row.message}" if row.message else ""
            text = f"{file or 'Signal'}: {where}{status}{reason}."
            if self.on_error == "raise" and status in UNUSABLE:
                raise UnusableSignalError(text)
            warnings.warn(text, UserWarning, stacklevel=2)

    def _call(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        **kwargs: object,
    ) -> object:
        rows = self.predictor.signal(signal, sampling_rate)
        self._report_problems(rows, kwargs.get("file"))
        items = [self.make(row.values) for row in rows]
        return items[0] if self.win_dur is None else items


def file_source(file: File, root: str | None) -> Read:
    """Source of a file, whose path may be relative to a root folder."""
    return partial(file_blocks, resolve(file, root))


def _limit(time: Duration | None) -> pd.Timedelta | None:
    """Time of a start or an end, ``None`` for the start or end of the input."""
    seconds = to_limit(time)
    return None if seconds is None else from_seconds(seconds)


def _limits(index: pd.MultiIndex) -> list[Limits]:
    """Start and end of each entry."""
    return list(zip(*map(index.get_level_values, ("start", "end")), strict=True))


def _joined(items: list[Items]) -> Items:
    """Items of several segments, one after the other."""
    parts = zip(*items, strict=True)
    return tuple(list(chain.from_iterable(part)) for part in parts)


def _refuse(process_func_args: dict[str, object] | None) -> None:
    if process_func_args:
        raise TypeError(
            f"The model takes no arguments, but 'process_func_args' holds "
            f"{sorted(process_func_args)}."
        )
