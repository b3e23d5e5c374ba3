"""How far it is, how fast, and what has failed so far."""

import sys
import time

from tqdm import tqdm

from audw2s.corpus.crew import Result
from audw2s.corpus.summary import NO_VALUES


class Progress:
    """A progress bar on stderr: files and hours of audio, time left, failures.

    Args:
        total: files
        done: of them before this run
        verbose: whether there is one

    """

    def __init__(self, total: int, done: int, verbose: bool):
        self.bar = tqdm(
            total=total,
            initial=done,
            desc="Annotate",
            unit="file",
            smoothing=0.05,
            disable=not verbose,
        )
        self.began = time.monotonic()
        self.heard = 0.0
        self.failed = 0

    def see(self, result: Result) -> None:
        """Take note of a file."""
        for rows in result[1]:
            # Windows overlap
            self.heard += max(row.start + row.duration for row in rows) - rows[0].start
            self.failed += any(row.status in NO_VALUES for row in rows)
        passed = max(1e-9, time.monotonic() - self.began)
        text = f"{self.heard / passed:.0f} h of audio/h, {self.failed} without values"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.bar.disable:
            self.bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
