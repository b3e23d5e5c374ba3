"""Worker process that processes files, so that a crash ends no other process.

It reads tasks from stdin and writes messages to stdout, both as pickles. A task is
``(number, path, spans)``. Messages are ``("ready", None)``, and for each file
``("started", number)``, ``("size", (number, bytes))`` for a large one, heartbeats
``("beat", number)``, and ``("done", (number, result))``. At the end of stdin it
finishes the files in progress.
"""

import os
import pickle
import queue
import sys
import threading
import time
import warnings
from typing import BinaryIO

from audw2s.corpus.paths import stamp
from audw2s.corpus.predictor import FilePredictor
from audw2s.corpus.predictor import without_values
from audw2s.model.folder import UnverifiedModelWarning

BYTES_PER_SECOND = 1e6
"""Bytes of a file per additional second of its time limit, as disks may be slow."""

HEARTBEAT_DUR = 1.0
"""Seconds between two heartbeats of a file."""

Task = tuple[int, str, list[tuple[float, float | None]]]
"""Number of a file, its path, and start and end of its segments in seconds."""


class MessageWriter:
    """Writes messages of several threads.

    Args:
        file: binary file to write to

    """

    def __init__(self, file: BinaryIO):
        self.file = file
        self.lock = threading.Lock()

    def __call__(self, kind: str, content: object) -> None:
        """Write a message; end the process if nobody reads it."""
        data = pickle.dumps((kind, content))
        try:
            with self.lock:
                self.file.write(data)
                self.file.flush()
        except OSError:
            os._exit(1)


def work(
    predictor: FilePredictor, tasks: queue.SimpleQueue, write: MessageWriter
) -> None:
    """Process files until there are no more tasks."""
    while (task := tasks.get()) is not None:
        number, path, spans = task
        write("started", number)
        found = stamp(path)
        if found.size > BYTES_PER_SECOND:
            write("size", (number, found.size))
        last = time.monotonic()

        def heartbeat(number: int = number) -> None:
            nonlocal last
            if time.monotonic() - last > HEARTBEAT_DUR:
                last = time.monotonic()
                write("beat", number)

        try:
            rows = predictor.predict(path, spans, heartbeat)
        except Exception as error:  # noqa: BLE001
            # One file must not end the run for all others
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            models = len(predictor.predictors)
            rows = [
                [without_values(start, end, "unreadable", reason, models)]
                for start, end in spans
            ]
        write("done", (number, (found, rows)))


def main() -> None:
    """Process the files that are named on stdin."""
    parent = os.getppid()
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Libraries may print to stdout, which must not mix with the messages
    os.dup2(2, 1)
    write = MessageWriter(target)
    settings, num_workers = pickle.load(source)
    # The parent has shown the warning already
    warnings.simplefilter("ignore", UnverifiedModelWarning)
    try:
        predictor = FilePredictor(settings)
        predictor.try_out()
    except (ValueError, OSError, ModuleNotFoundError) as error:
        write("refused", str(error))
        return
    write("ready", None)
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threads = [
        threading.Thread(target=work, args=(predictor, tasks, write), daemon=True)
        for _ in range(num_workers)
    ]
    for thread in threads:
        thread.start()
    try:
        while True:
            tasks.put(pickle.load(source))
    except EOFError:
        pass
    if os.getppid() != parent:
        # The parent has died, and nobody reads the results
        os._exit(1)
    try:
        while True:
            tasks.get_nowait()
    except queue.Empty:
        pass
    for _ in threads:
        tasks.put(None)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
