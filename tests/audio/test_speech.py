"""Voice activity: the same answer however a signal is cut, and the rules of speech."""

import shutil

import numpy as np
import pytest
from full import examples
from hypothesis import given
from hypothesis import strategies as st

from audw2s.audio import speech
from audw2s.audio.preprocess import load
from audw2s.audio.quality import runs_of
from audw2s.audio.speech import SpeechDetector
from audw2s.audio.speech import SpeechGate
from audw2s.audio.speech import SpeechMarks
from audw2s.audio.speech import marked
from audw2s.audio.speech import only_speech
from audw2s.audio.speech import open_detector
from audw2s.audio.speech import speech_probabilities
from audw2s.audio.speech_frames import FRAME
from audw2s.audio.speech_frames import FRAME_DUR
from audw2s.audio.speech_frames import segments
from audw2s.audio.speech_frames import speech_frames

probability = st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.9])
probabilities = st.lists(
    st.tuples(probability, st.integers(1, 12)), min_size=1, max_size=12
).map(lambda pairs: np.repeat(*zip(*pairs, strict=True)).astype(np.float32))


def literal(values):
    """Frames of speech by the rules, one frame after the other."""
    speaks, raw = False, []
    for value in values:
        speaks = value >= 0.5 or (speaks and value >= 0.35)
        raw.append(speaks)
    found, first, pause = [], None, 0
    for number, value in enumerate([*raw, *[False] * 4]):
        if value:
            first = number if first is None else first
            pause = 0
        elif first is not None:
            pause += 1
            # 4 frames of 32 ms are the first pause of 100 ms
            if pause == 4:
                found.append((first, number - 3))
                first = None
    mask = [False] * len(values)
    for begin, end in found:
        # 8 frames of 32 ms are the first speech of 250 ms
        if end - begin >= 8:
            for number in range(max(0, begin - 1), min(end + 1, len(values))):
                mask[number] = True
    return mask


@examples(300)
@given(values=probabilities)
def test_speech_is_that_of_a_literal_implementation(values):
    assert speech_frames(values).tolist() == literal(values)


def as_mask(marks):
    mask = np.zeros(marks.num_known, bool)
    for first, last in marks.runs:
        mask[first:last] = True
    return mask.tolist()


@examples(300)
@given(values=probabilities, sizes=st.lists(st.integers(1, 20), min_size=1))
def test_decisions_on_blocks_are_those_on_the_whole(values, sizes):
    marks, expected = SpeechMarks(), speech_frames(values)
    position = 0
    while position < len(values):
        block = values[position : position + sizes[position % len(sizes)]]
        position += len(block)
        marks._mark(block)
        assert as_mask(marks) == expected[: marks.num_known].tolist()
    marks.is_over = True
    marks._mark(values[:0])
    assert as_mask(marks) == expected.tolist()
    assert marks.runs.tolist() == runs_of(expected).tolist()


@examples(200)
@given(values=probabilities, shortest=st.floats(0, 1), longest=st.floats(1, 3))
def test_segments_are_the_speech_within_the_limits(values, shortest, longest):
    mask = speech_frames(values)
    runs = [tuple(run) for run in runs_of(mask).tolist()]
    found = segments(runs, values, min_dur=shortest, max_dur=longest)
    whole = [run for run in runs if (run[1] - run[0]) * FRAME_DUR >= shortest]
    assert {number for run in found for number in range(*run)} == {
        number for run in whole for number in range(*run)
    }
    for first, last in found:
        assert (last - first) * FRAME_DUR <= longest + 1e-9
        is_part = (first, last) not in whole
        assert not is_part or (last - first) * FRAME_DUR >= longest / 2 - FRAME_DUR


def test_segments_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="longest segment"):
        segments([(0, 9)], np.ones(9), max_dur=0.05)
    with pytest.raises(ValueError, match="as long as the shortest"):
        segments([(0, 9)], np.ones(9), min_dur=2, max_dur=1)


@pytest.fixture
def clip(clips):
    return load(clips[0])


@pytest.mark.parametrize("size", [1000, 512, 511, 16000, 10**6])
def test_probabilities_do_not_depend_on_blocks(clip, size):
    detector = SpeechDetector()
    parts = [
        detector.push(clip[first : first + size]) for first in range(0, len(clip), size)
    ]
    found = np.concatenate([*parts, detector.finish()])
    np.testing.assert_array_equal(found, speech_probabilities(clip))
    assert len(found) == -(-len(clip) // FRAME)


def test_probabilities_are_those_of_one_frame_after_the_other(clip):
    """The network for streams takes a frame, its context and its state."""
    session = open_detector()
    padded = np.concatenate([np.zeros(64, np.float32), clip, np.zeros(512, np.float32)])
    hidden = cell = np.zeros((1, 1, 128), np.float32)
    expected = []
    for first in range(0, len(clip), 512):
        inputs = {"input": padded[None, first : first + 576], "h": hidden, "c": cell}
        probability, hidden, cell = session.run(None, inputs)
        expected.append(probability[0])
    np.testing.assert_array_equal(speech_probabilities(clip), expected)


def test_gate_returns_the_signal_and_keeps_little_of_it(clip):
    gate = SpeechGate()
    silence = np.zeros(16000, np.float32)
    signal = np.concatenate([silence, clip, silence, clip, silence])
    parts = []
    for first in range(0, len(signal), 3000):
        parts.append(gate.push(signal[first : first + 3000]))
        assert gate.marks.num_known * FRAME >= sum(map(len, parts))
        # Pause, shortest speech, a frame around it, and an incomplete frame
        assert len(gate.waiting) <= 15 * FRAME
    assert len(gate.marks.probabilities) < 20
    parts.append(gate.finish())
    np.testing.assert_array_equal(np.concatenate(parts), signal)
    expected = speech_frames(speech_probabilities(signal))
    assert as_mask(gate.marks) == expected.tolist()
    known = SpeechGate(gate.marks)
    np.testing.assert_array_equal(known.push(signal), signal)
    assert not len(known.finish())


@pytest.mark.parametrize("hop", [64, 512, 1000])
def test_marks_of_hops_and_samples(clip, hop):
    signal = np.concatenate([np.zeros(9000, np.float32), clip, np.zeros(9000), clip])
    marks = marked(signal.astype(np.float32))
    by_sample = np.repeat(as_mask(marks), FRAME)
    count = len(signal) // hop
    expected = by_sample[hop // 2 :: hop][:count]
    np.testing.assert_array_equal(marks.hops(3, count, hop), expected[3:])
    found, number = np.zeros(count, bool), 0
    while following := marks.next_hops(number, hop):
        found[slice(*following)] = True
        number = following[1]
    np.testing.assert_array_equal(found, expected)
    for first, last in [(0, len(clip)), (1000, 9000), (9000, 19001), (5, 5)]:
        assert marks.num_samples(first, last) == by_sample[first:last].sum()
    np.testing.assert_array_equal(
        only_speech(signal, marks), signal[by_sample[: len(signal)]]
    )


def test_speech_after_silence(clip):
    silence = np.zeros(20 * 16000, np.float32)
    mask = speech_frames(speech_probabilities(np.concatenate([silence, clip])))
    (first, *_), (*_, last) = (runs_of(mask).T).tolist()
    assert 20 <= first * FRAME_DUR < 20.5
    assert 0.7 * len(clip) / 16000 < mask.sum() * FRAME_DUR <= len(clip) / 16000


@pytest.mark.parametrize("scale", [0.3, 1e-3, 0])
def test_noise_is_not_speech(scale):
    noise = scale * np.random.default_rng(0).standard_normal(160000)
    assert not speech_frames(speech_probabilities(noise.astype(np.float32))).any()


def test_a_changed_network_is_not_opened(tmp_path):
    path = shutil.copy(speech.PATH, tmp_path / "model.onnx")
    with open(path, "ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match="has sha256"):
        open_detector(str(path))
