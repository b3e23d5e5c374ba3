"""What docs/differences.md says of a call: which rows audw2s gives, and why.

Rows are those of audinterface, which processes each input of the call on its own, with
times that lie in the recording. Where it can't, and at the end of windows, they are
written out here.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from functools import partial

import audinterface
import numpy as np
import pandas as pd
from configurations import RATES
from configurations import SEGMENTS
from configurations import Configuration
from configurations import Recordings
from packages import Rows
from packages import agree
from packages import equal
from packages import flat
from packages import ours
from packages import rows_of
from packages import theirs
from packages import values_of

from audw2s.audio.times import SECOND

ROW = "a-row-for-everything"
WINDOWS = "windows-keep-the-end"
TIMES = "times-lie-in-the-recording"
START = "a-start-in-seconds"
EMPTY = "empty-results"
LIST = "lists-and-indices-are-checked"
MODEL = "the-model-is-fixed"
WRONG = "wrong-input-is-a-value-error"
CALL = "a-call-with-windows"
CHANNELS = "channels-have-columns"
ENDS = "segments-reach-the-end"
PADDED = "padded-at-16-khz"
TYPES = "samples-of-all-types"

DURATIONS = {"win_dur", "hop_dur", "min_signal_dur", "max_signal_dur"}


@dataclasses.dataclass
class Input:
    """What a call processes at once.

    Args:
        name: name of the recording
        file: file in the index of the result, ``None`` for a signal
        start: start in seconds
        end: end in seconds, ``None`` for the end of the recording

    """

    name: str
    file: str | None
    start: float
    end: float | None


class Documented:
    """What is documented of a call.

    Args:
        configuration: call
        data: recordings

    """

    def __init__(self, configuration: Configuration, data: Recordings):
        self.configuration = configuration
        self.given = configuration.given
        self.data = data
        self.rules: set[str] = set()

    def error(self) -> set[str]:
        """Rules by which the call is a ValueError."""
        kind, dtype = self.configuration.kind, self.configuration.dtype
        no_names = kind == "Feature" and self.given.get("channels") is None
        rules = {
            MODEL: self.given.get("sampling_rate", 16000) != 16000,
            CHANNELS: no_names and not self.given.get("mixdown", True),
            WRONG: dtype == "3d" and self.configuration.takes_signal,
            LIST: dtype == "3d" and self.configuration.method == "process_index",
        }
        return {name for name, holds in rules.items() if holds}

    def inputs(self) -> list[Input]:
        """What the call processes, after its segment object."""
        of_method = self.configuration
        names, times = of_method.names, of_method.times
        if "segment" in self.given:
            return self._segmented()
        if of_method.method in ("process_signal", "call"):
            names, times = names[:1], times[:1]
            files = [of_method.more.get("file")]
        elif of_method.method == "process_signal_from_index":
            names, files = [names[0]] * len(times), [None] * len(times)
        else:
            is_one = of_method.method == "process_file"
            names, times = (names[:1], times[:1]) if is_one else (names, times)
            files = [self._label(name) for name in names]
        return [
            self._input(name, file, start, end)
            for name, file, (start, end) in zip(names, files, times, strict=True)
        ]

    def _label(self, name: str) -> str:
        """File as the index of the result has it."""
        relative = self.configuration.method == "process_files"
        relative |= self.configuration.more.get("include_root") is False
        return f"{name}.wav" if relative else self.data.path(name)

    def _segmented(self) -> list[Input]:
        """Segments that an object of audinterface finds in the input of the call."""
        times = self.configuration.times
        if self.configuration.method != "process_signal_from_index":
            times = [
                (None if start is pd.NaT else _seconds_of(start), _seconds_of(end))
                for start, end in times
            ]
        if times != self.configuration.times:
            self.rules.add(TIMES)
        more = {
            name: value
            for name, value in self.configuration.more.items()
            if name != "preserve_index"
        }
        plain = dataclasses.replace(
            self.configuration, given={}, times=times, more=more
        )
        index = plain.call(lambda **_: SEGMENTS[self.given["segment"]], self.data)
        inputs = []
        for file, start, end, _ in rows_of(index):
            name = self.configuration.names[0]
            if file is not None and file != self.configuration.more.get("file"):
                name = pathlib.Path(file).stem
            inputs.append(self._input(name, file, start, end))
        return inputs

    def _input(self, name: str, file: str | None, start: object, end: object) -> Input:
        start = 0.0 if start is None else self._seconds(name, start)
        open_end = end is None or end is pd.NaT
        return Input(name, file, start, None if open_end else self._seconds(name, end))

    def _seconds(self, name: str, time: object) -> float:
        """Seconds from the start of a recording; samples count at 16 kHz."""
        if time is pd.NaT:
            self.rules.add(TIMES)
            return 0.0
        if self.configuration.kind == "Segment":
            is_file = self.configuration.method == "process_file"
            if is_file and not isinstance(time, pd.Timedelta):
                self.rules.add(START)
        if isinstance(time, str) and time.isdigit():
            self.rules.add(TIMES)
        seconds = audinterface.utils.to_timedelta(time, 16000) / SECOND
        if seconds >= 0 or name not in RATES:
            return max(0.0, seconds)
        self.rules.add(TIMES)
        rate, _, size = RATES[name]
        return max(0, size + round(seconds * rate)) / rate

    def fits(self, entry: Input) -> bool:
        """Whether the recording of an input can be processed."""
        if entry.name not in RATES:
            return False
        rate, channels, _ = RATES[entry.name]
        if not self.size(entry):
            return True
        wanted = self.given.get("channels")
        wanted = [] if wanted is None else np.atleast_1d(wanted).tolist()
        return all(-channels <= channel < channels for channel in wanted) and (
            rate == 16000 or self.given.get("resample", True)
        )

    def is_usable(self, entry: Input) -> bool:
        """Whether audinterface can process an input."""
        return self.fits(entry) and self.size(entry) >= 64

    def size(self, entry: Input) -> int:
        """Number of samples of an input at 16 kHz."""
        rate, _, size = RATES[entry.name]
        first = round(entry.start * rate)
        last = size if entry.end is None else min(size, round(entry.end * rate))
        return round(max(0, last - first) * 16000 / rate)

    def rows(self, entry: Input) -> Rows:
        """Rows of an input, values by audinterface."""
        start, end = self._start(entry), self._end(entry)
        if not self.is_usable(entry):
            self.rules.add(ROW)
            return [(entry.file, start, self._shown(entry, end), np.full(0, np.nan))]
        given = {**self.given, "keep_nat": False}
        given.pop("segment", None)
        for name in self.given.keys() & DURATIONS:
            given[name] = self._delta(name)
            if given[name] != self.given[name] and RATES[entry.name][0] != 16000:
                self.rules.add(TIMES)
        interface = theirs(self.configuration.kind, **given)
        open_end = None if entry.end is None else end
        if entry.file is not None and not self.configuration.takes_signal:
            path = self.data.path(entry.name)
            result = interface.process_file(path, start=start, end=open_end)
        else:
            signal = self.data.signals[entry.name].astype(np.float32)
            rate = RATES[entry.name][0]
            result = interface.process_signal(signal, rate, start=start, end=open_end)
        return [
            (entry.file, start, self._shown(entry, end), values)
            for _, start, end, values in rows_of(result)
        ]

    def _shown(self, entry: Input, end: pd.Timedelta) -> pd.Timedelta:
        """End of a row, which stays open with ``keep_nat``."""
        keeps = self.given.get("keep_nat") and self.given.get("win_dur") is None
        if "segment" in self.given or self.configuration.kind == "Segment":
            keeps = False
        if self.configuration.method == "process_signal":
            keeps = keeps and self.configuration.times[0][1] is not None
        return pd.NaT if keeps and entry.end is None else end

    def _start(self, entry: Input) -> pd.Timedelta:
        return pd.Timedelta(round(entry.start * 1e9))

    def _end(self, entry: Input) -> pd.Timedelta:
        """End of an input, which lies in the recording."""
        start, end = self._start(entry), entry.end
        end = None if end is None else pd.Timedelta(round(end * 1e9))
        if entry.name not in RATES:
            return pd.NaT if end is None else end
        rate, _, size = RATES[entry.name]
        whole = max(start, audinterface.utils.to_timedelta(size / rate))
        if end is None or not self.fits(entry):
            return whole if end is None else end
        if end > whole:
            self.rules.add(TIMES)
        return min(end, whole)

    def last_window(self, entry: Input, number: int) -> Rows:
        """Window at the end of an input, if there is one after so many windows."""
        win, hop = (self._delta(name) for name in ("win_dur", "hop_dur"))
        hop = pd.Timedelta(win.value // 2) if hop is None else hop
        start, end, size = self._start(entry), self._end(entry), self.size(entry)
        longest, shortest = map(self._delta, ("max_signal_dur", "min_signal_dur"))
        if longest is not None and start + longest < end:
            end, size = start + longest, min(size, _samples(longest))
        if shortest is not None and size < _samples(shortest):
            end, size = start + shortest, _samples(shortest)
        first = _samples(number * hop)
        before = _samples((number - 1) * hop) + _samples(win)
        if number and (before >= size or size - first < 64):
            return []
        self.rules.add(WINDOWS)
        begin = start + number * hop
        return [(entry.file, begin, min(end, begin + win), np.full(0, np.nan))]

    def _delta(self, name: str) -> pd.Timedelta | None:
        duration = self.given.get(name)
        if duration is None:
            return None
        return audinterface.utils.to_timedelta(duration, 16000)

    def check(self, wanted: tuple, row: tuple, entry: Input) -> None:
        """Check a row against the one that is wanted."""
        file, start, end, values = wanted
        assert row[:2] == (file, start) or self._is_near(start, row[1], entry), wanted
        assert row[2] is end or row[2] == end or self._is_near(end, row[2], entry)
        if values.size == 0:
            # Without a value, or the last window, that only audw2s has
            assert len({*np.isnan(row[3]).tolist()}) < 2, row
        elif not equal(values, row[3]):
            assert equal(values, row[3], self._tolerance(entry)), (wanted, row)

    def _is_near(self, time: pd.Timedelta, other: pd.Timedelta, entry: Input) -> bool:
        """Whether a time is no more than two samples from another one."""
        is_segment = self.configuration.kind == "Segment"
        difference = abs((time - other) / SECOND)
        if is_segment and self._is_padded(entry):
            # A frame of 20 ms in which the end of the recording fades
            self.rules.add(PADDED)
            return difference < 0.025
        self.rules.add(ENDS if is_segment else TIMES)
        return difference * (16000 if is_segment else RATES[entry.name][0]) < 2

    def _is_padded(self, entry: Input) -> bool:
        """Whether zeros are appended before resampling by audinterface."""
        is_resampled = RATES[entry.name][0] != 16000
        return is_resampled and self.given.get("min_signal_dur") is not None

    def _tolerance(self, entry: Input) -> float:
        """Difference of values where audinterface has other samples at the ends."""
        if RATES[entry.name][0] != 16000:
            # A sample more or less, and zeros that are appended before resampling
            is_padded = self._is_padded(entry)
            self.rules.add(PADDED if is_padded else TIMES)
            return 0.3 if is_padded else 0.05
        win, hop = (self._delta(name) for name in ("win_dur", "hop_dur"))
        hop = win / 2 if hop is None else hop
        assert any(d.value * 16000 % 10**9 for d in (win, hop)), "values differ"
        self.rules.add(WINDOWS)
        return 0.05


def _samples(duration: pd.Timedelta) -> int:
    return round(duration.value * 16000 / 10**9)


def _seconds_of(time: object) -> object:
    """Seconds of a number of samples."""
    is_number = isinstance(time, str) and time.isdigit()
    return int(time) / 16000 if is_number else time


def outcome(configuration: Configuration, make: Callable, data: Recordings) -> object:
    """Result of a call, or the exception that it raises."""
    try:
        return configuration.call(partial(make, configuration.kind), data)
    except Exception as error:
        return error


def reasons(configuration: Configuration, data: Recordings) -> set[str]:
    """Names of the documented differences of a call, none if both packages agree.

    Raises:
        AssertionError: if they don't explain the result

    """
    result = outcome(configuration, ours, data)
    if agree(outcome(configuration, theirs, data), result):
        return set()
    documented = Documented(configuration, data)
    if rules := documented.error():
        assert type(result) is ValueError, result
        return rules
    if isinstance(result, Exception):
        # Segments twice, where audinterface doesn't come as far
        single = dataclasses.replace(configuration, dtype="float32")
        assert agree(outcome(single, theirs, data), result), result
        return {TYPES}
    if configuration.method == "call":
        return called(documented, result)
    if configuration.more.get("preserve_index"):
        more = {**configuration.more, "preserve_index": False}
        assert [*result.index] == [*configuration.index(data)]
        plain = dataclasses.replace(configuration, more=more)
        result = outcome(plain, ours, data)
    if has_other_samples(configuration):
        documented.rules.add(TYPES)
    inputs = documented.inputs()
    rows, found = [], rows_of(result)
    for entry in inputs:
        wanted = documented.rows(entry)
        rows += matched(documented, entry, wanted, found[len(rows) :])
    assert len(rows) == len(found), (rows, found)
    if not found:
        documented.rules.add(EMPTY)
    assert documented.rules, "differs for no reason"
    return documented.rules


def matched(documented: Documented, entry: Input, wanted: Rows, result: Rows) -> Rows:
    """Check that a result begins with the rows of an input, and return these."""
    if documented.given.get("win_dur") is not None and documented.is_usable(entry):
        wanted = [*wanted, *documented.last_window(entry, len(wanted))]
    assert len(result) >= len(wanted), (wanted, result)
    for row, other in zip(wanted, result, strict=False):
        documented.check(row, other, entry)
    return wanted


def has_other_samples(configuration: Configuration) -> bool:
    """Whether audinterface would resample samples that aren't of single precision."""
    return (
        configuration.takes_signal
        and configuration.dtype != "float32"
        and RATES[configuration.names[0]][0] != 16000
    )


def called(documented: Documented, result: object) -> set[str]:
    """Check what a call returns against the method that gives rows."""
    configuration, data = documented.configuration, documented.data
    given = {name: v for name, v in configuration.given.items() if name != "segment"}
    plain = dataclasses.replace(configuration, method="process_signal", given=given)
    rows = outcome(plain, ours, data)
    if isinstance(result, pd.Index):
        assert rows.equals(result)
    else:
        expected = np.concatenate(values_of(rows))
        assert equal(expected, np.array(flat(result)))
    return {CALL}
