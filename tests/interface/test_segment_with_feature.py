"""A Feature with a Segment is what audinterface.SegmentWithFeature is."""

import os

import audformat
import audinterface
import numpy as np
import pandas as pd
import pytest
import soundfile

import audw2s

NAMES = list(audw2s.DIMENSIONS)
SEGMENT = audw2s.Segment(tolerance=0.05, min_dur=0.5)
# Exact, as the function below is given parts of a file without their surroundings
EXACT = audw2s.Process(exact=True)


def segments_with_values(signal: np.ndarray, sampling_rate: int) -> pd.Series:
    index = SEGMENT(signal, sampling_rate)
    y = EXACT.process_signal_from_index(signal, sampling_rate, index)
    return y.map(lambda values: [values[name] for name in NAMES])


THEIRS = audinterface.SegmentWithFeature(
    NAMES,
    process_func=segments_with_values,
    sampling_rate=16000,
    resample=True,
    channels=None,
    mixdown=True,
)
OURS = audw2s.Feature(segment=SEGMENT, exact=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda i, clips, signal: i.process_file(clips[1]),
        lambda i, clips, signal: i.process_files(clips[:2], starts=[0, 0.5]),
        lambda i, clips, signal: i.process_signal(signal, 16000),
        lambda i, clips, signal: i.process_signal(signal, 16000, file="a.wav", start=1),
        lambda i, clips, signal: i.process_signal_from_index(
            signal, 16000, audinterface.utils.signal_index([0, 1], [1.5, 3])
        ),
        lambda i, clips, signal: i.process_index(
            audformat.filewise_index(list(map(os.path.basename, clips[:2]))),
            root=os.path.dirname(clips[0]),
        ),
    ],
)
def test_index_and_values_are_the_same(call, clips):
    signal, _ = soundfile.read(clips[1], dtype="float32")
    expected, found = (call(i, clips, signal) for i in (THEIRS, OURS))
    assert len(found) > 1
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-6)


def test_labels_of_a_table_are_joined(clips):
    index = audformat.segmented_index(clips[:2], [0, 0.5], [2, pd.NaT])
    table = pd.DataFrame({"speaker": ["a", "b"]}, index)
    found = OURS.process_index(index).join(SEGMENT.process_table(table))
    expected = THEIRS.process_table(table)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-6)
    assert found["speaker"].nunique() == 2
