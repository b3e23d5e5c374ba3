"""Filter requests: only routes that the page needs, and no addresses to fetch."""

import json
import re
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import MutableMapping
from typing import Any

MAX_BODY = 1_000_000
"""Largest request in bytes; uploads have another limit."""

REFUSED = re.compile(r"/(proxy=|file=\w+:/|component_server|vibe|monitoring|runs|run-)")
"""Routes of Gradio that the page doesn't need, and that fetch or reveal too much."""

POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"
)
"""Content that browsers may load: from this server, or inside the page."""

SENTENCE = "Addresses aren't fetched. Upload the file itself."

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Guard:
    """Middleware that refuses requests before an ASGI application sees them.

    Args:
        app: application behind it

    """

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])
        if REFUSED.search(path):
            await answer(send, 403, SENTENCE)
            return
        if scope["method"] == "POST" and not path.rstrip("/").endswith("/upload"):
            body = await whole_body(receive)
            if body is None:
                await answer(send, 413, "This request is too large. Upload files.")
                return
            if names_address(body):
                await answer(send, 403, SENTENCE)
                return
            receive = replayed(body, receive)
        await self.app(scope, receive, with_policy(send))


async def whole_body(receive: Receive) -> bytes | None:
    """Read a request; ``None`` if it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            return None
    return body


def replayed(body: bytes, receive: Receive) -> Receive:
    """Receiver that gives a body again that was read already."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def names_address(body: bytes) -> bool:
    """Whether a file in a request is an address.

    Examples:
        >>> names_address(b'{"data": [{"path": "http://127.0.0.1/a.wav"}]}')
        True
        >>> names_address(b'{"data": [{"path": "/tmp/a.wav"}]}')
        False

    """
    try:
        return _names_address(json.loads(body))
    except (ValueError, RecursionError):
        return False


def _names_address(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_names_address, value))
    if not isinstance(value, dict):
        return False
    path = value.get("path")
    if isinstance(path, str) and re.match(r"\s*\w+:/", path):
        return True
    return any(map(_names_address, value.values()))


async def answer(send: Send, status: int, sentence: str) -> None:
    """Answer with a sentence in the format of Gradio's errors."""
    body = json.dumps({"detail": sentence, "error": sentence}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def with_policy(send: Send) -> Send:
    """Sender that adds the security headers to a response."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                *message.get("headers", []),
                (b"content-security-policy", POLICY.encode()),
                (b"referrer-policy", b"no-referrer"),
                (b"x-content-type-options", b"nosniff"),
            ]
            message["headers"] = headers
        await send(message)

    return sent
