"""Memory of a call: the peak of the live heap while a model processes 5 s.

Allocations are traced by memray, in a process of its own for each model, in the second
call: weights, Python and its libraries don't count, what a call needs beside them does.
It is a property of graph and session, not of the machine's load. Students with random
weights serve as well as trained ones.

    python tests/benchmark/memory.py [--dur 5] [--model NAME ...] [--students]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import onnx
import onnxruntime

from audw2s.evaluation.cost import DURATION
from audw2s.evaluation.cost import signal
from audw2s.evaluation.processor import processor
from audw2s.evaluation.tables import markdown_table
from audw2s.model.load import load
from audw2s.model.store import session_options
from audw2s.version import __version__

MODELS = ("wav2small", "wav2small-int8", "whisper-tiny-adv")
"""Models of the package; those of the paper's authors can be given by name."""

STUDENTS = (
    *("wav2small", "mobilenetv4-small", "mobilenetv4-medium", "mobilenetv4-large"),
    *("mobilenetv3-small", "mobilenetv3-large"),
)
"""Networks of which a plain export is measured, with random weights."""


def peak(path: str, options: onnxruntime.SessionOptions, dur: float) -> int:
    """Peak of the live heap in bytes while a session processes noise."""
    import memray

    session = onnxruntime.InferenceSession(path, options)
    inputs = {session.get_inputs()[0].name: signal(dur)}
    session.run(None, inputs)
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        with memray.Tracker(trace):
            session.run(None, inputs)
        return memray.FileReader(trace).metadata.peak_memory


def measure(name: str, dur: float) -> tuple[int, int]:
    """Peak of a model as audw2s opens it, and with onnxruntime's default options."""
    path = name if os.path.isfile(name) else load(name).path
    quantised = any(node.op_type == "QuantizeLinear" for node in graph_of(path))
    plain = onnxruntime.SessionOptions()
    plain.intra_op_num_threads = 1
    # What an arena holds isn't visible from outside
    plain.enable_cpu_mem_arena = False
    ours = session_options(1, blocked=not quantised)
    return peak(path, ours, dur), peak(path, plain, dur)


def graph_of(path: str) -> Sequence[onnx.NodeProto]:
    """Nodes of a graph."""
    return onnx.load(path).graph.node


def alone(name: str, dur: float) -> list[int]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--dur", str(dur)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def export(student: str, folder: str) -> str:
    """Write a student as it is, without optimisation of the graph."""
    from audw2s.distill.export import to_onnx
    from audw2s.distill.students import STUDENTS as NETWORKS

    path = os.path.join(folder, f"{student}.onnx")
    onnx.save(to_onnx(NETWORKS[student]().eval()), path)
    return path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dur", type=float, default=DURATION)
    parser.add_argument("--model", nargs="+", default=list(MODELS))
    parser.add_argument("--students", action="store_true", help="plain exports as well")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(*measure(arguments.one, arguments.dur))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        names = {name: name for name in arguments.model}
        if arguments.students:
            names |= {
                f"{name}, plain export": export(name, folder) for name in STUDENTS
            }
        for name, model in names.items():
            sizes = alone(model, arguments.dur)
            rows.append([name, *(f"{size / 1e6:.2f}" for size in sizes)])
    versions = f"audw2s {__version__}, onnxruntime {onnxruntime.__version__}"
    print(f"{processor()}, {arguments.dur:g} s, one thread, {versions}\n")
    print(markdown_table(["model", "peak, MB", "without our options, MB"], rows))


if __name__ == "__main__":
    main()
