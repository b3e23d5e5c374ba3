"""Link preview of the page, and its example for programs."""

import re

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp
from starlette.types import Receive
from starlette.types import Scope
from starlette.types import Send

FOREIGN_TAGS = re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>')
FOREIGN_CLIP = re.compile(r"https://github\.com/gradio-app/[\w./-]+/test_files/[\w.]+")
"""Link previews and example files of Gradio, which has no setting for them."""

TAGS = "".join(
    f'<meta property="og:{name}" content="{content}" />'
    for name, content in {
        "type": "website",
        "title": "audw2s: arousal, dominance and valence of speech",
        "description": "How does this voice sound? Upload a recording, or speak.",
    }.items()
)
"""Link preview of the page."""


class Preview:
    """Gradio's page with our name in link previews, and an example clip of ours.

    Args:
        app: Gradio's application
        root_path: path of the page behind a proxy

    """

    def __init__(self, app: ASGIApp, root_path: str):
        transport = httpx.ASGITransport(app, root_path=root_path)
        self.client = httpx.AsyncClient(transport=transport, trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page."""
        request = Request(scope)
        headers = request.headers.mutablecopy()
        headers["accept-encoding"] = "identity"
        page = await self.client.get(str(request.url), headers=headers)
        text = FOREIGN_TAGS.sub("", page.text).replace("<head>", f"<head>{TAGS}", 1)
        text = FOREIGN_CLIP.sub(f"{request.base_url}example.flac", text)
        await HTMLResponse(text, page.status_code)(scope, receive, send)
