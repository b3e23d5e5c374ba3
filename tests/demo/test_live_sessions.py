"""Live speech as the server processes it, without a browser."""

import time

import numpy as np
import pytest
import soundfile
import soxr
from pages import SPEECH
from starlette.applications import Starlette
from starlette.testclient import TestClient
from waiting import wait_until

import audw2s
from audw2s.demo.guard import refused
from audw2s.demo.job import Job
from audw2s.demo.limits import MAX_DUR
from audw2s.demo.limits import TEACHER_DUR
from audw2s.demo.live import IDLE_DUR
from audw2s.demo.live import MAX_SESSIONS
from audw2s.demo.live import UPDATE_DUR
from audw2s.demo.live import Chunk
from audw2s.demo.live import Live
from audw2s.demo.live_routes import live_routes
from audw2s.demo.models import Models
from audw2s.demo.words import RefusedError

RATE = 48_000

PIECE = round(UPDATE_DUR * RATE)


@pytest.fixture(scope="module")
def models():
    return Models()


@pytest.fixture(scope="module")
def speech():
    """Speech of 3 s at 48 kHz, as a browser sends it."""
    signal = soundfile.read(sorted(SPEECH.glob("*.flac"))[0])[0][:48_000]
    samples = soxr.resample(signal, 16_000, RATE)
    return np.round(32_767 * np.clip(samples, -1, 1)).astype(np.int16)


def chunk(samples, first=0, is_last=False, session="one", client="a", **kwargs):
    settings = {"teacher": "whisper-tiny-adv", "student": "wav2small"}
    settings |= {"rate": RATE, "student_points": 0, "teacher_points": 0}
    settings |= {"client": client, "session": session, "samples": samples} | kwargs
    return Chunk(first=first, last=is_last, **settings)


def streamed(samples, rate=RATE) -> np.ndarray:
    """Times and values of ``Stream``, with the same updates."""
    stream = audw2s.Stream(sampling_rate=rate, update_dur=0.4 * UPDATE_DUR)
    size = round(UPDATE_DUR * rate)
    moments = [
        stream.push(samples[first : first + size])
        for first in range(0, len(samples), size)
    ]
    moments.append(stream.finish())
    rows = [[moment.time, *moment.window.values()] for moment in moments]
    return np.array([row for row in rows if np.isfinite(row).all()])


@pytest.mark.parametrize("size", [960, 5000, 200_000])
def test_values_are_those_of_stream_however_samples_are_cut(models, speech, size):
    live, points, state = Live(models), [], {"num_samples": 0, "is_over": False}
    speech = speech[:-777]
    while not state["is_over"]:
        first = state["num_samples"]
        # What isn't processed yet comes again
        most = first + PIECE * (1 + size // PIECE)
        is_last = most >= len(speech)
        part = chunk(speech[first:most], first, is_last, student_points=len(points))
        state = live.push(part)
        points += state["student"]
    assert state["num_samples"] == len(speech)
    assert not live.sessions
    np.testing.assert_allclose(points, streamed(speech), atol=1e-6)


def test_what_comes_twice_or_too_early_is_not_processed(models, speech):
    live = Live(models)
    state = live.push(chunk(speech[:PIECE]))
    assert state["num_samples"] == PIECE
    assert live.push(chunk(speech[:PIECE])) == state
    later = live.push(chunk(speech[:PIECE], first=3 * PIECE))
    assert later["num_samples"] == PIECE
    # A server that was restarted asks for all from the start
    assert Live(models).push(chunk(speech[:PIECE], first=PIECE))["num_samples"] == 0


def test_a_session_is_bounded_and_ends(models, speech):
    live, first = Live(models), 0
    minute = np.resize(speech, 61 * RATE)
    while first < MAX_DUR * RATE:
        state = live.push(chunk(minute[first:], first))
        assert state["num_samples"] - first == 2 * RATE
        first = state["num_samples"]
        assert len(live.sessions["one"].recent) <= TEACHER_DUR * RATE
    assert live.push(chunk(minute[first:], first))["num_samples"] == MAX_DUR * RATE
    assert len(live.sessions["one"].student) == pytest.approx(1190, abs=5)


def test_the_teacher_follows(models, speech):
    live = Live(models)
    live.push(chunk(speech[: 2 * RATE]))
    session = live.sessions["one"]
    wait_until(lambda: bool(session.teacher), "a value of the teacher")
    ((now, *values),) = live.push(chunk(speech[:0], 2 * RATE))["teacher"]
    assert now == 2
    feature = audw2s.Feature("whisper-tiny-adv")
    expected = feature.process_signal(speech[: 2 * RATE], RATE).to_numpy()[0]
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_requests_that_hold_the_models_stop_no_session(models, speech):
    live = Live(models)
    with (
        Job(models).held("wav2small"),
        Job(models).held("whisper-tiny-adv"),
    ):
        state = live.push(chunk(speech))
    assert len(state["student"]) > 20
    assert state["teacher"] == []


def test_sessions_are_limited(models, speech):
    live = Live(models)

    def begin(number: int, client: str) -> None:
        live.push(chunk(speech[:0], session=f"{number} {client}", client=client))

    for number in range(MAX_SESSIONS // 2):
        begin(number, "a")
    with pytest.raises(RefusedError, match="those for your address, are taken"):
        begin(9, "a")
    for client in "bcde":
        begin(1, client)
    with pytest.raises(RefusedError, match="All places for live speech"):
        begin(1, "f")
    # Those that send nothing any more, and those that never end, make room
    first, *others = live.sessions.values()
    first.begun -= 4 * MAX_DUR
    for session in others:
        session.used = time.monotonic() - IDLE_DUR
    begin(1, "f")
    assert list(live.sessions) == ["1 f"]


@pytest.mark.parametrize(
    "query, body, sentence",
    [
        ({"student": "whisper-tiny-adv"}, b"", "can't be used live"),
        ({"student": "/etc"}, b"", "no such model here"),
        ({"teacher": "/etc"}, b"", "no such model here"),
        ({"rate": "7"}, b"", "isn't a chunk of live speech"),
        ({"first": "-1"}, b"", "isn't a chunk of live speech"),
        ({"first": "one"}, b"", "isn't a chunk of live speech"),
        ({}, b"odd", "isn't a chunk of live speech"),
        ({}, b"even", None),
    ],
)
def test_requests_are_answered_or_refused_with_a_sentence(
    models, query, body, sentence
):
    client = TestClient(
        Starlette(
            routes=[live_routes(models)], exception_handlers={RefusedError: refused}
        )
    )
    settings = {"session": "one", "teacher": "whisper-tiny-adv", "rate": RATE}
    settings |= {"student": "wav2small", "first": 0, "last": 0}
    settings |= {"student_points": 0, "teacher_points": 0}
    answer = client.post("/live/push", params=settings | query, content=body)
    assert answer.status_code == (200 if sentence is None else 400)
    if sentence:
        assert sentence in answer.json()["error"]
