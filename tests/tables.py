"""Tables of what the tests measured, for the documentation."""

import pathlib


class Tables:
    """Rows by the heading of their table.

    Args:
        columns: columns of each table

    """

    def __init__(self, columns: dict[str, list[str]]):
        self.columns = columns
        self.rows: dict[str, list[list[str]]] = {}

    def add(self, heading: str, *cells: object) -> None:
        self.rows.setdefault(heading, []).append([str(cell) for cell in cells])

    def write(self, path: pathlib.Path) -> None:
        """Write the tables in place of those of the same headings."""
        text = path.read_text() if path.exists() else "# Formats\n"
        for heading, rows in self.rows.items():
            head = self.columns[heading]
            lines = [head, ["---"] * len(head), *sorted(rows)]
            table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
            before, _, after = text.partition(f"\n## {heading}\n")
            after = after[after.find("\n## ") :] if "\n## " in after else ""
            text = f"{before}\n## {heading}\n\n{table}\n{after}"
        path.write_text(text)
