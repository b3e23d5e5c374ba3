"""Write the results of trainings into docs/exits.md, and their pictures beside it.

    python examples/exits_results.py RUN [NAME]

RUN is the folder that ``audw2s distill exits train`` wrote. NAME is that of the marks
between which its tables are put, ``results`` by default. The scores of each training
become rows of ``docs/trainings/exits_NAME.csv``.
"""

import pathlib
import shutil
import sys

from audw2s.distill.exits.tables import write_tables
from audw2s.files import write_text

DOCS = pathlib.Path(__file__).parents[1] / "docs"


def main() -> None:
    """Put the tables between the marks."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    run, name = pathlib.Path(sys.argv[1]), (*sys.argv, "results")[2]
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    path = DOCS / "exits.md"
    before, rest = path.read_text(encoding="utf-8").split(first)
    _, after = rest.split(last)
    # Below the heading of the results
    tables = write_tables(str(run)).replace("## ", "### ")
    stem = ""
    if name != "results":
        stem = f"{name}-"
        # What the paper states is there once
        tables = tables.partition("### What the paper states")[0].strip()
        tables = tables.replace("### ", "#### ").replace("](", f"]({stem}")
    write_text(f"{before}{first}\n\n{tables}\n\n{last}{after}", str(path))
    shutil.copy(run / "results.csv", DOCS / "trainings" / f"exits_{name}.csv")
    for picture in run.glob("*.png"):
        shutil.copy(picture, DOCS / f"{stem}{picture.name}")


if __name__ == "__main__":
    main()
