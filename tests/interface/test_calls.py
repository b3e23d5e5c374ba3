"""How many functions of this package one file passes through."""

import collections
import os
import sys
from types import CodeType
from types import FrameType

import audformat
import numpy as np
import pytest
import soundfile

import audw2s

ROOT = os.path.dirname(audw2s.__file__)


def passed(feature: audw2s.Feature, index) -> collections.Counter:
    """Calls of each function of the package while an index is processed.

    Functions are counted as they are written: methods, properties, nested functions
    and lambdas, and a generator once each time it continues. Comprehensions are part of
    the function that holds them.
    """
    calls: collections.Counter[CodeType] = collections.Counter()

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        is_ours = code.co_filename.startswith(ROOT)
        is_function = code.co_name == "<lambda>" or not code.co_name.startswith("<")
        if event == "call" and is_ours and is_function:
            calls[code] += 1

    sys.setprofile(profile)
    try:
        feature.process_index(index)
    finally:
        sys.setprofile(None)
    return calls


@pytest.fixture
def index(tmp_path):
    """A file of five seconds."""
    path = str(tmp_path / "noise.wav")
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 80000)
    soundfile.write(path, noise, 16000)
    return audformat.filewise_index([path])


@pytest.mark.parametrize(
    "settings, num_modules, num_functions",
    [({}, 9, 41), ({"win_dur": 2, "hop_dur": 0.25}, 10, 60)],
)
def test_one_warm_file(index, settings, num_modules, num_functions):
    """At most what it takes today: who needs fewer, writes fewer here."""
    feature = audw2s.Feature(**settings)
    for _ in range(2):
        feature.process_index(index)
    calls = passed(feature, index)
    modules = {code.co_filename for code in calls}
    names = sorted(f"{c.co_filename[len(ROOT) :]}: {c.co_qualname}" for c in calls)
    assert len(modules) <= num_modules, modules
    assert len(calls) <= num_functions, "\n".join(names)


def test_a_window_takes_a_bounded_number_of_calls(index):
    totals = []
    for hop_dur in (0.5, 0.25):
        feature = audw2s.Feature(win_dur=2, hop_dur=hop_dur)
        for _ in range(2):
            rows = len(feature.process_index(index))
        totals.append((rows, passed(feature, index).total()))
    (few, less), (many, more) = totals
    assert (more - less) / (many - few) <= 21
