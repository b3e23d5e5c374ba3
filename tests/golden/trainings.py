"""Write a table of docs/trainings: agreement and ranking of trainings.

    python tests/golden/trainings.py repeats FOLDER...
    python tests/golden/trainings.py sizes FOLDER...

The folders are those of ``audw2s distill evaluate ... --out FOLDER``, for EmoTale and
RAVDESS. ``repeats`` are trainings of one recipe that differ in their seed, ``sizes``
those that differ in the network.
"""

import json
import pathlib
import sys

import pandas as pd

from audw2s.model.registry import DIMENSIONS

TABLES = pathlib.Path(__file__).parents[2] / "docs" / "trainings"


def row(folder: str) -> dict[str, object]:
    """CCC on EmoTale, and AUC of the pairs of emotions of RAVDESS."""
    text = pathlib.Path(folder, "evaluation.json").read_text()
    evaluations, corpora = json.loads(text), {}
    for evaluation in evaluations:
        corpora |= evaluation["corpora"]
    people, pairs = corpora["emotale"], corpora["ravdess"]["ranking"]["pairs"]
    cells = {"training": evaluations[0]["model"]}
    cells |= {dimension: people[dimension]["ccc"] for dimension in DIMENSIONS}
    correlation = people["arousal_with_valence"]["predicted"]
    cells["correlation of arousal with valence"] = correlation
    for pair in pairs:
        name = f"{pair['above']} > {pair['below']}"
        if pair["dimension"] != "valence":
            name += f" in {pair['dimension']}"
        cells[name] = pair["auc"]
    return cells


if __name__ == "__main__":
    _, name, *folders = sys.argv
    table = pd.DataFrame(map(row, folders))
    table.to_csv(TABLES / f"{name}.csv", float_format="%.3f", index=False)
