"""Signals, durations and windows."""

import numpy as np
import pandas as pd

from expectations.case import PAIR
from expectations.case import TIMES
from expectations.case import VALUES
from expectations.case import Case
from expectations.case import file
from expectations.case import from_index
from expectations.case import index
from expectations.case import made
from expectations.case import of_values
from expectations.case import segmented
from expectations.case import signal

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
    Case(
        "an end that stays open",
        lambda m, d: m(keep_nat=True).process_signal(d.signal, 16000, end=pd.NaT),
        "0-?",
        kinds=VALUES,
    ),
    Case("an end that isn't given, and could stay open", made(keep_nat=True), "0-1.25"),
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
