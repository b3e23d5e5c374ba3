"""Classify the emotions of EmoDB with nkululeko, by A/D/V as imported features.

nkululeko needs pandas below 3, which this package takes as well::

    pip install nkululeko==1.14.1
    audw2s predict emodb/wav --values-only --out adv.csv
    python examples/nkululeko_emodb.py adv.csv experiment

"""

import configparser
import os
import sys

import audformat
import pandas as pd
from nkululeko.experiment import Experiment

EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
"""Letters in names of files, such as ``03a01Fa.wav``."""

TEST_SPEAKERS = ["03", "08"]
"""A man and a woman, who aren't in the training."""


def write_database(files: list[str], path: str) -> None:
    """Write speaker and emotion of EmoDB's files, as their names say."""
    names = [os.path.basename(file) for file in files]
    table = {
        "file": files,
        "speaker": [name[:2] for name in names],
        "emotion": [EMOTIONS[name[5]] for name in names],
    }
    pd.DataFrame(table).to_csv(path, index=False)


def settings(root: str, database: str, features: str) -> configparser.ConfigParser:
    """Settings of an experiment with a support vector machine."""
    config = configparser.ConfigParser()
    config["EXP"] = {"root": root, "name": "results", "type": "classification"}
    config["DATA"] = {
        "databases": "['emodb']",
        "emodb": database,
        "emodb.type": "csv",
        "emodb.split_strategy": "speaker_split",
        "emodb.test_speakers": str(TEST_SPEAKERS),
        "target": "emotion",
        "labels": str(sorted(EMOTIONS.values())),
    }
    config["FEATS"] = {
        "type": "['import']",
        "import_file": f"['{features}']",
        "scale": "standard",
    }
    config["MODEL"] = {"type": "svm"}
    return config


def main(features: str, root: str) -> None:
    """Run the experiment on a table of features."""
    features, root = os.path.abspath(features), os.path.abspath(root)
    os.makedirs(root, exist_ok=True)
    table = audformat.utils.read_csv(features)
    database = os.path.join(root, "emodb.csv")
    write_database(list(table.index.get_level_values("file")), database)
    experiment = Experiment(settings(root, database, features))
    experiment.load_datasets()
    experiment.fill_train_and_tests()
    experiment.extract_feats()
    counts = [len(experiment.feats_train), len(experiment.feats_test)]
    if sum(counts) != len(table):
        raise SystemExit(f"{sum(counts)} of {len(table)} clips are left.")
    experiment.init_runmanager()
    reports, _ = experiment.run()
    result = experiment.get_best_report(reports).result.test
    print(f"{counts[0]} clips for training, {counts[1]} for the test: UAR {result:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
