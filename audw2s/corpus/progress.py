"""How far a run is, how fast it is, and how many inputs have no values."""

import sys
import time
from typing import NamedTuple

from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import duration_text
from audw2s.corpus.task import Result
from audw2s.progress import progress_bar


class Counts(NamedTuple):
    """What is counted of a file that is finished."""

    audio: float
    """Duration of its audio in seconds."""

    failed: int
    """Number of its inputs without values."""


def counts(result: Result) -> Counts:
    """Counts of a file."""
    segments = [[one.row for one in segment] for segment in result.rows]
    # Windows overlap
    audio = sum(
        max((row.start - rows[0].start).total_seconds() + row.duration for row in rows)
        for rows in segments
    )
    failed = sum(any(row.status in UNUSABLE for row in rows) for rows in segments)
    return Counts(audio, failed)


class Progress:
    """Progress bar on stderr: files, speed, time left, failures.

    Args:
        total: number of files
        done: number of files that were finished before this run
        verbose: whether there is a bar

    Examples:
        >>> progress = Progress(120, 0, verbose=False)
        >>> progress.began -= 60.0
        >>> for _ in range(120):
        ...     progress.update(Counts(audio=60.0, failed=0))
        >>> print(progress)
        120 files, 2.0 hours of audio in 60 s: 2.0 files/s, 120 × real time

    """

    def __init__(self, total: int, done: int, verbose: bool):
        self.bar = progress_bar(
            total=total,
            initial=done,
            desc="Annotate",
            unit="file",
            smoothing=0.05,
            verbose=verbose,
        )
        self.verbose = verbose
        self.began = time.monotonic()
        self.files = self.failed = 0
        self.audio = 0.0

    def update(self, finished: Counts) -> None:
        """Add a file that is finished."""
        self.files += 1
        self.audio += finished.audio
        self.failed += finished.failed
        real_time = self.audio / self.passed
        text = f"{real_time:,.0f} × real time, {self.failed} without values"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update()

    @property
    def passed(self) -> float:
        """Seconds that have passed."""
        return max(1e-9, time.monotonic() - self.began)

    def __str__(self) -> str:
        """Speed until now, in words."""
        return (
            f"{self.files:,} files, {duration_text(self.audio)} of audio in "
            f"{duration_text(self.passed)}: {self.files / self.passed:.1f} files/s, "
            f"{self.audio / self.passed:,.0f} × real time"
        )

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        if self.verbose:
            self.bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
