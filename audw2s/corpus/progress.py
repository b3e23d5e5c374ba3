"""How far a run is, how fast it is, and how many inputs have no values."""

import dataclasses
import sys
import time

from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import duration_text
from audw2s.corpus.task import Result
from audw2s.progress import progress_bar


@dataclasses.dataclass(frozen=True)
class Counts:
    """Numbers of files that are finished.

    Args:
        files: number of files
        audio: duration of their audio in seconds
        failed: number of inputs without values

    """

    files: int = 0
    audio: float = 0.0
    failed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Counts of both."""
        return Counts(
            self.files + other.files,
            self.audio + other.audio,
            self.failed + other.failed,
        )


def counts(result: Result) -> Counts:
    """Counts of one file."""
    segments = [[one.row for one in segment] for segment in result.rows]
    # Windows overlap
    audio = sum(
        max((row.start - rows[0].start).total_seconds() + row.duration for row in rows)
        for rows in segments
    )
    failed = sum(any(row.status in UNUSABLE for row in rows) for rows in segments)
    return Counts(1, audio, failed)


class Progress:
    """Progress bar on stderr: files, speed, time left, failures.

    Args:
        total: number of files
        done: number of files that were finished before this run
        verbose: whether there is a bar

    Examples:
        >>> progress = Progress(120, 0, verbose=False)
        >>> progress.began -= 60.0
        >>> progress.update(Counts(120, 7200.0))
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
        self.counts = Counts()

    def update(self, finished: Counts) -> None:
        """Add files that are finished."""
        self.counts += finished
        real_time = self.counts.audio / self.passed
        text = f"{real_time:,.0f} × real time, {self.counts.failed} without values"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update(finished.files)

    @property
    def passed(self) -> float:
        """Seconds that have passed."""
        return max(1e-9, time.monotonic() - self.began)

    def __str__(self) -> str:
        """Speed until now, in words."""
        files, audio = self.counts.files, self.counts.audio
        return (
            f"{files:,} files, {duration_text(audio)} of audio in "
            f"{duration_text(self.passed)}: {files / self.passed:.1f} files/s, "
            f"{audio / self.passed:,.0f} × real time"
        )

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        if self.verbose:
            self.bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
