"""Memory of a call, as the benchmark measures it."""

import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("memray")

SCRIPT = pathlib.Path(__file__).parent / "benchmark" / "memory.py"


def peaks(*models):
    """Peak in MB by model, as audw2s opens it and without its options."""
    command = [sys.executable, str(SCRIPT), "--model", *models]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    return {row[0]: (float(row[1]), float(row[2])) for row in rows if row[0] in models}


def test_integers_need_no_more_memory_than_floats_and_figures_are_repeatable():
    first, again = (peaks("wav2small", "wav2small-int8") for _ in range(2))
    assert first["wav2small-int8"][0] <= first["wav2small"][0]
    for name, sizes in first.items():
        assert sizes == pytest.approx(again[name], rel=0.02)
        ours, without = sizes
        assert ours < without
