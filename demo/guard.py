"""Who may ask for what: hosts, origins and a login by list, headers of every answer."""

import base64
import ipaddress
import secrets
from collections.abc import Mapping
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from starlette.types import Message
from starlette.types import Receive
from starlette.types import Scope
from starlette.types import Send

MAX_BODY = 1_000_000
"""Largest request in bytes, but for uploads."""

POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "base-uri 'self'; form-action 'self'; object-src 'none'; frame-ancestors 'self'"
)
"""Content that browsers may load: from this server, or inside the page."""

HEADERS = {
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer, beside the policy."""

LOGIN = {"www-authenticate": 'Basic realm="audw2s", charset="UTF-8"'}
"""Header that makes browsers ask for user and password."""


class Guard:
    """Middleware that refuses strangers, and large requests.

    Args:
        app: application behind it
        hosts: names of the server; addresses and ``localhost`` need not be named
        frames: origins whose pages may embed the page
        login: ``"user:password"``, ``None`` if everybody may use the page

    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Sequence[str] = (),
        frames: Sequence[str] = (),
        login: str | None = None,
    ):
        self.app = app
        self.hosts = {"localhost", *map(str.lower, hosts)}
        self.headers = HEADERS | {
            "content-security-policy": " ".join([POLICY, *frames])
        }
        self.login = login and b"Basic " + base64.b64encode(login.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        num_bytes = 0

        async def bounded() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > MAX_BODY:
                raise HTTPException(413, "This request is too large. Upload files.")
            return message

        is_upload = scope["path"].endswith("/gradio_api/upload")
        app = self._refusal(Request(scope)) or self.app
        try:
            await app(scope, receive if is_upload else bounded, protected)
        except ClientDisconnect:
            pass  # An upload was cut: nobody is there to be answered

    def _refusal(self, request: Request) -> JSONResponse | None:
        host = request.headers.get("host", "")
        origin = request.headers.get("origin", f"http://{host}")
        if not self._is_known(host):
            return refusal(
                421,
                "This page has no such name. Start it with '--allowed-host NAME' to "
                "add one.",
            )
        if origin not in (f"http://{host}", f"https://{host}"):
            return refusal(403, "Requests of other pages aren't answered.")
        given = request.headers.get("authorization", "")
        if self.login and not secrets.compare_digest(given.encode(), self.login):
            return refusal(401, "Log in with user and password.", LOGIN)
        return None

    def _is_known(self, host: str) -> bool:
        """Whether a host is an address, which no foreign name resolves to, or known."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.hosts or bool(ipaddress.ip_address(name))
        except ValueError:
            return False


async def explained(_: Request, error: Exception) -> JSONResponse:
    """Answer to a request that an application refused."""
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, error.detail, error.headers)


def refusal(
    status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Answer with a sentence in the format of Gradio's errors."""
    content = {"detail": sentence, "error": sentence}
    return JSONResponse(content, status, headers)
