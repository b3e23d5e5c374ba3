"""Write the results of trainings into docs/exits.md, and their pictures beside it.

    python examples/exits_results.py RUN

RUN is the folder that ``audw2s distill exits train`` wrote.
"""

import pathlib
import shutil
import sys

from audw2s.distill.exits.tables import write_tables
from audw2s.files import write_text

MARKS = ("<!-- results -->", "<!-- /results -->")


def main() -> None:
    """Put the tables between the marks."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    path = pathlib.Path(__file__).parents[1] / "docs" / "exits.md"
    before, rest = path.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    # Below the heading of the results
    tables = write_tables(sys.argv[1]).replace("## ", "### ")
    text = f"{before}{MARKS[0]}\n\n{tables}\n\n{MARKS[1]}{after}"
    write_text(text, str(path))
    for picture in pathlib.Path(sys.argv[1]).glob("*.png"):
        shutil.copy(picture, path.parent)


if __name__ == "__main__":
    main()
