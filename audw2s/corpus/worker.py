"""Worker process that processes files, so that a crash ends no other process.

It reads pickles from stdin: the options, then requests, each a list of tasks. It writes
pickles to stdout: ``None`` when it is ready, or why it can't be, and for each request
the results of its tasks.
"""

import faulthandler
import gc
import math
import os
import pickle
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from audw2s.corpus.options import Options


class Deadline:
    """Ends the process when its files make no progress, whatever their decoder does.

    The clock runs in a thread that needs no interpreter, so it also ends a decoder that
    never returns to Python.

    """

    def __init__(self) -> None:
        self.nowhere = open(os.devnull, "w")
        self.limit = 0.0
        self.began = math.inf
        """When the limit began, infinite while the clock stands."""

    def start(self, limit: float) -> None:
        """Begin a time limit in seconds."""
        self.limit, self.began = limit, -math.inf
        self.extend()

    def extend(self) -> None:
        """Begin the time limit anew, as there is progress."""
        now = time.monotonic()
        # Rarely, as each time is a new thread
        if now - self.began > min(1.0, self.limit / 4):
            self.began = now
            faulthandler.dump_traceback_later(self.limit, exit=True, file=self.nowhere)

    def stop(self) -> None:
        """Stop the clock."""
        self.began = math.inf
        faulthandler.cancel_dump_traceback_later()


def end() -> None:
    """End this process at once, with its child processes."""
    if os.name == "posix" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def read(source: BinaryIO, requests: queue.SimpleQueue) -> None:
    """Read requests; end this process with the one that sends them."""
    try:
        while True:
            requests.put(pickle.load(source))
    finally:
        end()


def pipes() -> tuple[BinaryIO, Callable[[object], None]]:
    """Stdin, and a function that writes a pickle to what was stdout."""
    target = os.fdopen(os.dup(1), "wb")
    # Libraries may print to stdout, which must not mix with the results
    os.dup2(2, 1)

    def write(content: object) -> None:
        try:
            pickle.dump(content, target)
            target.flush()
        except OSError:
            # Nobody reads the results
            end()

    return sys.stdin.buffer, write


def main() -> None:
    """Answer requests until the end of stdin."""
    source, write = pipes()
    # No garbage is found while modules are imported, and looking for it takes time
    gc.disable()
    # pandas would import it, and nothing here needs it
    sys.modules.setdefault("pyarrow", None)  # type: ignore[arg-type]
    from audw2s.corpus.predictor import FilePredictor
    from audw2s.corpus.task import time_limit
    from audw2s.model.folder import UnverifiedModelWarning

    gc.freeze()
    gc.enable()
    requests: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=read, args=(source, requests), daemon=True).start()
    options: Options = requests.get()
    # The parent has shown the warning already
    warnings.simplefilter("ignore", UnverifiedModelWarning)
    deadline = Deadline()
    try:
        predictor = FilePredictor(options, deadline.extend)
        predictor.try_out()
    except (ValueError, OSError, ModuleNotFoundError) as error:
        write(str(error))
        return
    write(None)
    with ThreadPoolExecutor(options.at_once) as threads:
        while tasks := requests.get():
            deadline.start(time_limit(tasks, options.file_timeout))
            # At once if their windows are processed in batches
            each = map if options.at_once == 1 else threads.map
            results = list(each(predictor.result, tasks))
            deadline.stop()
            write(results)


if __name__ == "__main__":
    main()
