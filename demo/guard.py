"""Who may ask for what: hosts, origins, a login and sizes; headers of every answer."""

import base64
import contextlib
import ipaddress
import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from starlette.types import Message
from starlette.types import Receive
from starlette.types import Scope
from starlette.types import Send

from audw2s.demo.settings import Settings
from audw2s.demo.words import RefusedError
from audw2s.demo.words import content

MAX_BODY = 1_000_000
"""Largest request in bytes, but for uploads."""

MAX_READ = 10 * MAX_BODY
"""Size in bytes up to which refused requests are read: clients that still send when the
connection ends never see the answer."""

SERVED = content("server.yaml")
"""Routes of Gradio, and headers of answers."""

FIXED = "max-age=31536000, immutable"
"""How long browsers may keep files whose content never changes."""


class Guard:
    """Application that refuses strangers, and passes on all others.

    Args:
        app: application behind it
        settings: names of the server, pages that may embed the page, and a login;
            addresses and ``localhost`` need not be named

    """

    def __init__(self, app: ASGIApp, settings: Settings):
        self.app = app
        hosts = "localhost", settings.host, *settings.allowed_host
        self.hosts = set(map(str.lower, hosts))
        policy = " ".join([SERVED["policy"], *settings.allow_embedding_from])
        self.headers = SERVED["headers"] | {"content-security-policy": policy}
        login = settings.login
        self.login = login and b"Basic " + base64.b64encode(login.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                # Names of assets have a hash; what else is kept may have changed
                is_fixed = message["status"] == 200 and "/assets/" in scope["path"]
                headers.setdefault("cache-control", FIXED if is_fixed else "no-cache")
            await send(message)

        app = self.app
        # An upload was cut: nobody is there to be answered
        with contextlib.suppress(ClientDisconnect):
            if scope["type"] == "http":
                request = Request(scope, receive)
                size = int(request.headers.get("content-length", 0))
                try:
                    self._check(request, size)
                except RefusedError as error:
                    app = refused(None, error)
                    if size < MAX_READ:
                        await read(request)
            await app(scope, receive, protected)

    def _check(self, request: Request, size: int) -> None:
        headers = request.headers
        host = headers.get("host", "")
        if not self._is_known(host):
            raise RefusedError("unknown_host", 421)
        origins = f"http://{host}", f"https://{host}"
        if headers.get("origin", origins[0]) not in origins:
            raise RefusedError("foreign_page", 403)
        given = headers.get("authorization", "")
        if self.login and not secrets.compare_digest(given.encode(), self.login):
            raise RefusedError("no_login", 401, SERVED["login"])
        if "transfer-encoding" in headers:
            raise RefusedError("no_size", 411)
        is_upload = request.url.path.endswith("/gradio_api/upload")
        if size > MAX_BODY and not is_upload:
            raise RefusedError("too_large", 413)

    def _is_known(self, host: str) -> bool:
        """Whether a host is an address, which no foreign name resolves to, or known."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name in self.hosts or bool(ipaddress.ip_address(name))
        except ValueError:
            return False


async def read(request: Request) -> None:
    """Read a refused request and keep nothing; what has no size may have no end."""
    size = 0
    async for part in request.stream():
        size += len(part)
        if size >= MAX_READ:
            return


def refused(_: object, error: Any) -> JSONResponse:
    """Answer to a :class:`RefusedError`, in the format of Gradio's errors."""
    content = {"detail": str(error), "error": str(error)}
    return JSONResponse(content, error.status, error.headers)
