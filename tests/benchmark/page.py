"""How soon the demo's page can be used, and how long a clip takes from click to answer.

Starts ``audw2s demo`` and drives it with Chromium, which is open already; examples have
3 s and both models are warm.

With ``--clients``, so many programs call ``/compare`` at once, each ``--calls`` times
or as long as there is time; refused ones come back when they were told to. Answers are
compared with each other, and the page is loaded meanwhile. The server's memory is read
after the first :data:`STEP` calls, when all that is kept for later ones is there, and
after each so many more: ``--calls 10`` for 50 clients shows what 400 of them add.

    python tests/benchmark/page.py [--rounds 5] [--clients 50 --calls 4]
"""

import argparse
import collections
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import httpx
import soundfile
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright
from recordings import speech

from audw2s.model.registry import DIMENSIONS

WARM_DUR = 8.0
"""Seconds until the models are open and the first plot was drawn."""

LOAD_DUR = 25.0
"""Seconds for each of its calls after which a client asks no more."""

WAIT_DUR = 90.0
"""Seconds that an answer may take."""

STEP = 100
"""Number of answers from one look at the server's memory to the next."""


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
    page.get_by_role("button", name="Record", exact=True).wait_for()


def compared(page: Page, example: str) -> float:
    """Seconds from a click on an example to results."""
    page.evaluate("document.querySelector('#results .adv').remove()")
    start = time.perf_counter()
    page.get_by_text(example, exact=True).click()
    page.locator("#results .adv-sentence").wait_for()
    return time.perf_counter() - start


def upload(address: str, clip: str) -> str:
    """Upload a clip once for all clients."""
    with open(clip, "rb") as file:
        files = {"files": file}
        return httpx.post(f"{address}gradio_api/upload", files=files).json()[0]


def call(address: str, path: str, end: float) -> tuple[str, int, float] | None:
    """Compare, and come back when refused, until a time.

    Returns:
        values of the student, number of refusals, and seconds; ``None`` if there was
        no time

    """
    url = f"{address}gradio_api/call/compare"
    clip = {"path": path, "meta": {"_type": "gradio.FileData"}}
    data = [clip, "whisper-tiny-adv", "wav2small", 2, 0.25]
    start, refusals = time.perf_counter(), 0
    with httpx.Client(timeout=WAIT_DUR) as client:
        while (answer := client.post(url, json={"data": data})).status_code == 429:
            refusals += 1
            if time.perf_counter() > end:
                return None
            time.sleep(int(answer.headers["retry-after"]))
        event = client.get(f"{url}/{answer.json()['event_id']}").text
    # Heartbeats may come first
    _, _, content = event.partition("event: complete\ndata: ")
    if not content:
        return event, refusals, time.perf_counter() - start
    (result,) = json.loads(content)
    values = [f"{result['student'][name]:.5f}" for name in DIMENSIONS]
    return " ".join(values), refusals, time.perf_counter() - start


def memory(server: subprocess.Popen) -> float:
    """Resident memory of the server in MB."""
    with open(f"/proc/{server.pid}/status") as file:
        (line,) = (line for line in file if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def load(
    address: str,
    clip: str,
    page: Page,
    server: subprocess.Popen,
    clients: int,
    calls: int,
) -> None:
    """Print answers and times of many clients, and what they cost."""
    path = upload(address, clip)
    # Memory for several requests at once is taken with the first ones
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: call(address, path, time.perf_counter() + 60), "1234"))
    start = time.perf_counter()
    end = start + LOAD_DUR * calls
    rows: list[tuple[str, int, float]] = []
    sizes: list[float] = []
    numbers = itertools.count(1)

    def client() -> None:
        for _ in range(calls):
            if time.perf_counter() < end and (answer := call(address, path, end)):
                rows.append(answer)
                if next(numbers) % STEP == 0:
                    sizes.append(memory(server))

    with ThreadPoolExecutor(clients) as pool:
        jobs = [pool.submit(client) for _ in range(clients)]
        time.sleep(1)
        begin = time.perf_counter()
        usable(page, address)
        loaded = time.perf_counter() - begin
        for job in jobs:
            job.result()
    answers = collections.Counter(answer for answer, _, _ in rows)
    times = sorted(seconds for _, _, seconds in rows)
    took = time.perf_counter() - start
    print(f"{len(rows):3} of {clients * calls:3} calls in             {took:.1f} s")
    print(f"different answers               {len(answers)}: {answers.most_common(3)}")
    print(f"refused, and came back          {sum(refused for _, refused, _ in rows)}")
    print(f"seconds to answer, median       {statistics.median(times):.1f}")
    print(f"seconds to answer, longest      {times[-1]:.1f}")
    print(f"page loaded meanwhile after     {loaded:.2f} s")
    steps = ", ".join(f"{size:.0f}" for size in sizes)
    print(f"MB after each {STEP} calls         {steps}")
    if len(sizes) > 1:
        print(f"MB more after the last of them  {sizes[-1] - sizes[0]:.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=0)
    parser.add_argument("--calls", type=int, default=4)
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
        page.set_default_timeout(60_000)
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
            page.locator("#results .adv-sentence").wait_for()
            examples = ["angry", "happy"] * arguments.rounds
            times = [compared(page, example) for example in examples]
            if arguments.clients:
                counts = arguments.clients, arguments.calls
                load(address, clip, page, server, *counts)
        finally:
            server.terminate()
            server.wait()
    print(f"page usable after               {began:.2f} s")
    print(f"3 s compared, median of {len(times):<7} {statistics.median(times):.2f} s")
    print(f"3 s compared, longest           {max(times):.2f} s")


if __name__ == "__main__":
    main()
