"""Statuses of recordings, segments and windows, and their thresholds."""

from typing import NamedTuple


class Status(NamedTuple):
    """One row of the table of statuses."""

    meaning: str
    has_values: bool


STATUSES = {
    "ok": Status("nothing is wrong; a message may tell what was left out", True),
    "short": Status("under 0.5 s; values are unsure below some 2 s", True),
    "silent": Status("all samples are equal; the values say nothing of speech", True),
    "quiet": Status(
        "no sample reaches 1/256 of full scale: quantisation may have removed the "
        "speech, and only the noise of a pause may be left; values are unsure",
        True,
    ),
    "clipped": Status("more than 0.1 % of its samples are at full scale", True),
    "truncated": Status(
        "over 50 ms and 1 % fewer samples than a header promises that can be trusted; "
        "the values are of what is there",
        True,
    ),
    "missing": Status("no such file", False),
    "unreadable": Status("no audio, or none that can be decoded", False),
    "empty": Status("no samples, or a segment behind the end", False),
    "too_short": Status("under 4 ms", False),
    "cancelled": Status(
        "the channels cancel each other out in their mean, as the phase of one is "
        "inverted: `channels=0` takes one of them",
        False,
    ),
    "not_finite": Status("NaN or infinity in it", False),
    "out_of_range": Status(
        "floating point samples beyond ±32768, where full scale is ±1: damaged, or "
        "integers of more than 16 bits that weren't divided by theirs",
        False,
    ),
    "no_speech": Status("under 0.3 s of speech, with `vad`", False),
    "no_value": Status(
        "the model itself gives NaN or infinity: its weights are damaged", False
    ),
    "sampling_rate": Status(
        "under 1,000 Hz or over 768,000 Hz, or not 16,000 Hz and `resample=False`",
        False,
    ),
    "channels": Status(
        "more than 64 channels, or `channels=` selects one that isn't there", False
    ),
    "too_long": Status("longer than `--max-dur` of `annotate`", False),
}
"""All statuses; the table of docs/statuses.md is this one."""

UNUSABLE = tuple(name for name, status in STATUSES.items() if not status.has_values)
"""Statuses of unusable input, whose values are NaN."""

MAX_SAMPLE = 2.0**15
"""Largest valid floating point sample.

Full scale is 1. Samples of 16 bits that weren't scaled to -1…1 are accepted, as models
normalise their input; beyond that a file is damaged, or its scale is unknown.
"""

CLIPPED_SHARE = 0.001
"""Share of samples at full scale above which a recording is clipped."""

FULL_SCALE = 0.999
"""Absolute value from which on a sample is clipped."""

MISSING_DUR = 0.05
"""Duration in seconds that may be missing, as durations in containers are inexact."""

MISSING_SHARE = 0.01
"""Share of a recording that may be missing."""

SHORT_DUR = 0.5
"""Duration in seconds below which a recording or window is short."""

MIN_SEGMENT_DUR = 0.25
"""Duration in seconds of the shortest segment of speech; what is shorter is none."""

MIN_RUN_DUR = 0.002
"""Duration in seconds of the shortest run of constant samples that is stored; windows
and segments with a value are longer."""

LOUD = 2**-8
"""Absolute value from which on a sample is loud: 8 of 16 bits are used."""

CANCELLED = 1e-3
"""Energy of the mixdown, relative to the mean energy of channels, if they cancel out.

It is at least 1/64 if only one of 64 channels has speech, or if 64 channels are
uncorrelated.
"""

HOPS_PER_SECOND = 100

REASONS = {
    "quiet": "no sample reaches 1/256 of full scale, values are unsure",
    "cancelled": "the channels cancel each other out in their mean, as the phase of "
    "one is inverted: take one of them by channels=0, or each by mixdown=False",
}
"""Messages of two statuses."""
