"""Calls of Gradio's functions: with uploaded files only, a share for each client."""

import collections
import contextlib
import json
import os
import re
import time
from dataclasses import dataclass
from dataclasses import field
from functools import partial

from starlette.requests import Request
from starlette.types import ASGIApp
from starlette.types import Message
from starlette.types import Receive
from starlette.types import Scope
from starlette.types import Send

from audw2s.demo.words import RefusedError

MAX_CALLS = 32
"""Most calls that wait or run."""

EXAMPLE = re.compile(rb'"https?:[^"\\]*/example\.flac"')
"""Address of the example clip in a call, which is a file of this server."""

IS_AWAITED = "audw2s.is_awaited"
"""Key in the scope of a call: function that says whether its client waits."""

GRACE_DUR = 5.0
"""Seconds within which clients have to ask for the answer of a call."""


@dataclass
class Call:
    """Call that waits or runs."""

    client: str
    session: str
    event: str = ""
    start: float = field(default_factory=time.monotonic)


class Calls:
    """Application that passes calls to Gradio, and streams with their answers back.

    A client may have as many calls as there are free places, so that one is left for
    others. A call is over when the stream with its answer ends.

    Args:
        app: Gradio's application
        folder: folder of uploads
        example: path of the example clip, which has an address for programs

    """

    def __init__(self, app: ASGIApp, folder: str, example: str):
        self.app = app
        self.example = json.dumps(example).encode()
        self.folder = os.path.realpath(folder)
        self.calls: list[Call] = []
        self.streams: collections.Counter[str] = collections.Counter()
        self.durations: collections.deque[float] = collections.deque([1.0], maxlen=20)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a call, or the stream with its answer.

        Raises:
            RefusedError: if a call is refused

        """
        request = Request(scope, receive)
        if request.method == "GET":
            return await self._stream(request, send)
        body = EXAMPLE.sub(lambda _: self.example, await request.body())
        call = Call(client_of(request), self._session(body))
        if not request.url.path.endswith("/cancel"):
            self._check_share(call.client)
        await self._ask(request, body, call, send)

    def is_awaited(self, call: Call) -> bool:
        """Whether the client listens to the answer, or may still begin to."""
        num_streams = self.streams[call.event] + self.streams[call.session]
        return num_streams > 0 or time.monotonic() < call.start + GRACE_DUR

    def _session(self, body: bytes) -> str:
        """Session of a call, whose files are uploads."""
        found: list[dict] = []
        try:
            json.loads(body, object_hook=found.append)
            paths = [os.path.realpath(one["path"]) for one in found if "path" in one]
            # The outermost object is complete last
            session = found[-1].get("session_hash") or ""
        except (ValueError, TypeError, IndexError, RecursionError):
            raise RefusedError("no_call") from None
        if not all(path.startswith(self.folder + os.sep) for path in paths):
            raise RefusedError("no_upload", 403)
        return session

    def _check_share(self, client: str) -> None:
        self.calls = list(filter(self.is_awaited, self.calls))
        clients = [call.client for call in self.calls]
        if clients.count(client) >= MAX_CALLS - len(clients):
            seconds = max(1, round(sum(self.durations) / len(self.durations)))
            counts = {"count": len(clients), "seconds": seconds}
            headers = {"retry-after": str(seconds)}
            raise RefusedError("too_many_calls", 429, headers, **counts)

    async def _ask(self, request: Request, body: bytes, call: Call, send: Send) -> None:
        """Pass on a call, which is known from Gradio's answer on."""
        waiting = [{"type": "http.request", "body": body}]
        scope = {**request.scope, IS_AWAITED: partial(self.is_awaited, call)}

        async def receive() -> Message:
            return waiting.pop() if waiting else await request.receive()

        async def watched(message: Message) -> None:
            with contextlib.suppress(ValueError, KeyError):
                call.event = json.loads(message.get("body", b""))["event_id"]
                call.session = call.session or call.event
                self.calls.append(call)
            await send(message)

        await self.app(scope, receive, watched)

    async def _stream(self, request: Request, send: Send) -> None:
        """Pass on a stream; calls whose answers it brings are over when it ends."""
        session = request.query_params.get("session_hash", "")
        key = request.path_params.get("event", session)
        self.streams[key] += 1
        try:
            await self.app(request.scope, request.receive, send)
        finally:
            self.streams -= collections.Counter([key])
            ended = [call for call in self.calls if key in (call.event, call.session)]
            self.durations.extend(time.monotonic() - call.start for call in ended)
            self.calls = [call for call in self.calls if call not in ended]


def client_of(request: Request) -> str:
    """Address of a client."""
    return request.client.host if request.client else ""
