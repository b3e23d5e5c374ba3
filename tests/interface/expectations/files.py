"""Files, indices, and the segments of a segmenter."""

from collections.abc import Callable

import audformat
import audinterface
import pandas as pd

from expectations.case import HALF
from expectations.case import NOTHING
from expectations.case import PAIR
from expectations.case import TIMES
from expectations.case import VALUES
from expectations.case import Case
from expectations.case import file
from expectations.case import files
from expectations.case import filewise
from expectations.case import from_index
from expectations.case import index
from expectations.case import made
from expectations.case import segmented

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


def none(name: str, source: Callable) -> list[Case]:
    """Cases without results: an index, and a frame."""
    return [
        Case(name, source, "", kinds=("Process", "Segment")),
        Case(f"{name}, as a frame", source, "", "", EMPTY, kinds=("Feature",)),
    ]


NONE = [
    *none("no files", files()),
    *none("an index of no files", index(lambda _: audformat.filewise_index())),
    *none("an index of no segments", index(lambda _: audformat.segmented_index())),
    *none("no segments of a signal", from_index(audinterface.utils.signal_index())),
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
