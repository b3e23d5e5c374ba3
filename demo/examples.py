"""Example clips: those of the package, and a noisy one made from one of them."""

import os
import shutil

import numpy as np
import soundfile

from audw2s.audio.preprocess import load
from audw2s.demo.words import WORDS
from audw2s.files import clips_folder

SNR = 5.0
"""Signal-to-noise ratio in dB."""


def clips(folder: str) -> dict[str, str]:
    """Paths of the example clips by label.

    Args:
        folder: folder to which the clips are written; browsers see its path

    """
    paths = {
        label: shutil.copy(os.path.join(clips_folder(), file), folder)
        for label, file in WORDS["examples"].items()
    }
    noisy = os.path.join(folder, "noisy.flac")
    soundfile.write(noisy, with_noise(load(paths["read speech"])), 16000)
    return paths | {"noisy": noisy}


def with_noise(speech: np.ndarray) -> np.ndarray:
    """Add noise whose level falls with frequency, like noise of rooms and traffic.

    Args:
        speech: signal ``(num_samples,)`` at 16 kHz

    Examples:
        >>> speech = 0.1 * np.sin(np.arange(16000))
        >>> noise = with_noise(speech) - speech
        >>> float(np.round(10 * np.log10(np.var(speech) / np.var(noise)), 3))
        5.0

    """
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(len(speech)))
    frequencies = np.arange(len(spectrum)) * 16000 / len(speech)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 50)), len(speech))
    noise *= np.sqrt(np.var(speech) / np.var(noise) / 10 ** (SNR / 10))
    return speech + noise
