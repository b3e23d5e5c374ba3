"""What the page does, without a page."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from types import SimpleNamespace

import av
import numpy as np
import onnx
import pytest
import soundfile
import soxr
from full import full
from memory import PEAK
from memory import needs_peak
from pages import SPEECH

import audw2s
import audw2s.demo.words
from audw2s.audio.preprocess import load
from audw2s.audio.quality import Report
from audw2s.demo.batch import analyse_all
from audw2s.demo.clip import read_clip
from audw2s.demo.comparison import compare
from audw2s.demo.examples import clips
from audw2s.demo.job import Job
from audw2s.demo.models import Models
from audw2s.demo.page import answer
from audw2s.demo.page import drawings
from audw2s.demo.page import part
from audw2s.demo.page import result
from audw2s.demo.page import terms
from audw2s.demo.prediction import analyse
from audw2s.demo.prediction import voices
from audw2s.demo.settings import Settings
from audw2s.demo.uploads import delete_old
from audw2s.demo.words import WORDS
from audw2s.demo.words import RefusedError
from audw2s.evaluation.cost import num_parameters
from audw2s.inference.pipeline import Predictor
from audw2s.model.find import model_path
from audw2s.plots import plot_curves

NAMES = ["arousal", "dominance", "valence"]

ANGRY = str(SPEECH / "emodb-03a05Wa-anger.flac")

CHOSEN = ("whisper-tiny-adv", "wav2small", 2.0, 0.25)
"""Teacher, student, window and hop."""


@pytest.fixture(scope="module")
def models():
    return Models()


@pytest.fixture
def job(models):
    return Job(models, seconds=600)


def test_no_gradio_but_for_the_page():
    """Logic can be read, and run, without."""
    import audw2s.demo

    (folder,) = audw2s.demo.__path__
    files = [path for path in sorted(pathlib.Path(folder).glob("*.py"))]
    importing = [path.name for path in files if "import gradio" in path.read_text()]
    assert importing == ["app.py", "server.py"]
    assert len((files[0].parent / "app.py").read_text().splitlines()) < 300


def test_figure_holds_values_of_both_models(job):
    pytest.importorskip("matplotlib")
    from audw2s.demo.figure import named_curves
    from audw2s.demo.figure import plane_figure

    comparison = compare(job, read_clip(job, ANGRY), *CHOSEN)
    curves = named_curves(comparison)
    panels = plot_curves(curves).axes
    most = max(curve.max(axis=None) for curve in curves.values())
    analyses = [*comparison.models.values()]
    for axis in panels:
        name = axis.get_ylabel()
        # Axes grow with values outside of 0…1
        assert axis.get_ylim()[1] == max(1, most)
        assert len({line.get_linestyle() for line in axis.lines}) == 2
        for line, one in zip(axis.lines, analyses, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), one.curve[name])
    assert panels[0].get_ylim()[1] > 1
    assert "axes are longer" in " ".join(comparison.notes)
    (axis,) = plane_figure(comparison).axes
    mask = [line for line in axis.lines if line.get_marker() in ("o", "s")]
    for mark, one in zip(mask, analyses, strict=True):
        assert mark.get_xdata() == [one.values["valence"]]
        assert mark.get_ydata() == [one.values["arousal"]]


def test_channels_of_two_speakers_have_values_of_their_own(job, tmp_path):
    paths = sorted(pathlib.Path(SPEECH).iterdir())[:2]
    first, second = (load(str(path))[:30000] for path in paths)
    for channels, count in (([first, second], 2), ([first, first], 1), ([first], 1)):
        path = str(tmp_path / "call.wav")
        soundfile.write(path, np.stack(channels, axis=1), 16000, "FLOAT")
        comparison = compare(job, read_clip(job, path), *CHOSEN)
        speakers = voices(job, "wav2small", comparison.clip)
        assert len(speakers) == count
        assert ("Channel 2" in result(comparison, speakers)) == (count == 2)
        for voice, signal in zip(speakers, channels, strict=False):
            (row,) = Predictor().signal(signal, 16000)
            np.testing.assert_allclose(
                [*voice.values.values()], row.values[0], atol=1e-5
            )
            # Segments of speech have values of their own, too
            for start, end, *values in voice.segments.itertuples(index=False):
                (row,) = Predictor().signal(signal, 16000, start, end)
                np.testing.assert_allclose(values[:3], row.values[0], atol=1e-5)
            assert len(voice.segments)


def test_pauses_are_no_segments_of_speech(job, tmp_path):
    speech = load(ANGRY)
    path = str(tmp_path / "pauses.wav")
    pause = np.zeros(2 * 16000, np.float32)
    soundfile.write(path, np.concatenate([speech, pause, speech]), 16000, "FLOAT")
    clip = read_clip(job, path)
    (voice,) = voices(job, "wav2small", clip)
    ends = voice.segments["end"].to_numpy()
    starts = voice.segments["start"].to_numpy()
    assert len(ends) == 2
    assert starts[1] - ends[0] == pytest.approx(2, abs=0.7)


def long_recording(path: str, seconds: int) -> None:
    """A recording of speech and pauses, in two channels of a call."""
    turns = [load(str(path)) for path in sorted(SPEECH.glob("*.flac"))]
    silence = np.zeros(16000, np.float32)
    channels = [
        np.concatenate([part for turn in each for part in (turn, silence)])
        for each in (turns[:2], turns[2:])
    ]
    signal = np.stack([np.resize(channel, seconds * 16000) for channel in channels], 1)
    with soundfile.SoundFile(path, "w", 16000, 2, format="FLAC") as file:
        for part in np.array_split(signal, 100):
            file.write(part)


@pytest.mark.parametrize("seconds", [90, pytest.param(3600, marks=full)])
def test_long_recordings_are_processed_by_the_student(models, tmp_path, seconds):
    path = str(tmp_path / "call.flac")
    long_recording(path, seconds)
    shares = []
    job = Job(models, lambda *told: shares.append(told[::-1]), seconds=600)
    parts = answer(job, path, *CHOSEN)
    assert "the small model processed it alone" in parts[0]
    assert parts[0].count("<li><b>Channel") == 2
    assert parts[2].count("<tr><th") > seconds / 5
    assert {"Reading", "wav2small", "Looking for speech in channel 1"} < set(
        dict(shares)
    )
    assert set(dict(shares).values()) == {1.0}
    with pytest.raises(RefusedError, match="this page takes 60 s at most"):
        compare(job, read_clip(job, path), *CHOSEN)


@full
@needs_peak
def test_an_hour_is_processed_in_little_memory(tmp_path):
    path = str(tmp_path / "call.flac")
    long_recording(path, 3600)
    code = (
        f"{PEAK}import sys; from audw2s.demo.models import Models; "
        "from audw2s.demo.job import Job; from audw2s.demo.page import answer; "
        "answer(Job(Models()), sys.argv[1], 'whisper-tiny-adv', 'wav2small', 2, 0.25); "
        "print(peak())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 900_000


def phone_file(path: str, codec: str, rate: int) -> None:
    """Speech as phones and browsers record it."""
    speech, _ = soundfile.read(ANGRY)
    signal = soxr.resample(speech, 16000, rate).astype("float32")
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = "mono"
        stream.bit_rate = 12_200 if rate == 8000 else 96_000
        frame = av.AudioFrame.from_ndarray(signal[None], "fltp", "mono")
        frame.sample_rate = rate
        container.mux([*stream.encode(frame), *stream.encode(None)])


@pytest.mark.parametrize(
    "name, codec, rate",
    [
        ("a.m4a", "aac", 44100),
        ("a.mp4", "aac", 48000),
        ("a.webm", "libopus", 48000),
        ("a.amr", "libopencore_amrnb", 8000),
        ("a.3gp", "libopencore_amrnb", 8000),
    ],
)
def test_what_phones_and_browsers_record_is_taken(job, tmp_path, name, codec, rate):
    path = str(tmp_path / name)
    phone_file(path, codec, rate)
    clip = read_clip(job, path)
    values = analyse(job, "wav2small", clip).values
    speech = load(ANGRY)
    # Phones have no more than this
    speech = soxr.resample(soxr.resample(speech, 16000, rate), rate, 16000)
    expected = audw2s.Feature().process_signal(speech, 16000).to_numpy()[0]
    # AMR keeps less of a voice, which valence depends on most
    tolerance = [0.05, 0.05, 0.11 if rate == 8000 else 0.05]
    assert (np.abs([*values.values()] - expected) <= tolerance).all()


def test_one_request_at_a_time_uses_a_model(models, job):
    begun, over = threading.Event(), threading.Event()

    def hold() -> None:
        with Job(models).held("wav2small"):
            begun.set()
            over.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait(60)
    clip = read_clip(job, ANGRY)
    with pytest.raises(RefusedError, match="try again"):
        analyse(Job(models, seconds=0.05), "wav2small", clip)
    over.set()
    holder.join()
    assert analyse(job, "wav2small", clip).values["arousal"] > 0.8


def test_requests_end_in_time_or_when_nobody_waits(models, job):
    clip = read_clip(job, ANGRY)
    for seconds, is_awaited, sentence in (
        (-1, True, "took too long"),
        (60, False, "Nobody waited"),
    ):
        job = Job(models, is_awaited=lambda: is_awaited, seconds=seconds)
        with pytest.raises(RefusedError, match=sentence):
            next(job.watched(clip.read, clip.duration, "Reading")(Report()))


def test_every_sentence_is_used():
    folder = pathlib.Path(audw2s.demo.words.__file__).parent
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    used = set(re.findall(r"RefusedError\(\s*\"(\w+)\"", code))
    assert used <= set(WORDS["refused"])
    others = set(WORDS["refused"]) - set(WORDS["unusable"]) - used
    assert others == set()


def test_unknown_models(job):
    with pytest.raises(RefusedError, match="Choose one of whisper-tiny-adv, wav2small"):
        compare(job, read_clip(job, ANGRY), "nobody", "wav2small", 2, 0.25)
    with pytest.raises(audw2s.MissingModelError, match="audw2s get"):
        Models(Settings(teacher="mean(dawn, odyssey)"))


@pytest.mark.filterwarnings("ignore::audw2s.model.folder.UnverifiedModelWarning")
def test_models_in_folders_may_have_another_name(tmp_path):
    model = onnx.load(model_path("wav2small"))
    for entry in model.metadata_props:
        entry.value = "another" if entry.key == "name" else entry.value
    onnx.save(model, tmp_path / "model.onnx")
    folder = str(tmp_path)
    job = Job(Models(Settings(teacher=folder, student=folder)), seconds=600)
    assert "Tense" in answer(job, ANGRY, folder, folder, 2.0, 0.25)[0]
    assert "Plane (PNG)" in drawings(job, ANGRY, folder, folder, 2.0, 0.25)[0]


@pytest.mark.filterwarnings("ignore::audw2s.model.folder.UnverifiedModelWarning")
def test_the_file_of_a_folder_is_read_once(tmp_path, monkeypatch):
    shutil.copy(model_path("wav2small"), tmp_path)
    folder, paths = str(tmp_path), []
    job = Job(Models(Settings(teacher=folder, student=folder)), seconds=600)

    def load_graph(path):
        paths.append(path)
        return onnx.load(path)

    monkeypatch.setattr("audw2s.demo.models.onnx", SimpleNamespace(load=load_graph))
    analyse_all(job, [ANGRY] * 2, folder, folder)
    parameters = num_parameters(onnx.load(model_path("wav2small")))
    for _ in range(2):
        assert f"{parameters:,}" in answer(job, ANGRY, folder, folder, 2.0, 0.25)[3]
    assert paths == [os.path.join(folder, "model.onnx")]


def test_parts_of_recordings_that_are_too_long_are_refused():
    job = Job(Models(Settings(max_dur=2)), seconds=600)
    with pytest.raises(RefusedError, match="takes 2 s at most"):
        part(job, ANGRY, "wav2small", "wav2small", 0, 1)


def test_the_teacher_of_the_paper_is_explained():
    text = terms("whisper-tiny-adv", "wav2small")
    assert "whisper-tiny-adv: MIT" in text
    assert "wav2small: CC BY 4.0" in text
    if not audw2s.models().installed["teacher"]:
        assert "`audw2s get teacher --accept-licence`" in text


def test_names_of_models_differ_by_case(tmp_path):
    folders = [tmp_path / "mini", tmp_path / "MINI"]
    for folder in folders:
        if folder.exists():
            pytest.skip("This file system ignores case.")
        folder.mkdir()
        shutil.copy(model_path("wav2small"), folder)
    text = terms(*map(str, folders))
    assert [f"{folder}: terms unknown" in text for folder in folders] == [True] * 2
    assert terms("wav2small", "wav2small").count("wav2small") == 1


def test_examples_are_six_and_one_is_noisy(tmp_path):
    found = clips(str(tmp_path))
    assert len(found) == 6
    assert [label for label in found if label.startswith("noisy")]
    for path in found.values():
        assert 2 < soundfile.info(path).duration < 60


def test_examples_outlive_uploads(tmp_path):
    folder = tmp_path / "examples"
    upload = tmp_path / "upload" / "a.wav"
    for path in (folder, upload.parent):
        path.mkdir()
    upload.write_bytes(b"")
    paths = clips(str(folder))
    for path in (*paths.values(), folder, upload, upload.parent):
        os.utime(path, (0, 0))
    delete_old(str(tmp_path))
    assert all(map(os.path.exists, paths.values()))
    assert not upload.exists()


def test_many_channels_are_refused_by_the_header(job, tmp_path):
    """50 s of eight channels at 192 kHz are 300 MB, and a small FLAC."""
    path = tmp_path / "wide.flac"
    soundfile.write(path, np.zeros((50 * 192_000, 8), "int16"), 192_000)
    with pytest.raises(RefusedError, match="8 channels at 192000 Hz"):
        read_clip(job, str(path))


def test_every_status_has_a_message():
    from audw2s.audio.statuses import STATUSES
    from audw2s.audio.statuses import UNUSABLE

    # That is refused by its duration
    assert set(WORDS["unusable"]) == set(UNUSABLE) - {"too_long"}
    usable = set(STATUSES) - set(UNUSABLE) - {"ok"}
    assert set(WORDS["notes"]) - {"long", "outside", "alone"} == usable


def test_channels_that_cancel_out_and_what_is_quiet(job, tmp_path):
    speech, rate = soundfile.read(sorted(SPEECH.glob("*.flac"))[0])
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.stack([speech, -speech], 1), rate)
    with pytest.raises(RefusedError, match="cancel each other out"):
        read_clip(job, path)
    soundfile.write(path, speech / 1000, rate)
    assert "The recording is very quiet" in " ".join(read_clip(job, path).notes)
