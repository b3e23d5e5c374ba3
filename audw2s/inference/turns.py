"""Segments of speech between pauses, as turns of a speaker."""

import math

import numpy as np

from audw2s.audio.decode import mono
from audw2s.audio.preprocess import Read
from audw2s.audio.preprocess import Span
from audw2s.audio.quality import Report
from audw2s.audio.quality import runs_of
from audw2s.audio.speech import SpeechDetector
from audw2s.audio.speech_frames import FRAME_DUR
from audw2s.audio.speech_frames import segments
from audw2s.audio.speech_frames import speech_frames
from audw2s.audio.statuses import MIN_SEGMENT_DUR
from audw2s.inference.pipeline import Predictor

PAUSE_DUR = 0.3
"""Default duration in seconds of the shortest pause between segments of speech."""


def speech_spans(
    predictor: Predictor,
    read: Read,
    span: Span,
    *,
    min_dur: float = MIN_SEGMENT_DUR,
    max_dur: float = math.inf,
    min_pause: float = PAUSE_DUR,
) -> list[Span]:
    """Find the segments of speech in a span of a source.

    Args:
        predictor: predictor, of which channels and mixdown are used
        read: source, see :meth:`audw2s.inference.pipeline.Predictor.segments`
        span: start and end of the span in seconds
        min_dur: duration of the shortest segment in seconds
        max_dur: duration of the longest segment in seconds
        min_pause: duration of the shortest pause in seconds

    Returns:
        start and end of each segment in seconds; empty if nothing can be read

    Examples:
        >>> from functools import partial
        >>> from audw2s.audio.preprocess import array_blocks
        >>> read = partial(array_blocks, np.zeros(16000), 16000)
        >>> speech_spans(Predictor(), read, (0.0, None))
        []

    """
    report, detector, parts = Report(), SpeechDetector(), []
    for block in predictor.blocks(read, report, span):
        parts.append(detector.push(mono(block)[0]))
    probabilities = np.concatenate([*parts, detector.finish()])
    found = segments(
        runs_of(speech_frames(probabilities)).tolist(),
        probabilities,
        min_dur=min_dur,
        max_dur=max_dur,
        min_pause=min_pause,
    )
    begin, end = report.start, report.start + report.duration
    return [
        (begin + first * FRAME_DUR, min(begin + last * FRAME_DUR, end))
        for first, last in found
    ]
