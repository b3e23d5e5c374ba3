"""audinterface's expectations, by audinterface itself and by audw2s."""

import os
import pathlib
import re
import warnings

import audinterface
import numpy as np
import pandas as pd
import pytest
import soundfile
from expectations import SUBJECTS
from expectations.case import Case
from facts import facts
from facts import in_words
from facts import with_defaults

import audw2s

NAMES = ["arousal", "dominance", "valence"]
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "differences.md"
CASES = [
    pytest.param(case, kind, id=f"{subject}: {case.name} ({kind})")
    for subject, cases in SUBJECTS.items()
    for case in cases
    for kind in case.kinds
]


class Data:
    """Signals and files; speech isn't needed, as values aren't compared."""

    def __init__(self, folder: pathlib.Path):
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 30000))
        self.stereo = noise[:, :20000].astype(np.float32)
        self.signal = self.stereo[0]
        self.folder = str(folder)
        soundfile.write(self.path("a.wav"), self.signal, 16000)
        soundfile.write(self.path("b.wav"), noise[0, :10001], 8000)
        soundfile.write(self.path("c.wav"), noise[:, :22050].T, 44100)
        pathlib.Path(self.path("text.txt")).write_text("no audio")

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)


@pytest.fixture
def data(tmp_path) -> Data:
    return Data(tmp_path)


def plain_values(signal, sampling_rate) -> np.ndarray:
    return np.tile(signal.mean(axis=1, keepdims=True), 3).astype(np.float32)


def plain_dictionary(signal, sampling_rate) -> dict[str, float]:
    return dict(zip(NAMES, plain_values(signal, sampling_rate)[0], strict=True))


def all_of_it(signal, sampling_rate) -> pd.MultiIndex:
    return audinterface.utils.signal_index(0, signal.shape[1] / sampling_rate)


def theirs(kind: str, **kwargs) -> object:
    """An interface of audinterface with the defaults of audw2s."""
    kwargs = with_defaults(kind, kwargs)
    if kind == "Feature":
        return audinterface.Feature(NAMES, process_func=plain_values, **kwargs)
    if kind == "Process":
        return audinterface.Process(process_func=plain_dictionary, **kwargs)
    return audinterface.Segment(process_func=all_of_it, **kwargs)


def ours(kind: str, **kwargs) -> object:
    if kind == "Segment":
        # One segment, as theirs
        kwargs = {"tolerance": 99, "min_silence": 99} | kwargs
    return getattr(audw2s, kind)(**kwargs)


def outcome(case: Case, kind: str, make, data) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return case.call(lambda **kwargs: make(kind, **kwargs), data)
        except Exception as error:
            return error


@pytest.mark.parametrize("case, kind", CASES)
def test_audinterface_behaves_as_in_the_table(case, kind, data):
    result = outcome(case, kind, theirs, data)
    if case.expected == "error":
        assert isinstance(result, Exception)
    else:
        assert in_words(result) == case.expected, result


@pytest.mark.parametrize("case, kind", CASES)
def test_audw2s_behaves_as_audinterface_or_as_documented(case, kind, data):
    expected = facts(outcome(case, kind, theirs, data))
    result = outcome(case, kind, ours, data)
    if case.why is None:
        assert facts(result) == expected, result
    else:
        assert in_words(result) == case.ours, result
        assert facts(result) != expected


def test_all_differences_are_documented():
    wanted = {case.why for cases in SUBJECTS.values() for case in cases} - {None}
    documented = re.findall(r"^## .* \{#(.*)\}$", PAGE.read_text("utf-8"), re.M)
    # Others are met by calls at random, see test_differences.py
    assert wanted <= set(documented) and len(documented) == len(set(documented))


def test_table_is_large_enough():
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names) >= 150
