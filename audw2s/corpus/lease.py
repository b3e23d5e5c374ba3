"""A lock in an object store: an object that is created once, and renewed."""

import contextlib
import json
import os
import pathlib
import socket
import threading
import time
import uuid
from typing import TYPE_CHECKING

from audw2s.audio.times import duration_text

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

NAME = ".lock"
"""Name of the object."""

RENEWED = 30.0
"""Seconds after which it is renewed."""

STALE = 300.0
"""Seconds without renewal after which another run may take it."""


class Lease:
    """Keeps other runs out as long as it is renewed, which a thread does.

    The store creates the object for one run only, and replaces it only by who has seen
    its last state. It says whose it is, and when it was renewed. That of a run that
    was killed is taken over: at once by a run on the same machine, which sees that the
    process has ended, and by others after :data:`STALE` seconds; clocks may differ by
    less than that. Shards have names of their own and are never changed, so that even
    two runs at once do no harm to each other's results.

    Args:
        store: folder of the run

    Raises:
        BlockingIOError: if another run has it
        OSError: if the store doesn't answer

    Examples:
        >>> from obstore.store import MemoryStore
        >>> store = MemoryStore()
        >>> lease = Lease(store)
        >>> try:
        ...     Lease(store)
        ... except BlockingIOError as error:
        ...     "process" in str(error)
        True
        >>> lease.close()
        >>> list(store.list())
        []

    """

    def __init__(self, store: "ObjectStore"):
        from obstore.exceptions import AlreadyExistsError
        from obstore.exceptions import PreconditionError

        self.store = store
        self.owner = uuid.uuid4().hex
        self.lost = False
        """Whether another run has taken it over."""

        try:
            self._write("create")
        except AlreadyExistsError:
            try:
                self._replace()
            except (PreconditionError, FileNotFoundError):
                raise BlockingIOError("") from None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._renew, daemon=True)
        self.thread.start()

    def _write(self, mode: "PutMode") -> None:
        content = {
            "owner": self.owner,
            "machine": _machine(),
            "process": os.getpid(),
            "renewed": time.time(),
        }
        self.store.put(NAME, json.dumps(content).encode(), mode=mode)

    def _replace(self) -> None:
        """Write it if it is that of this run, or of one that has ended.

        Raises:
            BlockingIOError: if it is another run's
            PreconditionError: if it becomes another run's at the same time

        """
        answer = self.store.get(NAME)
        try:
            content = json.loads(bytes(answer.bytes()))
            if content["owner"] != self.owner and not _is_over(content):
                raise BlockingIOError(_whose(content))
        except (ValueError, TypeError, KeyError):
            # Nothing that a run has written
            pass
        seen: UpdateVersion = {}
        if (tag := answer.meta["e_tag"]) is not None:
            seen["e_tag"] = tag
        if (version := answer.meta["version"]) is not None:
            seen["version"] = version
        self._write(seen)

    def _renew(self) -> None:
        while not self.ended.wait(RENEWED) and not self.lost:
            self.lost = not self._is_kept()

    def _is_kept(self) -> bool:
        from obstore.exceptions import PreconditionError

        try:
            self._replace()
        except (PreconditionError, FileNotFoundError, BlockingIOError):
            return False
        except Exception:  # noqa: BLE001
            # If the store doesn't answer, it may the next time
            pass
        return True

    def close(self) -> None:
        """Give it back."""
        self.ended.set()
        self.thread.join()
        self.lost = self.lost or not self._is_kept()
        if not self.lost:
            with contextlib.suppress(Exception):
                self.store.delete(NAME)


def _is_over(content: dict) -> bool:
    """Whether the run whose it is has ended, or must have."""
    if time.time() - content["renewed"] > STALE:
        return True
    if content["machine"] != _machine() or os.name != "posix":
        return False
    return _has_ended(content["process"])


def _has_ended(process: int) -> bool:
    """Whether a process of this machine has ended, also if its parent hasn't noticed.

    Examples:
        >>> _has_ended(os.getpid())
        False

    """
    try:
        os.kill(process, 0)
        state = pathlib.Path(f"/proc/{process}/stat").read_text()
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] in ("Z", "X")


def _machine() -> str:
    """Name of the machine, or of the container, that numbers of processes are of."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _whose(content: dict) -> str:
    ago = duration_text(time.time() - content["renewed"])
    machine = content["machine"].split()[0]
    return f" (process {content['process']} on {machine}, {ago} ago)"
