"""Write a table of docs/trainings: agreement and ranking of trainings.

    python tests/golden/trainings.py repeats FOLDER...
    python tests/golden/trainings.py sizes FOLDER...
    python tests/golden/trainings.py folds FOLDER...
    python tests/golden/trainings.py corpora BEFORE NOW

The folders are those of ``audw2s distill evaluate ... --out FOLDER``, for EmoTale and,
but for folds, RAVDESS. ``repeats`` are trainings of one recipe that differ in their
seed, ``sizes`` those that differ in the network, ``folds`` those that differ in the
speakers that they held out, with their teachers. ``corpora`` compares two students with
the teacher of both (``--against``) on each corpus.
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


def valences(folder: str) -> pd.DataFrame:
    """Valence of a student and its teacher, a row per corpus."""
    (evaluation,) = json.loads(pathlib.Path(folder, "evaluation.json").read_text())
    corpora = evaluation["corpora"]
    return pd.DataFrame({name: corpora[name]["valence"] for name in corpora}).T


def corpora(before: str, now: str) -> pd.DataFrame:
    """What two students know of their teacher's valence, beside shares of crops."""
    table = pd.read_csv(TABLES / "corpora.csv", index_col="corpus")
    former, present = valences(before), valences(now)
    rows = table.index.str.lower()
    table["mean of the teacher"] = present["reference_mean"][rows].to_numpy()
    table["its standard deviation"] = present["reference_std"][rows].to_numpy()
    for name, values in {" before": former, "": present}.items():
        of_student = f"standard deviation of wav2small{name}"
        table[of_student] = values["std"][rows].to_numpy()
        table[f"correlation of both{name}"] = values["pearson"][rows].to_numpy()
    return table.reset_index()


if __name__ == "__main__":
    _, name, *folders = sys.argv
    table = corpora(*folders) if name == "corpora" else pd.DataFrame(map(row, folders))
    if "held out" in table and table["held out"].nunique() == 1:
        del table["held out"]
    table.to_csv(TABLES / f"{name}.csv", float_format="%.3f", index=False)
