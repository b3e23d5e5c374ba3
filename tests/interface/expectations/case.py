"""A case, and functions that make the calls of cases."""

import dataclasses
from collections.abc import Callable

import audformat
import audinterface
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
