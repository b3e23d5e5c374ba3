"""The C form of Wav2Small: time, memory and agreement, as tables of Markdown.

- time of 5 s on one thread, against ONNX Runtime in the same rounds
- state of a stream and flash, by part
- on an emulated Cortex-M7: flash, static RAM, instructions per second of audio
- with ``--corpus``: agreement of int8 with the int8 ONNX file on its clips
- with ``--hours``: agreement with Python's stream on hours of speech

What needs a compiler or emulator that isn't installed is left out, with a note.

    python tests/benchmark/devices.py [--rounds 31] [--corpus ravdess.csv] [--hours 3]
"""

import argparse
import ctypes
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import onnxruntime
import pandas as pd
from recordings import speech

import audw2s
from audw2s.audio.samples import SAMPLING_RATE
from audw2s.corpus.lists.corpus import read_corpus
from audw2s.distill.clips import usable_clips
from audw2s.evaluation.ccc import ccc_by_dimension
from audw2s.evaluation.processor import processor
from audw2s.inference.network import Network

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "export"))

import cortex  # noqa: E402
from compilers import COMPILERS  # noqa: E402
from compilers import FAST  # noqa: E402
from compilers import MODELS  # noqa: E402
from compilers import STRICT  # noqa: E402
from compilers import missing  # noqa: E402
from compilers import source  # noqa: E402

PARTS = {
    "columns of the layers": "network",
    "level of the window": "level",
    "sums of the window, or the first 0.5 s": "memory",
    "sums of everything": "total",
}
"""Parts of the state, and their names in C."""

CONSTANTS = {
    "DFT": "spectrum",
    "MEL": "spectrum",
    "FIRST_WEIGHT": "convolutions",
    "FIRST_BIAS": "convolutions",
    "WEIGHTS": "convolutions",
    "BIASES": "convolutions",
    "SCALES": "convolutions",
    "TOKEN_WEIGHT": "matrix of the tokens",
    "TOKEN_BIAS": "matrix of the tokens",
    "TOKEN_SCALE": "matrix of the tokens",
    "ADV": "last layer",
    "SPEECH": "last layer",
    "ADV_BIAS": "last layer",
}
"""Constants in C, and what they belong to."""


class Library:
    """C form in this process.

    Args:
        compiler: C compiler
        model: name of a model

    """

    def __init__(self, compiler: str, model: str):
        folder = source(model)
        path = tempfile.mkdtemp(prefix="audw2s-library-") + "/wav2small.so"
        command = [compiler, *STRICT, *FAST, "-fPIC", "-shared", "-o", path]
        subprocess.run([*command, folder / "wav2small.c", "-lm"], check=True)
        self.library = ctypes.CDLL(path)
        self.state = ctypes.create_string_buffer(2**20)
        self.library.wav2small_init(self.state)

    def analyse(self, signal: np.ndarray) -> np.ndarray:
        """A/D/V of a clip."""
        self.library.wav2small_analyse(*_samples(signal), adv := (ctypes.c_float * 3)())
        return np.array(adv)

    def push(self, chunk: np.ndarray) -> None:
        """Process a chunk of the stream."""
        self.library.wav2small_push(self.state, *_samples(chunk))

    def values(self, name: str) -> np.ndarray:
        """A/D/V of the stream's ``window`` or ``total``."""
        adv = (ctypes.c_float * 3)()
        getattr(self.library, f"wav2small_{name}")(self.state, adv)
        return np.array(adv)


def _samples(signal: np.ndarray) -> tuple[ctypes.c_void_p, ctypes.c_size_t]:
    assert signal.dtype == np.float32 and signal.flags.c_contiguous
    return ctypes.c_void_p(signal.ctypes.data), ctypes.c_size_t(len(signal))


def table(rows: list[dict]) -> None:
    """Print a table of Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    for line in lines:
        print(f"| {' | '.join(map(str, line))} |")
    print()


def times(num_rounds: int) -> list[dict]:
    """Median milliseconds for 5 s, of interleaved rounds."""
    signal = np.ascontiguousarray(speech(5), np.float32)
    runs: dict[tuple[str, str], Callable[[], object]] = {}
    for precision, model in MODELS.items():
        runs[precision, "ONNX Runtime"] = _session(model, signal)
        for compiler in COMPILERS:
            if reason := missing(compiler):
                print(f"{reason}\n")
                continue
            library = Library(compiler, model)
            runs[precision, f"{compiler}, clip"] = lambda c=library: c.analyse(signal)
            runs[precision, f"{compiler}, stream"] = lambda c=library: c.push(signal)
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in runs}
    for _ in range(num_rounds):
        for key, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[key].append(time.perf_counter() - start)
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    return [
        {
            "precision": precision,
            "what": what,
            "ms": f"{1000 * median:.1f}",
            "times ONNX Runtime": f"{median / medians[precision, 'ONNX Runtime']:.2f}",
        }
        for (precision, what), median in medians.items()
    ]


def _session(model: str, signal: np.ndarray) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = Network(model).tokens.path
    session = onnxruntime.InferenceSession(path, options)
    return lambda: session.run(["logits"], {"signal": signal[None]})


def state_parts() -> list[dict]:
    """Bytes of each part of a stream's state, with a window of 2 s."""
    prints = "".join(
        f'printf("%zu ", sizeof((struct wav2small *)0)->{name});'
        for name in PARTS.values()
    )
    program = '#include "wav2small.h"\n#include <stdio.h>\nint main(void) {'
    program += f'{prints} printf("%zu", sizeof(struct wav2small)); }}'
    columns = {}
    for precision, model in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/sizes"
            command = ["gcc", "-xc", "-", f"-I{source(model)}", "-o", path]
            subprocess.run(command, input=program, text=True, check=True)
            columns[precision] = list(map(int, subprocess.check_output([path]).split()))
    rows = []
    for number, name in enumerate([*PARTS, "all"]):
        row = {precision: values[number] for precision, values in columns.items()}
        rows.append({"state": name} | {k: f"{v:,}" for k, v in row.items()})
    return rows


def chip() -> list[dict]:
    """What the emulated Cortex-M7 counts, in columns of the precisions."""
    columns = {}
    for precision, model in MODELS.items():
        run = cortex.run(source(model))
        parts = constant_sizes(source(model) / "wav2small.c")
        columns[precision] = {
            **{f"flash: {name}": f"{size:,}" for name, size in parts.items()},
            "flash: code": f"{run.flash - sum(parts.values()):,}",
            "flash": f"{run.flash:,}",
            "static RAM": f"{run.ram:,}",
            "instructions per second of audio": f"{run.instructions / 1e6:.0f} million",
            "share of 400 MHz, at one a cycle": f"{run.instructions / 4e6:.0f} %",
        }
    frame = pd.DataFrame(columns).rename_axis("Cortex-M7").reset_index()
    return frame.to_dict("records")


def constant_sizes(path: pathlib.Path) -> dict[str, int]:
    """Bytes of the constants in a C file, by what they belong to."""
    widths = {"float": 4, "int32_t": 4, "int8_t": 1}
    sizes: dict[str, int] = {}
    pattern = r"^static const (\w+) (\w+)((?:\[\d+\])+) ="
    for kind, name, shape in re.findall(pattern, path.read_text(), re.MULTILINE):
        count = int(np.prod([int(n) for n in re.findall(r"\d+", shape)]))
        sizes[CONSTANTS[name]] = sizes.get(CONSTANTS[name], 0) + widths[kind] * count
    return sizes


def agreement(corpus: str) -> list[dict]:
    """Agreement of the C forms with the ONNX files on the clips of a corpus."""
    rows = []
    signals = usable_clips(read_corpus(corpus))[1]
    for precision, model in MODELS.items():
        network, library = Network(model), Library("gcc", model)
        expected = np.stack([network(signal)[:3] for signal in signals]).astype(float)
        values = np.stack([library.analyse(signal) for signal in signals])
        largest = np.abs(values - expected).max(axis=0)
        cccs = ccc_by_dimension(expected, values)
        for number, (name, ccc) in enumerate(cccs.items()):
            rows.append(
                {
                    "precision": precision,
                    "dimension": name,
                    "clips": len(signals),
                    "CCC": f"{ccc:.6f}",
                    "largest difference": f"{largest[number]:.1e}",
                }
            )
    return rows


def long_stream(hours: float) -> list[dict]:
    """Largest difference to Python's stream, after each minute."""
    rows = []
    for precision, model in MODELS.items():
        library, stream = Library("gcc", model), audw2s.Stream(model)
        differences = []
        # Both have the same tokens after each minute: tokens are six hops behind
        first = np.ascontiguousarray(speech(384 / SAMPLING_RATE), np.float32)
        library.push(first)
        stream.push(first)
        for minute in range(round(60 * hours)):
            chunk = np.ascontiguousarray(speech(60, minute), np.float32)
            library.push(chunk)
            moment = stream.push(chunk)
            found = np.concatenate([library.values("window"), library.values("total")])
            expected = [*moment.window.values(), *moment.total.values()]
            differences.append(np.abs(found - expected).max())
        rows.append(
            {
                "precision": precision,
                "hours": hours,
                "largest difference": f"{max(differences):.1e}",
                "in the last minute": f"{differences[-1]:.1e}",
            }
        )
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--corpus")
    parser.add_argument("--hours", type=float, default=0)
    options = parser.parse_args()
    versions = f"audw2s {audw2s.__version__}, onnxruntime {onnxruntime.__version__}"
    print(f"{processor()}, medians of {options.rounds} rounds, {versions}\n")
    table(times(options.rounds))
    table(state_parts())
    if reason := missing(*cortex.PROGRAMS):
        print(f"{reason}\n")
    else:
        table(chip())
    if options.corpus:
        table(agreement(options.corpus))
    if options.hours:
        table(long_stream(options.hours))


if __name__ == "__main__":
    main()
