"""Tables of what the tests measured, for the documentation."""

import pathlib


class Tables:
    """Rows of tables, by heading and name.

    Args:
        columns: columns of each table by its heading; the first one is the name

    """

    def __init__(self, columns: dict[str, list[str]]):
        self.columns = columns
        self.rows: dict[str, dict[str, str]] = {heading: {} for heading in columns}

    def add(self, heading: str, name: str, *cells: object) -> None:
        self.rows[heading][name] = line(name, *cells)

    def write(self, path: pathlib.Path) -> None:
        """Write the tables; rows of other names stay."""
        heading = ""
        for text in path.read_text().splitlines() if path.exists() else ():
            heading = text.removeprefix("## ") if text.startswith("## ") else heading
            if text.startswith("| ") and heading in self.rows:
                self.rows[heading].setdefault(text.split(" | ")[0][2:], text)
        parts = ["# Formats\n"]
        for heading, names in self.columns.items():
            rows = self.rows[heading]
            head = [line(*names), line(*["---"] * len(names))]
            others = [rows[name] for name in sorted(rows) if rows[name] not in head]
            parts.append("\n".join([f"## {heading}\n", *head, *others]) + "\n")
        path.write_text("\n".join(parts))


def line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
