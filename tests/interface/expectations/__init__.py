"""What a call of audinterface returns, in words: a table for both packages.

A case is a call, and what is expected: the rows of the result as ``start-end`` in
seconds, with the name of the file before if the index has files; ``?`` for NaT; or the
name of an error, or just ``error`` where its type depends on what is installed; or the
shape of an array. ``ours`` and ``why`` are given where audw2s
differs on purpose; ``why`` names a line of docs/differences.md.
"""

from expectations.files import FILES
from expectations.files import INDICES
from expectations.files import NONE
from expectations.files import SEGMENTS
from expectations.results import ARRAYS
from expectations.results import ERRORS
from expectations.results import TABLES
from expectations.signals import DURATIONS
from expectations.signals import SIGNALS
from expectations.signals import WINDOWS

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
