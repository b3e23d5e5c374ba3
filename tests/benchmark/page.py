"""How soon the demo's page can be used, and how long a clip takes from click to plots.

Starts ``audw2s demo`` and drives it with Chromium, which is open already; the clip has
5 s and both models are warm.

    python tests/benchmark/page.py [--rounds 5] [--chromium /usr/bin/chromium]
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import soundfile
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright
from recordings import speech

WARM_DUR = 8.0
"""Seconds until the models are open and the first plot was drawn."""


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as predictor:
        predictor.bind(("127.0.0.1", 0))
        return predictor.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Wait until the server answers."""
    while True:
        try:
            urllib.request.urlopen(address).read()
            return
        except OSError:
            if server.poll() is not None:
                raise
            time.sleep(0.02)


def usable(page: Page, address: str) -> None:
    """Load the page and wait for its button."""
    page.goto(address)
    page.get_by_text("angry", exact=True).wait_for()
    page.get_by_role("button", name="Compare", exact=True).wait_for()


def compared(page: Page) -> float:
    """Seconds from a click to results with all plots."""
    page.evaluate("document.querySelector('#results .adv').remove()")
    start = time.perf_counter()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator("#results .adv-downloads").wait_for(timeout=60000)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    command = os.path.join(os.path.dirname(sys.executable), "audw2s")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = os.path.join(folder, "clip.wav")
        soundfile.write(clip, speech(5), 16000)
        browser = playwright.chromium.launch(
            executable_path=arguments.chromium, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        start = time.perf_counter()
        server = subprocess.Popen(
            [command, "demo", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(address, server)
            usable(page, address)
            began = time.perf_counter() - start
            time.sleep(WARM_DUR)
            page.locator("#speech input[type=file]").set_input_files(clip)
            page.locator("#results .adv-downloads").wait_for(timeout=60000)
            times = [compared(page) for _ in range(arguments.rounds)]
        finally:
            server.terminate()
            server.wait()
    print(f"page usable after               {began:.2f} s")
    print(f"5 s compared, median of {len(times):<7} {statistics.median(times):.2f} s")
    print(f"5 s compared, longest           {max(times):.2f} s")


if __name__ == "__main__":
    main()
