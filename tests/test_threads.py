"""One worker uses one core."""

import json
import os
import subprocess
import sys

import pytest

WAYS = ["file", "windows", "curve", "stream", "model"]

SCRIPT = """
import json
import time
import numpy as np
import audw2s

signal = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 480_000))
signal = signal.astype(np.float32)
feature = audw2s.Feature("wav2small")
windows = audw2s.Feature("wav2small", win_dur=2, hop_dur=0.05)
stream = audw2s.Stream("wav2small", win_dur=2)
model = audw2s.load("wav2small")
ways = {
    "file": lambda: feature.process_signal(signal, 16000),
    "windows": lambda: windows.process_signal(signal, 16000),
    "curve": lambda: audw2s.curve(signal, sampling_rate=16000),
    "stream": lambda: [stream.push(part) for part in np.split(signal[0], 100)],
    "model": lambda: model(signal, 16000),
}
shares = {}
for way, process in ways.items():
    process()
    all_threads, this = time.process_time(), time.thread_time()
    for _ in range(3):
        process()
    this = time.thread_time() - this
    shares[way] = (time.process_time() - all_threads - this) / this
print(json.dumps(shares))
"""


@pytest.fixture(scope="module")
def shares() -> dict[str, float]:
    """Time of all other threads by that of the one which calls, for each way."""
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", WAYS)
def test_no_other_thread_is_busy(shares, way):
    """Threads of BLAS or of ONNX Runtime wait by spinning, and take a core each."""
    assert shares[way] < 0.1
