"""Request of a client: its time, the models that it holds, and who is told of it."""

import contextlib
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass

from audw2s.audio.decode import Blocks
from audw2s.audio.preprocess import Read
from audw2s.audio.quality import Report
from audw2s.demo.models import Models
from audw2s.demo.models import warm_predictor
from audw2s.demo.words import RefusedError
from audw2s.inference.pipeline import Predictor

TIME_LIMIT = 40.0
"""Seconds that a request may take, including the wait for its models."""


@dataclass
class Job:
    """Request that ends in time, or when nobody waits for it any more.

    Args:
        models: models of the page
        progress: function that is told the share that is done, and what is done
        is_awaited: function that says whether its client waits
        seconds: seconds that it may take

    Examples:
        >>> with Job(Models()).held("wav2small") as predictor:
        ...     predictor.network.name
        'wav2small'

    """

    models: Models
    progress: Callable[[float, str], object] = lambda share, what: None
    is_awaited: Callable[[], bool] = lambda: True
    seconds: float = TIME_LIMIT

    def __post_init__(self) -> None:
        """Begin."""
        self.end = time.monotonic() + self.seconds

    def check(self) -> None:
        """Check that there is time, and that somebody waits.

        Raises:
            RefusedError: if not

        """
        if not self.is_awaited():
            raise RefusedError("abandoned")
        if time.monotonic() > self.end:
            raise RefusedError("timed_out")

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[Predictor]:
        """Wait for a model, and hold it.

        Args:
            name: name of the model

        Raises:
            RefusedError: if there is no such model, or it isn't free in time

        """
        lock = self.models.lock(name)
        if not lock.acquire(timeout=max(0.0, self.end - time.monotonic())):
            raise RefusedError("busy")
        try:
            self.check()
            yield warm_predictor(name)
        finally:
            lock.release()

    def watched(self, read: Read, duration: float, what: str) -> Read:
        """Source that is read as long as there is time, and tells how far it is.

        Args:
            read: see :data:`audw2s.audio.preprocess.Read`
            duration: its duration in seconds
            what: what is done

        """

        def blocks(
            report: Report, *, start: float = 0.0, end: float | None = None
        ) -> Blocks:
            position = start
            for block in read(report, start=start, end=end):
                self.check()
                yield block
                position += block.shape[1] / report.sampling_rate
                self.progress(min(1.0, position / duration), what)

        return blocks
