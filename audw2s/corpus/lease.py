"""A lock in a store, which has none of its own: an object that is renewed."""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from typing import Protocol

NAME = ".lock"
"""Of the object."""

RENEWED = 30.0
"""Seconds after which it is renewed."""

STALE = 300.0
"""Seconds without renewal after which another run may take it."""

SETTLED = 1.0
"""Seconds after which one of two runs that begin at once sees that it has lost."""


class Objects(Protocol):
    """What a lease needs of a store."""

    def read(self, name: str) -> bytes:
        """Give what an object holds."""

    def write(self, name: str, data: bytes) -> None:
        """Write an object."""

    def remove(self, name: str) -> None:
        """Delete an object."""


class Lease:
    """Keeps other runs out as long as it is renewed, which a thread does.

    It says whose it is, and when it was renewed. That of a run that was killed is
    taken over: at once by a run on the same machine, which sees that the process
    has ended, and by others after :data:`STALE` seconds; clocks may differ by less
    than that. Shards have names of their own and are never changed, so that even two
    runs at once do no harm to each other's results.

    Args:
        store: where the run is

    Raises:
        BlockingIOError: if another run has it
        OSError: if the store doesn't answer

    Examples:
        >>> from audw2s.corpus.storage import Store
        >>> store = Store("memory://leased")
        >>> lease = Lease(store)
        >>> try:
        ...     Lease(store)
        ... except BlockingIOError as error:
        ...     "process" in str(error)
        True
        >>> lease.end()
        >>> store.names()
        []

    """

    def __init__(self, store: Objects):
        self.store = store
        self.owner = uuid.uuid4().hex
        self.lost = False
        """Whether another run was seen to have taken it over."""

        found = self._found()
        if found and not _is_over(found):
            raise BlockingIOError(_whose(found))
        self._write()
        # Who wrote last has it
        time.sleep(SETTLED)
        if not self._is_ours():
            raise BlockingIOError("")
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._renew, daemon=True)
        self.thread.start()

    def _write(self) -> None:
        content = {
            "owner": self.owner,
            "machine": _machine(),
            "process": os.getpid(),
            "renewed": time.time(),
        }
        self.store.write(NAME, json.dumps(content).encode())

    def _found(self) -> dict | None:
        """What the object says, ``None`` if nothing that can be understood."""
        try:
            found = json.loads(self.store.read(NAME))
            known = {"owner", "machine", "process", "renewed"} <= set(found)
            return found if known else None
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _is_ours(self) -> bool:
        found = self._found()
        self.lost = found is not None and found["owner"] != self.owner
        return found is not None and not self.lost

    def _renew(self) -> None:
        while not self.ended.wait(RENEWED) and not self.lost:
            # If the store doesn't answer, it may the next time
            with contextlib.suppress(Exception):
                if self._is_ours():
                    self._write()

    def end(self) -> None:
        """Give it back."""
        self.ended.set()
        self.thread.join()
        with contextlib.suppress(Exception):
            if self._is_ours():
                self.store.remove(NAME)


def _is_over(found: dict) -> bool:
    """Whether the run that it is of has ended, or must have."""
    if time.time() - found["renewed"] > STALE:
        return True
    if found["machine"] != _machine() or os.name != "posix":
        return False
    try:
        os.kill(found["process"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _machine() -> str:
    """Name of the machine, or of the container, that numbers of processes are of."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _whose(found: dict) -> str:
    ago = time.time() - found["renewed"]
    machine = found["machine"].split()[0]
    return f" (process {found['process']} on {machine}, {ago:.0f} s ago)"
