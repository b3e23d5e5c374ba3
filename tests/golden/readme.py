"""Write the README's table of metrics from the models' ``evaluation.json``.

python tests/golden/readme.py
"""

import json
import pathlib

from audw2s.evaluation.tables import markdown_table
from audw2s.model.registry import CATALOGUE
from audw2s.model.registry import DIMENSIONS
from audw2s.model.registry import FOLDER

README = pathlib.Path(__file__).parents[2] / "README.md"
MARKS = ("<!-- metrics -->\n", "<!-- /metrics -->\n")


def table() -> str:
    """CCC of each model, on each corpus, against each reference."""
    rows = []
    for name in CATALOGUE:
        path = pathlib.Path(FOLDER) / name / "evaluation.json"
        if not path.is_file():
            continue
        for evaluation in json.loads(path.read_text()):
            against = evaluation["against"]
            results = dict(evaluation["corpora"])
            if "pooled" in evaluation:
                results["both"] = evaluation["pooled"]
            for corpus, result in results.items():
                if "folds" in result:
                    corpus += ", folds by speaker"
                cccs = [
                    "{ccc:.2f} [{low:.2f}, {high:.2f}]".format(**result[dimension])
                    for dimension in DIMENSIONS
                ]
                rows.append([f"`{name}`", against, corpus, *cccs])
                if "one_rater_against_the_others" in result:
                    raters = [
                        ", ".join(
                            f"{rater[dimension]:.2f}"
                            for rater in result["one_rater_against_the_others"]
                        )
                        for dimension in DIMENSIONS
                    ]
                    human = ["one human rater", "the other raters", corpus, *raters]
                    if human not in rows and "folds" not in result:
                        rows.append(human)
    header = ["model", "against", "corpus", *DIMENSIONS]
    return f"{markdown_table(header, rows)}\n"


def updated(text: str) -> str:
    """Put the table between its marks."""
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{after}"


if __name__ == "__main__":
    README.write_text(updated(README.read_text()))
