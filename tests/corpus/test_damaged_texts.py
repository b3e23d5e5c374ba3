"""Lists, databases, settings, models and shards that are damaged at random."""

import pathlib
import subprocess
import sys

from full import FULL

SCRIPT = pathlib.Path(__file__).parents[1] / "benchmark" / "fuzz.py"


def test_damaged_files_are_read_as_they_are_or_refused_with_a_sentence(tmp_path):
    command = [sys.executable, SCRIPT, "--keep", tmp_path]
    if not FULL:
        command += ["--count", "25", "--targets", "list.csv", "db.yaml", "shard"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
