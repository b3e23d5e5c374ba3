"""Decode a recording as a whole, and compare it with the original."""

import numpy as np

from audw2s.audio import decode
from audw2s.audio.quality import Report

MIN_DUR = 0.004


def read(file, **kwargs) -> tuple[np.ndarray, Report]:
    report, blocks = Report(), []
    for block in decode.file_blocks(file, report, **kwargs):
        blocks.append(report.checked(block))
        report.update(blocks[-1], blocks[-1])
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0)), report


def similarity(signal: np.ndarray, original: np.ndarray) -> tuple[float, int]:
    """Highest correlation of two signals over all delays, and the delay."""
    size = len(signal) + len(original)
    both = np.fft.rfft(signal, size) * np.conj(np.fft.rfft(original, size))
    found = np.fft.irfft(both, size)
    norm = np.linalg.norm(signal) * np.linalg.norm(original)
    delay = int(np.argmax(found))
    return float(found[delay] / norm), delay if delay < size // 2 else delay - size
