import pathlib

import commands
import numpy as np
import pytest
import soundfile


@pytest.fixture
def corpus(tmp_path, speech) -> pathlib.Path:
    """A folder of 60 short files, some of them in subfolders."""
    rng = np.random.default_rng(0)
    root = tmp_path / "corpus"
    for number in range(60):
        folder = root / f"speaker{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        start = rng.integers(0, 30000)
        part = speech[start : start + rng.integers(9000, 20000)]
        soundfile.write(folder / f"{number:02d}.wav", part, 16000)
    return root


@pytest.fixture
def watched(tmp_path) -> commands.MonitoredPredictor:
    """Runs the command with a decoder that can be watched."""
    return commands.MonitoredPredictor(tmp_path / "watched")
