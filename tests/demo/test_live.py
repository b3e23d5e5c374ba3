"""Live speech in a real browser: nothing is lost in silence, and each state is said."""

import contextlib
import io
import shutil
import threading

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
import uvicorn
from full import full
from full import sample
from pages import BROWSERS
from pages import free_port
from pages import watched
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from test_live_sessions import streamed
from test_page import NAMES
from test_page import downloaded
from waiting import wait_until

from audw2s.demo import live_routes as routes
from audw2s.demo.live_routes import live_routes
from audw2s.demo.models import Models

PAGE = """<!doctype html>
<link rel="icon" href="data:,">
<div id="live"></div>
<script type="module">
import { open } from "./live/live.js";
const models = { teacher: "whisper-tiny-adv", student: "wav2small" };
open(document.querySelector("#live"), models);
</script>"""
"""What Gradio's page has of live speech, and loads within no time."""

TRACKS = """
const open = MediaDevices.prototype.getUserMedia;
window.tracks = [];
MediaDevices.prototype.getUserMedia = async function (wanted) {
  const media = await open.call(this, wanted);
  window.tracks.push(...media.getTracks());
  return media;
};
"""
"""Lets tests see whether microphones are off."""

COUNT = """() => {
  window.count = 0;
  const value = document.querySelector("[data-value=student-arousal]");
  new MutationObserver(() => count++).observe(value, { childList: true });
}"""
"""Counts changes of a value."""

TONE = """
MediaDevices.prototype.getUserMedia = async () => {
  const context = new AudioContext();
  const tone = new OscillatorNode(context);
  window.gain = new GainNode(context, { gain: 0 });
  const output = new MediaStreamAudioDestinationNode(context);
  tone.connect(window.gain).connect(output);
  tone.start();
  return output.stream;
};
"""
"""A microphone whose gain tests set."""


@pytest.fixture(scope="module")
def models():
    return Models()


@contextlib.contextmanager
def served(models, port):
    """A server without memory of earlier ones."""
    page = Route("/", lambda request: HTMLResponse(PAGE))
    app = Starlette(routes=[page, live_routes(models)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, "the server starts")
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = server.force_exit = True
    thread.join()


@contextlib.contextmanager
def opened(browser, address, script=TRACKS):
    """The page, whose scripts don't complain, but of what can't be reached."""
    with watched(browser, address, "Start", "data:", script=script) as (page, texts):
        page.network = page.context.new_cdp_session(page)
        page.network.send("Network.enable")
        yield page
    assert [text for text in texts if "Failed to load" not in text] == []


@pytest.fixture(scope="module")
def server(models):
    with served(models, free_port()) as address:
        yield address


@pytest.fixture
def page(browser, server):
    with opened(browser, server) as page:
        yield page


def start(page):
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("[data-state=on]").wait_for()


def stop(page):
    page.get_by_role("button", name="Stop", exact=True).click()


def facts(page) -> dict[str, str]:
    return page.evaluate("({...document.querySelector('[data-state]').dataset})")


def has_state(page, sentence: str) -> bool:
    """Whether the page comes to say something, in a region that is announced."""
    page.locator("#live [role=status]", has_text=sentence).first.wait_for()
    return True


def ends(page, sentence: str) -> bool:
    """Whether a session ends, all of it is analysed, and the microphone is off."""
    has_state(page, f"{sentence} All ")
    found = facts(page)
    assert found["state"] == "over"
    assert found["analysed"] == found["recorded"]
    assert found["lost"] == "0"
    assert page.evaluate("tracks.map((track) => track.readyState)")[-1] == "ended"
    return True


def kept(page) -> tuple[np.ndarray, int, pd.DataFrame]:
    """Recording, its sampling rate, and table of values."""
    recording = io.BytesIO(downloaded(page, "Recording (WAV)"))
    samples, rate = soundfile.read(recording, dtype="int16")
    return samples, rate, pd.read_csv(io.BytesIO(downloaded(page, "Values (CSV)")))


def has_values_of_stream(page) -> bool:
    """Whether all that was recorded has the values of ``Stream``."""
    samples, rate, table = kept(page)
    assert len(samples) == int(facts(page)["analysed"])
    assert set(table["model"]) <= {"wav2small", "whisper-tiny-adv"}
    student = table[table["role"] == "student"][["time", *NAMES]]
    np.testing.assert_allclose(student, streamed(samples, rate), atol=1e-3)
    return True


def share_of(spoken, samples, rate) -> float:
    """Share of what was spoken from begin to end that a recording has."""
    signal, rate_of_file = soundfile.read(spoken)
    loop = np.fft.rfft(soxr.resample(signal, rate_of_file, rate))
    count = round(len(signal) * rate / rate_of_file)
    size = rate // 2
    parts = [np.fft.rfft(part, count) for part in (samples[:size], samples[-size:])]
    first, last = (np.argmax(np.fft.irfft(loop * part.conj(), count)) for part in parts)
    return len(samples) / ((last - first) % count + size)


def limit(page, latency: float = 0, offline: bool = False) -> None:
    """Let the network be slow, or away."""
    speed = {"downloadThroughput": -1, "uploadThroughput": -1}
    conditions = {"latency": latency, "offline": offline} | speed
    page.network.send("Network.emulateNetworkConditions", conditions)


def test_all_samples_are_analysed_at_any_latency(page, spoken):
    for latency in sample((0, 100, 1000, 300), 2):
        limit(page, latency)
        start(page)
        page.wait_for_timeout(1500)
        stop(page)
        assert ends(page, "Stopped.")
        assert has_values_of_stream(page)
        samples, rate, _ = kept(page)
        assert len(samples) > rate
        assert share_of(spoken, samples, rate) > 0.99


@full
def test_values_change_fifteen_times_a_second(page):
    start(page)
    page.locator("#live b", has_text="0.").first.wait_for()
    page.evaluate(COUNT)
    page.wait_for_timeout(3000)
    assert page.evaluate("count") >= 45


def test_another_tab_and_another_model_end_the_microphone(browser, address):
    """On Gradio's page."""
    everything = watched(browser, address, "Record", "data:", script=TRACKS)
    with everything as (page, complaints):
        page.get_by_role("tab", name="Live").click()
        start(page)
        page.wait_for_timeout(700)
        page.get_by_role("tab", name="Batch").click()
        page.wait_for_function("tracks.at(-1).readyState === 'ended'")
        page.get_by_role("tab", name="Live").click()
        assert ends(page, "Another tab was opened: the microphone is off.")
        start(page)
        page.get_by_text("Models, for researchers").click()
        page.get_by_role("combobox", name="Student").click()
        page.get_by_role("option", name="wav2small-int8").click()
        assert ends(page, "Another model was chosen: the microphone is off.")
        start(page)
        page.wait_for_timeout(1000)
        stop(page)
        assert ends(page, "Stopped.")
        assert "wav2small-int8" in set(kept(page)[2]["model"])
    assert complaints == []


def test_a_lost_connection_is_said_and_what_was_spoken_is_kept(page):
    start(page)
    page.locator("#live b", has_text="0.").first.wait_for()
    limit(page, offline=True)
    assert has_state(page, "Connection lost. What you say is kept")
    page.locator("#live b", has_text=" s ago").first.wait_for()
    limit(page)
    assert has_state(page, "Listening.")
    stop(page)
    assert ends(page, "Stopped.")
    assert has_values_of_stream(page)


def test_time_is_limited_and_reduced_motion_is_respected(browser, models, monkeypatch):
    monkeypatch.setattr(routes, "MAX_DUR", 2)
    with served(models, free_port()) as address, opened(browser, address) as page:
        page.emulate_media(reduced_motion="reduce")
        start(page)
        page.evaluate(COUNT)
        assert ends(page, "2 s are over: the microphone is off.")
        assert page.evaluate("count") <= 5
        assert page.locator("#live audio").is_visible()


def test_what_does_not_start_is_explained(page):
    def refuse(name: str) -> None:
        page.evaluate(
            """name => { MediaDevices.prototype.getUserMedia = async () => {
              throw new DOMException("of a test", name);
            } }""",
            name,
        )
        page.get_by_role("button", name="Start", exact=True).click()

    for name, sentence in {
        "NotFoundError": "There is no microphone.",
        "NotReadableError": "Another program uses the microphone.",
        "AbortError": "The microphone doesn't work: of a test.",
    }.items():
        refuse(name)
        assert has_state(page, sentence)
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: 0})")
    page.reload()
    assert has_state(page, "at https:// and at localhost only")
    assert page.get_by_role("button", name="Start", exact=True).is_disabled()


def test_a_refused_microphone_is_said(browser, server):
    """By a browser that would ask its user, who isn't there."""
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    path = next(filter(None, map(shutil.which, BROWSERS)))
    other = browser.browser_type.launch(executable_path=path, args=arguments)
    with opened(other, server) as page:
        page.get_by_role("button", name="Start", exact=True).click()
        assert has_state(page, "The microphone is refused.")
    other.close()


def test_silent_and_loud_microphones_are_said(browser, server):
    with opened(browser, server, TONE) as page:
        start(page)
        assert has_state(page, "Only silence comes from the microphone.")
        page.evaluate("gain.gain.value = 2")
        assert has_state(page, "This is too loud for the microphone.")
        page.evaluate("gain.gain.value = 0.3")
        assert has_state(page, "Listening.")
        stop(page)


def test_a_restarted_server_gets_the_recording_again(browser, models):
    port = free_port()
    with contextlib.ExitStack() as stack:
        with served(models, port) as address:
            page = stack.enter_context(opened(browser, address))
            start(page)
            page.wait_for_timeout(1200)
        assert has_state(page, "Connection lost.")
        with served(models, port):
            assert has_state(page, "Listening.")
            stop(page)
            assert ends(page, "Stopped.")
            assert has_values_of_stream(page)


def test_a_tab_of_the_browser_that_is_left_ends_the_microphone(page):
    start(page)
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    assert ends(page, "Another tab was opened: the microphone is off.")
