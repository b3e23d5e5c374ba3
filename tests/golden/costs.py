"""Measure what the packaged models cost for 5 s, for the tables of the documentation.

    python tests/golden/costs.py

Times are those of the CPU, in interleaved rounds on one thread; pages show their ratio
to wav2small's. New weights don't change them: run it again if a graph changes.
"""

import pathlib

from audw2s.evaluation.cost import costs
from audw2s.evaluation.processor import processor
from audw2s.files import write_json
from audw2s.model.registry import CATALOGUE
from audw2s.version import __version__

PATH = pathlib.Path(__file__).with_suffix(".json")

if __name__ == "__main__":
    names = [name for name, entry in CATALOGUE.items() if entry.packaged]
    machine = {"processor": processor(), "version": __version__}
    kept = ("parameters", "gmac", "tokens_per_second", "cpu_ms")
    measured = {
        name: {key: cost[key] for key in kept}
        for name, cost in zip(names, costs(names, num_rounds=201), strict=True)
    }
    write_json({"machine": machine, "models": measured}, str(PATH))
