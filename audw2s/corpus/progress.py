"""How far it is, how fast, and what has failed so far."""

import sys
import time
from typing import NamedTuple

from tqdm import tqdm

from audw2s.audio.statuses import UNUSABLE
from audw2s.corpus.process import Result


def amount(seconds: float) -> str:
    """Say how long something lasts.

    Examples:
        >>> amount(18), amount(7200)
        ('18 s', '2.00 h')

    """
    return f"{seconds:.0f} s" if seconds < 360 else f"{seconds / 3600:.2f} h"


class Speed(NamedTuple):
    """How fast a run was."""

    files: int
    """That were heard in this run."""

    audio: float
    """Seconds of them."""

    passed: float
    """Seconds that it took, with the start of the process."""

    def __str__(self) -> str:
        """Say it in words.

        Examples:
            >>> print(Speed(120, 7200.0, 60.0))
            120 files, 2.00 h of audio in 60 s: 2.0 files/s, 120 h of audio/h
            >>> print(Speed(0, 0.0, 0.0))
            nothing was heard in this run, all was there

        """
        if not self.files:
            return "nothing was heard in this run, all was there"
        passed = max(1e-9, self.passed)
        return (
            f"{self.files:,} files, {amount(self.audio)} of audio in "
            f"{passed:,.0f} s: {self.files / passed:.1f} files/s, "
            f"{self.audio / passed:.0f} h of audio/h"
        )


class Seen(NamedTuple):
    """What is said of files that are finished."""

    files: int
    heard: float
    """Seconds of audio."""

    failed: int
    """Inputs without values."""

    def __add__(self, other: "Seen") -> "Seen":
        """Take both together."""
        return Seen(*map(sum, zip(self, other, strict=True)))


def seen(result: Result) -> Seen:
    """What is said of one file."""
    # Windows overlap
    heard = sum(
        max((row.start - rows[0].start).total_seconds() + row.duration for row in rows)
        for rows in result[1]
    )
    failed = sum(any(row.status in UNUSABLE for row in rows) for rows in result[1])
    return Seen(1, heard, failed)


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
        self.files = 0
        self.heard = 0.0
        self.failed = 0

    def update(self, found: Seen) -> None:
        """Take note of files that are finished."""
        self.files += found.files
        self.heard += found.heard
        self.failed += found.failed
        passed = max(1e-9, self.speed.passed)
        text = f"{self.heard / passed:.0f} h of audio/h, {self.failed} without values"
        self.bar.set_postfix_str(text, refresh=False)
        self.bar.update(found.files)

    @property
    def speed(self) -> Speed:
        """So far."""
        return Speed(self.files, self.heard, time.monotonic() - self.began)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.bar.disable:
            self.bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
