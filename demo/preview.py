"""Link preview of the page, and its example for programs."""

import re
from collections.abc import Callable

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from audw2s.demo.page import rendered

FOREIGN_TAGS = re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>')
FOREIGN_CLIP = re.compile(r"https://github\.com/gradio-app/[\w./-]+/test_files/[\w.]+")
"""Link previews and example files of Gradio, which has no setting for them."""


def preview(app: ASGIApp, root_path: str) -> Callable:
    """Gradio's page with our name in link previews, and examples with a clip of ours.

    Args:
        app: Gradio's application
        root_path: path of the page behind a proxy

    """
    transport = httpx.ASGITransport(app, root_path=root_path)
    client = httpx.AsyncClient(transport=transport, trust_env=False)
    tags = rendered("head.html")

    async def page(request: Request) -> Response:
        headers = {**request.headers, "accept-encoding": "identity"}
        answer = await client.get(str(request.url), headers=headers)
        text = FOREIGN_TAGS.sub("", answer.text).replace("<head>", f"<head>{tags}", 1)
        text = FOREIGN_CLIP.sub(f"{request.base_url}example.flac", text)
        kind = answer.headers["content-type"]
        return Response(text, answer.status_code, media_type=kind)

    return page
