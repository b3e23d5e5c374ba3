"""The static page in Chromium: bytes, time to the first value, and time of 5 s.

The time of 5 s is that of the model on samples at 16 kHz in a worker, against
onnxruntime-web and onnxruntime with the ONNX file, in alternating rounds on a thread.

    npm pack onnxruntime-web && tar xzf onnxruntime-web-*.tgz
    python tests/benchmark/browser.py package/dist [--rounds 9]
"""

import argparse
import functools
import http.server
import json
import pathlib
import shutil
import statistics
import tempfile
import threading
import time

import numpy as np
import onnxruntime
import soundfile
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright
from recordings import speech

from audw2s.demo.static_page import write
from audw2s.model.find import model_path

DUR = 5.0

SCRIPT = """
import * as ort from "./ort.wasm.min.mjs";
import { analyse, curve } from "./wav2small/index.js";
ort.env.wasm.numThreads = 1;
const signal = new Float32Array(await (await fetch("signal.bin")).arrayBuffer());
const session = await ort.InferenceSession.create("model.onnx");
const input = new ort.Tensor("float32", signal, [1, signal.length]);
const runs = {
  webassembly: () => analyse(signal),
  "onnxruntime-web": () => session.run({ signal: input }),
  "webassembly, curve": () => curve(signal),
};
onmessage = async ({ data: name }) => {
  const start = performance.now();
  await runs[name]();
  postMessage(performance.now() - start);
};
postMessage({});
"""

START = """new Promise((resolve) => {
  window.worker = new Worker("benchmark.js", { type: "module" });
  worker.onmessage = resolve;
  worker.onerror = (event) => resolve(event.message);
})"""

RUN = """(name) => new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data);
  worker.postMessage(name);
})"""

ORT = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
"""Files of onnxruntime-web."""

NAMES = ("webassembly", "onnxruntime-web", "webassembly, curve")


class Server(http.server.SimpleHTTPRequestHandler):
    """Server without a log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(folder: str) -> str:
    """Address of a folder."""
    handler = functools.partial(Server, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def first_value(page: Page, path: str) -> float:
    """Seconds from the choice of a file to its values."""
    start = time.perf_counter()
    page.locator("#file").set_input_files(path)
    page.locator("#results .adv-sentence").wait_for()
    return time.perf_counter() - start


def main() -> None:
    """Print results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ort", type=pathlib.Path, help="folder of onnxruntime-web")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    signal = speech(DUR).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        sizes = write(folder)
        clip = f"{folder}/clip.wav"
        soundfile.write(clip, signal, 16000)
        pathlib.Path(folder, "signal.bin").write_bytes(signal.tobytes())
        pathlib.Path(folder, "benchmark.js").write_text(SCRIPT)
        shutil.copy(model_path("wav2small"), folder)
        for name in ORT:
            shutil.copy(arguments.ort / name, folder)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        address = serve(folder)
        # Each in a browser that knows nothing of the page
        firsts = []
        for _ in range(3):
            page = browser.new_context().new_page()
            page.goto(address)
            page.get_by_role("button", name="angry").wait_for()
            firsts.append(first_value(page, clip))
        page.evaluate(START)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model_path("wav2small"), options)
        times: dict[str, list[float]] = {name: [] for name in (*NAMES, "onnxruntime")}
        for _ in range(arguments.rounds + 1):
            for name in NAMES:
                times[name].append(page.evaluate(RUN, name))
            start = time.perf_counter()
            session.run(["logits"], {"signal": signal[None]})
            times["onnxruntime"].append(1000 * (time.perf_counter() - start))
        browser.close()
    # Without the first round, in which code is compiled
    medians = {name: statistics.median(t[1:]) for name, t in times.items()}
    least = {name: min(t[1:]) for name, t in times.items()}
    result = {"bytes": sum(sizes.values()), "first value / s": firsts}
    print(json.dumps(result | {"median ms": medians, "least ms": least}, indent=2))


if __name__ == "__main__":
    main()
