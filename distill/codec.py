"""Speech as it sounds after a codec or a telephone."""

import io
from typing import Literal

import av
import numpy as np

from audw2s.distill.augment import limit_band

Codec = Literal["libopus", "libmp3lame"]

FORMATS: dict[Codec, str] = {"libopus": "ogg", "libmp3lame": "mp3"}
"""Container format of each codec."""

BIT_RATES: dict[Codec, tuple[int, int]] = {"libopus": (8, 32), "libmp3lame": (16, 48)}
"""Lowest and highest bit rate of each codec that is drawn, in kbit/s."""

TELEPHONE = (300.0, 3400.0)
"""Lowest and highest frequency of a telephone line, in Hz."""


def encode(signal: np.ndarray, codec: Codec, bit_rate: int) -> np.ndarray:
    """Encode a signal and decode it again.

    Args:
        signal: ``(num_samples,)`` at 16 kHz; it may exceed full scale
        codec: one of :data:`FORMATS`
        bit_rate: bit rate in bit/s

    Returns:
        decoded signal ``(num_samples,)``

    Examples:
        >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
        >>> worse = encode(0.5 * tone, "libopus", 16000)
        >>> worse.shape, bool(np.corrcoef(tone, worse)[0, 1] > 0.99)
        ((16000,), True)

    """
    peak = max(1.0, float(np.abs(signal).max(initial=0)))
    pcm = (signal * (32767 / peak)).round().astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format=FORMATS[codec]) as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        for part in (frame, None):
            container.mux(stream.encode(part))
    decoded = _decode(file)[: len(signal)]
    return peak * np.pad(decoded, (0, len(signal) - len(decoded)))


def _decode(file: io.BytesIO) -> np.ndarray:
    file.seek(0)
    resampler = av.AudioResampler("flt", "mono", 16000)
    parts = []
    with av.open(file, "r") as container:
        for frame in [*container.decode(audio=0), None]:
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    return np.concatenate(parts)


def telephone(signal: np.ndarray) -> np.ndarray:
    """Limit a signal to the band of a telephone, and quantise it by the µ-law.

    Args:
        signal: ``(num_samples,)`` at 16 kHz

    Examples:
        >>> time = np.arange(16000) / 16000
        >>> tones = [np.sin(2 * np.pi * hertz * time) for hertz in (100, 1000, 6000)]
        >>> [round(float(telephone(tone).std()), 2) for tone in tones]
        [0.0, 0.72, 0.01]

    """
    band = limit_band(signal, *TELEPHONE)
    peak = max(1.0, float(np.abs(band).max(initial=0)))
    steps = np.round(127 * np.log1p(255 * np.abs(band) / peak) / np.log(256))
    return np.sign(band) * peak * np.expm1(steps * np.log(256) / 127) / 255


def transmit(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Send a signal over a telephone, or through Opus or MP3 at a low bit rate.

    Args:
        signal: ``(num_samples,)`` at 16 kHz
        rng: source of randomness

    Examples:
        >>> noise = np.random.default_rng(0).standard_normal(16000)
        >>> transmit(noise, np.random.default_rng(1)).shape
        (16000,)

    """
    kind = rng.integers(3)
    if kind == 0:
        return telephone(signal)
    codec = list(FORMATS)[kind - 1]
    lowest, highest = BIT_RATES[codec]
    return encode(signal, codec, int(rng.integers(lowest, highest + 1)) * 1000)
