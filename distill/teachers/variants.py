"""Variants of a clip for which its ratings hold as well.

Where the tokens of an encoder know their position, means over time depend on the
clip's length, and on the silence around the speech; and all tokens depend on
microphone, room and codec, and on who speaks. A head that is fitted to the clips of one
corpus as they are takes that for emotion; a head that is fitted to these forms doesn't.
"""

import numpy as np

from audw2s.audio.samples import SAMPLING_RATE
from audw2s.distill.augment import crop
from audw2s.distill.augment import equalise
from audw2s.distill.augment import mix
from audw2s.distill.augment import reverberate
from audw2s.distill.augment import rms
from audw2s.distill.augment import room
from audw2s.distill.codec import transmit
from audw2s.distill.prosody import change_prosody
from audw2s.evaluation.tables import FORMS

VARIANTS = ("whole", *FORMS)
"""Names of the forms; heads are evaluated on each."""


def variants(
    signal: np.ndarray, max_dur: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Forms of a clip, in the order of :data:`VARIANTS`.

    The clip itself; 1 to 2.5 s of it; the clip twice in a row, cut to 4 to 8 s; the
    clip with up to 1.2 s of a quiet room, or of digital silence, before and after it;
    in another tone (up to 15 dB); in a room; in coloured noise 5 to 30 dB below it;
    through a telephone, Opus or MP3; by another person, whose formants are up to 18 %
    elsewhere. The last five are what another recording of the same speech would be.

    Args:
        signal: ``(num_samples,)``, 16 kHz
        max_dur: longest form in seconds
        rng: source of randomness

    Examples:
        >>> clip = np.ones(32000, "float32")
        >>> forms = variants(clip, 30, np.random.default_rng(0))
        >>> [len(form) for form in forms]
        [32000, 31287, 64000, 47931, 32000, 32000, 32000, 32000, 32000]

    """
    length = min(len(signal), int(rng.uniform(1.0, 2.5) * SAMPLING_RATE))
    forms = [
        signal,
        crop(signal, length, rng),
        np.tile(signal, 2)[: int(rng.uniform(4, 8) * SAMPLING_RATE)],
        _paused(signal, rng),
        equalise(signal, 15, rng),
        reverberate(signal, room(rng.uniform(0.1, 0.8), rng.uniform(-15, 0), rng)),
        mix(
            equalise(signal, 10, rng),
            equalise(rng.standard_normal(len(signal)), 15, rng),
            rng.uniform(5, 30),
        ),
        transmit(signal, rng),
        _by_another(signal, rng),
    ]
    longest = int(max_dur * SAMPLING_RATE)
    return [form[:longest].astype(np.float32) for form in forms]


def _paused(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    before, after = (rng.uniform(0, 1.2, 2) * SAMPLING_RATE).astype(int)
    paused = np.pad(signal, (before, after))
    if rng.random() < 0.25:
        return paused
    noise = equalise(rng.standard_normal(len(paused)), 15, rng)
    level = rms(signal) * 10 ** (-rng.uniform(25, 80) / 20)
    return paused + level * noise / rms(noise)


def _by_another(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    formants = float(np.exp(rng.uniform(np.log(0.85), np.log(1.18))))
    # People with short vocal tracts have high voices
    pitch = formants**1.5 * float(np.exp(rng.uniform(-0.12, 0.12)))
    return change_prosody(signal, formants=formants, pitch=pitch)
