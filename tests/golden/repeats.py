"""Write docs/trainings/repeats.csv: agreement and ranking of trainings of one recipe.

    python tests/golden/repeats.py FOLDER...

The folders are those of ``audw2s distill evaluate ... --out FOLDER``, for EmoTale and
RAVDESS, of the trainings with the seeds 0, 1, ...
"""

import json
import pathlib
import sys

import pandas as pd

from audw2s.model.registry import DIMENSIONS

TABLE = pathlib.Path(__file__).parents[2] / "docs" / "trainings" / "repeats.csv"


def row(folder: str) -> dict[str, float]:
    """CCC on EmoTale, and AUC of the pairs of emotions of RAVDESS."""
    text = pathlib.Path(folder, "evaluation.json").read_text()
    corpora = {}
    for evaluation in json.loads(text):
        corpora |= evaluation["corpora"]
    people, pairs = corpora["emotale"], corpora["ravdess"]["ranking"]["pairs"]
    cells = {dimension: people[dimension]["ccc"] for dimension in DIMENSIONS}
    correlation = people["arousal_with_valence"]["predicted"]
    cells["correlation of arousal with valence"] = correlation
    for pair in pairs:
        name = f"{pair['above']} > {pair['below']}"
        if pair["dimension"] != "valence":
            name += f" in {pair['dimension']}"
        cells[name] = pair["auc"]
    return cells


if __name__ == "__main__":
    table = pd.DataFrame(map(row, sys.argv[1:])).rename_axis("seed")
    table.to_csv(TABLE, float_format="%.3f")
