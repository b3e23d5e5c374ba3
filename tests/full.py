"""What the suite samples and the full run, ``nox -s full``, has all of.

Tests marked as full, cases of :func:`sample` and :func:`examples`, and by :data:`FULL`:
600 files of random lengths (the suite has 100, and those whose ends are rounded), each
precision of the C form with each compiler (each once), formats of the static page at
both sampling rates (each at one) and its files lost in both ways (in one), a second
file that crashes decoders, more kills of runs and of labellings, more latencies of live
speech, axe on the dark page (contrasts of both), exports of Whisper base and of Odyssey
by themselves (small ones, and as it is got), and a wheel whose dependencies are
installed (linked).
"""

import os
from collections.abc import Iterable
from typing import TypeVar

import pytest
from hypothesis import settings

Item = TypeVar("Item")

FULL = "AUDW2S_FULL" in os.environ

full = pytest.mark.skipif(not FULL, reason="only in the full run: nox -s full")
"""Marks a test, or a case of it, that only the full run has."""


def sample(cases: Iterable[Item], every: int) -> list[Item]:
    """All cases in the full run, else each ``every``-th, the first one included."""
    return [*cases][:: 1 if FULL else every]


def examples(count: int, share: float = 0.25) -> settings:
    """Settings of Hypothesis: so many examples in the full run, else a share."""
    return settings(max_examples=count if FULL else max(1, round(share * count)))
