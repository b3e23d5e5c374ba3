"""Pages that commands start, and browsers that are watched."""

import contextlib
import pathlib
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from waiting import MAX_DUR
from waiting import wait_until

SPEECH = pathlib.Path(__file__).parents[2] / "examples" / "speech"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read()


@contextlib.contextmanager
def started(folder, port: int, *command: str, **options):
    """Address of a page that a command starts; it leaves no traceback."""
    pytest.importorskip("gradio")
    log = folder / "log"
    found = f"http://127.0.0.1:{port}/"
    with open(log, "w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, **options)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return bool(fetched(found))
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    try:
        wait_until(answers, "the page answers", pause=0.1)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(MAX_DUR) == 130, log.read_text()
    # Nobody's mistake was a surprise to the server, but for files that aren't theirs
    raised = re.findall(r"^[\w.]*(?:Error|Exception)\b", log.read_text(), re.M)
    assert set(raised) <= {"gradio.exceptions.InvalidPathError"}, log.read_text()


@contextlib.contextmanager
def watched(browser, address, button, *others, script="", login=None):
    """A page in a browser; it must neither complain nor ask anybody else.

    A script may run before those of the page, and a login may be needed.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, http_credentials=login
    )
    # A browser is several processes, which wait for each other on a busy machine
    context.set_default_timeout(1000 * MAX_DUR)
    page = context.new_page()
    page.add_init_script(script)
    asked, complaints = [], []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type == "error" else None,
    )
    page.goto(address)
    page.get_by_role("button", name=button, exact=True).wait_for()
    yield page, complaints
    context.close()
    assert len(asked) > 10
    local = (address, f"blob:{address}", *others)
    assert [url for url in asked if not url.startswith(local)] == []
