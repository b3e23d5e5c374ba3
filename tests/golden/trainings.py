"""Write a table of docs/trainings: agreement and ranking of trainings.

    python tests/golden/trainings.py repeats FOLDER...
    python tests/golden/trainings.py sizes FOLDER...
    python tests/golden/trainings.py folds FOLDER...

The folders are those of ``audw2s distill evaluate ... --out FOLDER``, for EmoTale and,
but for folds, RAVDESS. ``repeats`` are trainings of one recipe that differ in their
seed, ``sizes`` those that differ in the network, ``folds`` those that differ in the
speakers that they held out, with their teachers.
"""

import json
import pathlib
import sys

import pandas as pd

from audw2s.model.registry import DIMENSIONS

TABLES = pathlib.Path(__file__).parents[2] / "docs" / "trainings"


def row(folder: str) -> dict[str, object]:
    """CCC on EmoTale, and AUC of the pairs of emotions where there is RAVDESS."""
    text = pathlib.Path(folder, "evaluation.json").read_text()
    evaluations, corpora = json.loads(text), {}
    for evaluation in evaluations:
        corpora |= evaluation["corpora"]
    people = corpora["emotale"]
    pairs = corpora["ravdess"]["ranking"]["pairs"] if "ravdess" in corpora else []
    speakers = [speaker["group"] for speaker in evaluations[0]["speakers"]]
    cells = {"training": evaluations[0]["model"], "held out": ", ".join(speakers)}
    cells |= {dimension: people[dimension]["ccc"] for dimension in DIMENSIONS}
    correlation = people["arousal_with_valence"]
    cells["correlation of arousal with valence"] = correlation["predicted"]
    cells["the same of the ratings"] = correlation["reference"]
    for pair in pairs:
        name = f"{pair['above']} > {pair['below']}"
        if pair["dimension"] != "valence":
            name += f" in {pair['dimension']}"
        cells[name] = pair["auc"]
    return cells


if __name__ == "__main__":
    _, name, *folders = sys.argv
    table = pd.DataFrame(map(row, folders))
    if table["held out"].nunique() == 1:
        del table["held out"]
    table.to_csv(TABLES / f"{name}.csv", float_format="%.3f", index=False)
