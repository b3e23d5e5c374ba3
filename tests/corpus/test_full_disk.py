"""Disks that become full at any write of a command."""

import pathlib
import shutil
import subprocess
import sys

import pytest
from full import FULL

SCRIPT = pathlib.Path(__file__).parents[1] / "benchmark" / "full_disk.py"


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None,
    reason="needs Linux and a C compiler",
)
def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path):
    pytest.importorskip("obstore")
    store = tmp_path / "results.csv"
    command = [sys.executable, SCRIPT, "--store", store]
    if not FULL:
        command += ["--every", "3", "--commands", "predict, table", "cache"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "disk full at each write: cache" in store.read_text()
