"""Tries to break something, how many of them were survived, and their table."""

import dataclasses
import pathlib

import pandas as pd

COLUMNS = ["kind", "seed", "tried", "survived", "notes"]
"""Columns of stored results."""


@dataclasses.dataclass
class Result:
    """What came of a kind of trouble."""

    tried: int = 0
    survived: int = 0
    notes: dict[str, None] = dataclasses.field(default_factory=dict)

    def add(self, survived: bool, note: str = "") -> None:
        """Count a try; notes say how it was tried, or what was lost."""
        self.tried += 1
        self.survived += bool(survived)
        if note:
            self.notes[note] = None

    @property
    def lost(self) -> int:
        """Number of tries that weren't survived."""
        return self.tried - self.survived


class Tally:
    """Results, printed as a table, and maybe stored for the documentation.

    Args:
        path: file that lines are added to, whose former ones of the same kinds and
            seed are replaced; parts of a check have seeds of their own
        seed: what the tries begin with

    """

    def __init__(self, path: pathlib.Path | None, seed: int):
        self.path = path
        self.seed = seed
        self.lost = 0
        """Number of tries that weren't survived."""

        print(
            "| kind | tried | survived | lost | |\n|---|---:|---:|---:|---|", flush=True
        )

    def add(self, kind: str, result: Result) -> None:
        """Print a line, and store it."""
        self.lost += result.lost
        notes = "; ".join(result.notes)
        cells = (kind, result.tried, result.survived, result.lost, notes)
        print("|", " | ".join(map(str, cells)), "|", flush=True)
        if self.path:
            line = [kind, self.seed, result.tried, result.survived, notes]
            known = self.path.exists()
            lines = pd.read_csv(self.path) if known else pd.DataFrame(columns=COLUMNS)
            lines.loc[len(lines)] = line
            lines = lines.drop_duplicates(["kind", "seed"], keep="last")
            lines.to_csv(self.path, index=False)
