"""The comparison of the paper of Wav2Small: what its students cost for 5 s.

All have random weights, which serve for cost: exported and quantised as by ``audw2s
distill``. Agreement is that of the model in the package; others aren't in it.
Figures of the paper stand below with their grades, from
``audw2s/evaluation/papers.yaml``: other machines, other ways to measure.

    python tests/benchmark/students.py [--student wav2small ...] [--rounds 31]
"""

import argparse
import os
import statistics
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
import torch
from memory import alone

from audw2s.distill.export import student_to_onnx
from audw2s.distill.quantise import quantise
from audw2s.distill.students import STUDENTS
from audw2s.evaluation.card import read
from audw2s.evaluation.comparison import COSTS
from audw2s.evaluation.comparison import published_costs
from audw2s.evaluation.cost import gmac
from audw2s.evaluation.cost import graph_cost
from audw2s.evaluation.cost import num_parameters
from audw2s.evaluation.cost import observe
from audw2s.evaluation.cost import signal
from audw2s.evaluation.papers import papers
from audw2s.evaluation.processor import processor
from audw2s.evaluation.tables import markdown_table
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER
from audw2s.model.store import session_options
from audw2s.version import __version__

NETWORKS = [name for name in STUDENTS if name != "wav2small-2.0"]
"""Of these, Wav2Small and MobileNetV4-Small and -Large are certainly the paper's."""

HEADER = (
    *("student", "parameters", "GMAC", "values in the graph", "GMAC of the graph"),
    *("tokens/s", "float, KB", "int8, KB", "float, peak MB", "int8, peak MB"),
    *("float, ms", "int8, ms", "CCC A / D / V, EmoTale"),
)


def write(student: str, folder: str) -> dict[str, str]:
    """Write a student's graph in floats and in integers; return their paths."""
    torch.manual_seed(0)
    model = student_to_onnx(STUDENTS[student]().eval())
    noise = np.random.default_rng(0).standard_normal((4, 32000)).astype(np.float32)
    integers = quantise(model, list(0.1 * noise))
    properties = {"quantised": "int8"} | {p.key: p.value for p in model.metadata_props}
    onnx.helper.set_model_props(integers, properties)
    paths = {kind: os.path.join(folder, f"{kind}.onnx") for kind in ("float", "int8")}
    onnx.save(model, paths["float"])
    onnx.save(integers, paths["int8"])
    return paths


def milliseconds(paths: dict[str, str], rounds: int) -> dict[str, float]:
    """Median time on the processor of one thread, in interleaved rounds."""
    sessions = {
        kind: onnxruntime.InferenceSession(path, session_options(1, kind == "float"))
        for kind, path in paths.items()
    }
    times: dict[str, list[float]] = {kind: [] for kind in sessions}
    for _ in range(rounds + 1):
        for kind, session in sessions.items():
            start = time.thread_time()
            session.run(None, {"signal": signal()})
            times[kind].append(time.thread_time() - start)
    return {kind: 1000 * statistics.median(t[1:]) for kind, t in times.items()}


def row(student: str, rounds: int) -> list[str]:
    """Cells of a student, in the order of the header."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write(student, folder)
        cost, graph = graph_cost(paths["float"]), onnx.load(paths["float"])
        sizes = [os.path.getsize(path) / 1000 for path in paths.values()]
        peaks = [alone(path, 5.0)[0] / 1e6 for path in paths.values()]
        taken = milliseconds(paths, rounds)
        return [
            student,
            f"{cost['parameters']:,}",
            f"{cost['gmac']:.3f}",
            f"{num_parameters(graph):,}",
            f"{gmac(observe(paths['float'])) or float('nan'):.3f}",
            f"{cost['tokens_per_second'] or float('nan'):.4g}",
            *(f"{size:.0f}" for size in sizes),
            *(f"{size:.2f}" for size in peaks),
            *(f"{time:.1f}" for time in taken.values()),
            agreement(student),
        ]


def agreement(student: str) -> str:
    """CCC with human ratings, of a model of the package."""
    path = os.path.join(FOLDER, student, "evaluation.json")
    for evaluation in read(path) if os.path.isfile(path) else []:
        if evaluation["against"] == "humans":
            (values,) = evaluation["corpora"].values()
            return " / ".join(f"{values[name]['ccc']:.2f}" for name in DIMENSIONS)
    return "–"


def printed() -> list[list[str]]:
    """Rows of the paper's figures, with grades."""
    return [
        [entry["model"], *published_costs(entry["cost"])]
        for entry in papers()
        if entry["cost"]
    ]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--student", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=31)
    arguments = parser.parse_args()
    rows = [row(student, arguments.rounds) for student in arguments.student]
    versions = f"audw2s {__version__}, onnxruntime {onnxruntime.__version__}"
    print(f"{processor()}, one thread, {arguments.rounds} rounds, {versions}\n")
    print(markdown_table(list(HEADER), rows))
    columns = ["paper", *(title for title, _ in COSTS.values())]
    print(f"\n{markdown_table(columns, printed())}")


if __name__ == "__main__":
    main()
