"""What a call of audinterface returns, in words: a table for both packages.

A case is a call, and what is expected: the rows of the result as ``start-end`` in
seconds, with the name of the file before if the index has files; ``?`` for NaT; or the
name of an error, or just ``error`` where its type depends on what is installed; or the
shape of an array. ``ours`` and ``why`` are given where audw2s
differs on purpose; ``why`` names a line of docs/differences.md.
"""

import dataclasses
from collections.abc import Callable

import audformat
import audinterface
import numpy as np
import pandas as pd

KINDS = ("Feature", "Process", "Segment")
VALUES = ("Feature", "Process")


@dataclasses.dataclass(frozen=True)
class Case:
    """A call and what it returns; ``make`` makes the interface with its arguments."""

    name: str
    call: Callable
    expected: str
    ours: str | None = None
    why: str | None = None
    kinds: tuple[str, ...] = KINDS


def signal(**kwargs) -> Callable:
    """Process 1.25 s at 16 kHz."""
    return lambda make, data: make().process_signal(data.signal, 16000, **kwargs)


def made(*, samples: int = 20000, **kwargs) -> Callable:
    """Process samples at 16 kHz, by an interface with arguments."""
    return lambda make, data: make(**kwargs).process_signal(
        data.signal[:samples], 16000
    )


def file(name: str = "a.wav", *, given: dict | None = None, **kwargs) -> Callable:
    """Process a file; a.wav has 20,000 samples at 16 kHz."""
    return lambda make, data: make(**(given or {})).process_file(
        data.path(name), **kwargs
    )


def files(*names: str, given: dict | None = None, **kwargs) -> Callable:
    """Process a list."""
    return lambda make, data: make(**(given or {})).process_files(
        list(map(data.path, names)), **kwargs
    )


def index(made_index: Callable, *, given: dict | None = None, **kwargs) -> Callable:
    """Process an index; names become paths."""
    return lambda make, data: make(**(given or {})).process_index(
        made_index(data.path), **kwargs
    )


def from_index(made_index: pd.Index, **given) -> Callable:
    """Process segments of 1.25 s at 16 kHz."""
    return lambda make, data: make(**given).process_signal_from_index(
        data.signal, 16000, made_index
    )


def segmented(names: str, starts: list, ends: list) -> Callable:
    return lambda path: audformat.segmented_index(
        [path(f"{name}.wav") for name in names], starts, ends
    )


def filewise(names: str) -> Callable:
    return lambda path: audformat.filewise_index([path(f"{n}.wav") for n in names])


def first_half(signal, sampling_rate) -> pd.MultiIndex:
    return audinterface.utils.signal_index([0], [0.5])


def no_segment(signal, sampling_rate) -> pd.MultiIndex:
    return audinterface.utils.signal_index()


def of_values(cases: list[Case]) -> list[Case]:
    """Cases of what Segment of audinterface hasn't."""
    return [dataclasses.replace(case, kinds=VALUES) for case in cases]


HALF = audinterface.Segment(process_func=first_half)
NOTHING = audinterface.Segment(process_func=no_segment)
PAIR = audinterface.utils.signal_index([0, 0.5], [0.5, 1.25])

TIMES = "times-lie-in-the-recording"
SIGNALS = [
    Case("samples", signal(), "0-1.25"),
    Case("two channels", lambda m, d: m().process_signal(d.stereo, 16000), "0-1.25"),
    Case(
        "integers",
        lambda m, d: m().process_signal((d.signal * 9000).astype(np.int16), 16000),
        "0-1.25",
    ),
    Case(
        "double precision",
        lambda m, d: m().process_signal(d.signal.astype(float), 16000),
        "0-1.25",
    ),
    Case(
        "a list",
        lambda m, d: m().process_signal(d.signal[:3200].tolist(), 16000),
        "0-0.2",
    ),
    Case(
        "another rate",
        lambda m, d: m().process_signal(d.signal, 8000),
        "0-2.5",
    ),
    Case("a file's name", signal(file="a.wav"), "a.wav 0-1.25"),
    Case("a start", signal(start=0.25), "0.25-1.25"),
    Case("an end", signal(end=0.5), "0-0.5"),
    Case("start and end", signal(start=0.25, end=0.5), "0.25-0.5"),
    Case("an integer start", signal(start=1), "1-1.25"),
    Case("times with units", signal(start="250ms", end="0.5s"), "0.25-0.5"),
    Case(
        "timedeltas",
        signal(start=pd.Timedelta("250ms"), end=pd.Timedelta("1s")),
        "0.25-1",
    ),
    Case("end None", signal(start=0.5, end=None), "0.5-1.25"),
    Case("end NaT", signal(start=0.5, end=pd.NaT), "0.5-1.25"),
    Case("start NaT", signal(start=pd.NaT, end=1), "0-1", kinds=VALUES),
    Case("name, start and end", signal(file="x", start=0.5, end=1), "x 0.5-1"),
    Case("an odd number of samples", made(samples=16001), "0-1.0000625"),
    Case(
        "a time that isn't whole",
        lambda m, d: m().process_signal(d.signal[:19999], 44100),
        "0-0.453492063",
        kinds=VALUES,
    ),
    Case("a start in samples", signal(start="4000"), "0.25-1.25", kinds=VALUES),
    Case(
        "a start from the end",
        signal(start=-0.25),
        "-0.25-1.25",
        "1-1.25",
        TIMES,
        kinds=VALUES,
    ),
    Case(
        "an end from the end",
        signal(end=-0.25),
        "0--0.25",
        "0-1",
        TIMES,
        kinds=VALUES,
    ),
    Case("an end beyond it", signal(end=9), "0-9", "0-1.25", TIMES, kinds=VALUES),
    Case("a start beyond it", signal(start=9), "9-1.25", "9-9", TIMES, kinds=VALUES),
]

DURATIONS = [
    Case("at least longer", made(min_signal_dur=2), "0-2", kinds=VALUES),
    Case("at least shorter", made(min_signal_dur=1), "0-1.25"),
    Case("at most shorter", made(max_signal_dur=0.5), "0-0.5"),
    Case("at most longer", made(max_signal_dur=2), "0-1.25"),
    Case("at most with a unit", made(max_signal_dur="500ms"), "0-0.5"),
    Case("at least in samples", made(min_signal_dur="32000"), "0-2", kinds=VALUES),
]

SHORT = "windows-keep-the-end"
WINDOWS = of_values(
    [
        Case("one window", made(win_dur=1.25), "0-1.25"),
        Case(
            "windows that fit",
            made(win_dur=0.5, hop_dur=0.25),
            "0-0.5 0.25-0.75 0.5-1 0.75-1.25",
        ),
        Case("half a window", made(win_dur=0.5), "0-0.5 0.25-0.75 0.5-1 0.75-1.25"),
        Case(
            "window and hop", made(win_dur=0.25, hop_dur=0.5), "0-0.25 0.5-0.75 1-1.25"
        ),
        Case("units", made(win_dur="500ms", hop_dur="750ms"), "0-0.5 0.75-1.25"),
        Case("a window in samples", made(win_dur="20000"), "0-1.25"),
        Case(
            "samples after the last window",
            made(win_dur=0.5, hop_dur=0.5),
            "0-0.5 0.5-1",
            "0-0.5 0.5-1 1-1.25",
            SHORT,
        ),
        Case("shorter than a window", made(win_dur=2), "", "0-1.25", SHORT),
        Case(
            "windows of a file",
            file(given={"win_dur": 0.75, "hop_dur": 0.5}),
            "a.wav 0-0.75 a.wav 0.5-1.25",
        ),
        Case(
            "windows after a start",
            file(given={"win_dur": 0.5, "hop_dur": 0.5}, start=0.25),
            "a.wav 0.25-0.75 a.wav 0.75-1.25",
        ),
        Case(
            "windows of segments",
            index(segmented("aa", [0, 0.5], [0.5, 1]), given={"win_dur": 0.25}),
            "a.wav 0-0.25 a.wav 0.125-0.375 a.wav 0.25-0.5 "
            "a.wav 0.5-0.75 a.wav 0.625-0.875 a.wav 0.75-1",
        ),
        Case(
            "windows of segments of a signal",
            from_index(PAIR, win_dur=0.5, hop_dur=0.25),
            "0-0.5 0.5-1 0.75-1.25",
        ),
    ]
)

FILES = [
    Case("a file", file(), "a.wav 0-1.25"),
    Case("another rate", file("b.wav"), "b.wav 0-1.250125"),
    Case("two channels", file("c.wav"), "c.wav 0-0.5"),
    Case("a start", file(start=0.5), "a.wav 0.5-1.25", kinds=VALUES),
    Case(
        "a start of segments",
        file(start=0.5),
        "TypeError",
        "a.wav 0.5-1.25",
        "a-start-in-seconds",
        kinds=("Segment",),
    ),
    Case("a timedelta", file(start=pd.Timedelta("500ms")), "a.wav 0.5-1.25"),
    Case("an end", file(end="500ms"), "a.wav 0-0.5"),
    Case("start and end", file(start=0.5, end=1), "a.wav 0.5-1", kinds=VALUES),
    Case(
        "a root",
        lambda m, d: m().process_file("a.wav", root=d.folder),
        "a.wav 0-1.25",
    ),
    Case("a list", files("a.wav", "b.wav"), "a.wav 0-1.25 b.wav 0-1.250125"),
    Case("a file twice", files("a.wav", "a.wav"), "a.wav 0-1.25 a.wav 0-1.25"),
    Case(
        "a file's start from the end",
        file(start=-0.25),
        "a.wav -0.25-0",
        "a.wav 1-1.25",
        TIMES,
        kinds=VALUES,
    ),
    Case(
        "a file's end from the end",
        file(end=-0.25),
        "a.wav 0-0",
        "a.wav 0-1",
        TIMES,
        kinds=VALUES,
    ),
    Case("a file's end beyond it", file(end=9), "a.wav 0-1.25", kinds=VALUES),
    Case("a file's start beyond it", file(start=9), "a.wav 9-9", kinds=VALUES),
    Case("one start", files("a.wav", "a.wav", starts=1), "a.wav 1-1.25 a.wav 1-1.25"),
    Case(
        "starts and ends",
        files("a.wav", "a.wav", starts=[0, 0.5], ends=["1s", None]),
        "a.wav 0-1 a.wav 0.5-1.25",
    ),
    Case(
        "workers",
        files("a.wav", "b.wav", given={"num_workers": 2}),
        "a.wav 0-1.25 b.wav 0-1.250125",
    ),
    Case(
        "a folder",
        lambda m, d: m().process_folder(d.folder),
        "a.wav 0-1.25 b.wav 0-1.250125 c.wav 0-0.5",
    ),
    Case(
        "a folder without root",
        lambda m, d: m().process_folder(d.folder, include_root=False),
        "a.wav 0-1.25 b.wav 0-1.250125 c.wav 0-0.5",
    ),
    Case(
        "no folder",
        lambda m, d: m().process_folder(d.path("none")),
        "FileNotFoundError",
    ),
]

INDICES = [
    Case("files", index(filewise("ab")), "a.wav 0-1.25 b.wav 0-1.250125"),
    Case("a segment", index(segmented("a", [0.5], [1])), "a.wav 0.5-1"),
    Case("an open end", index(segmented("a", [0.5], [pd.NaT])), "a.wav 0.5-1.25"),
    Case(
        "segments that take turns",
        index(segmented("aba", [0, 0.5, 0.5], [0.5, 1, 1.25])),
        "a.wav 0-0.5 b.wav 0.5-1 a.wav 0.5-1.25",
    ),
    Case(
        "a segment twice",
        index(segmented("aa", [0, 0], [1, 1])),
        "a.wav 0-1 a.wav 0-1",
        kinds=VALUES,
    ),
    Case(
        "a root",
        lambda m, d: m().process_index(
            audformat.filewise_index(["a.wav"]), root=d.folder
        ),
        "a.wav 0-1.25",
    ),
    Case(
        "files kept as they were",
        index(filewise("ab"), preserve_index=True),
        "a.wav b.wav",
        kinds=VALUES,
    ),
    Case(
        "segments kept as they were",
        index(segmented("a", [0.5], [pd.NaT]), preserve_index=True),
        "a.wav 0.5-?",
        kinds=VALUES,
    ),
    Case(
        "an index without a name",
        lambda m, d: m().process_index(pd.Index([d.path("a.wav")])),
        "a.wav 0-1.25",
        kinds=VALUES,
    ),
    Case(
        "an end that stays open",
        index(filewise("a"), given={"keep_nat": True}),
        "a.wav 0-?",
        kinds=VALUES,
    ),
    Case(
        "a cache",
        lambda m, d: m().process_index(
            audformat.filewise_index([d.path("a.wav")]), cache_root=d.path("cache")
        ),
        "a.wav 0-1.25",
    ),
    Case("segments of a signal", from_index(PAIR), "0-0.5 0.5-1.25"),
    Case(
        "segments of a signal that has a name",
        from_index(audformat.segmented_index(["x", "x"], [0, 0.5], [0.5, 1])),
        "x 0-0.5 x 0.5-1",
    ),
    Case("a named signal", from_index(audformat.filewise_index(["x"])), "x 0-1.25"),
    Case(
        "an open segment of a signal",
        from_index(audinterface.utils.signal_index([0.5])),
        "0.5-1.25",
    ),
]

EMPTY = "empty-results"
NONE = [
    Case("no files", files(), "", kinds=("Process", "Segment")),
    Case("no files, as a frame", files(), "", "", EMPTY, kinds=("Feature",)),
    Case(
        "an index of no files",
        index(lambda _: audformat.filewise_index()),
        "",
        kinds=("Process", "Segment"),
    ),
    Case(
        "an index of no files, as a frame",
        index(lambda _: audformat.filewise_index()),
        "",
        "",
        EMPTY,
        kinds=("Feature",),
    ),
    Case(
        "an index of no segments",
        index(lambda _: audformat.segmented_index()),
        "",
        kinds=("Process", "Segment"),
    ),
    Case(
        "an index of no segments, as a frame",
        index(lambda _: audformat.segmented_index()),
        "",
        "",
        EMPTY,
        kinds=("Feature",),
    ),
    Case(
        "no segments of a signal",
        from_index(audinterface.utils.signal_index()),
        "",
        kinds=("Process", "Segment"),
    ),
    Case(
        "no segments of a signal, as a frame",
        from_index(audinterface.utils.signal_index()),
        "",
        "",
        EMPTY,
        kinds=("Feature",),
    ),
]

SEGMENTS = [
    Case(
        "segments of a file", file(given={"segment": HALF}), "a.wav 0-0.5", kinds=VALUES
    ),
    Case(
        "after a start",
        file(given={"segment": HALF}, start=pd.Timedelta("500ms")),
        "a.wav 0.5-1",
        kinds=VALUES,
    ),
    Case(
        "of files",
        files("a.wav", "b.wav", given={"segment": HALF}),
        "a.wav 0-0.5 b.wav 0-0.5",
        kinds=VALUES,
    ),
    Case(
        "of an index",
        index(segmented("a", [0.5], [1.25]), given={"segment": HALF}),
        "a.wav 0.5-1",
        kinds=VALUES,
    ),
    Case(
        "of an index that isn't kept",
        index(filewise("a"), given={"segment": HALF}, preserve_index=True),
        "a.wav 0-0.5",
        kinds=VALUES,
    ),
    Case("of a signal", made(segment=HALF), "0-0.5", kinds=VALUES),
    Case(
        "of segments of a signal",
        from_index(PAIR, segment=HALF),
        "0-0.5 0.5-1",
        kinds=VALUES,
    ),
    Case("none", file(given={"segment": NOTHING}), "", kinds=("Process",)),
    Case(
        "none, as a frame",
        file(given={"segment": NOTHING}),
        "",
        "",
        EMPTY,
        kinds=("Feature",),
    ),
]

ROW = "a-row-for-everything"
LIST = "lists-and-indices-are-checked"
MODEL = "the-model-is-fixed"
ERRORS = [
    Case("hop without window", made(hop_dur=1), "ValueError", kinds=VALUES),
    Case("no duration of a window", made(win_dur=0), "ValueError", kinds=VALUES),
    Case(
        "no duration of a hop", made(win_dur=1, hop_dur=0), "ValueError", kinds=VALUES
    ),
    Case(
        "a unit that isn't there", made(win_dur="1 parsec"), "ValueError", kinds=VALUES
    ),
    Case("a duration that is no number", signal(start="later"), "ValueError"),
    Case(
        "segments of another name",
        from_index(pd.MultiIndex.from_arrays(PAIR.levels, names=["a", "b"])),
        "ValueError",
    ),
    Case(
        "segments twice",
        from_index(PAIR.repeat(2)),
        "ValueError",
    ),
    Case(
        "a list for an index",
        lambda m, d: m().process_index([d.path("a.wav")]),
        "AttributeError",
        "ValueError",
        LIST,
        VALUES,
    ),
    Case(
        "numbers for an index",
        lambda m, d: m().process_index(pd.Index([1])),
        "error",
        "ValueError",
        LIST,
        VALUES,
    ),
    Case(
        "a string for a list",
        lambda m, d: m().process_files(d.path("a.wav")),
        "error",
        "ValueError",
        LIST,
    ),
    Case("a missing file", file("none.wav"), "error", "none.wav 0-?", ROW),
    Case(
        "a file that is no audio",
        file("text.txt"),
        "error",
        "text.txt 0-?",
        ROW,
    ),
    Case(
        "one missing file of two",
        files("a.wav", "none.wav"),
        "error",
        "a.wav 0-1.25 none.wav 0-?",
        ROW,
    ),
    Case(
        "no sample",
        lambda m, d: m().process_signal(np.zeros((1, 0)), 16000),
        "0-0",
        kinds=VALUES,
    ),
    Case(
        "no resampling",
        lambda m, d: m(resample=False).process_signal(d.signal, 8000),
        "RuntimeError",
        "0-2.5",
        ROW,
    ),
    Case("a channel that isn't there", made(channels=[1]), "ValueError", "0-1.25", ROW),
    Case("arguments of a function", signal(process_func_args={"a": 1}), "TypeError"),
    Case(
        "another rate of the model",
        made(sampling_rate=8000),
        "0-1.25",
        "ValueError",
        MODEL,
    ),
    Case(
        "three dimensions",
        lambda m, d: m().process_signal(np.zeros((1, 2, 2000)), 16000),
        "RuntimeError",
        "ValueError",
        "wrong-input-is-a-value-error",
        kinds=VALUES,
    ),
]

ARRAYS = [
    Case("a call", lambda m, d: m()(d.signal, 16000), "(1, 3, 1)", kinds=("Feature",)),
    Case(
        "a call with windows",
        lambda m, d: m(win_dur=0.5, hop_dur=0.25)(d.signal, 16000),
        "RuntimeError",
        "(1, 3, 4)",
        "a-call-with-windows",
        kinds=("Feature",),
    ),
    Case(
        "a call with channels",
        lambda m, d: m(channels=[0, 1], mixdown=False)(d.stereo, 16000),
        "(2, 3, 1)",
        kinds=("Feature",),
    ),
    Case(
        "a call of segments",
        lambda m, d: m()(d.signal, 16000),
        "0-1.25",
        kinds=("Segment",),
    ),
    Case(
        "columns of channels",
        lambda m, d: m(channels=[1, 0], mixdown=False).process_signal(d.stereo, 16000),
        "0-1.25",
        kinds=("Feature",),
    ),
    Case(
        "one channel of two",
        lambda m, d: m(channels=1).process_signal(d.stereo, 16000),
        "0-1.25",
    ),
    Case(
        "a frame as an array",
        lambda m, d: m().to_numpy(m().process_signal(d.signal, 16000)),
        "(1, 3, 1)",
        kinds=("Feature",),
    ),
]

TABLES = [
    Case(
        "a series",
        lambda m, d: m().process_table(
            pd.Series([7], segmented("a", [0.5], [1.25])(d.path), name="x")
        ),
        "a.wav 0.5-1.25",
        kinds=("Segment",),
    ),
    Case(
        "a frame",
        lambda m, d: m().process_table(
            pd.DataFrame({"x": [1.5, 2], "y": "b"}, filewise("ab")(d.path))
        ),
        "a.wav 0-1.25 b.wav 0-1.250125",
        kinds=("Segment",),
    ),
    Case(
        "no table",
        lambda m, d: m().process_table([1]),
        "ValueError",
        kinds=("Segment",),
    ),
]

SUBJECTS = {
    "signals": SIGNALS,
    "durations": DURATIONS,
    "windows": WINDOWS,
    "files": FILES,
    "indices": INDICES,
    "nothing": NONE,
    "segments": SEGMENTS,
    "errors": ERRORS,
    "arrays": ARRAYS,
    "tables": TABLES,
}
