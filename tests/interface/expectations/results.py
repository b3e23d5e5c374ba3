"""Errors, arrays and tables."""

import numpy as np
import pandas as pd

from expectations.case import PAIR
from expectations.case import VALUES
from expectations.case import Case
from expectations.case import file
from expectations.case import files
from expectations.case import filewise
from expectations.case import from_index
from expectations.case import made
from expectations.case import segmented
from expectations.case import signal

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
