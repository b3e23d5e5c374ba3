"""Augmentation of the signals that a student learns from.

Every function returns a new array; random ones take a generator.
"""

from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
import soxr


def crop(signal: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a random segment; a shorter signal is placed at random in silence.

    Args:
        signal: ``(num_samples,)``
        length: length of the result in samples
        rng: source of randomness

    Examples:
        >>> crop(np.ones(2), 4, np.random.default_rng(0)).sum()
        np.float64(2.0)

    """
    spare = len(signal) - length
    if spare >= 0:
        first = rng.integers(spare + 1)
        return signal[first : first + length]
    before = rng.integers(-spare + 1)
    return np.pad(signal, (before, -spare - before))


def change_speed(signal: np.ndarray, factor: float) -> np.ndarray:
    """Play faster or slower: tempo and pitch change together.

    Args:
        signal: ``(num_samples,)``
        factor: factor of the speed, above 1 for faster and higher

    Examples:
        >>> len(change_speed(np.zeros(1000, "float32"), 2))
        500

    """
    return soxr.resample(signal, 1000.0 * factor, 1000.0, quality="MQ")


def rms(signal: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(signal)) + 1e-12))


def mix(signal: np.ndarray, other: np.ndarray, ratio: float) -> np.ndarray:
    """Add another signal of the same length.

    Args:
        signal: ``(num_samples,)``
        other: ``(num_samples,)``
        ratio: level of ``signal`` over that of ``other``, in dB

    Examples:
        >>> mixed = mix(np.ones(4), np.array([1.0, -1, 1, -1]), 20)
        >>> mixed.round(2)
        array([1.1, 0.9, 1.1, 0.9])

    """
    gain = rms(signal) / rms(other) * 10 ** (-ratio / 20)
    # A gain without bound would turn digital silence into loud noise
    return signal + np.float32(min(gain, 1e3)) * other


def babble(voices: Sequence[np.ndarray]) -> np.ndarray:
    """Several speakers at once, all at the same level.

    Args:
        voices: signals of the same length, ``(num_samples,)``

    Examples:
        >>> babble([np.array([3.0, -3.0]), np.array([1.0, -1.0])]).round(6)
        array([ 2., -2.])

    """
    return np.sum([voice / rms(voice) for voice in voices], axis=0)


def splice(first: np.ndarray, second: np.ndarray, place: int) -> np.ndarray:
    """Crossfade from one signal to another over 20 ms.

    Args:
        first: ``(num_samples,)`` at 16 kHz
        second: ``(num_samples,)``
        place: sample at which both are equally loud

    Examples:
        >>> spliced = splice(np.zeros(1000), np.ones(1000), 500)
        >>> [round(float(spliced[place]), 2) for place in (0, 420, 500, 999)]
        [0.0, 0.25, 0.5, 1.0]

    """
    share = np.clip((np.arange(len(first)) - place) / 320 + 0.5, 0, 1)
    return first * (1 - share) + second * share


def equalise(
    signal: np.ndarray, max_gain: float, rng: np.random.Generator
) -> np.ndarray:
    """Change the timbre, as another microphone, distance or effort would.

    The gain is drawn at 8 frequencies, equally spaced in octaves from 62.5 Hz to
    8 kHz, and interpolated between them.

    Args:
        signal: ``(num_samples,)`` at 16 kHz
        max_gain: largest gain or loss in dB
        rng: source of randomness

    Examples:
        >>> noise = np.random.default_rng(0).standard_normal(1000)
        >>> same = equalise(noise, 0, np.random.default_rng(0))
        >>> bool(np.allclose(same, noise))
        True

    """
    gains = rng.uniform(-max_gain, max_gain, 8)

    def curve(frequencies: np.ndarray) -> np.ndarray:
        octaves = np.log2(np.maximum(frequencies, 1) / 62.5)
        return 10 ** (np.interp(octaves, np.arange(8), gains) / 20)

    return _filtered(signal, curve)


def limit_band(signal: np.ndarray, low: float, high: float) -> np.ndarray:
    """Cut low and high frequencies, as a telephone, codec or cheap microphone does.

    Below ``low`` and above ``high`` the level falls by 48 dB an octave.

    Args:
        signal: ``(num_samples,)`` at 16 kHz
        low: lower cut-off in Hz
        high: upper cut-off in Hz

    Examples:
        >>> time = np.arange(16000) / 16000
        >>> tones = [np.sin(2 * np.pi * hertz * time) for hertz in (100, 1000, 6000)]
        >>> [round(rms(limit_band(tone, 200, 3000)), 3) for tone in tones]
        [0.006, 0.707, 0.003]

    """

    def curve(frequencies: np.ndarray) -> np.ndarray:
        hertz = np.maximum(frequencies, 1)
        return 1 / np.sqrt(1 + (low / hertz) ** 16 + (hertz / high) ** 16)

    return _filtered(signal, curve)


def _fft_length(length: int) -> int:
    """Next power of two, for which the Fourier transform is fast."""
    return 1 << (length - 1).bit_length()


def _filtered(
    signal: np.ndarray, curve: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Multiply the spectrum by a curve over frequencies in Hz."""
    size = _fft_length(len(signal))
    gains = curve(np.fft.rfftfreq(size, 1 / 16000))
    return np.fft.irfft(np.fft.rfft(signal, size) * gains, size)[: len(signal)]


def change_loudness(
    signal: np.ndarray, max_gain: float, rng: np.random.Generator
) -> np.ndarray:
    """Change the contour of loudness of an utterance.

    The gain is drawn 3 times a second and interpolated between.

    Args:
        signal: ``(num_samples,)`` at 16 kHz
        max_gain: largest gain or loss in dB
        rng: source of randomness

    Examples:
        >>> loud = change_loudness(np.ones(16000), 6, np.random.default_rng(0))
        >>> bool(loud.min() > 0.5 and loud.max() < 2 and loud.std() > 0.1)
        True

    """
    count = len(signal) * 3 // 16000 + 2
    gains = rng.uniform(-max_gain, max_gain, count)
    places = np.linspace(0, count - 1, len(signal))
    return signal * 10 ** (np.interp(places, np.arange(count), gains) / 20)


def change_channel(
    signal: np.ndarray, voices: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Change timbre, band or background, as another recording of the same would.

    The timbre of two of five signals is changed by up to 9 dB, the band of one in seven
    is that of a telephone, one in four has six voices behind it at 4 to 25 dB, and one
    in three white noise at 15 to 45 dB.

    Args:
        signal: ``(num_samples,)`` at 16 kHz
        voices: other speech, ``(num_voices, num_samples)``
        rng: source of randomness

    Examples:
        >>> signals = np.random.default_rng(0).standard_normal((9, 16000))
        >>> change_channel(signals[0], signals[1:], np.random.default_rng(1)).shape
        (16000,)

    """
    kind = rng.random()
    if kind < 0.4:
        signal = equalise(signal, 9, rng)
    elif kind < 0.55:
        signal = limit_band(signal, rng.uniform(150, 350), rng.uniform(3000, 4000))
    if rng.random() < 0.25:
        chosen = voices[rng.integers(len(voices), size=6)]
        # Another part of each: a voice may be that of the signal
        behind = babble(list(np.roll(chosen, rng.integers(len(signal)), axis=1)))
        signal = mix(signal, behind, rng.uniform(4, 25))
    if rng.random() < 0.3:
        signal = mix(signal, rng.standard_normal(len(signal)), rng.uniform(15, 45))
    return signal


def room(decay: float, level: float, rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a room: a click, then noise that dies away.

    Args:
        decay: seconds until the reverberation has fallen by 60 dB
        level: level of the reverberation against the direct sound in dB
        rng: source of randomness

    Returns:
        ``(decay * 16000,)``

    Examples:
        >>> response = room(0.3, 0, np.random.default_rng(0))
        >>> early, late = np.square(response[1:2400]).sum(), np.square(response[2400:])
        >>> bool(response[0] == 1 and 0.9 < early < 1.1 and late.sum() < 1e-2)
        True

    """
    count = max(2, int(decay * 16000))
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[0] = 0
    tail *= 10 ** (level / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    return tail


def reverberate(signal: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Put a signal into a room.

    Args:
        signal: ``(num_samples,)``
        response: impulse response of the room; what is before its largest value is
            left out, so that the signal isn't delayed, and its level doesn't count

    Examples:
        >>> reverberate(np.array([1.0, 0, 0, 0]), np.array([0.1, 2, 1])).round(6)
        array([1. , 0.5, 0. , 0. ])

    """
    first = np.abs(response).argmax()
    response = response[first:] / response[first]
    size = _fft_length(len(signal) + len(response) - 1)
    spectrum = np.fft.rfft(signal, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(signal)]


def chance(share: float, rng: np.random.Generator) -> bool:
    """Whether a crop is among a share of all; without a share no number is drawn."""
    return share > 0 and rng.random() < share


def draw_factor(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw a factor, uniformly on a logarithmic scale."""
    return float(np.exp(rng.uniform(*np.log(limits))))
