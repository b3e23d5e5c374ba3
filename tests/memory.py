"""Peak memory of a process, for code that tests run in a process of its own."""

import sys

import pytest

PEAK = """
def peak():
    # Not ru_maxrss, which begins with the peak of the process that started this one
    with open("/proc/self/status") as file:
        (line,) = (line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1])

"""
"""Function that returns the peak memory in KB."""

needs_peak = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has /proc/self/status"
)
