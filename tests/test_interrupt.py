"""Ctrl-C at any moment."""

import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import pytest
from full import sample

SPEECH = pathlib.Path(__file__).parents[1] / "examples" / "speech"

START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from audw2s.commands.start import main
print("started", file=sys.stderr, flush=True)
main()
"""


def start(*arguments: str) -> subprocess.Popen:
    """Start the command, and wait until its first module is imported."""
    command = [sys.executable, "-c", f"import sys\n{START}", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, text=True, **pipes)
    assert process.stderr.readline() == "started\n"
    return process


@pytest.fixture(scope="module")
def duration(example) -> float:
    """Seconds that a command takes that nobody interrupts."""
    begin, process = time.monotonic(), start("predict", example)
    process.communicate()
    assert process.returncode == 0
    return time.monotonic() - begin


@pytest.fixture(scope="module")
def example() -> str:
    return str(SPEECH / "emodb-03a05Wa-anger.flac")


@pytest.mark.parametrize("seed", sample(range(50), 10))
def test_ctrl_c_ends_with_130_and_no_traceback(seed, duration, example):
    process = start("predict", example)
    time.sleep(random.Random(seed).uniform(0, duration))
    process.send_signal(signal.SIGINT)
    printed, messages = process.communicate()
    if process.returncode == 0:
        assert "emodb" in printed
        return
    # A shell says 130 as well if Python has ended all but itself
    assert process.returncode in (130, -signal.SIGINT), messages
    assert re.fullmatch(r"(audw2s: interrupted, nothing was written.*\n)?", messages)
