"""Calls of interfaces at random, the same ones for each seed."""

import dataclasses
import os
import pathlib
import random
from collections.abc import Callable

import audformat
import audinterface
import numpy as np
import pandas as pd
import soundfile
from expectations.case import HALF
from expectations.case import NOTHING

KINDS = ("Feature", "Process", "Segment")

RATES = {
    "mono": (16000, 1, 20000),
    "stereo": (16000, 2, 20000),
    "slow": (8000, 1, 10001),
    "odd": (11025, 2, 13001),
    "compact": (44100, 2, 44101),
    "fast": (48000, 3, 36000),
    "short": (16000, 1, 3200),
    "tiny": (16000, 1, 100),
}
"""Sampling rate, channels and samples of each recording."""

TIMES = [
    *(None, 0, 0.25, 0.5, 1, 0.333333, "4000", "250ms", "0.5s", pd.Timedelta("300ms")),
    *(pd.NaT, -0.25, -9, 9),
]
WINDOWS = [0.25, 0.5, 0.1, 0.3333, "8000", "400ms", pd.Timedelta("0.75s"), 2]
HOPS = [None, 0.25, 0.1, 0.07, "1600", "125ms", 0.5, 1]
DURATIONS = [None, 0.2, 0.5, 1, 2, "8000", "700ms"]
SEGMENTS = {"half": HALF, "nothing": NOTHING}


class Recordings:
    """Recordings as arrays and as files.

    Args:
        folder: folder of the files

    """

    def __init__(self, folder: pathlib.Path):
        self.folder = str(folder)
        self.signals = {}
        for number, (name, (rate, channels, size)) in enumerate(RATES.items()):
            noise = np.random.default_rng(number).uniform(-0.5, 0.5, (channels, size))
            self.signals[name] = noise.astype(np.float32)
            # All steps of 16 bits, so that files hold the samples
            self.signals[name] = np.round(self.signals[name] * 2**15) / 2**15
            soundfile.write(self.path(name), self.signals[name].T, rate)
        pathlib.Path(self.path("text")).write_text("no audio")

    def path(self, name: str) -> str:
        return os.path.join(self.folder, f"{name}.wav")


@dataclasses.dataclass(frozen=True)
class Configuration:
    """A call.

    Args:
        kind: class of the interface
        given: arguments of the class
        method: method that is called
        names: recordings
        times: start and end of each
        dtype: type of the samples of a signal
        more: other arguments of the method

    """

    kind: str
    given: dict
    method: str
    names: list[str]
    times: list[tuple]
    dtype: str
    more: dict

    @property
    def takes_signal(self) -> bool:
        """Whether the method takes a signal, rather than files."""
        return self.method == "call" or "signal" in self.method

    def call(self, make: Callable, data: Recordings) -> object:
        """Result of the call of an interface that ``make`` creates."""
        given = {**self.given}
        if "segment" in given:
            given["segment"] = SEGMENTS[given["segment"]]
        return getattr(self, f"_{self.method}")(make(**given), data)

    def _process_file(self, interface, data):
        (start, end), path = self.times[0], data.path(self.names[0])
        return interface.process_file(path, start=start, end=end, **self.more)

    def _process_files(self, interface, data):
        starts, ends = map(list, zip(*self.times, strict=True))
        files = [f"{name}.wav" for name in self.names]
        return interface.process_files(
            files, starts=starts, ends=ends, root=data.folder, **self.more
        )

    def _process_folder(self, interface, data):
        return interface.process_folder(data.folder, **self.more)

    def _process_index(self, interface, data):
        index = self.index(data)
        return interface.process_index(
            [*index] if self.dtype == "3d" else index, **self.more
        )

    def index(self, data: Recordings) -> pd.MultiIndex:
        """Segmented index of the recordings."""
        files = [data.path(name) for name in self.names]
        return audformat.segmented_index(files, *self._deltas())

    def _process_signal(self, interface, data):
        (start, end), (signal, rate) = self.times[0], self._signal(data)
        return interface.process_signal(signal, rate, start=start, end=end, **self.more)

    def _process_signal_from_index(self, interface, data):
        index = audinterface.utils.signal_index(*self._deltas())
        return interface.process_signal_from_index(*self._signal(data), index)

    def _call(self, interface, data):
        return interface(*self._signal(data))

    def _deltas(self) -> tuple[list, list]:
        starts, ends = zip(*self.times, strict=True)
        starts = (0 if start is None else start for start in starts)
        return [*map(_delta, starts)], [*map(_delta, ends)]

    def _signal(self, data: Recordings) -> tuple:
        name = self.names[0]
        signal = data.signals[name]
        if self.dtype == "3d":
            return signal[None], RATES[name][0]
        if self.dtype == "int16":
            signal = (signal * 2**15).astype(np.int16)
        elif self.dtype == "list":
            signal = signal.tolist()
        else:
            signal = signal.astype(self.dtype)
        return signal, RATES[name][0]


def _delta(time: object) -> pd.Timedelta:
    return pd.NaT if time is None else audinterface.utils.to_timedelta(time, 16000)


def configuration(seed: int) -> Configuration:
    """Configuration of a seed."""
    rng = random.Random(seed)
    kind = rng.choice(KINDS)
    given = {}

    def perhaps(name: str, values: list, probability: float = 0.3) -> None:
        if rng.random() < probability:
            given[name] = rng.choice(values)

    perhaps("sampling_rate", [8000], 0.02)
    perhaps("channels", [0, 1, -1, [0], [0, 1], [1, 0], 2, [5]], 0.25)
    perhaps("mixdown", [False], 0.25)
    perhaps("resample", [False], 0.1)
    perhaps("min_signal_dur", DURATIONS, 0.15)
    if "min_signal_dur" not in given:
        perhaps("max_signal_dur", DURATIONS, 0.15)
    perhaps("keep_nat", [True], 0.15)
    perhaps("num_workers", [2], 0.05)
    if kind != "Segment":
        perhaps("win_dur", WINDOWS, 0.35)
        if "win_dur" in given:
            perhaps("hop_dur", HOPS, 0.6)
        perhaps("segment", [*SEGMENTS], 0.15)
    methods = [
        *("process_file", "process_files", "process_folder", "process_index"),
        *("process_signal", "process_signal_from_index"),
    ]
    if kind != "Process" or "segment" not in given:
        methods.append("call")
    method = rng.choices(methods, [4, 3, 1, 4, 4, 3, 1][: len(methods)])[0]
    count = rng.choice([1, 2, 3])
    names = rng.choices([*RATES], [6, 4, 3, 2, 2, 1, 2, 1], k=count)
    if method == "process_folder":
        names = sorted([*RATES, "text"])
    times = [(None, None)] * len(names)
    if method not in ("process_folder", "call") and rng.random() < 0.4:
        times = [(rng.choice(TIMES), rng.choice(TIMES)) for _ in names]
    if method == "process_signal_from_index":
        # Segments of a signal have to differ
        unique = {
            (_delta(start or 0), _delta(end)): (start, end) for start, end in times
        }
        times = [*unique.values()]
    more = {}
    if (
        method == "process_index"
        and "win_dur" not in given
        and kind != "Segment"
        and rng.random() < 0.3
    ):
        more["preserve_index"] = not given.keys() & {"win_dur", "segment"}
    if method == "process_folder" and rng.random() < 0.5:
        more["include_root"] = False
    if method == "process_signal" and rng.random() < 0.4:
        more["file"] = "x.wav"
    dtypes = ["float32", "float64", "int16", "list", "3d"]
    dtype = rng.choices(dtypes, [60, 20, 10, 10, 3])[0]
    if method in ("process_file", "process_files", "process_index"):
        others = rng.choices(["", "missing", "text"], [30, 1, 1], k=len(names))
        names = [other or name for name, other in zip(names, others, strict=True)]
    return Configuration(kind, given, method, names, times, dtype, more)
