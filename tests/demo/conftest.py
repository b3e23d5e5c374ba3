"""The page as users start it, and a real browser in front of it."""

import re
import shutil

import numpy as np
import pytest
import soundfile
from commands import COMMAND
from pages import BROWSERS
from pages import SPEECH
from pages import free_port
from pages import started
from pages import watched

UNHEARD = re.compile(r"Unable to decode|MediaError|Waveform|^Response$|status of 404")
"""What browsers say of files that are no audio, or too large to be uploaded."""


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Address of a page that ``audw2s demo`` started."""
    port = free_port()
    command = COMMAND, "demo", "--port", str(port)
    with started(tmp_path_factory.mktemp("demo"), port, *command) as address:
        yield address


@pytest.fixture(scope="session")
def ten_hours(tmp_path_factory):
    """Silence that is small until it is decoded."""
    path = tmp_path_factory.mktemp("long") / "silence.flac"
    soundfile.write(path, np.zeros(36_000_000, "int16"), 1000)
    return str(path)


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """Speech of 10 s at 48 kHz for the fake microphone."""
    folder = tmp_path_factory.mktemp("microphone")
    parts = [soundfile.read(path)[0] for path in sorted(SPEECH.glob("*.flac"))]
    speech = np.resize(np.concatenate(parts), 160_000)
    path = folder / "spoken.wav"
    soundfile.write(path, np.repeat(speech, 3), 48_000, subtype="PCM_16")
    return str(path)


@pytest.fixture(scope="session")
def browser(spoken):
    """Chromium with a microphone that speaks."""
    api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"needs a browser, and there is none of {', '.join(BROWSERS)}")
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
    ]
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()


@pytest.fixture
def page(browser, address):
    """The page, without complaints of its scripts."""
    with watched(browser, address, "Record", "data:") as (page, complaints):
        yield page
    assert [text for text in complaints if not UNHEARD.search(text)] == []
