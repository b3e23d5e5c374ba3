"""The static page in a real browser: values of Python, and no other host is asked."""

import functools
import http.server
import io
import itertools
import json
import re
import threading
import time
from typing import ClassVar

import av
import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
from full import FULL
from full import sample
from pages import SPEECH
from pages import watched
from test_page import downloaded
from typer.testing import CliRunner
from waiting import MAX_DUR
from waiting import wait_until

import audw2s
from audw2s.commands.app import app
from audw2s.demo.examples import clips

NAMES = ["arousal", "dominance", "valence"]

ANGRY = SPEECH / "emodb-03a05Wa-anger.flac"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder that ``audw2s demo --static`` wrote."""
    folder = tmp_path_factory.mktemp("static") / "site"
    done = CliRunner().invoke(app, ["demo", "--static", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


class Counting(http.server.SimpleHTTPRequestHandler):
    """Handler that counts bytes of files."""

    num_sent = 0
    delays: ClassVar[dict[str, float]] = {}
    """Seconds that files take."""

    def do_GET(self):  # noqa: N802
        time.sleep(self.delays.get(self.path, 0))
        super().do_GET()

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        content = source.read()
        Counting.num_sent += len(content)
        outputfile.write(content)


@pytest.fixture
def server(site):
    """Any web server."""
    handler = functools.partial(Counting, directory=str(site))
    Counting.num_sent = 0
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def page(browser, server):
    """The page; it must neither complain nor ask anybody else."""
    address = f"http://127.0.0.1:{server.server_port}/"
    with watched(browser, address, re.compile("angry")) as (page, complaints):
        yield page
    assert complaints == []


@pytest.fixture
def unwatched(browser):
    """An empty tab, whose requests may fail."""
    # What a service worker asks for isn't routed by each version of Playwright
    context = browser.new_context(service_workers="block")
    context.set_default_timeout(1000 * MAX_DUR)
    yield context.new_page()
    context.close()


def upload(page, path):
    page.locator("#file").set_input_files(path)


def values(page) -> list[float]:
    """A/D/V on the page, once they are there."""
    page.locator("#results .adv-sentence").wait_for()
    shown = page.evaluate("({...document.querySelector('#results').dataset})")
    return [float(shown[name]) for name in NAMES]


def windows(page) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(downloaded(page, "Windows (CSV)")))


def has_values_of_python(page, path):
    """Whether values and windows are those of Python, to 2e-3."""
    upload(page, path)
    page.get_by_text("Analysing.").wait_for(state="detached")
    expected = audw2s.Feature().process_file(str(path)).to_numpy()[0]
    np.testing.assert_allclose(values(page), expected, atol=2e-3, err_msg=path)
    curve = audw2s.curve(str(path), rate=4)
    np.testing.assert_allclose(
        windows(page)[NAMES], curve[NAMES], atol=2e-3, err_msg=path
    )
    return True


def test_examples_have_the_values_of_python(page, site, tmp_path):
    facts = json.loads((site / "facts.json").read_text())
    assert list(facts["examples"]) == list(clips(str(tmp_path)))
    assert facts["examples"]["read speech"] == "clips/read-speech.mp3"
    paths = [site / name for name in facts["examples"].values()]
    for path in [*paths, *sorted(tmp_path.glob("*.flac"))]:
        assert has_values_of_python(page, str(path))


def as_m4a(path, signal, rate):
    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        samples = np.ascontiguousarray(signal[None], np.float32)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def recording(folder, name, rate):
    """Path of a recording; its name is that of its subtype, or ends with its format."""
    signal = soxr.resample(soundfile.read(ANGRY, dtype="float32")[0], 16000, rate)
    path = folder / name
    if path.suffix == ".m4a":
        as_m4a(path, signal, rate)
    elif path.suffix == ".wav":
        stereo = np.stack([signal, 0.5 * signal], axis=1)
        soundfile.write(path, stereo, rate, subtype=path.stem)
    else:
        soundfile.write(path, signal, rate)
    return str(path)


def test_formats_have_the_values_of_python(page, tmp_path):
    names = ["PCM_16.wav", "PCM_24.wav", "FLOAT.wav", "a.mp3", "a.flac", "a.ogg"]
    names.append("a.m4a")
    # As the number of names is odd, each other pair has all of them, and both rates
    for rate, name in sample(itertools.product((44100, 48000), names), 2):
        assert has_values_of_python(page, recording(tmp_path, name, rate))


def test_a_recording_waits_for_a_model_that_is_still_loaded(
    browser, server, monkeypatch
):
    monkeypatch.setitem(Counting.delays, "/level.js", 3)
    address = f"http://127.0.0.1:{server.server_port}/"
    with watched(browser, address, re.compile("angry")) as (page, complaints):
        upload(page, ANGRY)
        assert len(values(page)) == 3
    assert complaints == []


def test_a_file_may_be_chosen_before_the_script_is_there(unwatched, server):
    """The page counts as loaded while ``facts.json`` is on its way."""

    def choose(route) -> None:
        upload(unwatched, ANGRY)
        route.continue_()

    # Once: the worker loads this file, too
    unwatched.context.route("**/facts.json", choose, times=1)
    unwatched.goto(f"http://127.0.0.1:{server.server_port}/")
    assert len(values(unwatched)) == 3


LOST = "A part of this page couldn't be loaded"


SAYS = {
    "page.js": "If this stays",
    "facts.json": "If this stays",
    "worker.js": LOST,
    "level.js": LOST,
    "wav2small.wasm": LOST,
    "weights.bin": LOST,
}
"""What the page says without one of its files."""

# Each file in one of both ways
FAULTS = [*zip(SAYS, [None, 404] * 3, strict=True)]
FAULTS += [*zip(SAYS, [404, None] * 3, strict=True)] if FULL else []


@pytest.mark.parametrize("file, status", FAULTS)
def test_what_cannot_be_loaded_is_said(unwatched, server, file, status):
    """By a server that lacks a file, or a network that fails."""

    def fail(route) -> None:
        route.abort() if status is None else route.fulfill(status=status)

    page = unwatched
    page.context.route(f"**/{file}", fail)
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    message = page.locator("#results", has_text=SAYS[file])
    if file.startswith("w"):
        upload(page, ANGRY)
        message.wait_for()
    message.wait_for()
    if "wav2small" in file:
        page.get_by_role("button", name="Record").click()
        page.locator("#live").wait_for(state="hidden")
        message.wait_for()
    # The page goes on once the files are there
    page.context.unroute(f"**/{file}")
    page.reload()
    page.get_by_role("button", name="happy").click()
    assert len(values(page)) == 3


def test_every_mistake_has_a_message(page, tmp_path):
    speech, rate = soundfile.read(ANGRY)
    signals = {
        "silent": (0 * speech, "The recording is silent"),
        "quiet": (1e-3 * speech, "The recording is very quiet"),
        "clipped": (np.clip(50 * speech, -1, 1), "The recording is clipped"),
        "short": (speech[16000:24000], "short (0.50 s): values below 2 s are unsure"),
        "minute": (np.resize(speech, 60 * rate), "The recording is long (60 s)"),
        "empty": (speech[:0], "This file has no samples."),
        "tiny": (speech[:30], "Record a second of speech or more."),
        "nan": (np.where(np.arange(len(speech)) == 9, np.nan, speech), "Export it"),
        "cancelled": (np.stack([speech, -speech], 1), "cancel each other out"),
        "long": (np.zeros(601 * 8000), "takes 10 min at most"),
    }
    for name, (signal, message) in signals.items():
        path = tmp_path / f"{name}.wav"
        file_rate = 8000 if name == "long" else rate
        soundfile.write(path, signal, file_rate, subtype="FLOAT")
        upload(page, path)
        page.locator("#results").get_by_text(message).wait_for()
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"<!doctype html>" * 100)
    upload(page, junk)
    page.get_by_text("Save it as WAV, FLAC, MP3 or M4A.").wait_for()
    # All the same, the page goes on
    page.get_by_role("button", name="happy").click()
    assert len(values(page)) == 3


def test_all_samples_of_the_microphone_are_processed(page):
    page.get_by_role("button", name="Record").click()
    live = page.locator("#live")
    live.get_by_text("Listening.", exact=True).wait_for()
    state = "({...document.querySelector('#live').dataset, now: performance.now()})"
    first = page.evaluate(state)
    count = int(first["updates"]) + 50
    wait_until(lambda: int(page.evaluate(state)["updates"]) >= count, "50 updates")
    last = page.evaluate(state)
    seconds = (last["now"] - first["now"]) / 1000
    rate = (int(last["updates"]) - int(first["updates"])) / seconds
    print(f"{rate:.1f} updates a second")
    # On a machine that is busy with other tests, less says nothing
    assert rate >= 25 or not FULL
    assert last["lost"] == "0"
    page.get_by_role("button", name="Stop").click()
    total = values(page)
    assert np.isfinite(total).all()
    assert live.get_attribute("data-lost") == "0"
    duration = windows(page)["end"].max()
    rate = page.evaluate("new AudioContext().sampleRate")
    assert int(live.get_attribute("data-samples")) == pytest.approx(
        duration * rate, abs=5
    )


CONTROLLED = """new Promise((resolve) => {
  const workers = navigator.serviceWorker;
  workers.addEventListener("controllerchange", () => resolve());
  if (workers.controller) resolve();
})"""


STORED = """caches.keys().then(async ([name]) => {
  const requests = await (await caches.open(name)).keys();
  return requests.map((request) => new URL(request.url).pathname.slice(1));
})"""


def test_the_page_is_small_and_works_offline(page, server, site):
    page.evaluate(CONTROLLED)
    # Files of the page aren't loaded again for the cache
    assert 400_000 < Counting.num_sent < 600_000
    server.shutdown()
    server.server_close()
    page.reload()
    page.get_by_role("button", name="sad").click()
    assert len(values(page)) == 3
    # What is stored are files of the page
    files = {str(p.relative_to(site)) for p in site.rglob("*") if p.is_file()}
    assert set(page.evaluate(STORED)) == files - {"service-worker.js"} | {""}
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("indexedDB.databases()") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_and_accessibility(page, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="angry").click()
    values(page)
    page.get_by_text("The curves as a table").click()
    for state in ("results", "live"):
        if state == "live":
            page.get_by_role("button", name="Record").click()
            page.get_by_text("Listening.", exact=True).wait_for()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
        report = axe.Axe().run(page)
        assert report.violations_count == 0, report.generate_report()


def test_the_page_works_by_keyboard(page):
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "happy":
            break
    page.keyboard.press("Enter")
    assert len(values(page)) == 3


def test_other_students_are_refused(tmp_path):
    command = ["demo", "--static", str(tmp_path / "a"), "--student", "whisper-tiny-adv"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "isn't of the Wav2Small family" in " ".join(done.stderr.split())
    assert not (tmp_path / "a").exists()
