"""What is kept of a recording, to tell its quality."""

import tracemalloc

import numpy as np

from audw2s.audio.quality import Report

RATE = 1000
HOURS = 5


def test_hours_take_little_memory():
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 60 * RATE))
    report, minute = Report(sampling_rate=RATE), noise.astype(np.float32)
    report.update(minute, minute[:1])
    tracemalloc.start()
    for _ in range(60 * HOURS):
        report.update(minute, minute[:1])
    assert report.status(0.1)[0] == "ok"
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A byte for each 10 ms
    assert kept < 1.1 * 360_000 * HOURS
