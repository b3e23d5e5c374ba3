"""The process that hears files: what crashes here takes nothing else with it.

It is told of files on stdin and tells of results on stdout, both as pickles:
``(number, path, spans)`` comes in; ``("ready", None)``, and of each file
``("started", number)``, of a large one ``("size", (number, bytes))``, ``("beat",
number)`` and ``("done", (number, result))`` go out. At the end of stdin it finishes
what it has started, and no more.
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
"""For each so many bytes a file has a second more: a slow disk, a long conversion."""

HEARTBEAT_DUR = 1.0
"""Seconds between two signs of life of a file."""

Task = tuple[int, str, list[tuple[float, float | None]]]
"""Number of a file, its path, and start and end of its stretches in seconds."""


class MessageWriter:
    """Writes messages of several threads.

    Args:
        file: where to

    """

    def __init__(self, file: BinaryIO):
        self.file = file
        self.lock = threading.Lock()

    def __call__(self, kind: str, content: object) -> None:
        """Write one message; without anyone who reads it there is nothing to do."""
        data = pickle.dumps((kind, content))
        try:
            with self.lock:
                self.file.write(data)
                self.file.flush()
        except OSError:
            os._exit(1)


def work(
    predictor: FilePredictor, tasks: queue.SimpleQueue, tell: MessageWriter
) -> None:
    """Hear files until there are none."""
    while (task := tasks.get()) is not None:
        number, path, spans = task
        tell("started", number)
        found = stamp(path)
        if found.size > BYTES_PER_SECOND:
            tell("size", (number, found.size))
        last = time.monotonic()

        def heartbeat(number: int = number) -> None:
            nonlocal last
            if time.monotonic() - last > HEARTBEAT_DUR:
                last = time.monotonic()
                tell("beat", number)

        try:
            rows = predictor.hear(path, spans, heartbeat)
        except Exception as error:  # noqa: BLE001
            # One file must not end the run for all others
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            models = len(predictor.annotators)
            rows = [
                [without_values(start, end, "unreadable", reason, models)]
                for start, end in spans
            ]
        tell("done", (number, (found, rows)))


def main() -> None:
    """Hear what is named on stdin."""
    parent = os.getppid()
    source, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What libraries print must not get between the messages
    os.dup2(2, 1)
    tell = MessageWriter(told)
    settings, num_workers = pickle.load(source)
    # Told by the parent already
    warnings.simplefilter("ignore", UnverifiedModelWarning)
    try:
        predictor = FilePredictor(settings)
        predictor.try_out()
    except (ValueError, OSError, ModuleNotFoundError) as error:
        tell("refused", str(error))
        return
    tell("ready", None)
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threads = [
        threading.Thread(target=work, args=(predictor, tasks, tell), daemon=True)
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
        # Nobody is there who would take what is still to come
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
