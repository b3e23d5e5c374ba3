"""Calls at random give what audinterface gives, or what is documented."""

import collections
import re
import warnings

import differences
import pytest
from configurations import Recordings
from configurations import configuration
from full import FULL
from test_expectations import PAGE

SEEDS = range(1000 if FULL else 60)
ANCHORS = re.findall(r"^## .* \{#(.*)\}$", PAGE.read_text("utf-8"), re.M)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Recordings:
    return Recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def reasons() -> collections.Counter:
    """How often each documented difference was met."""
    return collections.Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_call_differs_as_documented_or_not_at_all(seed, data, reasons):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reasons.update(differences.reasons(configuration(seed), data))
    assert set(reasons) <= {*ANCHORS}


def test_all_differences_are_met(reasons):
    assert set(reasons) == {*ANCHORS} or not FULL
