"""Forms in which a clip's ratings hold just as well.

Where the tokens of an encoder know their position, means over time depend on the
clip's length, and on the silence around the speech; and all tokens depend on
microphone and room. A head that is fitted to the clips of one corpus as they are takes
that for emotion. Fitted to these forms, it doesn't.
"""

import numpy as np

from audw2s.distill.augment import crop
from audw2s.distill.augment import equalise
from audw2s.distill.augment import mix
from audw2s.distill.augment import reverberate
from audw2s.distill.augment import rms
from audw2s.distill.augment import room

SAMPLING_RATE = 16000

VARIANTS = ("whole", "crop", "repeated", "paused", "tone", "room", "noise")
"""Names of the forms; heads are evaluated on each."""


def variants(
    signal: np.ndarray,
    max_dur: float,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Forms of a clip, in the order of :data:`VARIANTS`.

    The clip itself; 1 to 2.5 s of it; the clip twice in a row, cut to 4 to 8 s; the
    clip with up to 1.2 s of a quiet room before and after it; in another tone (up to
    15 dB); in a room; in coloured noise 5 to 30 dB below it. The last three are what
    another recording of the same speech would be.

    Args:
        signal: ``(num_samples,)``, 16 kHz
        max_dur: longest form in seconds
        rng: source of randomness

    Examples:
        >>> clip = np.ones(32000, "float32")
        >>> forms = variants(clip, 30, np.random.default_rng(0))
        >>> [len(form) for form in forms]
        [32000, 31287, 64000, 33103, 32000, 32000, 32000]

    """
    length = min(len(signal), int(rng.uniform(1.0, 2.5) * SAMPLING_RATE))
    twice = np.tile(signal, 2)[: int(rng.uniform(4, 8) * SAMPLING_RATE)]
    before, after = (rng.uniform(0, 1.2, 2) * SAMPLING_RATE).astype(int)
    paused = np.pad(signal, (before, after))
    quiet = rms(signal) * 10 ** (-rng.uniform(30, 60) / 20)
    paused = paused + quiet * rng.standard_normal(len(paused))
    tone = equalise(signal, 15, rng)
    response = room(rng.uniform(0.1, 0.8), rng.uniform(-15, 0), rng)
    in_room = reverberate(signal, response)
    noise = equalise(rng.standard_normal(len(signal)), 15, rng)
    noisy = mix(equalise(signal, 10, rng), noise, rng.uniform(5, 30))
    longest = int(max_dur * SAMPLING_RATE)
    forms = [signal, crop(signal, length, rng), twice, paused, tone, in_room, noisy]
    return [form[:longest].astype(np.float32) for form in forms]
