"""Speech of any length, made of the example clips."""

import pathlib

import numpy as np
import soundfile

CLIPS = pathlib.Path(__file__).parents[2] / "examples" / "speech"


def speech(duration: float, start: int = 0) -> np.ndarray:
    """Stretch of the clips, over and over, ``(num_samples,)``, 16 kHz."""
    joined = np.concatenate([soundfile.read(p)[0] for p in sorted(CLIPS.iterdir())])
    return np.resize(np.roll(joined, -997 * start), round(16000 * duration))
