"""Live speech in a real browser: nothing is lost in silence, and each state is said."""

import contextlib
import io
import shutil
import signal
import subprocess

import numpy as np
import pandas as pd
import pytest
import soundfile
from commands import COMMAND
from conftest import BROWSERS
from conftest import fetched
from conftest import free_port
from conftest import watched
from full import FULL
from full import full
from test_live_sessions import streamed
from test_page import NAMES
from test_page import downloaded
from waiting import MAX_DUR
from waiting import wait_until

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


@contextlib.contextmanager
def opened(browser, address, script=TRACKS):
    """The tab, whose scripts don't complain, but of what can't be reached."""
    everything = watched(browser, address, "Record", "data:", script=script)
    with everything as (page, complaints):
        show(page)
        yield page
    assert [text for text in complaints if "Failed to load" not in text] == []


@pytest.fixture(scope="module")
def page(browser, address):
    with opened(browser, address) as page:
        page.network = page.context.new_cdp_session(page)
        page.network.send("Network.enable")
        yield page


def show(page):
    page.get_by_role("tab", name="Live").click()
    page.locator("#live [role=status]").first.wait_for()


def start(page):
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator("#live [data-state=on]").wait_for()


def stop(page):
    page.get_by_role("button", name="Stop", exact=True).click()


def facts(page) -> dict[str, str]:
    return page.evaluate("({...document.querySelector('#live [data-state]').dataset})")


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


def limit(page, latency: float = 0, offline: bool = False) -> None:
    """Let the network be slow, or away."""
    speed = {"downloadThroughput": -1, "uploadThroughput": -1}
    conditions = {"latency": latency, "offline": offline} | speed
    page.network.send("Network.emulateNetworkConditions", conditions)


def test_all_samples_are_analysed_at_any_latency(page):
    for latency in (0, 100, 300, 1000) if FULL else (0, 300):
        limit(page, latency)
        start(page)
        begin = page.evaluate("performance.now()")
        page.wait_for_function("tracks.at(-1).readyState === 'live'")
        page.wait_for_timeout(2000)
        stop(page)
        seconds = (page.evaluate("performance.now()") - begin) / 1000
        assert ends(page, "Stopped.")
        samples, rate, table = kept(page)
        assert len(samples) == int(facts(page)["analysed"])
        print(f"{latency} ms: {len(samples) / rate:.2f} s in {seconds:.2f} s")
        student = table[table["role"] == "student"]
        np.testing.assert_allclose(
            student[["time", *NAMES]], streamed(samples, rate), atol=1e-3
        )
        assert set(table["model"]) <= {"wav2small", "whisper-tiny-adv"}


def test_another_tab_ends_the_microphone(page):
    start(page)
    page.wait_for_timeout(700)
    page.get_by_role("tab", name="Batch").click()
    page.wait_for_function("tracks.at(-1).readyState === 'ended'")
    page.get_by_role("tab", name="Live").click()
    assert ends(page, "Another tab was opened: the microphone is off.")
    # And so does another model
    start(page)
    page.get_by_text("Models, for researchers").click()
    page.get_by_role("combobox", name="Student").click()
    page.get_by_role("option", name="wav2small-int8").click()
    assert has_state(page, "Another model was chosen: the microphone is off. All")
    start(page)
    page.wait_for_timeout(1000)
    stop(page)
    assert ends(page, "Stopped.")
    assert "wav2small-int8" in set(kept(page)[2]["model"])
    page.reload()
    show(page)


def test_a_lost_connection_is_said_and_what_was_spoken_is_kept(page):
    start(page)
    page.wait_for_timeout(700)
    limit(page, offline=True)
    assert has_state(page, "Connection lost. What you say is kept")
    page.locator("#live b", has_text=" s ago").first.wait_for()
    limit(page)
    assert has_state(page, "Listening.")
    stop(page)
    assert ends(page, "Stopped.")
    samples, rate, table = kept(page)
    expected = streamed(samples, rate)
    student = table[table["role"] == "student"][["time", *NAMES]]
    np.testing.assert_allclose(student, expected, atol=1e-3)


def test_time_is_limited_and_reduced_motion_is_respected(page):
    two_seconds = fetched(page.url + "live/facts.json").replace(b":60.0", b":2.0")
    page.route("**/live/facts.json", lambda route: route.fulfill(body=two_seconds))
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    show(page)
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
    show(page)
    assert has_state(page, "at https:// and at localhost only")
    assert page.get_by_role("button", name="Start", exact=True).is_disabled()


def test_a_refused_microphone_is_said(browser, address):
    """By a browser that would ask its user, who isn't there."""
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    path = next(filter(None, map(shutil.which, BROWSERS)))
    other = browser.browser_type.launch(executable_path=path, args=arguments)
    with opened(other, address) as page:
        page.get_by_role("button", name="Start", exact=True).click()
        assert has_state(page, "The microphone is refused.")
    other.close()


def test_silent_and_loud_microphones_are_said(browser, address):
    with opened(browser, address, TONE) as page:
        start(page)
        assert has_state(page, "Only silence comes from the microphone.")
        page.evaluate("gain.gain.value = 2")
        assert has_state(page, "This is too loud for the microphone.")
        page.evaluate("gain.gain.value = 0.3")
        assert has_state(page, "Listening.")
        stop(page)


@full
def test_a_restarted_server_gets_the_recording_again(browser):
    port = free_port()
    address = f"http://127.0.0.1:{port}/"

    def serve() -> subprocess.Popen:
        process = subprocess.Popen([COMMAND, "demo", "--port", str(port)])
        wait_until(lambda: is_there(address), "the page answers", pause=0.1)
        return process

    first = serve()
    with opened(browser, address) as page:
        start(page)
        page.wait_for_timeout(2000)
        first.kill()
        first.wait(MAX_DUR)
        assert has_state(page, "Connection lost.")
        second = serve()
        assert has_state(page, "Listening.")
        stop(page)
        assert ends(page, "Stopped.")
        samples, rate, table = kept(page)
        student = table[table["role"] == "student"][["time", *NAMES]]
        np.testing.assert_allclose(student, streamed(samples, rate), atol=1e-3)
    second.send_signal(signal.SIGTERM)
    second.wait(MAX_DUR)


def is_there(address: str) -> bool:
    try:
        return bool(fetched(address))
    except OSError:
        return False
