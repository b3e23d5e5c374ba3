"""What the page does, without a page."""

import asyncio
import os
import pathlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from conftest import SPEECH

import audw2s
from audw2s.audio.preprocess import load
from audw2s.demo.batch import agreement
from audw2s.demo.batch import analyse_all
from audw2s.demo.clip import read_clip
from audw2s.demo.comparison import compare
from audw2s.demo.examples import clips
from audw2s.demo.limits import BusyError
from audw2s.demo.limits import Deadline
from audw2s.demo.limits import RefusedError
from audw2s.demo.live import HISTORY_DUR
from audw2s.demo.live import MAX_SESSIONS
from audw2s.demo.live import TEACHER_DUR
from audw2s.demo.live import Live
from audw2s.demo.meters import meters
from audw2s.demo.models import Models
from audw2s.demo.page import channels_table
from audw2s.demo.page import values_table
from audw2s.demo.prediction import analyse
from audw2s.inference.pipeline import Predictor

NAMES = ["arousal", "dominance", "valence"]

ANGRY = str(SPEECH / "emodb-03a05Wa-anger.flac")


@pytest.fixture(scope="module")
def models():
    return Models()


@pytest.fixture(scope="module")
def chunks(tmp_path_factory):
    """Files of 0.2 s, as a browser sends them when it has to wait."""
    folder = tmp_path_factory.mktemp("chunks")
    speech = np.concatenate([soundfile.read(p)[0] for p in SPEECH.glob("*.flac")])
    speech = np.resize(np.repeat(speech, 3), 62 * 48_000)
    paths = []
    for number, chunk in enumerate(np.split(speech, 310)):
        paths.append(str(folder / f"{number}.wav"))
        soundfile.write(paths[-1], chunk, 48_000, subtype="PCM_16")
    return paths


def test_no_gradio_but_for_the_page():
    """Logic can be read, and run, without."""
    import audw2s.demo

    (folder,) = audw2s.demo.__path__
    files = [path for path in sorted(pathlib.Path(folder).glob("*.py"))]
    importing = [path.name for path in files if "import gradio" in path.read_text()]
    assert importing == ["app.py", "server.py"]
    assert len((files[0].parent / "app.py").read_text().splitlines()) < 200


def test_figure_holds_values_of_both_models(models):
    pytest.importorskip("matplotlib")
    from audw2s.demo.figure import curves_figure
    from audw2s.demo.figure import plane_figure

    found = compare(models, ANGRY, "whisper-tiny-adv", "wav2small")
    _, *panels = curves_figure(found).axes
    curves = [found.teacher.curve, found.student.curve]
    for axis in panels:
        assert axis.get_ylim() == (0, 1)
        assert len({line.get_linestyle() for line in axis.lines}) == 2
        for line, curve in zip(axis.lines, curves, strict=True):
            expected = curve[axis.get_ylabel()].clip(0, 1)
            np.testing.assert_array_equal(line.get_ydata(), expected)
    (axis,) = plane_figure(found).axes
    mask = [line for line in axis.lines if line.get_marker() in ("o", "s")]
    for mark, analysis in zip(mask, (found.teacher, found.student), strict=True):
        assert mark.get_xdata() == [np.clip(analysis.values["valence"], 0, 1)]
        assert mark.get_ydata() == [np.clip(analysis.values["arousal"], 0, 1)]
    assert f"{found.student.values['arousal']:.2f}" in values_table(found)


def test_channels_of_two_speakers_have_values_of_their_own(models, tmp_path):
    paths = sorted(pathlib.Path(SPEECH).iterdir())[:2]
    first, second = (load(str(path))[:30000] for path in paths)
    for channels, count in (([first, second], 2), ([first, first], 0), ([first], 0)):
        path = str(tmp_path / "call.wav")
        soundfile.write(path, np.stack(channels, axis=1), 16000, "FLOAT")
        found = compare(models, path, "whisper-tiny-adv", "wav2small")
        assert len(found.channels) == count
        assert ("channel 1" in channels_table(found)) == (count == 2)
        for values, signal in zip(found.channels, channels, strict=False):
            (row,) = Predictor().signal(signal, 16000)
            np.testing.assert_allclose([*values.values()], row.values[0], atol=1e-5)


def test_one_request_at_a_time_uses_a_model(models):
    begun, over = threading.Event(), threading.Event()

    def hold() -> None:
        with models.held("wav2small", Deadline(60)):
            begun.set()
            over.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    begun.wait(60)
    clip = read_clip(ANGRY)
    with pytest.raises(BusyError, match="try again"):
        analyse(models, "wav2small", clip, Deadline(0.05))
    over.set()
    holder.join()
    assert analyse(models, "wav2small", clip, Deadline(60)).values["arousal"] > 0.8


def test_requests_end_in_time(models):
    clip = read_clip(ANGRY)
    with models.held("whisper-tiny-adv", Deadline(60)):
        pass
    deadline = Deadline(60)
    read = deadline.timed(lambda report, **_: iter([clip.signal[None]] * 3))
    blocks = read(None)
    next(blocks)
    deadline.end = 0
    with pytest.raises(RefusedError, match="took too long"):
        next(blocks)


def test_unknown_models(models):
    with pytest.raises(RefusedError, match="Choose one of whisper-tiny-adv, wav2small"):
        compare(models, ANGRY, "nobody", "wav2small")
    with pytest.raises(audw2s.MissingModelError, match="audw2s get"):
        Models(teacher="mean(dawn, odyssey)")


def test_the_teacher_of_the_paper_is_explained(models):
    terms = models.terms("whisper-tiny-adv", "wav2small")
    assert "whisper-tiny-adv: MIT" in terms
    assert "wav2small: CC BY 4.0" in terms
    if not audw2s.models().installed["teacher"]:
        assert "`audw2s get teacher --accept-licence`" in terms


def test_live_is_bounded_and_ends(models, chunks):
    live = Live(models)
    values, held = [], []
    for path in chunks:
        view = live.push("one", path, "whisper-tiny-adv", "wav2small")
        values.append(view.moment.window["arousal"])
        session = live.sessions["one"]
        held.append((len(session.student), sum(map(len, session.recent))))
    assert view.is_over
    assert view.moment.time == 60
    assert "60 s are over" in meters(view)
    # A value each 0.05 s
    assert view.num_updates > 0.9 * 1200
    assert max(points for points, _ in held) <= HISTORY_DUR / 0.05 + 2
    assert max(samples for _, samples in held) <= (TEACHER_DUR + 0.2) * 48_000
    assert view.teacher
    assert np.isfinite(list(view.teacher[-1].values.values())).all()
    stream = audw2s.Stream(sampling_rate=48_000)
    for path in chunks[:300]:
        stream.push(soundfile.read(path)[0])
    assert values[-1] == pytest.approx(stream.window["arousal"], abs=0.02)
    live.drop("one")
    assert not live.sessions


def test_live_limits_the_number_of_sessions(models, chunks):
    live = Live(models)
    for number in range(MAX_SESSIONS):
        live.push(str(number), chunks[0], "whisper-tiny-adv", "wav2small")
    with pytest.raises(BusyError):
        live.push("one more", chunks[0], "whisper-tiny-adv", "wav2small")
    # Those that say nothing any more make room
    for session in live.sessions.values():
        session.used -= 60
    live.push("one more", chunks[0], "whisper-tiny-adv", "wav2small")
    assert list(live.sessions) == ["one more"]


def test_only_students_run_live(models, chunks):
    with pytest.raises(RefusedError, match="can't be used live"):
        Live(models).push("one", chunks[0], "wav2small", "whisper-tiny-adv")


def test_batch_agrees_with_literal_ccc(models, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"broken")
    paths = [*map(str, sorted(SPEECH.iterdir())), str(broken)]
    found = analyse_all(models, paths, "whisper-tiny-adv", "wav2small")
    assert found["note"].iloc[-1].startswith("This file can't be read")
    for name, (ccc, difference) in agreement(found).items():
        x, y = found[f"teacher_{name}"][:-1], found[f"student_{name}"][:-1]
        cov = ((x - x.mean()) * (y - y.mean())).mean()
        expected = (
            2 * cov / (x.var(ddof=0) + y.var(ddof=0) + (x.mean() - y.mean()) ** 2)
        )
        assert ccc == pytest.approx(expected, abs=1e-9)
        assert difference == pytest.approx((x - y).abs().mean(), abs=1e-9)
    late = analyse_all(
        models, paths[:1], "wav2small", "wav2small", deadline=Deadline(-1)
    )
    assert late["note"][0].startswith("This took too long")
    with pytest.raises(RefusedError, match="21 files"):
        analyse_all(models, paths[:1] * 21, "wav2small", "wav2small")


def test_examples_are_six_and_one_is_noisy(tmp_path):
    found = clips(str(tmp_path))
    assert len(found) == 6
    assert [label for label in found if label.startswith("noisy")]
    for path in found.values():
        assert 2 < soundfile.info(path).duration < 60


def test_examples_outlive_uploads(models, tmp_path, monkeypatch):
    gradio = pytest.importorskip("gradio")
    from gradio.route_utils import delete_files_created_by_app
    from gradio.state_holder import SessionState

    from audw2s.demo.server import prepared

    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")
    blocks, _ = prepared(models, str(tmp_path))
    (shown,) = [b for b in blocks.blocks.values() if isinstance(b, gradio.Dataset)]
    (click,) = [fn for fn in blocks.fns.values() if (shown._id, "click") in fn.targets]
    for number in range(6):
        call = blocks.process_api(click, [number], state=SessionState(blocks))
        with ThreadPoolExecutor(1) as pool:
            # A thread of its own: a browser of other tests has its loop in this one
            result = pool.submit(asyncio.run, call).result()
        chosen = result["data"][0]["value"]["path"]
        # As each minute, but of any age
        delete_files_created_by_app(blocks, None)
        assert os.path.exists(chosen)
        assert os.path.dirname(chosen) == str(tmp_path)


def test_many_channels_are_refused_by_the_header(tmp_path):
    """50 s of eight channels at 192 kHz are 300 MB, and a small FLAC."""
    path = tmp_path / "wide.flac"
    soundfile.write(path, np.zeros((50 * 192_000, 8), "int16"), 192_000)
    with pytest.raises(RefusedError, match="8 channels at 192000 Hz"):
        read_clip(str(path))


def test_every_status_has_a_message():
    from audw2s.audio.statuses import STATUSES
    from audw2s.audio.statuses import UNUSABLE
    from audw2s.demo.clip import NOTES
    from audw2s.demo.limits import WORDS

    # That is refused by its duration
    assert set(WORDS) == set(UNUSABLE) - {"too_long"}
    # What is short is told by its duration
    assert set(NOTES) == set(STATUSES) - set(UNUSABLE) - {"ok", "short"}


def test_channels_that_cancel_out_and_what_is_quiet(tmp_path):
    speech, rate = soundfile.read(sorted(SPEECH.glob("*.flac"))[0])
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.stack([speech, -speech], 1), rate)
    with pytest.raises(RefusedError, match="cancel each other out"):
        read_clip(path)
    soundfile.write(path, speech / 1000, rate)
    assert "The recording is very quiet" in " ".join(read_clip(path).notes)
