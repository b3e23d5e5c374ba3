"""How far a run is, how fast it is, and how many inputs have no values."""

import dataclasses
import sys
import time

from tqdm import tqdm

from audw2s.audio.statuses import UNUSABLE
from audw2s.audio.times import duration_text
from audw2s.corpus.task import Result


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
    # Windows overlap
    audio = sum(
        max((row.start - rows[0].start).total_seconds() + row.duration for row in rows)
        for rows in result.rows
    )
    failed = sum(any(row.status in UNUSABLE for row in rows) for rows in result.rows)
    return Counts(1, audio, failed)


@dataclasses.dataclass(frozen=True)
class Speed:
    """Speed of a run.

    Args:
        files: number of files that were processed in this run
        audio: duration of their audio in seconds
        passed: duration of the run in seconds, with the start of the workers

    """

    files: int = 0
    audio: float = 0.0
    passed: float = 0.0

    def __str__(self) -> str:
        """Speed in words.

        Examples:
            >>> print(Speed(120, 7200.0, 60.0))
            120 files, 2.0 hours of audio in 60 s: 2.0 files/s, 120 × real time
            >>> print(Speed())
            nothing was processed in this run, all was there

        """
        if not self.files:
            return "nothing was processed in this run, all was there"
        passed = max(1e-9, self.passed)
        return (
            f"{self.files:,} files, {duration_text(self.audio)} of audio in "
            f"{duration_text(passed)}: {self.files / passed:.1f} files/s, "
            f"{self.audio / passed:,.0f} × real time"
        )


class Progress:
    """Progress bar on stderr: files, speed, time left, failures.

    Args:
        total: number of files
        done: number of files that were finished before this run
        verbose: whether there is a bar

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
        self.counts = Counts()

    def update(self, finished: Counts) -> None:
        """Add files that are finished."""
        self.counts += finished
        speed = self.speed
        real_time = speed.audio / max(1e-9, speed.passed)
        text = f"{real_time:,.0f} × real time, {self.counts.failed} without values"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update(finished.files)

    @property
    def speed(self) -> Speed:
        """Speed until now."""
        passed = time.monotonic() - self.began
        return Speed(self.counts.files, self.counts.audio, passed)

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.bar.disable:
            self.bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
