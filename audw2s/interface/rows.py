"""Process of audinterface that decodes and checks files itself."""

import copy
import math
import os
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import audformat
import audinterface
import audobject
import numpy as np
import pandas as pd

from audw2s.audio.decode import File
from audw2s.audio.decode import file_blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.preprocess import UnusableSignalError
from audw2s.audio.preprocess import array_blocks
from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import Duration
from audw2s.audio.times import from_seconds
from audw2s.audio.times import to_limit
from audw2s.files import is_url
from audw2s.files import label
from audw2s.files import resolve
from audw2s.inference.pipeline import Predictor
from audw2s.inference.row import Row
from audw2s.interface.arguments import check_files
from audw2s.interface.arguments import of_each
from audw2s.interface.arguments import unexpected_arguments
from audw2s.interface.base import Plugin
from audw2s.interface.base import like
from audw2s.interface.cache import cache_path
from audw2s.interface.cache import kept_series
from audw2s.progress import run_tasks

if TYPE_CHECKING:
    from audinterface.core.typing import Timestamps

WORTH_A_WARNING = (*UNUSABLE, "silent", "quiet", "truncated")
"""Statuses that are reported as a warning."""


class Item(NamedTuple):
    """Entry of a result."""

    value: object
    start: pd.Timedelta
    end: pd.Timedelta


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

    def __init__(
        self,
        predictor: Predictor,
        *,
        make: Callable[[np.ndarray], object],
        owner: "Plugin",
        on_error: str = "nan",
        **kwargs: Any,
    ):
        if on_error not in ("nan", "raise"):
            raise ValueError(
                f"'on_error' has to be 'nan' or 'raise', got '{on_error}'."
            )
        super().__init__(**kwargs)
        self.owner = owner
        self.predictor = predictor
        self.make = make
        self.on_error = on_error

    @like(audinterface.Process.process_files)
    def process_files(
        self,
        files: Sequence[File],
        *,
        starts: "Timestamps | None" = None,
        ends: "Timestamps | None" = None,
        **kwargs: Any,
    ) -> pd.Series:
        """Process a list, as :meth:`audinterface.Process.process_files` does."""
        check_files(files)
        if not len(files):
            return super().process_files(files, **kwargs)
        given: dict[str, Any] = {"starts": starts, "ends": ends}
        times = {name: of_each(name, time, files) for name, time in given.items()}
        if self.segment is not None:
            return super().process_files(files, **times, **kwargs)
        tasks = [
            partial(self._process_file, file, start=start, end=end, **kwargs)
            for file, start, end in zip(files, *times.values(), strict=True)
        ]
        results = self._run_tasks(tasks, f"Process {len(files)} files")
        parts = zip(*results, strict=True)
        values, names, *limits = (list(chain.from_iterable(part)) for part in parts)
        return pd.Series(values, audformat.segmented_index(names, *limits))

    def _run_tasks(self, tasks: Sequence[Callable[[], Any]], desc: str) -> list[Any]:
        """Results of tasks, by the workers of the interface."""
        if self.num_workers == 1 and not self.verbose:
            return [task() for task in tasks]
        return run_tasks(
            tasks,
            desc,
            num_workers=self.num_workers,
            multiprocessing=self.multiprocessing,
            verbose=self.verbose,
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
        check_index(index, root)
        # Whole files need no times, which take longer to make than to use
        is_simple = index.nlevels == 1 and self.segment is None and cache_root is None
        segments: Any = (
            index if is_simple else audformat.utils.to_segmented_index(index)
        )
        if self.segment is not None:
            segments = self._segmented(segments, root, cache_root)
        compute = partial(
            self._process_index_wo_segment,
            root=root,
            process_func_args=process_func_args,
        )
        if cache_root is None:
            series = compute(segments)
        else:
            # Whether ends stay open is no setting of values, and rows differ by it
            settings = self.owner.cache_settings | {"keep_nat": self.keep_nat}
            path = cache_path(cache_root, settings, segments, root)
            series = kept_series(path, segments, compute)
        if self.segment is None and preserve_index:
            series.index = index
        return series

    def _segmented(
        self,
        index: pd.MultiIndex,
        root: str | None,
        cache_root: str | None,
    ) -> pd.MultiIndex:
        """Index of the segments that the segment object finds."""
        if cache_root is not None and not isinstance(self.segment, audobject.Object):
            raise ValueError(
                "The settings of this 'segment' can't be written to YAML, and "
                "'cache_root' needs them. Leave 'cache_root' out, or use "
                "audw2s.Segment."
            )
        # Other segment objects may have a cache that ignores changes of a file
        options = {"cache_root": cache_root} if isinstance(self.segment, Plugin) else {}
        return self.segment.process_index(index, root=root, **options)

    def _process_index_wo_segment(
        self,
        index: pd.Index,
        root: str | None,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process an index; each file is read once for all of its segments."""
        if process_func_args:
            raise unexpected_arguments(process_func_args)
        files, spans = index.get_level_values(0), _spans(index)
        numbers: dict[str, list[int]] = {}
        for number, file in enumerate(files):
            numbers.setdefault(file, []).append(number)
        tasks = []
        for file, of_file in numbers.items():
            read = partial(file_blocks, file if root is None else resolve(file, root))
            wanted = [spans[number] for number in of_file]
            tasks.append(partial(self._items, read, file, wanted))
        results = self._run_tasks(tasks, f"Process {len(index)} segments")
        items: list[list[Item]] = [[]] * len(index)
        for of_file, result in zip(numbers.values(), results, strict=True):
            for number, of_segment in zip(of_file, result, strict=True):
                items[number] = of_segment
        return _series(items, files)

    def _process_signal_from_index_wo_segment(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        index: pd.Index,
        process_func_args: dict[str, object] | None = None,
    ) -> pd.Series:
        """Process segments of a signal, in a single pass over the signal."""
        if process_func_args:
            raise unexpected_arguments(process_func_args)
        files = None
        if audformat.is_filewise_index(index) or "file" in index.names:
            index = audformat.utils.to_segmented_index(index)
            files = index.get_level_values("file")
        source = partial(array_blocks, signal, sampling_rate)
        return _series(self._items(source, None, _spans(index)), files)

    @like(audinterface.Process.process_signal)
    def process_signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        *,
        start: Duration | None = None,
        end: Duration | None = None,
        **kwargs: Any,
    ) -> pd.Series:
        """Process a signal, as :meth:`audinterface.Process.process_signal` does."""
        # audinterface would refer samples to the sampling rate of the signal
        begin = from_seconds(to_limit(start))
        start = None if begin is pd.NaT else begin
        end = None if end is None else from_seconds(to_limit(end))
        process = copy.copy(self)
        # As in audinterface, an end that isn't given is known, unlike NaT
        process.keep_nat = self.keep_nat and end is not None
        return super(RowProcess, process).process_signal(
            signal, sampling_rate, start=start, end=end, **kwargs
        )

    def _process_file(
        self, file: File, *, root: str | None = None, **kwargs: Any
    ) -> tuple[list, ...]:
        """Values, files, starts and ends, as audinterface collects them."""
        path = file if root is None else resolve(file, root)
        return self._collected(partial(file_blocks, path), label(file), **kwargs)

    def _process_signal(
        self,
        signal: np.ndarray,
        sampling_rate: int,
        *,
        file: str | None = None,
        **kwargs: Any,
    ) -> tuple[list, ...]:
        """Values, files, starts and ends, as audinterface collects them."""
        source = partial(array_blocks, signal, sampling_rate)
        return self._collected(source, file, **kwargs)

    def _collected(
        self,
        source: Read,
        file: str | None,
        *,
        start: Duration | None = None,
        end: Duration | None = None,
        process_func_args: dict[str, object] | None = None,
        **_: object,
    ) -> tuple[list, ...]:
        if process_func_args:
            raise unexpected_arguments(process_func_args)
        span = (to_limit(start) or 0.0, to_limit(end))
        (items,) = self._items(source, file, [span])
        values, starts, ends = map(list, zip(*items, strict=True))
        return values, [file] * len(values), starts, ends

    def _items(
        self, source: Read, file: str | None, spans: Sequence[Span]
    ) -> list[list[Item]]:
        """Items of the segments of a source."""
        found = self.predictor.segments(source, spans)
        items = []
        for rows, (_, end) in zip(found, spans, strict=True):
            if any(row.status in WORTH_A_WARNING for row in rows):
                self._report_problems(rows, file)
            if self.keep_nat and end is None and self.win_dur is None:
                rows = [rows[0]._replace(end=from_seconds(None))]
            items.append([Item(self.make(r.values), r.start, r.end) for r in rows])
        return items

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

    def _call(self, signal: np.ndarray, sampling_rate: int, **kwargs: Any) -> object:
        """Values of a signal, as ``__call__`` returns them."""
        source = partial(array_blocks, signal, sampling_rate)
        (items,) = self._items(source, kwargs.get("file"), [(0.0, None)])
        return items[0].value if self.win_dur is None else [i.value for i in items]


def check_index(index: pd.Index, root: str | None) -> None:
    """Check that an index is one of audformat, and that a file of it exists.

    Raises:
        FileNotFoundError: if all paths are relative and none of the files exists, as
            the root folder may be wrong
        ValueError: if it is neither a filewise nor a segmented index of audformat

    """
    if not isinstance(index, pd.Index):
        has_index = isinstance(getattr(index, "index", None), pd.Index)
        remedy = (
            "give its attribute 'index'"
            if has_index
            else "create one with audformat.filewise_index(files)"
        )
        raise ValueError(
            f"'index' has to be an index of audformat, not of type "
            f"'{type(index).__name__}': {remedy}."
        )
    if index.nlevels > 1 and list(index.names) != ["file", "start", "end"]:
        raise ValueError(
            "'index' has to have the levels file, start, end, or a single level of "
            f"files; it has {', '.join(map(str, index.names))}."
        )
    files = index.get_level_values(0).unique()
    for file in files:
        if not isinstance(file, str):
            raise ValueError(
                f"'index' has to hold paths of files, not {file!r} of type "
                f"'{type(file).__name__}'."
            )
    if any(os.path.isabs(file) or is_url(file) for file in files):
        return
    if len(files) and not any(os.path.isfile(resolve(file, root)) for file in files):
        where = os.path.abspath(root or "")
        raise FileNotFoundError(
            f"None of the {len(files)} files is in '{where}', such as '{files[0]}': "
            "set 'root' to the folder of the files, for instance root=db.root."
        )


def _spans(index: pd.Index) -> list[Span]:
    """Start and end of each entry in seconds; a filewise index has whole files."""
    if index.nlevels == 1:
        return [(0.0, None)] * len(index)
    second = np.timedelta64(1, "s")
    starts, ends = (
        (index.get_level_values(name).to_numpy() / second).tolist()
        for name in ("start", "end")
    )
    return [
        (0.0 if math.isnan(start) else start, None if math.isnan(end) else end)
        for start, end in zip(starts, ends, strict=True)
    ]


def _series(items: list[list[Item]], files: Iterable[str] | None) -> pd.Series:
    """Series of the items of each entry of an index.

    Args:
        items: items of each entry
        files: file of each entry, ``None`` for an index without files

    """
    flat = [item for of_entry in items for item in of_entry]
    values, starts, ends = map(list, zip(*flat, strict=True)) if flat else ([], [], [])
    if files is None:
        index = audinterface.utils.signal_index(starts, ends)
    else:
        pairs = zip(files, items, strict=True)
        files = [file for file, of_entry in pairs for _ in of_entry]
        index = audformat.segmented_index(files, starts, ends)
    return pd.Series(values, index, dtype=object)
